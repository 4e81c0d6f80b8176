"""Rules on single steps of a level: two readings, ten points, ten minutes.

Belongs here: what compares readings next to each other, or minutes apart. Does not belong here: stays (`stays`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.theft.baselines.readings import SCORED, before, runs

LEAST_L = 2.0
"""l of a fall from which it is told, so that thresholds can be swept from there."""
LEAST_PCT = 1.0
"""Points from which a fall is told."""
NEWEST = 200
"""Readings that are looked at, counted from the newest."""


def two_readings(readings: pl.DataFrame) -> pl.DataFrame:
    """A level that is lower than the one told before it, by so many litres: the rule of simple trackers, as Traccar
    has it. It knows neither noise nor time: a silence of hours is a step like any other."""
    fall = before("litres") - pl.col("litres")
    return _steps(readings, fall, fall, LEAST_L)


def ten_points(readings: pl.DataFrame) -> pl.DataFrame:
    """A fall of so many points between two readings among the newest 200, as VoltTracker has it, looked at every hour:
    of a vehicle that says more in an hour, what came before those is never seen."""
    is_seen = pl.col("at").cum_count(reverse=True).over("vehicle_id", pl.col("at").dt.truncate("1h")) < NEWEST
    fall = before("pct") - pl.col("pct")
    return _steps(readings, before("litres") - pl.col("litres"), pl.when(is_seen).then(fall), LEAST_PCT)


def _steps(readings: pl.DataFrame, drop: pl.Expr, score: pl.Expr, least: float) -> pl.DataFrame:
    told = readings.with_columns(
        drop.alias("volume_l"), score.alias("score"), before("at").alias("started_at"), pl.col("at").alias("ended_at")
    )
    return told.filter(pl.col("score") >= least).select(SCORED.names())


def ten_minutes(readings: pl.DataFrame) -> pl.DataFrame:
    """The sum of all changes of ten minutes against a share of the tank (the sensor's accuracy), as Navixy has it: what
    a step across a silence changed counts where the level is told again. One event per run of readings over the
    threshold, which here is the least that is told, so that neighbours over a higher one are one event too."""
    change = (pl.col("litres") - before("litres")).fill_null(0.0)
    moved = readings.with_columns(change.alias("change"))
    fell = -pl.col("change").rolling_sum_by("at", window_size="10m").over("vehicle_id")
    told = moved.with_columns(fell.alias("drop")).with_columns(
        (100 * pl.col("drop") / pl.col("capacity_l")).alias("score")
    )
    return runs(told.with_columns((pl.col("score") >= LEAST_PCT).alias("is_flagged")))
