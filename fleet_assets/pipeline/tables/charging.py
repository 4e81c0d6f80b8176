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
    ZONES,
    Rows,
)
from fleet_assets.core.prices import PRICES_READ
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import day_table

if TYPE_CHECKING:
    from fleet_assets.core.charging import ChargingRules
    from fleet_assets.core.charging import charging_hours as share_by_hour
    from fleet_assets.core.charging import charging_periods as find_charging
    from fleet_assets.core.charging import charging_sessions as find_plug_ins
    from fleet_assets.core.charging import power_sessions as find_power
    from fleet_assets.core.charging.found import Fleet
else:
    ChargingRules = Later("fleet_assets.core.charging.rules", "ChargingRules")
    share_by_hour = Later("fleet_assets.core.charging.found", "charging_hours")
    find_charging = Later("fleet_assets.core.charging.periods", "charging_periods")
    find_plug_ins = Later("fleet_assets.core.charging.found", "charging_sessions")
    find_power = Later("fleet_assets.core.charging.found", "power_sessions")
    Fleet = Later("fleet_assets.core.charging.found", "Fleet")

charging_table = partial(day_table, group="events", rules=ChargingRules)

CHARGES_READ = (
    CHARGING_PERIODS,
    Rows(VEHICLES, ("vehicle_id", "powertrain", "battery_capacity_kwh", "timezone")),
    Rows(ZONES, ("zone_id", "latitude_deg", "longitude_deg", "radius_m", "polygon")),
    Rows(ENERGY_PRICES, PRICES_READ, kinds=("electricity",)),
)
"""What sessions and hours of charging are made of."""


@charging_table(CHARGING_PERIODS, reads=[TELEMETRY])
def charging_periods(telemetry: pl.LazyFrame, rules: ChargingRules) -> pl.LazyFrame:
    """What was observed of cables, charging power and charge, by the hour; small, for a month of look-back."""
    return find_charging(telemetry, rules)


@charging_table(POWER_SESSIONS, reads=CHARGES_READ, settings=["timezone"])
def power_sessions(
    charging_periods: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, energy_prices: pl.LazyFrame,
    window: Window, rules: ChargingRules, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Stretches of charging power: energies on both sides of the charger, type, curve, cost."""
    fleet = Fleet(vehicles, zones, energy_prices)
    return find_power(charging_periods, fleet, window, replace(rules, default_timezone=timezone))


@charging_table(CHARGING_SESSIONS, reads=CHARGES_READ, settings=["timezone"])
def charging_sessions(
    charging_periods: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, energy_prices: pl.LazyFrame,
    window: Window, rules: ChargingRules, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Plug-ins, each the sum of its power sessions."""
    fleet = Fleet(vehicles, zones, energy_prices)
    return find_plug_ins(charging_periods, fleet, window, replace(rules, default_timezone=timezone))


@charging_table(CHARGING_HOURS, reads=CHARGES_READ, settings=["timezone"])
def charging_hours(
    charging_periods: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, energy_prices: pl.LazyFrame,
    window: Window, rules: ChargingRules, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """What of power sessions fell in which UTC hour."""
    fleet = Fleet(vehicles, zones, energy_prices)
    return share_by_hour(charging_periods, fleet, window, replace(rules, default_timezone=timezone))
