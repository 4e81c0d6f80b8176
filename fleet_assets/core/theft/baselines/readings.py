"""Readings: telemetry as detectors of others see it, one row per level that was told; and the events that they find.

Belongs here: litres and points of both tanks together, and runs of rows as events. Does not belong here: any rule.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fleet_assets.contracts.schema import TIMESTAMP

READING = pl.Schema({
    "vehicle_id": pl.String(), "at": TIMESTAMP, "litres": pl.Float64(), "pct": pl.Float64(), "capacity_l": pl.Float64(),
    "speed_kmh": pl.Float64(), "odometer_km": pl.Float64(), "is_ignition_on": pl.Boolean(), "local_hour": pl.Int64(),
    "local_weekday": pl.Int64(),
})  # fmt: skip
"""A level with what was told beside it; the clock is that of the vehicle's zone, 1 is Monday."""

SCORED = pl.Schema({
    "vehicle_id": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP, "volume_l": pl.Float64(),
    "score": pl.Float64(),
})  # fmt: skip
"""An event that a detector found: the more its score, the surer it is."""


def readings_of(telemetry: pl.DataFrame, tanks: pl.DataFrame) -> pl.DataFrame:
    """READING of every row that tells a level, in order. `tanks`: vehicle_id, tank_l, tank_2_l, timezone: detectors
    are given the size of every tank, also of those that the platform does not know."""
    known = telemetry.join(tanks, on="vehicle_id", maintain_order="left")
    first = pl.coalesce("fuel_level_l", pl.col("fuel_level_pct") / 100 * pl.col("tank_l"))
    second = (pl.col("fuel_level_2_pct") / 100 * pl.col("tank_2_l")).fill_null(0.0)
    sized = known.filter(first.is_not_null()).with_columns(
        (first + second).alias("litres"), (pl.col("tank_l") + pl.col("tank_2_l").fill_null(0.0)).alias("capacity_l"),
        pl.col("recorded_at").alias("at"),
    )  # fmt: skip
    told = sized.with_columns((100 * pl.col("litres") / pl.col("capacity_l")).alias("pct"))
    return _with_clock(told).select(READING.names()).sort("vehicle_id", "at")


def _with_clock(rows: pl.DataFrame) -> pl.DataFrame:
    hour, day = (pl.lit(None, pl.Int64) for _ in range(2))
    for zone in sorted(rows["timezone"].drop_nulls().unique()):
        local, is_here = pl.col("at").dt.convert_time_zone(zone), pl.col("timezone") == zone
        hour = pl.when(is_here).then(local.dt.hour().cast(pl.Int64)).otherwise(hour)
        day = pl.when(is_here).then(local.dt.weekday().cast(pl.Int64)).otherwise(day)
    return rows.with_columns(hour.alias("local_hour"), day.alias("local_weekday"))


def before(name: str) -> pl.Expr:
    """A column of the vehicle's reading before."""
    return pl.col(name).shift(1).over("vehicle_id")


def runs(rows: pl.DataFrame, apart: timedelta | None = None) -> pl.DataFrame:
    """SCORED of readings that are flagged (`is_flagged`), with `drop` (l) and `score` each: one event per run of
    neighbouring flagged readings of a vehicle, or of those no more than `apart` from each other; it begins with the
    reading before, and has the largest drop and score of its readings."""
    led = rows.with_columns(before("at").alias("from_at"), before("is_flagged").alias("was_flagged"))
    is_new = ~pl.col("was_flagged").fill_null(value=False)
    if apart is None:
        flagged = led.with_columns(is_new.cum_sum().alias("run")).filter("is_flagged")
    else:
        flagged = led.filter("is_flagged")
        since = (pl.col("at") - before("at")) > apart
        flagged = flagged.with_columns(since.fill_null(value=True).cum_sum().alias("run"))
    return flagged.group_by("vehicle_id", "run", maintain_order=True).agg(
        pl.coalesce(pl.col("from_at").first(), pl.col("at").first()).alias("started_at"),
        pl.col("at").last().alias("ended_at"), pl.col("drop").max().alias("volume_l"), pl.col("score").max(),
    ).select(SCORED.names())  # fmt: skip
