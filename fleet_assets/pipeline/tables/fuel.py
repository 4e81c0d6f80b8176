"""Fuel tables: levels of tanks, what changed between them, and the refuels, thefts, losses and faults that follow.

Does not belong here: the rules of levels and events (`core.fuel`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import (
    ENERGY_PRICES,
    FUEL_BALANCE,
    FUEL_EVENTS,
    FUEL_PLATEAUS,
    INGEST_OUTAGES,
    TANK_CALIBRATIONS,
    TELEMETRY,
    VEHICLES,
    Rows,
)
from fleet_assets.contracts.reference import FUELS
from fleet_assets.core.prices import PRICES_READ
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import day_table
from fleet_assets.pipeline.tables.reads import ZONES_READ

if TYPE_CHECKING:
    from fleet_assets.core.fuel import BalanceRules, FuelEventRules, PlateauRules
    from fleet_assets.core.fuel import fuel_balance as balance_tanks
    from fleet_assets.core.fuel import fuel_events as find_fuel_events
    from fleet_assets.core.fuel import fuel_plateaus as find_plateaus
else:
    BalanceRules = Later("fleet_assets.core.fuel.balance", "BalanceRules")
    FuelEventRules = Later("fleet_assets.core.fuel.rules", "FuelEventRules")
    PlateauRules = Later("fleet_assets.core.fuel.plateaus", "PlateauRules")
    balance_tanks = Later("fleet_assets.core.fuel.balance", "fuel_balance")
    find_fuel_events = Later("fleet_assets.core.fuel.events", "fuel_events")
    find_plateaus = Later("fleet_assets.core.fuel.plateaus", "fuel_plateaus")

fuel_table = partial(day_table, group="events")


@fuel_table(FUEL_PLATEAUS, reads=[TELEMETRY, Rows(VEHICLES, ("vehicle_id", "powertrain"))], rules=PlateauRules)
def fuel_plateaus(telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, rules: PlateauRules) -> pl.LazyFrame:
    """Levels of tanks, robustly, by stretches of a day; small, so that a balance needs no weeks of telemetry."""
    return find_plateaus(telemetry, rules, vehicles)


@fuel_table(
    FUEL_BALANCE,
    reads=[
        FUEL_PLATEAUS,
        Rows(VEHICLES, ("vehicle_id", "tank_capacity_l", "tank_2_capacity_l")),
        Rows(TANK_CALIBRATIONS, ("vehicle_id", "tank", "level_pct", "volume_l", "valid_from", "valid_to")),
    ],
    rules=BalanceRules,
    learns=FUEL_BALANCE.look_back,
)
def fuel_balance(
    fuel_plateaus: pl.LazyFrame, vehicles: pl.LazyFrame, tank_calibrations: pl.LazyFrame, window: Window,
    rules: BalanceRules,
) -> pl.LazyFrame:  # fmt: skip
    """What changed in tanks between neighbouring plateaus, what was burned meanwhile, and what is left over."""
    return balance_tanks(fuel_plateaus, vehicles, tank_calibrations, window, rules)


@fuel_table(
    FUEL_EVENTS,
    reads=[
        FUEL_BALANCE,
        INGEST_OUTAGES,
        Rows(VEHICLES, ("vehicle_id", "fuel", "timezone")),
        ZONES_READ,
        Rows(ENERGY_PRICES, PRICES_READ, kinds=FUELS),
    ],
    settings=["timezone"],
    rules=FuelEventRules,
)
def fuel_events(
    fuel_balance: pl.LazyFrame, ingest_outages: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame,
    energy_prices: pl.LazyFrame, window: Window, rules: FuelEventRules, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Refuels, thefts, slow losses, faults of senders, and changes that nobody saw."""
    rules = replace(rules, default_timezone=timezone)
    return find_fuel_events(fuel_balance, ingest_outages, vehicles, zones, energy_prices, window, rules)
