"""A table by its name, a span and vehicles: the right rows, from the needed files only, or one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets import read
from fleet_assets.contracts import TABLES, TELEMETRY, TRIPS
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets_tests.dbt import small_fleet
from fleet_assets_tests.fixtures.drives import at

DAYS = [date(2026, 3, day) for day in (1, 2, 3)]


def minutes(day: date, vehicle: str) -> pl.DataFrame:
    """Telemetry once an hour, with a value in the first row only."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = pl.DataFrame({"recorded_at": [midnight + timedelta(hours=hour) for hour in range(24)]})
    said = rows.with_columns(
        vehicle_id=pl.lit(vehicle), source=pl.lit("test"), speed_kmh=pl.when(pl.int_range(24) == 0).then(50.0)
    )
    return TELEMETRY.conform(said.lazy()).collect()


@pytest.fixture
def filled(installation: Installation) -> Installation:
    """Three days of two vehicles, and the trips and vehicles of a small fleet."""
    for day in DAYS:
        installation.lake.write(TELEMETRY, day, pl.concat([minutes(day, "van-1"), minutes(day, "van-2")]), "test")
    small_fleet.store(installation.lake, small_fleet.trips(), small_fleet.stops())
    return installation


@pytest.mark.usefixtures("filled")
def test_a_span_is_half_open_and_a_day_begins_at_midnight_utc() -> None:
    rows = read.table("telemetry", "2026-03-02", date(2026, 3, 3), "van-1").collect()
    assert_frame_equal(rows, minutes(DAYS[1], "van-1"))


@pytest.mark.usefixtures("filled")
def test_instants_with_any_offset_bound_to_the_microsecond() -> None:
    madrid = timezone(timedelta(hours=1))
    rows = read.table("telemetry", datetime(2026, 3, 2, 1, tzinfo=madrid), "2026-03-02T02:00Z", ["van-1"]).collect()
    assert rows["recorded_at"].to_list() == [at("2026-03-02 00:00"), at("2026-03-02 01:00")]


def test_only_the_files_of_the_days_are_opened(filled: Installation) -> None:
    for day in (DAYS[0], DAYS[2]):
        filled.lake.path(TELEMETRY, day).write_bytes(b"not Parquet")
    assert read.table("telemetry", "2026-03-02", "2026-03-03").collect().height == 48
    with pytest.raises(pl.exceptions.ComputeError):
        read.table("telemetry", "2026-03-02", "2026-03-04").collect()


@pytest.mark.usefixtures("filled")
def test_time_and_vehicles_are_asked_of_the_file_not_of_the_rows_read() -> None:
    plan = read.table("telemetry", "2026-03-02T08:00Z", "2026-03-03", ["van-1", "van-2"]).select("speed_kmh").explain()
    assert "PROJECT 3/" in plan
    assert "SELECTION" in plan
    assert "FILTER" not in plan


def test_trips_are_those_that_start_in_the_span_also_when_they_end_days_later(filled: Installation) -> None:
    rows = read.table("trips", "2026-03-31T23:50Z", "2026-04-01").collect()
    expected = small_fleet.trips().filter(pl.col("trip_id") == "hybrid-20260331T235000")
    assert_frame_equal(rows, expected)
    assert filled.lake.path(TRIPS, date(2026, 4, 1)).exists()


@pytest.mark.usefixtures("filled")
def test_a_table_without_days_is_read_whole() -> None:
    assert_frame_equal(read.table("vehicles").collect(), small_fleet.vehicles().sort("vehicle_id"))
    with pytest.raises(UsageError, match="vehicles has no time to choose by: read it without start and end"):
        read.table("vehicles", "2026-03-01")


@pytest.mark.usefixtures("filled")
def test_a_table_that_nothing_was_built_for_is_empty_with_its_columns() -> None:
    assert_frame_equal(read.table("can_signals", "2026-03-01").collect(), read.table("can_signals").collect())
    assert read.table("can_signals").collect().height == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("telemetri",), "there is no table 'telemetri'; did you mean telemetry"),
        (("telemetry", None, None, ["van-11"]), "there is no vehicle 'van-11'; did you mean van-1"),
        (("telemetry", None, None, "zeppelin"), "there is no vehicle 'zeppelin'; there are: car, hybrid, truck, van-1"),
        (("telemetry", "2026-03-02", "2026-03-02"), "nothing lies from 2026-03-02 to 2026-03-02"),
        (("telemetry", "2026-03-02T08:00"), "start 2026-03-02T08:00 has no offset"),
        (("telemetry", datetime(2026, 3, 2)), "has no offset, and a local time would be a guess"),
        (("telemetry", None, "next week"), "end 'next week' is neither a day"),
        (("zones", None, None, "van-1"), "zones has no vehicle_id: read it without vehicles"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_a_wrong_question_gets_one_sentence(arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read.table(*arguments)  # type: ignore[arg-type]


@pytest.mark.usefixtures("filled")
def test_a_vehicle_that_is_declared_but_did_not_drive_has_no_rows() -> None:
    assert read.table("telemetry", "2026-03-01", vehicles="truck").collect().height == 0


@pytest.mark.usefixtures("filled")
def test_no_vehicles_are_no_rows() -> None:
    assert read.table("telemetry", vehicles=[]).collect().height == 0


@pytest.mark.usefixtures("filled")
def test_pandas_keeps_instants_in_utc_and_invents_no_values() -> None:
    rows = read.pandas("telemetry", "2026-03-02", "2026-03-03", "van-1")
    assert isinstance(rows, pd.DataFrame)
    assert rows["recorded_at"].dtype == pd.DatetimeTZDtype("us", "UTC")
    assert rows["recorded_at"].iloc[1] == pd.Timestamp("2026-03-02T01:00Z")
    assert rows["speed_kmh"].dtype == "float64"
    assert rows["speed_kmh"].isna().tolist() == [False] + [True] * 23
    kinds = {name: str(rows[name].dtype) for name in ("vehicle_id", "satellite_count", "is_ignition_on", "dtc_codes")}
    assert kinds == {
        "vehicle_id": "str", "satellite_count": "Int64", "is_ignition_on": "boolean",
        "dtc_codes": "large_list<item: large_string>[pyarrow]",
    }  # fmt: skip
    assert rows.resample("6h", on="recorded_at")["speed_kmh"].mean().iloc[0] == 50.0


@pytest.mark.usefixtures("filled")
def test_pandas_shows_local_days_as_midnights_without_a_zone() -> None:
    days = read.pandas("trips", vehicles="truck")["local_date"]
    assert days.dtype == "datetime64[us]"
    assert days.iloc[2] == pd.Timestamp("2026-03-28")


def test_home_names_another_installation(filled: Installation, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert read.table("vehicles", home=elsewhere).collect().height == 0
    assert read.Fleet(filled.settings.root).table("vehicles").collect().height == VEHICLES_COUNT


VEHICLES_COUNT = len(small_fleet.VEHICLE_ROWS)


def test_reading_needs_no_dagster(filled: Installation) -> None:
    code = (
        "import sys; from fleet_assets import read; "
        "print(read.table('vehicles').collect().height, 'dagster' in sys.modules)"
    )
    environment = os.environ | {"FLEET_HOME": str(filled.settings.root)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(VEHICLES_COUNT), "False"]


def test_every_table_of_the_lake_is_listed_before_the_marts(filled: Installation) -> None:
    publish(filled, "create table vehicle_daily as select 1 as one")
    assert read.tables() == [*TABLES, "vehicle_daily"]


def test_a_mart_is_bounded_by_local_days_and_vehicles(filled: Installation) -> None:
    publish(filled, MART)
    rows = read.table("vehicle_daily", "2026-03-02", "2026-03-04", ["van-1"]).collect()
    assert rows.to_dicts() == [
        {"vehicle_id": "van-1", "local_date": date(2026, 3, 2), "trip_count": 2},
        {"vehicle_id": "van-1", "local_date": date(2026, 3, 3), "trip_count": 3},
    ]
    frame = read.pandas("vehicle_daily", "2026-03-02", vehicles="van-2")
    assert frame["local_date"].tolist() == [pd.Timestamp(2026, 3, day) for day in (2, 3, 4)]
    assert frame["trip_count"].tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("vehicle_daly",), "there is no table 'vehicle_daly'; did you mean vehicle_daily"),
        (("vehicle_daily", "2026-03-02T08:00Z"), "rows of vehicle_daily are local days: bound them by dates"),
        (("vehicle_daily", None, None, ["van'3"]), 'there is no vehicle "van\'3"; did you mean van-'),
    ],
)
def test_a_wrong_question_to_a_mart_gets_one_sentence(
    filled: Installation, arguments: tuple[object, ...], sentence: str
) -> None:
    publish(filled, MART)
    with pytest.raises(UsageError, match=sentence):
        read.table(*arguments)  # type: ignore[arg-type]


MART = """
create table vehicle_daily as
select vehicle_id, date '2026-03-01' + day::integer as local_date, day + 1 as trip_count
from (values ('van-1'), ('van-2')) as vehicles (vehicle_id), range(4) as days (day) order by 1, 2
"""


def publish(installation: Installation, sql: str) -> None:
    """A warehouse with one mart."""
    with installation.warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute(sql)
        installation.warehouse.publish()


def test_a_folder_that_does_not_exist_is_no_empty_installation(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder .*nowhere: name that of an installation"):
        read.table("trips", home=tmp_path / "nowhere")
