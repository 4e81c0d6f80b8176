"""A question about many days is answered at once: the same events as day by day, their numbers to rounding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import ENERGY_PRICES, FUEL_EVENTS, INGEST_OUTAGES, ZONES
from fleet_assets.core.fuel import fuel_balance, fuel_events, fuel_plateaus
from fleet_assets.core.window import Window
from fleet_assets.simulator.fuel.plan import IncidentRates
from fleet_assets.simulator.fuel_fleet import FuelFleetPlan, simulate_fuel_fleet

pytestmark = pytest.mark.slow
START = date(2025, 3, 3)
PLAN = FuelFleetPlan(vehicles=6, days=14, seed=4, start=START, rates=IncidentRates().with_losses(20))


def test_events_of_a_whole_window_are_those_of_its_days() -> None:
    fleet = simulate_fuel_fleet(PLAN)
    begin = datetime.combine(START, time(0), UTC)
    window = Window(begin - FUEL_EVENTS.look_back, begin, begin + timedelta(days=PLAN.days + 1))
    plateaus = fuel_plateaus(fleet.telemetry.lazy(), vehicles=fleet.vehicles.lazy()).collect()
    balance = fuel_balance(plateaus.lazy(), fleet.vehicles.lazy(), fleet.calibrations.lazy(), window).collect()

    def events(asked: Window) -> pl.DataFrame:
        others = (table.empty().lazy() for table in (INGEST_OUTAGES, ZONES, ENERGY_PRICES))
        outages, zones, prices = others
        return fuel_events(balance.lazy(), outages, fleet.vehicles.lazy(), zones, prices, asked).collect()

    by_day, at_once = events(window), events(replace(window, is_whole=True))
    assert by_day["kind"].n_unique() >= 2
    assert_frame_equal(at_once.drop("evidence"), by_day.drop("evidence"), rel_tol=1e-6, abs_tol=1e-9)
