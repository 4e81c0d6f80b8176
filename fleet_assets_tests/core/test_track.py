"""A track serves several detectors from one reading of telemetry, and computes once what they share."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import VEHICLES
from fleet_assets.core import points
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN
from fleet_assets.core.points import vehicle_ranges
from fleet_assets.core.standing import StandingRules, periods_of, standing_periods
from fleet_assets.core.track import Track, TrackRules, each_track
from fleet_assets.core.trips import TripRules
from fleet_assets.core.trips.batch import MEASURED
from fleet_assets.core.trips.detect import trips_of as trips_of_track
from fleet_assets_tests.core.histories import NOON, telemetry, trips_of, vehicle, whole

HOUR = timedelta(hours=1)
COLUMNS = ("speed_kmh", "engine_speed_rpm", "hv_power_kw", "hv_voltage_v", "hv_current_a", "is_charger_connected")


def _tracks(history: pl.DataFrame, rules: TrackRules | None = None) -> list[Track]:
    rows = history.lazy()
    ranges = vehicle_ranges(rows, COLUMNS)
    return each_track(rows, COLUMNS, ranges, VEHICLES.empty(), rules or TrackRules(), lambda found: found)


def test_one_track_gives_the_trips_and_the_standing_periods_that_each_table_has_alone() -> None:
    history = pl.concat([vehicle(name=name).drive(600).stand(900).drive(600).stand(900).frame() for name in "ab"])
    window = whole(history)
    (one,) = _tracks(history)
    trips = trips_of_track(one, window, TripRules()).select("vehicle_id", "started_at", "ended_at", "distance_km")
    known = trips_of(history, window=window)
    assert_frame_equal(trips, known.select(trips.columns))
    assert known.height == 4
    alone = standing_periods(history.lazy(), StandingRules()).collect()
    assert_frame_equal(periods_of(one, StandingRules()), alone)
    assert alone.height == 4


def test_states_are_computed_once_for_all_detectors() -> None:
    history = vehicle().drive(600).stand(900).frame()
    (one,) = _tracks(history)
    trips_of_track(one, whole(history), TripRules())
    states, seen = one.states, one.witnesses
    trips_of_track(one, whole(history), TripRules())
    assert one.states is states
    assert one.witnesses is seen
    assert seen.states is states


def test_states_say_what_was_told() -> None:
    told: tuple[dict[str, object], ...] = ({"speed_kmh": 0.0}, {"speed_kmh": 30.0}, {"engine_speed_rpm": 700.0})
    rows = [{"vehicle_id": "a", "recorded_at": NOON + k * HOUR, **said} for k, said in enumerate(told)]
    (one,) = _tracks(telemetry(*rows))
    assert one.states.tolist() == [STANDING, MOVING, UNKNOWN]
    assert one.engine.tolist() == [UNKNOWN, UNKNOWN, 1]
    assert one.charger.tolist() == [UNKNOWN] * 3
    assert not one.states.flags.writeable


def test_battery_power_is_voltage_times_current_where_no_power_is_told() -> None:
    volts = vehicle().drive(10, hv_voltage_v=400.0, hv_current_a=25.0)
    (one,) = _tracks(volts.drive(10, hv_power_kw=7.0, hv_voltage_v=400.0, hv_current_a=25.0).frame())
    assert one.battery_kw.tolist() == [10.0, 7.0]


def test_a_day_of_a_vehicle_is_a_vehicle_of_its_own() -> None:
    (one,) = _tracks(vehicle(step_s=43_200).stand(3 * 86_400).frame())
    daily = one.by_day()
    assert daily.points.vehicle.tolist() == [0, 1, 1, 2, 2, 3]
    assert daily.points.vehicle_ids.to_list() == ["a"] * 4


def test_tracks_come_in_the_order_of_the_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    history = pl.concat([vehicle(name=name).drive(60).frame() for name in "cab"])
    monkeypatch.setattr(points, "CELLS_PER_BATCH", 1)
    assert [one.points.vehicle_ids.to_list() for one in _tracks(history)] == [["a"], ["b"], ["c"]]


def test_measured_columns_are_those_of_the_rows_of_a_track() -> None:
    history = vehicle().drive(600).stand(900).frame()
    (one,) = _tracks(history)
    assert trips_of_track(one, whole(history), TripRules()).columns == list(MEASURED)
