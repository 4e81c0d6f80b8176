"""Use by the hour of simulated vehicles: their counters to the last drop, their way as their trips tell it."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pytest

from fleet_assets_tests.core.histories import trips_of
from fleet_assets_tests.core.use.histories import day_by_day
from fleet_assets_tests.fixtures.known_fleets import KnownFleet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hours(simulated_fleet: KnownFleet) -> pl.DataFrame:
    return day_by_day(simulated_fleet.telemetry, vehicles=simulated_fleet.vehicles)


@pytest.fixture(scope="module")
def trips(simulated_fleet: KnownFleet) -> pl.DataFrame:
    return trips_of(simulated_fleet.telemetry, vehicles=simulated_fleet.vehicles)


def _sums(rows: pl.DataFrame, column: str) -> dict[str, float]:
    """Of the vehicles that know it."""
    summed = rows.drop_nulls(column).group_by("vehicle_id").agg(pl.col(column).sum())
    return dict(summed.sort("vehicle_id").iter_rows())


def _of(names: Iterable[str], sums: dict[str, float]) -> dict[str, float]:
    return {name: sums[name] for name in names}


def test_hours_sum_to_what_the_fuel_counter_rose_by(simulated_fleet: KnownFleet, hours: pl.DataFrame) -> None:
    counter = pl.col("fuel_used_total_l")
    told = simulated_fleet.telemetry.group_by("vehicle_id").agg((counter.max() - counter.min()).alias("litres"))
    litres = _sums(told, "litres")
    assert litres.keys() == {"lorry-01", "lorry-02"}
    assert _of(litres, _sums(hours, "fuel_used_l")) == pytest.approx(litres, rel=1e-9)


def test_hours_sum_to_the_way_of_the_trips(trips: pl.DataFrame, hours: pl.DataFrame) -> None:
    km = _sums(trips, "distance_km")
    assert len(km) == 6
    assert _sums(hours, "distance_km") == pytest.approx(km, rel=2e-3)


def test_energy_of_trips_is_among_that_of_hours(trips: pl.DataFrame, hours: pl.DataFrame) -> None:
    kwh = _sums(trips, "energy_used_kwh")
    assert kwh.keys() == {"electric-01", "electric-02", "hybrid-01", "hybrid-02"}
    assert _of(kwh, _sums(hours, "energy_used_kwh")) == pytest.approx(kwh, rel=0.05)
