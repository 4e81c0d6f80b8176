"""Trips of trackers that speak every half minute to every ten minutes: what is true of them at any cadence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.core.trips import TripRules
from fleet_assets.core.window import Window
from fleet_assets_tests.core.histories import DAY, NOON, Vehicle, fleet, readings_of, trips_of, vehicle

ALL = ("speed_kmh", "odometer_km", "latitude_deg", "longitude_deg")
BEGIN = datetime(2024, 5, 13, 6, tzinfo=UTC)


def _day(step_s: float, *columns: str, jitter: float = 0.0, seed: int = 0) -> pl.DataFrame:
    """A day as it happened, second by second, of which every `step_s` one row is kept, or one near it."""
    done = Vehicle("a", BEGIN, step_s=1.0, columns=columns or ALL).stand(1800, engine_speed_rpm=0.0)
    for minutes, kmh, pause in ((25, 50.0, 40), (40, 80.0, 60), (15, 30.0, 90)):
        done = done.drive(minutes * 60, kmh, engine_speed_rpm=1500.0).stand(600, engine_speed_rpm=700.0)
        done = done.stand(pause * 60, engine_speed_rpm=0.0)
    frame = done.frame()
    moments = np.arange(0, frame.height, step_s)
    near = np.random.default_rng(seed).uniform(-jitter, jitter, len(moments)) * step_s
    rows = np.unique(np.clip(np.round(moments + near), 0, frame.height - 1).astype(int))
    return frame[rows]


KM = 25 / 60 * 50 + 40 / 60 * 80 + 15 / 60 * 30
ENDS = [(1800, 3300), (6300, 8700), (12_900, 13_800)]


@pytest.mark.parametrize("jitter", [0.0, 0.3])
@pytest.mark.parametrize("step_s", [10, 30, 60, 120, 300, 600])
@pytest.mark.parametrize(
    "columns", [ALL, ("speed_kmh",), ("speed_kmh", "odometer_km"), ("latitude_deg", "longitude_deg")]
)
def test_the_same_trips_are_found_at_every_cadence(step_s: int, jitter: float, columns: tuple[str, ...]) -> None:
    trips = trips_of(_day(step_s, *columns, jitter=jitter)).filter(pl.col("start_reason") != "unobserved")
    found = [((row["started_at"] - BEGIN).total_seconds(), (row["ended_at"] - BEGIN).total_seconds())
             for row in trips.iter_rows(named=True)]  # fmt: skip
    assert len(found) == 3
    # A row may come as late as its jitter, before and after an end.
    allowed = max(step_s * (1 + jitter), 10)
    assert all(
        abs(one - other) <= allowed for pair in zip(found, ENDS, strict=True) for one, other in zip(*pair, strict=True)
    )
    share = 0.01 if "odometer_km" in columns else 0.03 + 0.1 * step_s / 600
    assert trips["distance_km"].sum() == pytest.approx(KM, rel=share)


@pytest.mark.parametrize("step_s", [30, 120, 300])
def test_moving_and_standing_time_and_the_mean_speed_are_those_of_the_road(step_s: int) -> None:
    trips = trips_of(_day(step_s))
    assert trips["moving_s"].sum() == pytest.approx(80 * 60, rel=0.05)
    assert trips["avg_speed_kmh"].to_list() == [pytest.approx(kmh, rel=0.05) for kmh in (50, 80, 30)]
    assert trips["cadence_s"].to_list() == [pytest.approx(step_s, rel=0.01)] * 3
    assert (trips["coverage_pct"] > 99).all()


def test_a_tracker_with_exactly_five_minutes_between_rows_has_its_trips() -> None:
    driven = vehicle("speed_kmh", "odometer_km", step_s=300).stand(1800).drive(5400).stand(3600)
    (trip,) = trips_of(driven.frame()).rows(named=True)
    assert (trip["distance_km"], trip["moving_s"], trip["end_reason"]) == (90.0, 5400.0, "stop")


def test_a_traffic_light_in_one_row_of_ten_minutes_ends_no_trip_and_a_stop_does() -> None:
    light = vehicle("speed_kmh", "odometer_km", step_s=600).drive(3600).says(speed_kmh=0.0).frame()
    km = light["odometer_km"].drop_nulls()[-1]
    driven = vehicle("speed_kmh", "odometer_km", step_s=600).stand(1200).drive(3600)
    at_light = Vehicle("a", driven.now, driven.km, driven.rows, 600, driven.columns)
    at_light = at_light.says(speed_kmh=0.0, odometer_km=at_light.km)
    through = Vehicle("a", at_light.now + timedelta(seconds=600), at_light.km + 9.5, at_light.rows, 600, driven.columns)
    assert km > 0
    assert trips_of(through.drive(3600).stand(3600).frame()).height == 1
    stopped = Vehicle("a", at_light.now + timedelta(seconds=600), at_light.km + 0.5, at_light.rows, 600, driven.columns)
    assert trips_of(stopped.drive(3600).stand(3600).frame()).height == 2


def test_a_row_lost_here_and_there_ends_no_trip() -> None:
    driven = vehicle("speed_kmh", step_s=120).drive(7200).stand(3600).frame().with_row_index("n")
    assert trips_of(driven.filter(pl.col("n") % 7 != 5).drop("n")).height == 1


def test_what_a_dense_row_bounds_is_not_estimated() -> None:
    dense, slow = vehicle().stand(60).drive(600).stand(600), vehicle(step_s=60).stand(60).drive(600).stand(600)
    assert trips_of(dense.frame())["started_at"].to_list() == [NOON + timedelta(seconds=60)]
    (trip,) = trips_of(slow.frame()).rows(named=True)
    assert (trip["started_at"], trip["ended_at"]) == (NOON + timedelta(seconds=30), NOON + timedelta(seconds=630))
    assert (trip["distance_km"], trip["max_speed_kmh"]) == (pytest.approx(10), 60)


_STEPS = st.sampled_from([1, 7, 10, 11, 30, 60, 119, 120, 300, 600, 900])


@st.composite
def _histories(draw: st.DrawFn) -> pl.DataFrame:
    """Drives, stands and silences at one cadence or another, with some of the witnesses."""
    columns = draw(st.sampled_from([ALL, ("speed_kmh",), ("odometer_km",), ("speed_kmh", "odometer_km"), ALL[2:],
                                    ("gps_speed_kmh", *ALL[2:])]))  # fmt: skip
    told = Vehicle("a", BEGIN, step_s=draw(_STEPS), columns=columns)
    for _ in range(draw(st.integers(2, 8))):
        rows, kmh = draw(st.integers(1, 20)), draw(st.sampled_from([0.0, 0.0, 5.0, 30.0, 90.0]))
        engine = draw(st.sampled_from([None, 0.0, 800.0]))
        told = told.drive(rows * told.step_s, kmh, **({} if engine is None else {"engine_speed_rpm": engine}))
        pause, unseen = (
            draw(st.sampled_from([0, 0, 100, 400, 2000, 20_000, 100_000])),
            draw(st.sampled_from([0.0, 0.0, 40.0])),
        )
        told = told.silent(pause, unseen)
        if draw(st.integers(0, 4)) == 0:
            told = Vehicle("a", told.now, told.km, told.rows, draw(_STEPS), columns)
    return told.frame()


@pytest.mark.slow
@given(_histories())
@settings(max_examples=150)
def test_the_times_of_a_trip_are_its_duration_and_no_mean_is_above_its_maximum(history: pl.DataFrame) -> None:
    trips = trips_of(history)
    seen = trips.filter(pl.col("start_reason") != "unobserved")
    parts = seen["moving_s"] + seen["standing_s"] + seen["unknown_s"]
    assert ((parts - seen["duration_s"]).abs() < 1e-6).all()
    assert (seen["idle_s"].fill_null(0) <= seen["standing_s"] + 1e-6).all()
    assert (trips["avg_speed_kmh"] <= trips["max_speed_kmh"] * (1 + 1e-9)).all(ignore_nulls=True)
    assert (trips["unknown_s"] >= -1e-6).all()
    hidden = trips.filter(pl.col("start_reason") == "unobserved")
    assert (
        hidden.select(pl.col("moving_s", "standing_s", "idle_s", "avg_speed_kmh").is_null().all()).row(0) == (True,) * 4
    )


def _changing_km(history: pl.DataFrame, dense_s: float) -> float:
    """What an integral of speed may be above the odometer: that one goes on at the speed of a row until the next one,
    the integral at the mean of both."""
    told = history.drop_nulls("speed_kmh")
    step_s = (told["recorded_at"].diff().dt.total_microseconds() / 1e6).clip(0, dense_s)
    return float((told["speed_kmh"].diff().abs() * step_s).sum()) / 7200


@given(_histories())
@settings(max_examples=150)
def test_trips_and_drives_that_nobody_saw_add_up_to_the_odometer(history: pl.DataFrame) -> None:
    read = history["odometer_km"].drop_nulls()
    if not len(read):
        return
    trips = trips_of(history, readings=readings_of(history))
    driven = read.to_numpy().max() - read.to_numpy().min()
    told, error = float(trips["distance_km"].sum()), float(trips["distance_error_km"].sum())
    # Movement below the least distance of a trip is none, however often; a dense drive is counted from row to row.
    rules = TripRules()
    dense_km = 90 * rules.cadence.dense_s / 3600 * 2
    untold_km = (dense_km + rules.segmentation.min_distance_km * 3) * (trips.height + 8)
    assert told <= driven + error + _changing_km(history, rules.cadence.dense_s) + 1e-6
    assert told >= driven - untold_km - error


@pytest.mark.slow
@given(_histories())
@settings(max_examples=60)
def test_day_by_day_equals_one_full_rebuild_at_any_cadence(history: pl.DataFrame) -> None:
    days = 12
    start = BEGIN.replace(hour=0)
    whole = trips_of(history, window=Window(start - DAY, start, start + days * DAY))
    daily = []
    for k in range(days):
        window = Window(start + (k - 1) * DAY, start + k * DAY, start + (k + 1) * DAY)
        seen = history.filter(pl.col("recorded_at").is_between(window.start, window.day_end, closed="left"))
        daily.append(trips_of(seen, window=window))
    assert pl.concat(daily).sort("started_at").equals(whole)


@pytest.mark.slow
@given(_histories(), st.sampled_from([6, 12, 18]))
@settings(max_examples=100)
def test_where_midnight_falls_changes_no_trip_at_any_cadence(history: pl.DataFrame, hours: int) -> None:
    later = timedelta(hours=hours)
    here = trips_of(history)
    there = trips_of(history.with_columns(pl.col("recorded_at") + later)).with_columns(
        pl.col("started_at", "ended_at", "closed_at") - later
    )
    is_short = pl.col("duration_s") < 18 * 3600
    ends = ["started_at", "ended_at", "closed_at", "start_reason", "end_reason"]
    # A silence of more than a day reaches behind the look-back of one of them.
    if history["recorded_at"].sort().diff().max() < timedelta(hours=20):  # type: ignore[operator]
        assert here.filter(is_short).select(ends).equals(there.filter(is_short).select(ends))


def test_a_vehicle_with_a_battery_car_idles_never_and_one_without_an_engine_signal_is_not_known_to() -> None:
    driven = vehicle().drive(600, is_ignition_on=True).stand(200, is_ignition_on=True).drive(600, is_ignition_on=True)
    history = driven.stand(600, is_ignition_on=True).frame()
    by_kind = {kind: trips_of(history, vehicles=fleet({"vehicle_id": "a", "powertrain": kind}))["idle_s"].to_list()
               for kind in ("ice", "bev", "phev")}  # fmt: skip
    assert by_kind == {"ice": [pytest.approx(200)], "bev": [None], "phev": [None]}
    assert trips_of(history.with_columns(soc_pct=pl.lit(50.0)))["idle_s"].to_list() == [None]


def test_a_handful_of_sampled_speeds_overrules_no_odometer() -> None:
    slow = vehicle("speed_kmh", "odometer_km", step_s=300).stand(1200)
    for kmh in (38.0, 42.0, 0.0, 0.0, 30.0, 0.0):
        slow = slow.says(speed_kmh=kmh, odometer_km=slow.km).silent(300, kmh=34.3)
    (trip,) = trips_of(slow.stand(3600).frame()).rows(named=True)
    assert (trip["distance_source"], trip["quality"]) == ("odometer", None)
    assert trip["distance_km"] == pytest.approx(17.15, abs=0.1)


def test_a_silence_after_a_stand_with_time_for_a_stop_ends_the_trip() -> None:
    slow = vehicle("speed_kmh", "odometer_km", step_s=300).stand(1200).drive(3000, 60)
    slow = slow.says(speed_kmh=0.0, odometer_km=slow.km).silent(13 * 60).silent(240, kmh=60)
    assert trips_of(slow.drive(3000, 60).stand(3600).frame()).height == 2


def test_a_trip_of_one_instant_is_a_whole_row() -> None:
    """One row that moves, whose way to the next one was covered in no time that anything tells of."""
    woken = vehicle("speed_kmh", "odometer_km", step_s=300).stand(3000)
    woken = woken.says(speed_kmh=250.0, odometer_km=woken.km + 0.2).silent(300).stand(3000)
    for row in trips_of(woken.frame()).iter_rows(named=True):
        assert 0 <= row["coverage_pct"] <= 100
