"""Strata: kinds of thefts by how hard they are to see.

Belongs here: which theft is in which stratum, by columns of the simulator's truth. Does not belong here: whether it was
found (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import polars as pl

SEEN_SNR = 3.0
"""Volume over the best noise a sender allows, from which a theft can be seen at all."""

IS_SEEN = (pl.col("snr") >= SEEN_SNR) & ~pl.col("is_masked")
"""Whether a theft can be seen at all: not below the noise, and not hidden by a refuel in the same silence."""


def cut(value: pl.Expr, bounds: Sequence[float]) -> pl.Expr:
    """The interval between bounds in words; ordered from low to high."""
    names = [f"below {bounds[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(bounds)), f"{bounds[-1]:g} and more"]
    return value.bin_intervals(bounds, labels=names)


_MINUTES = (pl.col("ended_at") - pl.col("started_at")).dt.total_seconds() / 60
OFF = pl.when("reports_while_off").then(pl.lit("reports")).otherwise(pl.lit("silent"))
"""Whether a sender reports with the ignition off."""
_LARGE = pl.when(pl.col("volume") >= 20).then(pl.lit("20+ l")).otherwise(pl.lit("10-20 l"))

_SIGHT = (
    pl.when("is_masked").then(pl.lit("hidden by a refuel")).when(IS_SEEN).then(pl.lit("can be seen"))
    .otherwise(pl.lit("below the noise"))
)  # fmt: skip

STRATA: Mapping[str, pl.Expr] = {
    "sight": _SIGHT,
    "size, while off": pl.concat_str(_LARGE, OFF, separator=", "),
    "volume over noise": cut(pl.col("snr"), (SEEN_SNR, 5.0, 10.0)),
    "litres": cut(pl.col("volume"), (20, 50)),
    "minutes": cut(_MINUTES, (5, 15)),
    "while off": OFF,
    "counter": pl.when("has_counter").then(pl.lit("yes")).otherwise(pl.lit("no")),
    "levels apart": pl.when(pl.col("gap_s") > 3600).then(pl.lit("over an hour")).otherwise(pl.lit("an hour at most")),
    "sender": pl.col("sender"),
}
"""Strata by name: of each theft the part of the truth it lies in."""


def by_stratum(thefts: pl.DataFrame, measures: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Rows `by`, `stratum`, `thefts` and the measures (aggregates): every stratum in its order, without empty ones."""
    parts = [
        thefts.group_by(stratum=stratum).agg(pl.len().cast(pl.Int64).alias("thefts"), **measures).sort("stratum")
        .select(pl.lit(name).alias("by"), pl.col("stratum").cast(pl.String), pl.exclude("stratum"))
        for name, stratum in STRATA.items()
    ]  # fmt: skip
    return pl.concat(parts)
