"""Event assets: trips and stops, in the day in which they became final.

Does not belong here: the rules of segmentation (`core`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from fleet_assets.contracts import (
    DRIVER_ASSIGNMENTS,
    LAST_READINGS,
    READINGS_BEFORE_SILENCE,
    STANDING_PERIODS,
    STOPS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    ZONES,
)
from fleet_assets.core.last_readings import last_readings, readings_before_silence
from fleet_assets.core.standing import StandingRules, standing_periods
from fleet_assets.core.stops import StopRules, derive_stops
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.defs.day_assets import Day, OwnDay, day_asset
from fleet_assets.places import Places


def default_zone(places: Places, _day: date) -> Iterable[str]:
    """The zone of vehicles that state none is a setting outside the lake that decides local days."""
    return [f"timezone={places.settings.timezone}"]


@day_asset(LAST_READINGS, reads=(TELEMETRY,), group="events")
def readings(day: Day) -> pl.LazyFrame:
    """Odometer and place at the end of each day: a silence of weeks is told without weeks of telemetry."""
    return last_readings(day.read(TELEMETRY))


@day_asset(READINGS_BEFORE_SILENCE, reads=(LAST_READINGS,), group="events")
def before_silence(day: Day) -> pl.LazyFrame:
    """What was last told of vehicles that were silent the day before: trips read it instead of a month of readings."""
    return readings_before_silence(day.read(LAST_READINGS), day.window)


@day_asset(
    TRIPS, reads=(TELEMETRY, OwnDay(READINGS_BEFORE_SILENCE), VEHICLES, DRIVER_ASSIGNMENTS), group="events",
    sources=default_zone, spill_days=1,
)  # fmt: skip
def trips(day: Day) -> pl.LazyFrame:
    """Movement between two ends, each end with its reason; distance, fuel and energy with their sources."""
    rules = TripRules(default_timezone=day.places.settings.timezone)
    reference = day.read(VEHICLES), day.read(DRIVER_ASSIGNMENTS)
    return segment_trips(day.read(TELEMETRY), *reference, day.window, rules, day.read(READINGS_BEFORE_SILENCE))


@day_asset(STANDING_PERIODS, reads=(TELEMETRY, VEHICLES), group="events")
def standing(day: Day) -> pl.LazyFrame:
    """What was observed while vehicles stood; small, so that a long stay is built without weeks of telemetry."""
    return standing_periods(day.read(TELEMETRY), StandingRules(), day.read(VEHICLES))


@day_asset(STOPS, reads=(TRIPS, STANDING_PERIODS, ZONES, VEHICLES), group="events", sources=default_zone)
def stops(day: Day) -> pl.LazyFrame:
    """Stays between two trips: idling, refuelling, charging or parking."""
    rules = StopRules(default_timezone=day.places.settings.timezone)
    inputs = (day.read(TRIPS), day.read(STANDING_PERIODS), day.read(ZONES), day.read(VEHICLES))
    return derive_stops(*inputs, day.window, rules)
