"""Use by the hour of simulated vehicles: their counters to the last drop, their way as their trips tell it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.simulator import FleetPlan
from fleet_assets_tests.core.histories import trips_of
from fleet_assets_tests.core.use.histories import day_by_day
from fleet_assets_tests.fixtures.known_fleets import KnownFleet, simulated

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> KnownFleet:
    plan = FleetPlan(vehicles=6, days=3, seed=11, start=date(2025, 3, 3))
    folder: Path = tmp_path_factory.mktemp("fleet")
    return simulated(plan, folder)


@pytest.fixture(scope="module")
def hours(known: KnownFleet) -> pl.DataFrame:
    return day_by_day(known.telemetry, vehicles=known.vehicles)


def _sums(hours: pl.DataFrame, column: str) -> dict[str, float]:
    summed = hours.group_by("vehicle_id").agg(pl.col(column).sum())
    return dict(zip(summed["vehicle_id"], summed[column], strict=True))


def test_hours_sum_to_what_the_fuel_counter_rose_by(known: KnownFleet, hours: pl.DataFrame) -> None:
    counter = pl.col("fuel_used_total_l")
    told = known.telemetry.group_by("vehicle_id").agg((counter.max() - counter.min()).alias("litres")).drop_nulls()
    summed = _sums(hours, "fuel_used_l")
    assert told.height >= 2
    for vehicle_id, litres in told.rows():
        assert summed[vehicle_id] == pytest.approx(litres, rel=1e-9), vehicle_id


def test_hours_sum_to_the_way_of_the_trips(known: KnownFleet, hours: pl.DataFrame) -> None:
    trips = trips_of(known.telemetry, vehicles=known.vehicles)
    summed = _sums(hours, "distance_km")
    for vehicle_id, km in trips.group_by("vehicle_id").agg(pl.col("distance_km").sum()).rows():
        assert summed[vehicle_id] == pytest.approx(km, rel=2e-3), vehicle_id


def test_energy_of_trips_is_among_that_of_hours(known: KnownFleet, hours: pl.DataFrame) -> None:
    trips = trips_of(known.telemetry, vehicles=known.vehicles)
    electric = trips.filter(pl.col("energy_used_kwh").is_not_null()).group_by("vehicle_id")
    summed = _sums(hours, "energy_used_kwh")
    for vehicle_id, kwh in electric.agg(pl.col("energy_used_kwh").sum()).rows():
        assert summed[vehicle_id] == pytest.approx(kwh, rel=0.05), vehicle_id
