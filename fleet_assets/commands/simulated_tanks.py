"""A simulated fleet of tanks on its way through the fuel tables, in memory.

Belongs here: what the platform derives of such a fleet, as its builds would. Does not belong here: simulating
(`simulator.fuel_fleet`), judging what was found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from fleet_assets.contracts import INGEST_OUTAGES, TANK_CALIBRATIONS, VEHICLES, ZONES
from fleet_assets.core.fuel import fuel_balance, fuel_plateaus
from fleet_assets.core.ingest import hourly_ingest
from fleet_assets.core.outages import find_outages
from fleet_assets.core.theft import theft_candidates
from fleet_assets.core.window import Window
from fleet_assets.simulator.fuel_fleet import FuelFleet, FuelFleetPlan


@dataclass(frozen=True)
class Tanks:
    """Balance (FUEL_BALANCE) and outages (INGEST_OUTAGES) of a fleet, its reference rows, and the window of all its
    days."""

    balance: pl.DataFrame
    outages: pl.DataFrame
    vehicles: pl.DataFrame
    zones: pl.DataFrame
    window: Window


def tanks_of(fleet: FuelFleet, plan: FuelFleetPlan) -> Tanks:
    """The fuel tables of a simulated fleet up to its balance."""
    first = plan.starts_at
    window = Window(first, first, first + timedelta(days=plan.days))
    vehicles = VEHICLES.conform(fleet.vehicles.lazy()).collect()
    curves = TANK_CALIBRATIONS.conform(fleet.calibrations.lazy())
    plateaus = fuel_plateaus(fleet.telemetry.lazy(), vehicles=vehicles.lazy()).collect()
    return Tanks(
        balance=fuel_balance(plateaus.lazy(), vehicles.lazy(), curves, window).collect(),
        outages=_outages(fleet.telemetry, window).collect(), vehicles=vehicles,
        zones=ZONES.conform(fleet.zones.lazy()).collect(), window=window,
    )  # fmt: skip


def candidates_of(tanks: Tanks) -> pl.DataFrame:
    """The candidates (THEFT_CANDIDATES) of all days at once; their numbers agree with those of builds to rounding."""
    window = replace(tanks.window, is_whole=True)
    reference = tanks.vehicles.lazy(), tanks.zones.lazy()
    return theft_candidates(tanks.balance.lazy(), tanks.outages.lazy(), *reference, window).collect()


def capacities(fleet: FuelFleet) -> pl.DataFrame:
    """vehicle_id and the true litres of both tanks together (`capacity_l`)."""
    capacity = pl.col("tank_l") + pl.col("tank_2_l").fill_null(0)
    return fleet.truth["vehicles"].select("vehicle_id", capacity_l=capacity)


def _outages(telemetry: pl.DataFrame, window: Window) -> pl.LazyFrame:
    """Outages of the sources, as the platform finds them in hourly counts."""
    rows = telemetry.lazy()
    sources = telemetry["source"].unique().sort()
    hours = pl.concat([hourly_ingest(rows.filter(pl.col("source") == source), source) for source in sources]).collect()
    return pl.concat([find_outages(hours.lazy(), day) for day in window.days(INGEST_OUTAGES.look_back)])
