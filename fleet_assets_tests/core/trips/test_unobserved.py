"""Drives that nobody saw: which there are, what is said of them, and that each is there once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import LAST_READINGS, READINGS_BEFORE_SILENCE, TRIPS, check_frame
from fleet_assets.core.last_readings import last_readings, readings_before_silence
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.core.window import Window
from fleet_assets_tests.core.histories import DAY, NOON, Vehicle, assignments, fleet, telemetry, trips_of, vehicle

ODOMETER = ("speed_kmh", "odometer_km")
PLACES = ("speed_kmh", "latitude_deg", "longitude_deg")


def _unseen(history: pl.DataFrame) -> list[dict[str, object]]:
    trips = trips_of(history)
    check_frame(TRIPS, trips)
    return trips.filter(pl.col("start_reason") == "unobserved").to_dicts()


def _parked(*columns: str) -> Vehicle:
    return vehicle(*columns).drive(600).stand(600)


def test_an_odometer_that_moved_in_a_silence_is_a_drive_with_the_silence_as_its_bounds() -> None:
    (drive,) = _unseen(_parked(*ODOMETER).silent(36_000, kmh=5).stand(600).frame())
    said = {name: drive[name] for name in ("started_at", "ended_at", "closed_at", "end_reason", "distance_source",
            "moving_s", "idle_s", "max_speed_kmh", "avg_speed_kmh", "coverage_pct", "point_count")}  # fmt: skip
    assert said == {
        "started_at": NOON + timedelta(seconds=1190), "ended_at": NOON + timedelta(seconds=37_200),
        "closed_at": NOON + timedelta(seconds=37_260), "end_reason": "unobserved", "distance_source": "odometer",
        "moving_s": None, "idle_s": None, "max_speed_kmh": None, "avg_speed_kmh": None, "coverage_pct": 0.0,
        "point_count": 0,
    }  # fmt: skip
    assert drive["distance_km"] == pytest.approx(50)
    assert drive["unknown_s"] == drive["duration_s"] == 36_010
    assert drive["distance_error_km"] == 1.0  # both readings are whole kilometres


def test_a_vehicle_that_stood_all_night_drove_nowhere() -> None:
    assert _unseen(_parked(*ODOMETER).silent(36_000).stand(600).frame()) == []


@pytest.mark.parametrize(("gained_km", "drives"), [(0, 0), (1, 0), (2, 1)])
def test_whole_kilometres_must_move_by_more_than_one(gained_km: int, drives: int) -> None:
    before = vehicle().says(odometer_km=100.0, speed_kmh=0.0)
    after = before.silent(36_000).says(odometer_km=100.0 + gained_km, speed_kmh=0.0)
    assert len(_unseen(after.frame())) == drives


@pytest.mark.parametrize("odometer_km", [99.0, 100_000.0])
def test_an_odometer_that_was_reset_or_jumped_is_no_drive(odometer_km: float) -> None:
    before = vehicle().says(odometer_km=100.5, speed_kmh=0.0)
    assert _unseen(before.silent(36_000).says(odometer_km=odometer_km, speed_kmh=0.0).frame()) == []


def test_a_place_left_in_a_silence_is_a_drive_of_at_least_the_straight_line() -> None:
    (drive,) = _unseen(_parked(*PLACES).silent(36_000, kmh=5).stand(600).frame())
    assert (drive["distance_source"], drive["distance_km"]) == ("gps", pytest.approx(50, rel=0.01))
    assert drive["distance_error_km"] == pytest.approx(15, rel=0.01)
    assert _unseen(_parked(*PLACES).silent(36_000, kmh=0.04).stand(600).frame()) == []


def test_the_fuel_counter_tells_of_it_too() -> None:
    before = vehicle().says(odometer_km=100.5, speed_kmh=0.0, fuel_used_total_l=50.0)
    after = before.silent(36_000).says(odometer_km=200.5, speed_kmh=0.0, fuel_used_total_l=80.0)
    (drive,) = _unseen(after.frame())
    assert (drive["fuel_used_l"], drive["fuel_l_per_100km"]) == (pytest.approx(30), pytest.approx(30))


def test_a_short_way_before_the_first_word_belongs_to_the_trip_that_word_is_of() -> None:
    woken = _parked(*ODOMETER).silent(36_000, kmh=0.1).drive(600).stand(600)
    trips = trips_of(woken.frame())
    assert trips["start_reason"].to_list() == ["gap", "gap"]
    assert trips["distance_km"].to_list()[1] == pytest.approx(1 + 590 / 60, abs=0.02)
    assert trips["started_at"].to_list()[1] == NOON + timedelta(seconds=37_200 - 60)


def test_a_silence_that_a_trip_bridges_is_no_drive_of_its_own() -> None:
    driven = vehicle(*ODOMETER).drive(600).silent(900, kmh=60).drive(600).stand(600)
    assert trips_of(driven.frame())["start_reason"].to_list() == ["gap"]


@pytest.mark.parametrize("after_noon_s", [0, 41_400, 41_930, 41_970, 41_990, 42_000, 42_060])
def test_a_drive_in_a_silence_of_days_is_found_once_however_near_to_midnight_the_silence_ends(
    after_noon_s: int,
) -> None:
    """It is final a minute after the row that ends the silence: here or beyond midnight."""
    silence_s = 5 * 86_400 + after_noon_s
    history = _parked(*ODOMETER).silent(silence_s, kmh=120 * 3600 / silence_s).stand(600).frame()
    readings = last_readings(history.lazy())
    check_frame(LAST_READINGS, readings.collect())
    left = []
    found = []
    first = NOON.replace(hour=0) - DAY
    for k in range(9):
        day = Window(first + (k - 1) * DAY, first + k * DAY, first + (k + 1) * DAY)
        seen = history.filter(pl.col("recorded_at").is_between(day.start, day.day_end, closed="left"))
        known = readings_before_silence(readings, day)
        check_frame(READINGS_BEFORE_SILENCE, known.collect())
        left.append(known)
        found.append(
            segment_trips(seen.lazy(), fleet().lazy(), assignments().lazy(), day, TripRules(), known).collect()
        )
    unseen = pl.concat(found).filter(pl.col("start_reason") == "unobserved")
    assert unseen["distance_km"].to_list() == [pytest.approx(120)]
    whole = Window(first - DAY, first, first + 9 * DAY)
    at_once = segment_trips(
        history.lazy(), fleet().lazy(), assignments().lazy(), whole, TripRules(), pl.concat(left)
    ).collect()
    assert_frame_equal(pl.concat(found).sort("started_at"), at_once)


def test_readings_are_the_last_of_each_source_and_day() -> None:
    late = datetime(2024, 5, 14, 23, 59, tzinfo=UTC)
    rows = telemetry(
        {"vehicle_id": "a", "recorded_at": late, "odometer_km": 10.0},
        {"vehicle_id": "a", "recorded_at": late - timedelta(hours=1), "odometer_km": 9.0, "latitude_deg": 1.0,
         "longitude_deg": 2.0},
        {"vehicle_id": "a", "recorded_at": late, "source": "other", "latitude_deg": 5.0},
        {"vehicle_id": "a", "recorded_at": late + timedelta(minutes=2), "odometer_km": 11.0},
    )  # fmt: skip
    midnight = late + timedelta(minutes=1)
    found = last_readings(rows.lazy()).collect()
    told = ("vehicle_id", "source", "recorded_at", "odometer_km", "latitude_deg", "longitude_deg")
    assert found.select(told).rows() == [
        ("a", "test", late, 10.0, 1.0, 2.0), ("a", "test", late + timedelta(minutes=2), 11.0, None, None),
    ]  # fmt: skip
    assert found["positioned_at"].to_list() == [late - timedelta(hours=1), None]
    assert_frame_equal(last_readings(telemetry().lazy()).collect(), LAST_READINGS.empty())
    days = [Window(midnight, midnight + k * DAY, midnight + (k + 1) * DAY) for k in range(3)]
    # A fuel counter says that the vehicle is there, and nothing of its way.
    there = telemetry(
        *({"vehicle_id": "a", "recorded_at": day.day_start, "fuel_used_total_l": 1.0} for day in days[1:])
    )
    readings = pl.concat([found, *(last_readings(row.lazy()).collect() for row in there.iter_slices(1))])
    left = [readings_before_silence(readings.lazy(), day).collect() for day in days]
    # What was told on the day before is telemetry of the look-back; the place was told on the first day only.
    said = [sorted(rows.select("odometer_km", "latitude_deg").rows(), key=str) for rows in left]
    assert said == [[], [(None, 1.0)], [(11.0, None), (None, 1.0)]]


def test_a_day_on_which_a_vehicle_says_nothing_has_no_readings_before_its_silence() -> None:
    found = last_readings(_parked(*ODOMETER).frame().lazy()).collect()
    midnight = NOON.replace(hour=0)
    days = [Window(midnight, midnight + k * DAY, midnight + (k + 1) * DAY) for k in range(5)]
    assert [readings_before_silence(found.lazy(), day).collect().height for day in days] == [0] * 5
    again = last_readings(_parked(*ODOMETER).silent(3 * 86_400).stand(60).frame().lazy()).collect()
    assert [readings_before_silence(again.lazy(), day).collect().height for day in days] == [0, 0, 0, 1, 0]


@pytest.mark.parametrize("unseen_kmh", [0.3, 1.5, 10.0])
def test_a_drive_right_after_a_slow_trackers_trip_loses_nothing(unseen_kmh: float) -> None:
    slow = (
        vehicle(*ODOMETER, step_s=120).stand(1200).drive(1320, 59).stand(120).silent(7200, kmh=unseen_kmh).stand(1200)
    )
    history = slow.frame()
    driven = history["odometer_km"].max() - history["odometer_km"].min()  # type: ignore[operator]
    assert trips_of(history)["distance_km"].sum() == pytest.approx(driven, abs=0.02)
