"""Tables of use: what vehicles drove, burned and used in each hour, and what of it began on the days before.

Does not belong here: the rules of use (`core.use`), trips and stops (`events`).
"""

from __future__ import annotations

from functools import partial

import polars as pl

from fleet_assets.contracts import HOURLY_USE, LAST_READINGS, RISES_OVER_MIDNIGHT, TELEMETRY, VEHICLES, Rows
from fleet_assets.core.last_readings import rises_over_midnight as find_rises
from fleet_assets.core.trips import TripRules
from fleet_assets.core.use import hourly_use as share_by_hour
from fleet_assets.core.use.hourly import FLEET_USED
from fleet_assets.core.window import Window
from fleet_assets.pipeline.day_tables import day_table

use_table = partial(day_table, group="events")


@use_table(RISES_OVER_MIDNIGHT, reads=[LAST_READINGS])
def rises_over_midnight(last_readings: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """What odometers, places and fuel counters moved by before the first row of a day."""
    return find_rises(last_readings, window)


@use_table(HOURLY_USE, reads=[TELEMETRY, RISES_OVER_MIDNIGHT, Rows(VEHICLES, FLEET_USED)])
def hourly_use(
    telemetry: pl.LazyFrame, rises_over_midnight: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window
) -> pl.LazyFrame:
    """Way, time, fuel and energy of every hour; all fuel that an engine burned, in trips, at a stand or in neither."""
    return share_by_hour(telemetry, rises_over_midnight, vehicles, window, TripRules())
