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
from fleet_assets_tests.core.fuel.tanks import Tank, balance_of, fleet, window_of

pytestmark = pytest.mark.slow
START = date(2025, 3, 3)
PLAN = FuelFleetPlan(vehicles=6, days=14, seed=4, start=START, rates=IncidentRates().with_losses(20))


def _events(balance: pl.DataFrame, vehicles: pl.DataFrame, asked: Window) -> pl.DataFrame:
    outages, zones, prices = (table.empty().lazy() for table in (INGEST_OUTAGES, ZONES, ENERGY_PRICES))
    return fuel_events(balance.lazy(), outages, vehicles.lazy(), zones, prices, asked).collect()


def _equal_at_once(balance: pl.DataFrame, vehicles: pl.DataFrame, window: Window) -> pl.DataFrame:
    by_day, at_once = (_events(balance, vehicles, asked) for asked in (window, replace(window, is_whole=True)))
    assert_frame_equal(at_once.drop("evidence"), by_day.drop("evidence"), rel_tol=1e-6, abs_tol=1e-9)
    return by_day


def test_events_of_a_whole_window_are_those_of_its_days() -> None:
    simulated = simulate_fuel_fleet(PLAN)
    begin = datetime.combine(START, time(0), UTC)
    window = Window(begin - FUEL_EVENTS.look_back, begin, begin + timedelta(days=PLAN.days + 1))
    plateaus = fuel_plateaus(simulated.telemetry.lazy(), vehicles=simulated.vehicles.lazy()).collect()
    balance = fuel_balance(plateaus.lazy(), simulated.vehicles.lazy(), simulated.calibrations.lazy(), window).collect()
    assert {"theft", "refuel"} <= {*_equal_at_once(balance, simulated.vehicles, window)["kind"]}


def test_a_whole_window_holds_the_losses_of_all_its_weeks_and_the_cuts_of_all_its_look_backs() -> None:
    tank = Tank(litres=380, slosh_pct=0.5, step_pct=0.1, per_km=0.1, step_s=30).works(14)
    for _ in range(28):
        tank = tank.drive(60).stand(300).fill(-4, 5).stand(24 * 60 - 365)
    history = tank.drive(60).stand(60).frame()
    found = _equal_at_once(balance_of(history), fleet(), window_of(history))
    assert found.filter(pl.col("evidence").str.contains("stays of a week")).height == 4
