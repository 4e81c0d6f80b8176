"""Last readings: where a vehicle was left, and at which odometer, at the end of each day on which it spoke.

Belongs here: the small table that lets a silence of weeks be told without weeks of telemetry. Does not belong here: what
was driven in such a silence (`trips.unobserved`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fleet_assets.contracts import LAST_READINGS, TELEMETRY
from fleet_assets.core.window import Window

REACH = timedelta(days=31)
"""How long a silence may be over which two readings are compared: like a stop."""

TOLD = ("vehicle_id", "recorded_at", "source", "odometer_km", "latitude_deg", "longitude_deg")
"""Columns of telemetry that readings are made of, and give back."""


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


def readings_before(readings: pl.LazyFrame, telemetry: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """Rows of telemetry (columns TOLD) that say where vehicles were left which the look-back of the window is silent of.

    Of each source of a vehicle the newest reading before `window.start`, where it told none of that kind between then
    and `window.day_start`. `telemetry` covers the window.
    """
    present = telemetry.collect_schema().names()
    missing = [pl.lit(None, TELEMETRY.schema[name]).alias(name) for name in TOLD if name not in present]
    before = pl.col("recorded_at") < pl.lit(window.day_start)
    heard = telemetry.filter(before).with_columns(missing).select(TOLD)
    told = readings.filter(pl.col("recorded_at") < pl.lit(window.start))
    kinds = ((("odometer_km",), "odometer_at"), (("latitude_deg", "longitude_deg"), "positioned_at"))
    return pl.concat([_silent(told, heard, values, instant) for values, instant in kinds], how="diagonal")


def _silent(told: pl.LazyFrame, heard: pl.LazyFrame, values: tuple[str, ...], instant: str) -> pl.LazyFrame:
    """The newest readings of one kind of the sources that told none of it in the look-back."""
    key = ["vehicle_id", "source"]
    speaking = heard.filter(pl.all_horizontal(pl.col(values).is_not_null())).select(key).unique()
    newest = told.filter(pl.col(instant).is_not_null()).sort(instant).unique(key, keep="last", maintain_order=True)
    return newest.join(speaking, on=key, how="anti").select(
        "vehicle_id", pl.col(instant).alias("recorded_at"), "source", *values
    )
