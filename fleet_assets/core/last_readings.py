"""Last readings: where a vehicle was left, and at which odometer, at the end of each day on which it spoke.

Belongs here: the small tables that let a silence of weeks be told without weeks of telemetry.
Does not belong here: what was driven in such a silence (`trips.unobserved`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fleet_assets.contracts import LAST_READINGS, READINGS_BEFORE_SILENCE, TIMESTAMP
from fleet_assets.core.window import Window

TOLD = ("vehicle_id", "recorded_at", "source", "odometer_km", "latitude_deg", "longitude_deg")
"""Columns of telemetry that readings are made of."""


def last_readings(telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """LAST_READINGS rows, one per vehicle, source and UTC day on which an odometer or a position was told."""
    read, placed = pl.col("odometer_km").is_not_null(), _is_placed()
    at = pl.col("recorded_at")
    last = (
        telemetry.select(TOLD)
        .filter(read | placed)
        .group_by("vehicle_id", "source", at.dt.date().alias("date"))
        .agg(
            at.max(),
            at.filter(read).max().alias("odometer_at"),
            pl.col("odometer_km").filter(read).sort_by(at.filter(read)).last(),
            at.filter(placed).max().alias("positioned_at"),
            pl.col("latitude_deg", "longitude_deg").filter(placed).sort_by(at.filter(placed)).last(),
        )
    )
    return last.select(LAST_READINGS.schema.names()).sort(LAST_READINGS.order)


def _is_placed() -> pl.Expr:
    return pl.col("latitude_deg").is_not_null() & pl.col("longitude_deg").is_not_null()


def readings_before_silence(readings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """READINGS_BEFORE_SILENCE rows of the window's day from LAST_READINGS rows of its look-back.

    Of each source of a vehicle that told no odometer, or no place, on the day before, the newest one it told before
    that. So trips find what was driven in a silence of days, and a late row of an old day moves the trips of those days
    only on which the vehicle broke its silence.
    """
    silent_since = window.day_start - timedelta(days=1)
    told = readings.filter(pl.col("recorded_at") < pl.lit(window.day_start))
    kinds = ((("odometer_km",), "odometer_at"), (("latitude_deg", "longitude_deg"), "positioned_at"))
    rows = pl.concat([_left(told, values, instant) for values, instant in kinds], how="diagonal")
    silent = rows.filter(pl.col("recorded_at") < pl.lit(silent_since))
    merged = silent.group_by("vehicle_id", "source", "recorded_at").agg(pl.all().drop_nulls().first())
    return READINGS_BEFORE_SILENCE.conform(merged.with_columns(silent_at=pl.lit(window.day_start).cast(TIMESTAMP)))


def _left(told: pl.LazyFrame, values: tuple[str, ...], instant: str) -> pl.LazyFrame:
    """The newest reading of one kind of every source of a vehicle."""
    newest = told.filter(pl.col(instant).is_not_null()).sort(instant).unique(["vehicle_id", "source"], keep="last")
    return newest.select("vehicle_id", "source", pl.col(instant).alias("recorded_at"), *values)
