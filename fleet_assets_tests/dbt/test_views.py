"""The views that people ask, over a small fleet at a fixed moment: every column of the rows that matter."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import TELEMETRY
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.dbt.small_fleet import NOW, stops, store, telemetry, trips, word
from fleet_assets_tests.dbt.targets import DuckTarget, PostgresTarget, Target, run_dbt
from fleet_assets_tests.fixtures.drives import at

EXAMPLES = re.findall(r"```sql\n(.*?)```", (REPOSITORY / "docs" / "examples_sql.md").read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DuckTarget:
    folder: Path = tmp_path_factory.mktemp("views")
    lake, target = Lake(str(folder / "lake")), DuckTarget(folder / "duckdb")
    store(lake, trips(), stops())
    for (day,), part in telemetry().group_by(pl.col("recorded_at").dt.date()):
        assert isinstance(day, date)
        lake.write(TELEMETRY, day, part, "test")
    target.load(lake)
    run_dbt(target, "run", "--vars", json.dumps({"now": NOW}))
    return target


def rows(built: DuckTarget, sql: str) -> list[tuple[Any, ...]]:
    return built.rows(sql).rows()


def test_fleet_today_says_of_each_vehicle_what_it_does_and_did_today(built: DuckTarget) -> None:
    columns = "vehicle_id, local_date, state, last_seen_at, last_moved_at, trip_count, fuel_level_pct, latitude_deg"
    today = date(2026, 4, 2)
    assert rows(built, f"select {columns} from fleet_today order by 1") == [
        ("car", today, "silent", at("2026-03-29 12:00"), None, 0, None, 39.75),
        ("crane", today, "never_seen", None, None, 0, None, None),
        ("hybrid", today, "idling", at("2026-04-02 09:58"), at("2026-04-02 09:30"), 0, None, 52.0),
        ("stranger", today, "never_seen", None, None, 0, None, None),
        ("truck", today, "moving", at("2026-04-02 10:00"), at("2026-04-02 10:00"), 0, 40.0, 41.0),
    ]


def test_not_moved_today_are_those_without_motion_or_trip_since_midnight(built: DuckTarget) -> None:
    found = rows(built, "select vehicle_id, last_moved_at, standing_days from vehicles_not_moved_today order by 1")
    # The car's trip ended at 23:40 of the last day of March where it is at home.
    assert found == [
        ("car", at("2026-04-01 05:40"), 2), ("crane", None, None),
        # The end of a drive that nobody saw.
        ("stranger", at("2026-03-31 12:30"), 2),
    ]  # fmt: skip


def test_idle_are_those_that_stand_with_the_engine_on(built: DuckTarget) -> None:
    assert rows(built, "select vehicle_id, standing_s from currently_idle") == [("hybrid", 1860.0)]


def test_the_map_of_now_shows_the_last_position_of_those_that_speak(built: DuckTarget) -> None:
    assert rows(built, "select vehicle_id, state, latitude_deg, speed_kmh from active_vehicle_map order by 1") == [
        ("hybrid", "idling", 52.0, 1.0), ("truck", "moving", 41.0, 82.0),
    ]  # fmt: skip


def test_the_track_of_a_vehicle_are_its_positions(built: DuckTarget) -> None:
    sql = "select recorded_at, source, latitude_deg, speed_kmh from vehicle_track where vehicle_id = 'truck' order by 1"
    assert rows(built, sql) == [
        (at("2026-04-02 09:59"), "can", 40.5, 80.0), (at("2026-04-02 10:00"), "torque", 41.0, 2.0),
    ]  # fmt: skip


def test_kilometres_of_the_fleet_by_day_are_those_of_its_vehicles(built: DuckTarget) -> None:
    sql = "select local_date, vehicle_count, trip_count, distance_km, unobserved_km from fleet_km_daily order by 1"
    assert rows(built, sql) == [
        (date(2026, 3, 27), 1, 2, 240.0, 0.0), (date(2026, 3, 28), 1, 2, 250.0, 0.0),
        (date(2026, 3, 29), 0, 0, 0.0, 130.0), (date(2026, 3, 31), 3, 4, 45.5, 20.0),
    ]  # fmt: skip


def test_a_day_adds_up_to_the_odometer_by_the_documented_question(built: DuckTarget) -> None:
    (question,) = [sql for sql in EXAMPLES if "difference_km" in sql]
    assert rows(built, question) == [("stranger", date(2026, 3, 31), 5.0, 20.0, 25.0, 0.0)]


def test_a_trip_with_both_ends_is_a_line_on_the_map(built: DuckTarget) -> None:
    assert rows(built, "select vehicle_id, distance_km, geojson from trips_for_map") == [
        ("truck", 160.0, '{"type":"LineString","coordinates":[[-3.703800,40.416800],[-0.880000,41.650000]]}'),
    ]  # fmt: skip


VIEWS = ("active_vehicle_map", "currently_idle", "fleet_km_daily", "fleet_today", "trips_for_map", "vehicle_track",
         "vehicles_not_moved_today")  # fmt: skip


def same_moment(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Rows with instants in UTC: the zone of a session says only how an instant is shown."""
    instants = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    return frame.with_columns(pl.col(instants).dt.convert_time_zone("UTC")).rows()


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def in_spring(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_urls: Callable[[], str]
) -> Target:
    """The views an hour after the clocks of Madrid went forward, over a vehicle that idles since the day before."""
    folder: Path = tmp_path_factory.mktemp("spring")
    lake = Lake(str(folder / "lake"))
    target = (
        DuckTarget(folder / "dbt") if request.param == "duckdb" else PostgresTarget(folder / "dbt", postgres_urls())
    )
    store(lake, trips(), stops())
    rows = [
        word("hybrid", "2026-03-28 13:00:00", gps_speed_kmh=12.5, latitude_deg=52.0, longitude_deg=13.0),
        word("hybrid", "2026-03-29 02:00:00", gps_speed_kmh=0.0, is_ignition_on=True, engine_speed_rpm=800.0),
    ]
    spoken = TELEMETRY.conform(pl.DataFrame(rows, infer_schema_length=None).lazy()).collect()
    for (day,), part in spoken.group_by(pl.col("recorded_at").dt.date()):
        assert isinstance(day, date)
        lake.write(TELEMETRY, day, part, "test")
    target.load(lake)
    run_dbt(target, "run", "--vars", json.dumps({"now": "2026-03-29 02:00:10+00"}))
    return target


def test_views_say_the_same_in_sessions_of_every_zone(in_spring: Target) -> None:
    for view in VIEWS:
        answers = [
            same_moment(in_spring.rows(f"select * from {view} order by 1, 2", zone))
            for zone in ("UTC", "Europe/Madrid", "America/New_York", "Pacific/Apia")
        ]
        assert answers[1:] == answers[:1] * 3, view


def test_time_that_passed_is_not_what_the_clock_of_a_session_says(in_spring: Target) -> None:
    # 13:00 to 02:00:10 the next day; in Madrid the clock shows an hour more.
    for zone in ("UTC", "Europe/Madrid"):
        assert in_spring.rows("select standing_s from currently_idle", zone).rows() == [(13 * 3600.0 + 10.0,)]
