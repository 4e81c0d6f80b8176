"""Sums of a vehicle's rows over spans of time that differ from candidate to candidate.

Belongs here: finding those rows, and adding them up. Does not belong here: what is summed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, I64, kernel, read_only

ONE = "_one"
"""Column that numbers candidates while others are joined to them."""


class Timeline:
    """Rows by vehicle, in order of an instant of theirs (`at`): what is summed, and where each vehicle's rows are."""

    def __init__(self, rows: pl.DataFrame, at: str, names: Sequence[str]) -> None:
        told = rows.select("vehicle_id", pl.col(at).dt.epoch("us").alias("at"), *names)
        self._rows = told if _is_ordered(told) else told.sort("vehicle_id", "at", maintain_order=True)
        self._at = read_only(self._rows["at"].to_numpy())
        self._names = tuple(names)
        runs = self._rows["vehicle_id"].rle().struct.unnest()
        end = runs["len"].cast(pl.Int64).cum_sum()
        self._vehicles = pl.DataFrame({"vehicle_id": runs["value"], "begin": end - runs["len"], "end": end})

    def sums(self, candidates: pl.DataFrame, first: pl.Expr, last: pl.Expr) -> pl.DataFrame:
        """Per candidate the sums over its vehicle's rows later than `first` and no later than `last`, added one after
        the other; what is not known adds nothing."""
        spans = [candidates.select(one.dt.epoch("us")).to_series().to_numpy() for one in (first, last)]
        asked = candidates.select("vehicle_id").join(
            self._vehicles, on="vehicle_id", how="left", maintain_order="left"
        )  # fmt: skip
        begin, end = (read_only(asked[name].fill_null(0).to_numpy()) for name in ("begin", "end"))
        rows = _rows_within(self._at, begin, end, read_only(spans[0]), read_only(spans[1]))
        values = (self._rows[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in self._names)
        return pl.DataFrame([
            pl.Series(name, _summed(read_only(told), rows)) for name, told in zip(self._names, values, strict=True)
        ])  # fmt: skip


def _is_ordered(rows: pl.DataFrame) -> bool:
    """Whether rows are by vehicle, each one's together and in order of `at`."""
    is_same = pl.col("vehicle_id") == pl.col("vehicle_id").shift(1)
    is_in_order = (~is_same | (pl.col("at") >= pl.col("at").shift(1))).fill_null(value=True).all()
    changes = (~is_same).fill_null(value=True).sum()
    told = rows.select(is_in_order.alias("ordered"), changes.alias("runs"), pl.col("vehicle_id").n_unique().alias("n"))
    ordered, runs, vehicles = told.row(0)
    return bool(ordered and runs == vehicles)


@kernel
def _rows_within(at: I64, begin: I64, end: I64, first: I64, last: I64) -> I64:
    """Per candidate the bounds of its rows: of those in [begin, end) the ones with first < at <= last."""
    rows = np.empty((len(begin), 2), dtype=np.int64)
    for k in range(len(begin)):
        part = at[begin[k] : end[k]]
        rows[k, 0] = begin[k] + np.searchsorted(part, first[k], side="right")
        rows[k, 1] = begin[k] + np.searchsorted(part, last[k], side="right")
    return rows


@kernel
def _summed(values: F64, rows: I64) -> F64:
    sums = np.zeros(len(rows))
    for k in range(len(rows)):
        for i in range(rows[k, 0], rows[k, 1]):
            sums[k] += values[i]
    return sums
