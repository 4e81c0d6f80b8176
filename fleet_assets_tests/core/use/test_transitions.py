"""Starts of plug-in hybrids' engines: each once, in its trip if it has one, and none lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import ENGINE_STARTS, SOC_TRANSITIONS, check_frame
from fleet_assets.core.use.transitions import TransitionRules, soc_transitions, starts_of_days
from fleet_assets.core.window import Window
from fleet_assets_tests.core.histories import DAY, Vehicle, fleet, midnight, trips_of, vehicle

MIDNIGHT = datetime(2024, 5, 15, tzinfo=UTC)
HYBRID = fleet({"vehicle_id": "a", "powertrain": "phev"})


def _days(frame: pl.DataFrame) -> list[Window]:
    first = midnight(frame["recorded_at"].min())  # type: ignore[arg-type]
    return [Window(first + k * DAY, first + k * DAY, first + (k + 1) * DAY) for k in range(6)]


def _starts(frame: pl.DataFrame, day: Window, vehicles: pl.DataFrame) -> pl.DataFrame:
    window = Window(day.day_start - ENGINE_STARTS.look_back, day.day_start, day.day_end)
    seen = frame.filter(pl.col("recorded_at").is_between(window.start, window.day_end, closed="left"))
    found = starts_of_days(seen.lazy(), vehicles.lazy(), window, TransitionRules()).collect()
    check_frame(ENGINE_STARTS, found)
    return found


def _transitions(frame: pl.DataFrame, vehicles: pl.DataFrame = HYBRID) -> pl.DataFrame:
    """Day by day, as they are built."""
    days = _days(frame)
    starts = pl.concat([_starts(frame, day, vehicles) for day in days]).lazy()
    trips = trips_of(frame, vehicles=vehicles).lazy()
    found = []
    for day in days:
        window = Window(day.day_start - SOC_TRANSITIONS.look_back, day.day_start, day.day_end)
        seen = trips.filter(pl.col("closed_at") < day.day_end)
        found.append(soc_transitions(starts, seen, vehicles.lazy(), window, TransitionRules()).collect())
        check_frame(SOC_TRANSITIONS, found[-1])
    every = Window(days[0].day_start - DAY, days[0].day_start, days[-1].day_end)
    assert_frame_equal(pl.concat(found).sort(SOC_TRANSITIONS.order),
                       soc_transitions(starts, trips, vehicles.lazy(), every, TransitionRules()).collect())  # fmt: skip
    return pl.concat(found).sort("recorded_at")


def _electric(at: datetime = MIDNIGHT - timedelta(hours=6)) -> Vehicle:
    return vehicle(at=at).drive(600, engine_speed_rpm=0.0, soc_pct=20.0, ambient_temp_c=5.0, odometer_km=10.0)


def test_every_start_of_a_trip_is_told_with_the_charge_then() -> None:
    first = _electric().drive(300, engine_speed_rpm=1500.0).drive(300, engine_speed_rpm=0.0, soc_pct=0.0)
    history = first.drive(300, engine_speed_rpm=1500.0).stand(600, engine_speed_rpm=0.0).frame()
    found = _transitions(history)
    (trip,) = trips_of(history, vehicles=HYBRID).rows(named=True)
    assert found["soc_pct"].to_list() == [20.0, 0.0]
    assert found["trip_id"].to_list() == [trip["trip_id"]] * 2
    assert found.row(0, named=True)["recorded_at"] == trip["engine_started_at"]
    assert found.select("ambient_temp_c", "odometer_km").row(0) == (5.0, 10.0)


def test_a_start_in_no_trip_is_not_lost() -> None:
    parked = vehicle(at=MIDNIGHT - timedelta(hours=6)).stand(600, engine_speed_rpm=0.0, soc_pct=30.0)
    warmed = parked.stand(600, engine_speed_rpm=900.0).stand(600, engine_speed_rpm=0.0)
    (alone,) = _transitions(warmed.frame()).rows(named=True)
    assert alone["trip_id"] is None
    assert alone["closed_at"] == alone["recorded_at"] + timedelta(days=2)
    driven = warmed.drive(600, engine_speed_rpm=0.0).stand(600).frame()
    (before,) = _transitions(driven).rows(named=True)
    assert (before["trip_id"], before["closed_at"]) == (None, trips_of(driven)["closed_at"][0])


def test_a_start_at_midnight_is_told_once() -> None:
    for seconds in (0, 10, 20, 30):
        begin = MIDNIGHT - timedelta(seconds=600 + seconds)
        found = _transitions(_electric(begin).drive(600, engine_speed_rpm=1500.0).stand(900).frame())
        assert found["soc_pct"].to_list() == [20.0]


def test_an_engine_that_only_flickers_or_ran_already_did_not_start() -> None:
    flickers = _electric().drive(10, engine_speed_rpm=900.0).drive(300, engine_speed_rpm=0.0).stand(600).frame()
    assert _transitions(flickers).is_empty()
    assert _transitions(vehicle().drive(600, engine_speed_rpm=1500.0, soc_pct=10.0).frame()).is_empty()


@pytest.mark.parametrize(("powertrain", "count"), [("phev", 1), (None, 1), ("ice", 0), ("hev", 0), ("bev", 0)])
def test_only_plug_in_hybrids_have_transitions(powertrain: str | None, count: int) -> None:
    history = _electric().drive(600, engine_speed_rpm=1500.0).stand(900).frame()
    assert _transitions(history, fleet({"vehicle_id": "a", "powertrain": powertrain})).height == count
