"""What other rules would find: whole small installations, and the pure difference of two tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from fleet_assets.contracts.errors import UsageError
from fleet_assets.core.trips import TripRules
from fleet_assets.installation import Installation
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.pipeline.what_if import computed, difference, rule_values, rules_of, stored, under
from fleet_assets_tests.fixtures.drives import drive

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = MORNING.date()
TRIPS = DAY_TABLES["trips"]


@pytest.fixture
def two_drives(installation: Installation) -> Installation:
    """Two drives with seven minutes of standing between them, stored as two trips."""
    rows = pl.concat([drive("van-1", MORNING, minutes=20), drive("van-1", MORNING + timedelta(minutes=27), minutes=20)])
    installation.landing.append("telemetry", rows, "morning")
    for name in ("raw_telemetry", "telemetry", "last_readings", "readings_before_silence", "trips"):
        list(store_days(installation, DAY_TABLES[name], [DAY], only_stale=False))
    return installation


def test_a_longer_stop_rule_makes_one_trip_of_two_and_changes_nothing_stored(two_drives: Installation) -> None:
    before = stored(two_drives, TRIPS, DAY, DAY)
    found = pl.concat([rows for _, rows in computed(two_drives, under(TRIPS, {"stop_s": 600}), DAY, DAY)])
    assert (before.height, found.height) == (2, 1)
    changes = difference(TRIPS, before, found)
    assert changes["change"].to_list() == ["changed", "gone"]
    assert changes.row(0, named=True)["ended_at_then"] == before["ended_at"][1]
    assert stored(two_drives, TRIPS, DAY, DAY).equals(before)


def test_under_the_rules_in_force_every_event_is_the_same(two_drives: Installation) -> None:
    found = pl.concat([rows for _, rows in computed(two_drives, TRIPS, DAY, DAY)])
    changes = difference(TRIPS, stored(two_drives, TRIPS, DAY, DAY), found)
    assert changes["change"].to_list() == ["same", "same"]


def test_several_days_at_once_give_what_they_give_one_by_one(two_drives: Installation) -> None:
    first, last = DAY - timedelta(days=1), DAY + timedelta(days=1)
    one_by_one = list(computed(two_drives, TRIPS, first, last))
    at_once = list(computed(two_drives, TRIPS, first, last, 3))
    assert ([count for count, _ in one_by_one], [count for count, _ in at_once]) == ([1, 1, 1], [3])
    assert at_once[0][1].equals(pl.concat([rows for _, rows in one_by_one]))


def test_an_event_that_only_the_other_rules_find_is_new() -> None:
    rows = TRIPS.table.empty()
    one = pl.DataFrame({"trip_id": ["a"], "vehicle_id": ["van-1"], "started_at": [MORNING]}).cast(
        {"started_at": pl.Datetime("us", "UTC")}
    )
    filled = pl.concat([rows, one], how="diagonal")
    assert difference(TRIPS, rows, filled).select("change", "vehicle_id", "trip_id").rows() == [("new", "van-1", "a")]


def test_a_rule_is_found_in_the_part_that_has_it_and_the_others_stay() -> None:
    other = under(TRIPS, {"stop_s": 600, "min_engine_km": 2})
    assert rules_of(other).segmentation.stop_s == 600
    assert rules_of(other).consumption.min_engine_km == 2
    assert rules_of(other).distance == rules_of(TRIPS).distance


def test_a_rule_that_does_not_exist_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"trips has no rule stop_sec; did you mean .*stop_s"):
        under(TRIPS, {"stop_sec": 600})


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("stop_s", -1, "stop_s takes a number of at least 0, not -1"),
        ("min_distance_km", -0.5, "min_distance_km takes a number of at least 0, not -0.5"),
        ("min_points", 0, "min_points takes a whole number of at least 1, not 0"),
        ("min_points", -2, "min_points takes a whole number of at least 1, not -2"),
        ("min_points", 2.5, "min_points takes a whole number of at least 1, not 2.5"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name: str, value: float, sentence: str) -> None:
    with pytest.raises(UsageError) as refusal:
        under(TRIPS, {name: value})
    assert str(refusal.value) == sentence


def test_the_least_value_of_a_rule_is_taken() -> None:
    least = rules_of(under(TRIPS, {"min_distance_km": 0, "min_points": 1})).segmentation
    assert (least.min_distance_km, least.min_points) == (0, 1)


@pytest.mark.parametrize("name", [name for name, maker in DAY_TABLES.items() if maker.rules is not None])
def test_every_number_of_the_rules_can_be_changed_by_its_name_alone(name: str) -> None:
    maker = DAY_TABLES[name]
    values = rule_values(rules_of(maker))
    assert values
    for rule, value in values.items():
        changed = rule_values(rules_of(under(maker, {rule: value + 1})))
        assert {one for one, now in changed.items() if now != values[one]} == {rule}


def test_the_rules_of_trips_are_declared() -> None:
    assert rules_of(TRIPS) == TripRules()
