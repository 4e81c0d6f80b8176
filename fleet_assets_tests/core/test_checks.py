"""What must hold of trips, stops and tanks: each rule finds what breaks it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from fleet_assets.contracts import FUEL_EVENTS, STOPS
from fleet_assets.core.checks import (
    accounted_sentences,
    closing_sentences,
    duration_sentences,
    fuel_overlap_sentences,
    moved_stop_sentences,
    overfull_sentences,
    speed_sentences,
)
from fleet_assets_tests.core.fuel.tanks import Tank, balance_of
from fleet_assets_tests.core.histories import NOON, trips_of, vehicle


def _trips() -> pl.DataFrame:
    """Two trips with a drive in between that nobody saw."""
    first = vehicle("speed_kmh", "odometer_km", step_s=30).stand(600).drive(1200).stand(600)
    return trips_of(first.silent(30_000, kmh=5).stand(60).drive(1200).stand(900).frame())


def _changed(name: str, value: float) -> pl.LazyFrame:
    is_first = pl.int_range(pl.len()) == 0
    return _trips().lazy().with_columns(pl.when(is_first).then(value).otherwise(name).alias(name))


def test_trips_as_they_are_made_break_no_rule() -> None:
    trips = _trips().lazy()
    assert trips.collect()["start_reason"].to_list() == ["motion", "unobserved", "motion"]
    assert [speed_sentences(trips), duration_sentences(trips), accounted_sentences(trips)] == [[], [], []]


def test_a_mean_above_the_maximum_is_named() -> None:
    (sentence,) = speed_sentences(_changed("avg_speed_kmh", 90.0))
    assert sentence.endswith("90.0 km/h on average, 60.0 km/h at most")


def test_times_that_are_not_the_duration_are_named() -> None:
    assert len(duration_sentences(_changed("moving_s", 5.0))) == 1
    assert len(duration_sentences(_changed("idle_s", 5000.0))) == 1


def test_kilometres_that_are_in_no_trip_are_named() -> None:
    trips = _trips().lazy().filter(pl.col("start_reason") != "unobserved")
    assert accounted_sentences(trips) == ["a: 40.0 km in trips and unobserved drives, 81.7 km on the odometer"]


def test_a_stop_in_which_the_odometer_moved_is_named() -> None:
    moved = {"vehicle_id": "a", "started_at": NOON, "unobserved_km": 993.0}
    rows = [{name: row.get(name) for name in STOPS.schema} for row in (moved, moved | {"unobserved_km": 1.0})]
    (sentence,) = moved_stop_sentences(pl.LazyFrame(rows, schema=STOPS.schema))
    assert sentence.endswith("the odometer moved by 993.0 km in this stop")


def test_a_balance_that_does_not_close_is_named() -> None:
    balance = balance_of(Tank().drive(60).stand(30).drive(30).frame())
    assert closing_sentences(balance.lazy()) == []
    broken = balance.with_columns(
        pl.when(pl.int_range(pl.len()) == 1).then(9.0).otherwise("change_l").alias("change_l")
    )
    assert len(closing_sentences(broken.lazy())) == 1


def _fuel_events(*rows: Mapping[str, object]) -> pl.LazyFrame:
    filled = [{"vehicle_id": "a", "kind": "refuel", **row} for row in rows]
    return pl.LazyFrame([{name: row.get(name) for name in FUEL_EVENTS.schema} for row in filled], FUEL_EVENTS.schema)


def test_refuels_that_overlap_are_named_and_a_fault_beside_them_is_not() -> None:
    hour = timedelta(hours=1)
    first = {"started_at": NOON, "ended_at": NOON + 2 * hour}
    second = {"started_at": NOON + hour, "ended_at": NOON + 3 * hour}
    assert len(fuel_overlap_sentences(_fuel_events(first, second))) == 1
    assert fuel_overlap_sentences(_fuel_events(first, second | {"kind": "sensor_fault"})) == []


def test_a_refuel_above_the_tank_is_named() -> None:
    event = {"started_at": NOON, "level_before_pct": 60.0, "change_sd_pct": 1.0}
    assert overfull_sentences(_fuel_events(event | {"change_pct": 40.0})) == []
    (sentence,) = overfull_sentences(_fuel_events(event | {"change_pct": 60.0}))
    assert sentence.endswith("120 % in the tank after a refuel")
