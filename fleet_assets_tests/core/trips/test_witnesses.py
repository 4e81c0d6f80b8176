"""Witnesses that contradict each other: which is believed, and that the row says so."""

from __future__ import annotations

import polars as pl
import pytest

from fleet_assets_tests.core.histories import Vehicle, trips_of, vehicle

ALL = ("speed_kmh", "odometer_km", "latitude_deg", "longitude_deg")


def _parked_with_a_stuck_speed() -> Vehicle:
    return vehicle(*ALL).stand(480).drive(1200, kmh=60).stand(480).stand(7200, speed_kmh=37.0)


def test_a_speed_that_is_stuck_while_the_vehicle_is_parked_makes_no_trip() -> None:
    (trip,) = trips_of(_parked_with_a_stuck_speed().frame()).rows(named=True)
    assert trip["distance_km"] == pytest.approx(20, rel=0.02)
    assert trip["quality"] is None


def test_a_speed_that_is_stuck_from_the_end_of_a_trip_on_lengthens_it_by_no_more_than_it_takes_to_notice() -> None:
    stuck = vehicle(*ALL).stand(480).drive(1200, kmh=60).stand(7200, speed_kmh=37.0).frame()
    (trip,) = trips_of(stuck).rows(named=True)
    assert trip["duration_s"] <= 1200 + 0.6 / 37 * 3600 + 10
    assert (trip["distance_source"], trip["quality"]) == ("odometer", "speed_overruled")
    assert trip["distance_km"] == pytest.approx(20, rel=0.02)


@pytest.mark.parametrize("stuck", ["odometer_km", "latitude_deg"])
def test_one_witness_that_stays_where_it_is_overrules_no_speed(stuck: str) -> None:
    driven = vehicle(*ALL).stand(60).drive(1200).stand(600).frame().with_columns(pl.lit(10.0).alias(stuck))
    (trip,) = trips_of(driven).rows(named=True)
    assert trip["duration_s"] == 1190
    assert trip["quality"] == ("odometer_overruled" if stuck == "odometer_km" else None)


@pytest.mark.parametrize("heard_every_s", [300, 100_000])
def test_witnesses_that_are_not_heard_while_it_drives_overrule_no_speed(heard_every_s: int) -> None:
    """An odometer every five minutes, or before and after the drive alone; positions before and after it."""
    whole = vehicle(*ALL).stand(600).drive(2400, kmh=60).stand(600).frame()
    since_s = (pl.col("recorded_at") - pl.col("recorded_at").min()).dt.total_seconds()
    drives = since_s.is_between(600, 3000, closed="left")
    places = [pl.when(~drives).then(name).alias(name) for name in ("latitude_deg", "longitude_deg")]
    is_heard = ~drives | (since_s % heard_every_s == 0)
    seldom = whole.with_columns(*places, pl.when(is_heard).then("odometer_km").alias("odometer_km"))
    (trip,) = trips_of(seldom).rows(named=True)
    assert trip["distance_km"] == pytest.approx(40, rel=0.01)
    assert trip["duration_s"] == pytest.approx(2400, abs=20)
    assert trip["quality"] is None


def test_an_odometer_that_changes_its_unit_within_a_trip_is_not_believed() -> None:
    is_later = pl.int_range(pl.len()) > 100
    in_metres = pl.when(is_later).then(pl.col("odometer_km") * 1000).otherwise("odometer_km").alias("odometer_km")
    (trip,) = trips_of(vehicle(*ALL).drive(3600).stand(600).frame().with_columns(in_metres)).rows(named=True)
    assert (trip["distance_source"], trip["quality"]) == ("speed", "odometer_overruled")
    assert trip["distance_km"] == pytest.approx(60, rel=0.01)
