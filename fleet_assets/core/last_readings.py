"""Last readings: where a vehicle was left, at which odometer and fuel counter, on each day on which it spoke.

Belongs here: the small tables that let a silence of weeks be told without weeks of telemetry, and a day without the day
before it. Does not belong here: what was driven in such a silence (`trips.unobserved`) and used in an hour (`use`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from fleet_assets.contracts import LAST_READINGS, READINGS_BEFORE_SILENCE, RISES_OVER_MIDNIGHT, TIMESTAMP
from fleet_assets.core.geo import great_circle_expr
from fleet_assets.core.window import Window

Kind = tuple[tuple[str, ...], str]
"""Columns that are told at one instant, and the column of that instant."""

_WAY: dict[str, Kind] = {
    "odometer": (("odometer_km",), "odometer_at"), "place": (("latitude_deg", "longitude_deg"), "positioned_at"),
}  # fmt: skip
_KINDS = _WAY | {"fuel": (("fuel_used_total_l",), "fuel_used_at")}

FIRST = "first_"
"""Prefix of the columns of the first reading of a day."""

TOLD = ("vehicle_id", "recorded_at", "source", *(name for values, _ in _KINDS.values() for name in values))
"""Columns of telemetry that readings are made of."""

WAITS = timedelta(hours=1)
"""Longer than any drive that nobody saw waits for its odometer before it is final (`SegmentationRules`)."""


def last_readings(telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """LAST_READINGS rows, one per vehicle, source and UTC day on which an odometer, a position or a fuel counter was
    told."""
    at = pl.col("recorded_at")
    by = ("vehicle_id", "source", at.dt.date().alias("date"))
    ends = [column for kind in _KINDS.values() for column in _ends(kind)]
    told = pl.any_horizontal(_is_told(values) for values, _ in _KINDS.values())
    found = telemetry.select(TOLD).filter(told).group_by(by).agg(at.max(), *ends)
    return found.select(LAST_READINGS.schema.names()).sort(LAST_READINGS.order)


def _ends(kind: Kind) -> tuple[pl.Expr, ...]:
    """Instant and values of the newest reading of one kind, and of the oldest."""
    values, instant = kind
    at = pl.when(_is_told(values)).then("recorded_at")
    return (
        at.max().alias(instant), *(pl.col(name).max_by(at) for name in values),
        at.min().alias(f"{FIRST}{instant}"), *(pl.col(name).min_by(at).name.prefix(FIRST) for name in values),
    )  # fmt: skip


def _is_told(values: Sequence[str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(name).is_not_null() for name in values)


def readings_before_silence(readings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """READINGS_BEFORE_SILENCE rows of the window's day from LAST_READINGS rows of its look-back.

    Of each source of a vehicle that told no odometer, or no place, on the day before, the newest one it told before
    that; of vehicles alone of which something is told on the day itself, so that a day without readings has no rows,
    whether or not it was ever asked for. So trips find what was driven in a silence of days, and a late row of an old
    day moves the trips of those days only on which the vehicle broke its silence. One that broke it in the last
    `WAITS` of the day before has its rows on both days: its drive may become final after midnight.
    """
    rows = pl.concat([_before_silence(readings, kind, window) for kind in _WAY.values()], how="diagonal")
    merged = rows.group_by("vehicle_id", "source", "recorded_at").agg(pl.all().drop_nulls().first())
    return READINGS_BEFORE_SILENCE.conform(merged.with_columns(silent_at=pl.lit(window.day_start).cast(TIMESTAMP)))


def _before_silence(readings: pl.LazyFrame, kind: Kind, window: Window) -> pl.LazyFrame:
    """The newest readings of one kind before the day before, of those sources to which that day was silent, nearly."""
    at, who = pl.col("recorded_at"), ["vehicle_id", "source"]
    eve, instant = pl.lit(window.day_start - timedelta(days=1)), kind[1]
    left = _left(readings.filter(at < eve), *kind)
    spoke = readings.filter(at >= eve, at < pl.lit(window.day_start), pl.col(instant).is_not_null())
    is_of_day = at.is_between(pl.lit(window.day_start), pl.lit(window.day_end), closed="left")
    silent = left.join(spoke, on=who, how="anti").join(readings.filter(is_of_day), on="vehicle_id", how="semi")
    late = spoke.filter(pl.col(f"{FIRST}{instant}") >= pl.lit(window.day_start - WAITS))
    return pl.concat([silent, left.join(late, on=who, how="semi")])


def _left(told: pl.LazyFrame, values: tuple[str, ...], instant: str) -> pl.LazyFrame:
    """The newest reading of one kind of every source of a vehicle."""
    newest = told.filter(pl.col(instant).is_not_null()).sort(instant).unique(["vehicle_id", "source"], keep="last")
    return newest.select("vehicle_id", "source", pl.col(instant).alias("recorded_at"), *values)


def rises_over_midnight(readings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """RISES_OVER_MIDNIGHT rows of the window's days from LAST_READINGS rows of these days and their look-back.

    So what a counter rose by over a midnight, or over a silence of days, is known beside one day of telemetry; and a
    late row moves no day but its own and the next one on which its vehicle spoke.
    """
    found = [
        _rise(readings, day, kind, name)
        for day in window.days(RISES_OVER_MIDNIGHT.look_back)
        for name, kind in _KINDS.items()
    ]
    return RISES_OVER_MIDNIGHT.conform(pl.concat(found)).sort(RISES_OVER_MIDNIGHT.order)


def _rise(readings: pl.LazyFrame, day: Window, kind: Kind, name: str) -> pl.LazyFrame:
    """The rises of one kind over the midnight that begins a day."""
    values, instant = kind
    at = pl.col("recorded_at")
    before = readings.filter((at >= pl.lit(day.start)) & (at < pl.lit(day.day_start)))
    today = readings.filter((at >= pl.lit(day.day_start)) & (at < pl.lit(day.day_end)))
    first = today.filter(pl.col(f"{FIRST}{instant}").is_not_null())
    both = _left(before, *kind).join(first, on=["vehicle_id", "source"], suffix="_of_day")
    now = [pl.col(f"{FIRST}{value}") for value in values]
    is_place = name == "place"
    after = great_circle_expr(*map(pl.col, values), *now) if is_place else now[0]
    return both.select(
        "vehicle_id", "source", kind=pl.lit(name), began_at="recorded_at", ended_at=f"{FIRST}{instant}",
        before=pl.lit(None, pl.Float64) if is_place else pl.col(values[0]), after=after,
    )  # fmt: skip
