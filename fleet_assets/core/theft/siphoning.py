"""Slow losses: series of nights of siphoning, and leaks, and how soon they were found.

Belongs here: judging what takes days. Does not belong here: thefts at once (`evaluation`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fleet_assets.core.theft.bound import with_slow_bound

NIGHTS = 5
"""Nights of loss within which a series should be found."""

_DAY = timedelta(days=1)


def slow_losses(found: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Per series of siphoning and per leak of `events` (the truth): kind, reports_while_off, volume (l), and whether an
    event of `found` lies in it at all (`is_found`), and was there within NIGHTS nights (`is_early`); a day counts on
    either side. Where found events tell when they were final (`closed_at`), that is when they were there. `bound` is
    the chance that the levels of so many nights tell it at all (`bound.with_slow_bound`); null of a leak, which has no
    nights."""
    closed = "closed_at" if "closed_at" in found.columns else "started_at"
    losses = found.select("vehicle_id", begins="started_at", ends="ended_at", told=closed)
    slow = with_slow_bound(_slow(events))
    hits = slow.join(losses, on="vehicle_id").filter(
        (pl.col("begins") <= pl.col("ended_at") + _DAY) & (pl.col("ends") >= pl.col("started_at") - _DAY)
    )
    early = hits.filter(pl.col("told") <= pl.col("fifth_at") + _DAY)
    return slow.with_columns(
        pl.col("series").is_in(hits["series"].unique().implode()).alias("is_found"),
        pl.col("series").is_in(early["series"].unique().implode()).alias("is_early"),
    )


def _slow(events: pl.DataFrame) -> pl.DataFrame:
    """One row per series and per leak."""
    nights = events.filter(pl.col("kind") == "siphoning").sort("started_at")
    series = nights.group_by("series", maintain_order=True).agg(
        pl.col("vehicle_id", "reports_while_off").first(), kind=pl.lit("siphoning"),
        started_at=pl.col("started_at").first(), ended_at=pl.col("ended_at").last(),
        fifth_at=pl.col("ended_at").head(NIGHTS).last(), volume=pl.col("volume").sum(),
        snr=pl.col("snr").head(NIGHTS).pow(2).sum().sqrt(),
    )  # fmt: skip
    leaks = events.filter(pl.col("kind") == "leak").with_columns(
        series=pl.col("vehicle_id") + pl.int_range(pl.len()).cast(pl.String),
        fifth_at=pl.col("ended_at"),
        snr=pl.lit(None, pl.Float64),
    )
    return pl.concat([series, leaks.select(series.columns)])
