"""Tables of use: what vehicles drove, burned and used in each hour, and what of it began on the days before.

Does not belong here: the rules of use (`core.use`), trips and stops (`events`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import (
    ENGINE_STARTS,
    HOURLY_USE,
    LAST_READINGS,
    RISES_OVER_MIDNIGHT,
    SOC_TRANSITIONS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    Rows,
)
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import day_table

if TYPE_CHECKING:
    from fleet_assets.core.last_readings import rises_over_midnight as find_rises
    from fleet_assets.core.trips import TripRules
    from fleet_assets.core.use import hourly_use as share_by_hour
    from fleet_assets.core.use.transitions import TransitionRules, starts_of_days
    from fleet_assets.core.use.transitions import soc_transitions as find_transitions
else:
    find_rises = Later("fleet_assets.core.last_readings", "rises_over_midnight")
    TripRules = Later("fleet_assets.core.trips.rules", "TripRules")
    share_by_hour = Later("fleet_assets.core.use.hourly", "hourly_use")
    TransitionRules = Later("fleet_assets.core.use.transitions", "TransitionRules")
    find_transitions = Later("fleet_assets.core.use.transitions", "soc_transitions")
    starts_of_days = Later("fleet_assets.core.use.transitions", "starts_of_days")

use_table = partial(day_table, group="events")


@use_table(RISES_OVER_MIDNIGHT, reads=[LAST_READINGS])
def rises_over_midnight(last_readings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """What odometers, places and fuel counters moved by before the first row of a day."""
    return find_rises(last_readings, window)


@use_table(
    HOURLY_USE,
    reads=[TELEMETRY, RISES_OVER_MIDNIGHT, Rows(VEHICLES, ("vehicle_id", "powertrain", "battery_capacity_kwh"))],
    rules=TripRules,
)
def hourly_use(
    telemetry: pl.LazyFrame, rises_over_midnight: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TripRules
) -> pl.LazyFrame:
    """Way, time, fuel and energy of every hour; all fuel that an engine burned, in trips, at a stand or in neither."""
    return share_by_hour(telemetry, rises_over_midnight, vehicles, window, rules)


@use_table(ENGINE_STARTS, reads=[TELEMETRY, Rows(VEHICLES, ("vehicle_id", "powertrain"))], rules=TransitionRules)
def engine_starts(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TransitionRules
) -> pl.LazyFrame:
    """Starts of the engines of plug-in hybrids; few rows, so that their trips are found without telemetry."""
    return starts_of_days(telemetry, vehicles, window, rules)


@use_table(
    SOC_TRANSITIONS,
    reads=[ENGINE_STARTS, TRIPS, Rows(VEHICLES, ("vehicle_id", "timezone"))],
    settings=["timezone"],
    rules=TransitionRules,
)
def soc_transitions(
    engine_starts: pl.LazyFrame, trips: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TransitionRules,
    timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """At which charge plug-in hybrids went from battery to fuel, in which trip, if in any."""
    return find_transitions(engine_starts, trips, vehicles, window, replace(rules, default_timezone=timezone))
