"""What ends a trip, what does not, and what a row of `trips` says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import TRIPS, check_frame
from fleet_assets.contracts.errors import DataError
from fleet_assets.core.trips import TripRules
from fleet_assets.core.trips.segmentation import SegmentationRules
from fleet_assets.core.window import Window
from fleet_assets_tests.core.histories import DAY, NOON, assignments, fleet, telemetry, trips_of, vehicle

MIDNIGHT = datetime(2024, 5, 15, tzinfo=UTC)


def _after(seconds: float, start: datetime = NOON) -> datetime:
    return start + timedelta(seconds=seconds)


def _said(trips: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return trips.select(columns).rows()


def test_no_telemetry_gives_no_trip() -> None:
    assert_frame_equal(trips_of(telemetry()), TRIPS.empty())


def test_one_row_is_no_trip() -> None:
    assert trips_of(telemetry({"vehicle_id": "a", "recorded_at": NOON, "speed_kmh": 50.0})).is_empty()


def test_telemetry_without_any_observation_is_no_trip() -> None:
    assert trips_of(vehicle().silent(0).says().silent(60).says().frame()).is_empty()


def test_a_drive_is_one_trip_with_every_required_value() -> None:
    trips = trips_of(vehicle().stand(60).drive(600, kmh=60).stand(600).frame())
    check_frame(TRIPS, trips)
    found = trips.select("started_at", "ended_at", "closed_at", "start_reason", "end_reason", "duration_s", "moving_s",
                         "idle_s", "distance_km", "distance_source", "max_speed_kmh", "avg_speed_kmh", "point_count",
                         "coverage_pct", "is_truncated", "local_date")  # fmt: skip
    expected = {
        "started_at": _after(60), "ended_at": _after(650), "closed_at": _after(950), "start_reason": "motion",
        "end_reason": "stop", "duration_s": 590.0, "moving_s": 590.0, "idle_s": None, "distance_km": 60 * 590 / 3600,
        "distance_source": "speed", "max_speed_kmh": 60.0, "avg_speed_kmh": 60.0, "point_count": 60,
        "coverage_pct": 100.0, "is_truncated": False, "local_date": date(2024, 5, 14),
    }  # fmt: skip
    assert_frame_equal(found, pl.DataFrame([expected], schema=found.schema), rel_tol=1e-12)


def test_unobserved_quantities_are_null_and_never_zero() -> None:
    row = trips_of(vehicle().drive(600).stand(600).frame()).row(0, named=True)
    unknown = ("driver_id", "start_odometer_km", "start_latitude_deg", "elevation_gain_m", "fuel_used_l", "fuel_source",
               "energy_used_kwh", "start_soc_pct", "electric_km", "engine_km", "engine_started_at")  # fmt: skip
    assert [row[name] for name in unknown] == [None] * len(unknown)


def test_a_short_halt_does_not_end_a_trip() -> None:
    trips = trips_of(vehicle().drive(600).stand(280).drive(600).stand(600).frame())
    assert _said(trips, "started_at", "ended_at") == [(NOON, _after(1470))]


def test_a_halt_of_five_minutes_ends_a_trip() -> None:
    trips = trips_of(vehicle().drive(600).stand(300).drive(600).stand(600).frame())
    assert _said(trips, "started_at", "ended_at", "end_reason") == [
        (NOON, _after(590), "stop"), (_after(900), _after(1490), "stop"),
    ]  # fmt: skip


def test_creeping_below_walking_pace_is_standing() -> None:
    assert trips_of(vehicle().drive(3600, kmh=1.6).frame()).is_empty()


def test_silence_of_five_minutes_ends_a_trip() -> None:
    trips = trips_of(vehicle().drive(600).silent(300).drive(600).stand(600).frame())
    assert _said(trips, "ended_at", "closed_at", "end_reason", "start_reason") == [
        (_after(590), _after(890), "gap", "gap"), (_after(1490), _after(1790), "stop", "gap"),
    ]  # fmt: skip


def test_silence_under_five_minutes_does_not_end_a_trip() -> None:
    trips = trips_of(vehicle().drive(600).silent(280).drive(600).stand(600).frame())
    assert trips.height == 1


def test_the_odometer_shows_that_a_silent_vehicle_drove_on() -> None:
    driven = vehicle("speed_kmh", "odometer_km").drive(600).silent(900, kmh=60).drive(600).stand(600)
    (trip,) = trips_of(driven.frame()).rows(named=True)
    assert trip["duration_s"] == 2090
    assert trip["distance_source"] == "odometer"
    assert trip["distance_km"] == pytest.approx(2090 * 60 / 3600)
    assert trip["coverage_pct"] == pytest.approx(100 * (2090 - 910 + 60) / 2090)


def test_a_vehicle_that_fell_silent_at_a_traffic_light_and_drove_on_is_on_one_trip() -> None:
    driven = vehicle("speed_kmh", "odometer_km").drive(600).stand(60).silent(900, kmh=60).drive(600).stand(600)
    assert trips_of(driven.frame()).height == 1


def test_a_silence_in_which_the_odometer_hardly_moved_ends_the_trip() -> None:
    driven = vehicle("speed_kmh", "odometer_km").drive(600).silent(1800, kmh=5).drive(600).stand(600)
    trips = trips_of(driven.frame())
    assert _said(trips, "end_reason", "closed_at")[0] == ("gap", _after(2400))


def test_a_silence_longer_than_the_bridge_ends_the_trip() -> None:
    driven = vehicle("speed_kmh", "odometer_km").drive(600).silent(3600, kmh=60).drive(600).stand(600)
    assert _said(trips_of(driven.frame()), "end_reason", "closed_at")[0] == ("gap", _after(590 + 3600))


def test_an_odometer_that_jumped_in_a_silence_is_no_drive() -> None:
    driven = vehicle("speed_kmh", "odometer_km").drive(600).silent(900, kmh=900).drive(600).stand(600)
    assert trips_of(driven.frame()).height == 2


def test_ignition_off_for_a_minute_ends_a_trip() -> None:
    trips = trips_of(
        vehicle()
        .drive(600, is_ignition_on=True)
        .stand(120, is_ignition_on=False)
        .drive(600, is_ignition_on=True)
        .frame()
    )
    assert _said(trips, "ended_at", "closed_at", "end_reason", "start_reason") == [
        (_after(590), _after(660), "ignition", "gap"), (_after(1310), _after(1610), "gap", "ignition"),
    ]  # fmt: skip


def test_ignition_off_for_less_than_a_minute_does_not_end_a_trip() -> None:
    driven = vehicle().drive(600, is_ignition_on=True).stand(50, is_ignition_on=False).drive(600, is_ignition_on=True)
    assert trips_of(driven.frame()).height == 1


def test_one_word_of_ignition_off_ends_a_trip_although_on_was_said_long_ago() -> None:
    driven = vehicle().says(is_ignition_on=True).silent(1).drive(7200).says(is_ignition_on=False).silent(1).stand(90)
    assert _said(trips_of(driven.drive(600).frame()), "end_reason")[0] == ("ignition",)


def test_an_ignition_that_is_off_while_the_vehicle_drives_is_not_trusted() -> None:
    broken = vehicle().drive(600, is_ignition_on=False).stand(120, is_ignition_on=False)
    trips = trips_of(broken.drive(600, is_ignition_on=False).stand(600).frame())
    assert _said(trips, "duration_s", "end_reason") == [(1310.0, "stop")]


def test_neither_midnight_nor_a_file_boundary_ends_a_trip() -> None:
    trips = trips_of(vehicle(at=MIDNIGHT - timedelta(seconds=600)).drive(1200).stand(600).frame())
    assert _said(trips, "started_at", "ended_at") == [(MIDNIGHT - timedelta(seconds=600), _after(590, MIDNIGHT))]


def test_a_trip_is_a_row_of_the_day_in_which_it_became_final() -> None:
    driven = vehicle(at=MIDNIGHT - timedelta(seconds=710)).drive(600).stand(600).frame()
    before = driven.filter(pl.col("recorded_at") < MIDNIGHT)
    first = trips_of(before, window=Window(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY, MIDNIGHT))
    second = trips_of(driven, window=Window(MIDNIGHT - DAY, MIDNIGHT, MIDNIGHT + DAY))
    assert first.is_empty()
    assert _said(second, "ended_at", "closed_at") == [(_after(-120, MIDNIGHT), _after(180, MIDNIGHT))]


def test_a_vehicle_that_fell_silent_before_midnight_gets_its_trip_the_day_after() -> None:
    driven = vehicle(at=MIDNIGHT - timedelta(seconds=610)).drive(600).frame()
    trips = trips_of(driven, window=Window(MIDNIGHT - DAY, MIDNIGHT, MIDNIGHT + DAY))
    assert _said(trips, "end_reason", "closed_at") == [("gap", _after(280, MIDNIGHT))]


def test_a_trip_that_closes_at_midnight_belongs_to_the_new_day() -> None:
    driven = vehicle(at=MIDNIGHT - timedelta(seconds=890)).drive(600).stand(600).frame()
    window = Window(MIDNIGHT - 2 * DAY, MIDNIGHT - DAY, MIDNIGHT)
    assert trips_of(driven.filter(pl.col("recorded_at") < MIDNIGHT), window=window).is_empty()
    assert trips_of(driven, window=Window(MIDNIGHT - DAY, MIDNIGHT, MIDNIGHT + DAY)).height == 1


def test_a_trip_longer_than_the_look_back_is_there_once_and_marked() -> None:
    driven = vehicle(at=MIDNIGHT - timedelta(hours=30), step_s=60).drive(33 * 3600).stand(600, is_ignition_on=None)
    trips = trips_of(driven.frame())
    assert _said(trips, "started_at", "start_reason", "is_truncated") == [(MIDNIGHT - DAY, "truncated", True)]


def test_a_window_of_many_days_without_look_back_does_not_cut_at_its_midnights() -> None:
    driven = vehicle(at=MIDNIGHT - timedelta(seconds=600)).drive(1200).stand(600).frame()
    trips = trips_of(driven, window=Window(MIDNIGHT - DAY, MIDNIGHT - DAY, MIDNIGHT + DAY))
    assert _said(trips, "started_at", "is_truncated") == [(MIDNIGHT - timedelta(seconds=600), False)]


def test_trips_below_the_minimum_distance_are_no_trips() -> None:
    assert trips_of(vehicle(step_s=1).drive(6, kmh=50).stand(600).frame()).is_empty()
    assert trips_of(vehicle(step_s=1).drive(10, kmh=50).stand(600).frame()).height == 1


def test_the_local_date_is_that_of_the_start_where_the_vehicle_is_at_home() -> None:
    late = vehicle(at=datetime(2024, 5, 14, 23, 30, tzinfo=UTC)).drive(600).stand(600).frame()
    madrid = fleet({"vehicle_id": "a", "timezone": "Europe/Madrid"})
    assert _said(trips_of(late, vehicles=madrid), "local_date") == [(date(2024, 5, 15),)]
    assert _said(trips_of(late), "local_date") == [(date(2024, 5, 14),)]
    assert _said(trips_of(late, TripRules(default_timezone="Asia/Tokyo")), "local_date") == [(date(2024, 5, 15),)]


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(3, date(2024, 3, 9)), (4, date(2024, 3, 9)), (5, date(2024, 3, 10)), (28, date(2024, 3, 11))],
)
def test_local_dates_follow_the_change_of_the_clock(hour: int, expected: date) -> None:
    """New York went from UTC-5 to UTC-4 on 10 March 2024."""
    begin = datetime(2024, 3, 10, tzinfo=UTC) + timedelta(hours=hour)
    home = fleet({"vehicle_id": "a", "timezone": "America/New_York"})
    trips = trips_of(vehicle(at=begin).drive(600).stand(600).frame(), vehicles=home)
    assert _said(trips, "local_date", "duration_s") == [(expected, 590.0)]


def test_a_time_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(DataError, match="'Mars/Olympus' is not an IANA time zone"):
        trips_of(vehicle().drive(600).frame(), vehicles=fleet({"vehicle_id": "a", "timezone": "Mars/Olympus"}))


def test_the_driver_is_the_one_assigned_at_the_start() -> None:
    driven = vehicle().drive(600).stand(600).drive(600).stand(600).frame()
    drivers = assignments(
        {"driver_id": "early", "vehicle_id": "a", "valid_from": NOON - DAY, "valid_to": _after(1200)},
        {"driver_id": "late", "vehicle_id": "a", "valid_from": _after(1200), "valid_to": None},
        {"driver_id": "other", "vehicle_id": "b", "valid_from": NOON - DAY, "valid_to": None},
    )
    assert _said(trips_of(driven, drivers=drivers), "driver_id") == [("early",), ("late",)]


def test_a_better_source_silences_a_worse_one() -> None:
    bus = vehicle("speed_kmh").drive(600, kmh=60, source="can").stand(600, source="can")
    tracker = vehicle("speed_kmh").silent(3).drive(1200, kmh=20, source="tracker")
    both = pl.concat([tracker.frame(), bus.frame()])
    assert _said(trips_of(both), "ended_at", "distance_km") == _said(trips_of(bus.frame()), "ended_at", "distance_km")


def test_ids_are_the_same_whatever_the_rules() -> None:
    driven = vehicle().drive(600).stand(600).frame()
    usual, strict = trips_of(driven), trips_of(driven, TripRules(segmentation=SegmentationRules(stop_s=240)))
    assert usual["trip_id"].to_list() == strict["trip_id"].to_list()
    assert usual["rules_version"].to_list() != strict["rules_version"].to_list()
    assert TripRules().version == TripRules().version
