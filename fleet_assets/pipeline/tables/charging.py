"""Charging tables: plug-ins, their power sessions and the hours in which their energy fell, and the small table of what
was observed that they read.

Does not belong here: the rules of charging (`core.charging`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import (
    CHARGING_HOURS,
    CHARGING_PERIODS,
    CHARGING_SESSIONS,
    ENERGY_PRICES,
    POWER_SESSIONS,
    TELEMETRY,
    VEHICLES,
    Rows,
    Table,
)
from fleet_assets.core.prices import PRICES_READ
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import day_table
from fleet_assets.pipeline.tables.reads import ZONES_READ

if TYPE_CHECKING:
    from fleet_assets.core.charging import ChargingRules
    from fleet_assets.core.charging import charging_events as find_charges
    from fleet_assets.core.charging import charging_periods as find_charging
    from fleet_assets.core.charging.found import Fleet
else:
    ChargingRules = Later("fleet_assets.core.charging.rules", "ChargingRules")
    find_charges = Later("fleet_assets.core.charging.found", "charging_events")
    find_charging = Later("fleet_assets.core.charging.periods", "charging_periods")
    Fleet = Later("fleet_assets.core.charging.found", "Fleet")

charging_table = partial(day_table, group="events", rules=ChargingRules)

CHARGES_READ = (
    CHARGING_PERIODS,
    Rows(VEHICLES, ("vehicle_id", "powertrain", "battery_capacity_kwh", "timezone")),
    ZONES_READ,
    Rows(ENERGY_PRICES, PRICES_READ, kinds=("electricity",)),
)
"""What sessions and hours of charging are made of."""


@charging_table(CHARGING_PERIODS, reads=[TELEMETRY])
def charging_periods(telemetry: pl.LazyFrame, rules: ChargingRules) -> pl.LazyFrame:
    """What was observed of cables, charging power and charge, by the hour; small, for a month of look-back."""
    return find_charging(telemetry, rules)


def _charges(
    charging_periods: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, energy_prices: pl.LazyFrame,
    window: Window, rules: ChargingRules, timezone: str, table: Table,
) -> pl.LazyFrame:  # fmt: skip
    """From a month of what was observed: energies on both sides of the charger, type, curve, place and cost."""
    fleet = Fleet(vehicles, zones, energy_prices)
    return find_charges(table, charging_periods, fleet, window, replace(rules, default_timezone=timezone))


power_sessions, charging_sessions, charging_hours = (
    charging_table(table, reads=CHARGES_READ, settings=["timezone"])(_charges)
    for table in (POWER_SESSIONS, CHARGING_SESSIONS, CHARGING_HOURS)
)
