"""Marts and lake tables are there by their bare names, read only, in UTC, and a wrong question gets one sentence."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_views import DUCKDB_TYPES
from fleet_assets.adapters.published_file import opens_in_old_clients
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.contracts import STANDING_PERIODS, TABLES, TRIPS
from fleet_assets.contracts.errors import DataError, UsageError
from fleet_assets.contracts.schema import TYPES
from fleet_assets.installation import Installation

DAY = date(2026, 3, 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def unbuilt(tmp_path: Path, lake: Lake) -> DuckdbWarehouse:
    return DuckdbWarehouse(tmp_path / "warehouse" / "fleet.duckdb", str(lake.root))


@pytest.fixture
def warehouse(unbuilt: DuckdbWarehouse) -> DuckdbWarehouse:
    """A published warehouse with one mart of one row."""
    with unbuilt.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table mart as select 1 as value")
        unbuilt.publish()
    return unbuilt


def periods(*hours: int) -> pl.DataFrame:
    starts = [datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in hours]
    rows = pl.DataFrame(
        {
            "vehicle_id": ["van-1"] * len(hours),
            "started_at": starts,
            "ended_at": [start + timedelta(minutes=30) for start in starts],
            "engine_on_s": [60.0] * len(hours),
            "charger_s": [0.0] * len(hours),
        }
    )
    return STANDING_PERIODS.conform(rows.lazy()).collect()


def test_every_lake_table_is_there_by_name_with_the_columns_of_its_contract(warehouse: DuckdbWarehouse) -> None:
    assert warehouse.query("show tables")["name"].to_list() == sorted([*TABLES, "mart"])
    for table in TABLES.values():
        assert_frame_equal(warehouse.query(f"select * from {table.name}"), table.empty())


def test_every_type_of_the_contracts_has_one_in_sql() -> None:
    assert set(DUCKDB_TYPES) == set(TYPES)


def test_lake_tables_follow_the_lake_without_a_build(warehouse: DuckdbWarehouse, lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8, 9), "x")
    assert_frame_equal(warehouse.query("from standing_periods order by started_at"), periods(8, 9))
    lake.write(STANDING_PERIODS, DAY, periods(8), "y")
    assert_frame_equal(warehouse.query("from standing_periods"), periods(8))


def test_a_build_reads_one_generation_and_what_it_publishes_follows_the_lake(
    unbuilt: DuckdbWarehouse, lake: Lake
) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8, 9), "x")
    count = "select count(*) from standing_periods"
    with unbuilt.building() as file:
        lake.write(STANDING_PERIODS, DAY, periods(8), "y")
        with duckdb.connect(str(file)) as connection:
            assert connection.sql(count).fetchall() == [(2,)]
        unbuilt.publish()
    for hours in ((1, 2, 3), (8,)):
        lake.write(STANDING_PERIODS, DAY, periods(*hours), str(hours))
        with duckdb.connect(str(unbuilt.published), read_only=True) as connection:
            assert connection.sql(count).fetchall() == [(len(hours),)]


def test_a_column_that_old_files_lack_is_null(warehouse: DuckdbWarehouse, lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8), "x")
    file = lake.path(STANDING_PERIODS, DAY)
    pl.read_parquet(file).drop("charger_s").write_parquet(file)
    (file.parent.parent / "empty.parquet").unlink()
    assert warehouse.query("select engine_on_s, charger_s from standing_periods").row(0) == (60.0, None)


def test_before_the_first_build_only_what_is_stored_can_be_asked(unbuilt: DuckdbWarehouse, lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8), "x")
    assert unbuilt.query("select count(*) as n from standing_periods").item() == 1
    with pytest.raises(UsageError, match=r"no table xyz; there are: standing_periods; .*`fleet build`"):
        unbuilt.query("select * from xyz")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("trps", r"did you mean trips or stops\?"), ("martt", r"did you mean mart\?"),
        ("refuels", r"did you mean fuel_events\?"), ("q", "there are: alarms, can_signals, .*, mart, .*zones"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("statement", ["select * from {}", "describe {}"])
def test_an_unknown_table_leads_to_the_one_that_may_be_meant_or_to_all(
    warehouse: DuckdbWarehouse, statement: str, name: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=f"^there is no table {name}; {sentence}$"):
        warehouse.query(statement.format(name))


def test_tables_and_columns_are_told_with_what_they_mean(warehouse: DuckdbWarehouse) -> None:
    tables = dict(warehouse.query("show tables").iter_rows())
    assert tables["trips"] == TRIPS.row
    assert tables["mart"] is None
    told = warehouse.query('DESCRIBE table "trips";')
    assert told["column_name"].to_list() == list(TRIPS.schema)
    assert told.row(by_predicate=pl.col("column_name") == "distance_km") == (
        "distance_km", "double", "Distance driven. [km]",
    )  # fmt: skip
    assert warehouse.query("describe mart").columns == told.columns


def test_whoever_opens_the_file_reads_the_same(warehouse: DuckdbWarehouse) -> None:
    with warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("comment on table mart is 'One number.'; comment on column mart.value is 'It. [km]'")
        warehouse.publish()
    with duckdb.connect(str(warehouse.published), read_only=True) as connection:
        asked = "select comment from duckdb_columns() where table_name = 'trips' and column_name = 'distance_km'"
        assert connection.execute(asked).fetchall() == [("Distance driven. [km]",)]
        asked = "select comment from duckdb_views() where view_name = 'trips'"
        assert connection.execute(asked).fetchall() == [(TRIPS.row,)]
    assert warehouse.query("describe mart").row(0)[2] == "It. [km]"
    assert ("mart", "One number.") in warehouse.query("show tables").rows()


def test_the_file_has_the_storage_version_of_the_first_release_that_later_ones_read(warehouse: DuckdbWarehouse) -> None:
    with duckdb.connect(str(warehouse.published), read_only=True) as connection:
        row = connection.execute("select tags from duckdb_databases() where not internal").fetchone()
    assert row is not None
    assert row[0]["storage_version"].startswith("v1.0.0")
    assert opens_in_old_clients(warehouse.published)


def test_a_file_that_old_clients_cannot_open_is_made_anew_whole(warehouse: DuckdbWarehouse) -> None:
    warehouse.published.unlink()
    with duckdb.connect(str(warehouse.published)) as connection:
        connection.execute("create table mart as select 1 as value")
    warehouse.note_inputs({"mart": "made from"})
    assert not opens_in_old_clients(warehouse.published)
    assert (warehouse.is_published, warehouse.built_from()) == (False, {})
    assert warehouse.query("select value from mart").item() == 1
    with warehouse.building():
        assert warehouse.row_counts() == {}
        warehouse.publish()
    assert warehouse.is_published


@pytest.mark.parametrize(
    "sql",
    [
        "create table other (value int)", "drop table mart", "delete from mart", "copy mart to 'mart.csv'",
        "select 1; drop table mart", "attach 'x.duckdb'", "set timezone = 'Asia/Tokyo'", "",
    ],
)  # fmt: skip
def test_nothing_but_one_select_is_run(warehouse: DuckdbWarehouse, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(warehouse.published.parent)
    with pytest.raises(UsageError, match="a query is one SELECT"):
        warehouse.query(sql)
    assert sorted(os.listdir()) == ["build", "fleet.duckdb"]


def test_wrong_sql_is_answered_with_one_sentence(warehouse: DuckdbWarehouse) -> None:
    with pytest.raises(UsageError, match=r'^Binder Error: Referenced column "valu" not found.*"value"$'):
        warehouse.query("select valu from mart")
    with pytest.raises(UsageError, match=r'^Parser Error: syntax error at or near "mart"$'):
        warehouse.query("select * form mart")
    with pytest.raises(UsageError, match="more than one column is called value; give each a name"):
        warehouse.query("select value, value from mart")


def test_what_is_wrong_with_a_row_far_down_is_said_in_the_words_of_duckdb(warehouse: DuckdbWarehouse) -> None:
    numbers = "select case when i = 250000 then 'x' else '1' end as text from range(300000) as numbers (i)"
    with pytest.raises(UsageError, match=r"^Conversion Error: Could not convert string 'x' to INT32 when casting"):
        warehouse.query(f"select text::integer as number from ({numbers})")
    assert warehouse.query(f"select max(text) as text from ({numbers})").item() == "x"


def test_a_broken_lake_file_is_named_and_hinders_no_other_table(warehouse: DuckdbWarehouse, lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8), "x")
    lake.path(STANDING_PERIODS, DAY).write_bytes(b"")
    with pytest.raises(DataError, match=r"standing_periods/_files/date=2026-03-01/[0-9a-f]{32}"):
        warehouse.query("select * from standing_periods")
    assert warehouse.query("select count(*) as n from trips").item() == 0


def test_spans_are_durations_and_sums_of_whole_numbers_whole(warehouse: DuckdbWarehouse) -> None:
    found = warehouse.query("select timestamptz '2026-03-02 01:00+01' - timestamptz '2026-03-01 00:00+00' as span, "
                            "sum(n) as total from (values (1), (2)) as numbers(n)")  # fmt: skip
    assert found.row(0) == (timedelta(days=1), 3)
    assert found.schema == {"span": pl.Duration("us"), "total": pl.Int64}


def test_instants_are_utc_whatever_the_machine_says(
    warehouse: DuckdbWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        found = warehouse.query("select timestamptz '2026-03-01 00:30' as instant")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert_frame_equal(found, pl.DataFrame({"instant": [datetime(2026, 3, 1, 0, 30, tzinfo=UTC)]}))


def test_a_query_reads_the_lake_and_no_other_file(installation: Installation, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    reads = (f"select * from read_csv('{secret}')", f"select * from read_text('{secret}')", "from 'http://host/a.csv'")
    for sql in reads:
        with pytest.raises((UsageError, DataError)):
            installation.warehouse.query(sql)
