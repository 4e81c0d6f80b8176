"""Event tables: trips, stops and charges, in the day in which they became final, and the small tables that they read.

Does not belong here: the rules of segmentation (`core`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import (
    DRIVER_ASSIGNMENTS,
    FUEL_BALANCE,
    FUEL_EVENTS,
    LAST_READINGS,
    POWER_SESSIONS,
    READINGS_BEFORE_SILENCE,
    STANDING_PERIODS,
    STOPS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    OwnDay,
    Rows,
)
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import day_table
from fleet_assets.pipeline.tables.reads import ZONES_READ

if TYPE_CHECKING:
    from fleet_assets.core.last_readings import last_readings as read_last
    from fleet_assets.core.last_readings import readings_before_silence as read_before
    from fleet_assets.core.standing import StandingRules
    from fleet_assets.core.standing import standing_periods as find_standing
    from fleet_assets.core.stops import Happened, StopRules, derive_stops
    from fleet_assets.core.trips import TripRules, segment_trips
else:
    # A plan that finds nothing to make calls none of it.
    read_last = Later("fleet_assets.core.last_readings", "last_readings")
    read_before = Later("fleet_assets.core.last_readings", "readings_before_silence")
    StandingRules = Later("fleet_assets.core.standing", "StandingRules")
    find_standing = Later("fleet_assets.core.standing", "standing_periods")
    StopRules = Later("fleet_assets.core.stops", "StopRules")
    Happened = Later("fleet_assets.core.stops", "Happened")
    derive_stops = Later("fleet_assets.core.stops", "derive_stops")
    TripRules = Later("fleet_assets.core.trips.rules", "TripRules")
    segment_trips = Later("fleet_assets.core.trips.detect", "segment_trips")

event_table = partial(day_table, group="events")


@event_table(LAST_READINGS, reads=[TELEMETRY])
def last_readings(telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """Odometer and place at the end of each day: a silence of weeks is told without weeks of telemetry."""
    return read_last(telemetry)


@event_table(READINGS_BEFORE_SILENCE, reads=[LAST_READINGS])
def readings_before_silence(last_readings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """What was last told of vehicles that were silent the day before: trips read it instead of a month of readings."""
    return read_before(last_readings, window)


@event_table(
    TRIPS,
    reads=[
        TELEMETRY,
        OwnDay(READINGS_BEFORE_SILENCE),
        FUEL_BALANCE,
        Rows(VEHICLES, ("vehicle_id", "powertrain", "battery_capacity_kwh", "timezone")),
        Rows(DRIVER_ASSIGNMENTS, ("driver_id", "vehicle_id", "valid_from", "valid_to")),
    ],
    settings=["timezone"],
    rules=TripRules,
)
def trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, driver_assignments: pl.LazyFrame,
    readings_before_silence: pl.LazyFrame, fuel_balance: pl.LazyFrame, window: Window, rules: TripRules, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Movement between two ends, each end with its reason; distance, fuel and energy with their sources."""
    rules = replace(rules, default_timezone=timezone)
    return segment_trips(telemetry, vehicles, driver_assignments, window, rules, readings_before_silence, fuel_balance)


@event_table(STANDING_PERIODS, reads=[TELEMETRY, Rows(VEHICLES, ("vehicle_id", "powertrain"))], rules=StandingRules)
def standing_periods(telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, rules: StandingRules) -> pl.LazyFrame:
    """What was observed while vehicles stood; small, so that a long stay is built without weeks of telemetry."""
    return find_standing(telemetry, rules, vehicles)


@event_table(
    STOPS,
    reads=[
        TRIPS,
        STANDING_PERIODS,
        FUEL_EVENTS,
        POWER_SESSIONS,
        ZONES_READ,
        Rows(VEHICLES, ("vehicle_id", "timezone")),
    ],
    settings=["timezone"],
    rules=StopRules,
    days_of=[TRIPS],  # a stop becomes final with a trip; what else it reads makes none
)
def stops(
    trips: pl.LazyFrame, standing_periods: pl.LazyFrame, fuel_events: pl.LazyFrame, power_sessions: pl.LazyFrame,
    zones: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: StopRules, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Stays between two trips: charging, refuelling, idling or parking."""
    rules = replace(rules, default_timezone=timezone)
    happened = Happened(fuel_events, power_sessions)
    return derive_stops(trips, standing_periods, happened, zones, vehicles, window, rules)
