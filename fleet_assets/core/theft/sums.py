"""Sums of a vehicle's rows over spans of time that differ from candidate to candidate.

Belongs here: running sums, and their differences. Does not belong here: what is summed.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

ONE = "_one"
"""Column that numbers candidates while others are joined to them."""


def running(rows: pl.DataFrame, at: str, names: Sequence[str]) -> pl.DataFrame:
    """Running sums of columns by vehicle, in order of the instant `at`; what is not known adds nothing."""
    ordered = rows.select("vehicle_id", pl.col(at).alias("at"), *names).sort("vehicle_id", "at", maintain_order=True)
    sums = [pl.col(name).cast(pl.Float64).fill_null(0.0).cum_sum().over("vehicle_id") for name in names]
    return ordered.with_columns(sums).sort("at", maintain_order=True)


def sums_within(candidates: pl.DataFrame, sums: pl.DataFrame, first: pl.Expr, last: pl.Expr) -> pl.DataFrame:
    """Per candidate the sums (of `running`) over its vehicle's rows later than `first` and no later than `last`."""
    upto, before = (_until(candidates, sums, at) for at in (last, first))
    return pl.DataFrame([upto[name] - before[name] for name in upto.columns])


def _until(candidates: pl.DataFrame, sums: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    asked = candidates.select(ONE, "vehicle_id", at.alias("at")).sort("at")
    told = asked.join_asof(sums, on="at", by="vehicle_id", strategy="backward", check_sortedness=False)
    names = [name for name in sums.columns if name not in ("vehicle_id", "at")]
    return told.sort(ONE).select(pl.col(names).fill_null(0.0))
