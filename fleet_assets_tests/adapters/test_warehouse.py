"""The published file is replaced in one step: readers never wait, never block a build, and never see half of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.warehouse import DUCKDB_TYPES, DuckdbWarehouse
from fleet_assets.contracts import STANDING_PERIODS, TABLES
from fleet_assets.contracts.errors import DataError, ServiceError, UsageError
from fleet_assets.contracts.schema import TYPES

DAY = date(2026, 3, 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def warehouse(tmp_path: Path, lake: Lake) -> DuckdbWarehouse:
    return DuckdbWarehouse(tmp_path / "warehouse" / "fleet.duckdb", str(lake.root))


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


def publish_mart(warehouse: DuckdbWarehouse, value: int, rows: int = 1) -> None:
    """What a build does: fill the private file, publish it."""
    with warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"create or replace table mart as select {value} as value from range({rows})")
        warehouse.publish()


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A second process that runs `code`; it has said one line when this returns."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.said = process.stdout.readline().strip()  # type: ignore[attr-defined]
        try:
            yield process
        finally:
            process.kill()


READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print(connection.execute("select max(value) from mart").fetchone()[0], flush=True)
for _ in sys.stdin:
    print(connection.execute("select max(value) from mart").fetchone()[0], flush=True)
"""


def ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("again\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_reader_in_another_process_blocks_no_build_and_keeps_what_it_opened(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with other_process(READER, warehouse.published) as reader:
        publish_mart(warehouse, 2)
        assert ask(reader) == "1"
        assert warehouse.query("select value from mart").item() == 2
    with other_process(READER, warehouse.published) as reader:
        assert reader.said == "2"  # type: ignore[attr-defined]


def test_queries_during_many_publications_see_whole_states_only(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 0, rows=50_000)

    def publish_many() -> None:
        for value in range(1, 8):
            publish_mart(warehouse, value, rows=50_000)

    builds = Thread(target=publish_many)
    builds.start()
    seen = []
    while builds.is_alive():
        seen.append(warehouse.query("select count(*) as rows, min(value) as low, max(value) as high from mart").row(0))
    builds.join()
    assert {rows for rows, _, _ in seen} == {50_000}
    assert [low for _, low, _ in seen] == [high for _, _, high in seen] == sorted(low for _, low, _ in seen)


KILLED_WHILE_COPYING = """
import os, signal, sys
from pathlib import Path
from fleet_assets.adapters import warehouse as module

def half(content, file):
    file.write(content.read(os.path.getsize(content.name) // 2))
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

warehouse = module.DuckdbWarehouse(Path(sys.argv[1]), sys.argv[2])
with warehouse.building():
    module._copy = half
    warehouse.publish()
"""


def test_a_kill_in_the_middle_of_publishing_leaves_the_old_state_and_the_next_build_cleans_up(
    warehouse: DuckdbWarehouse,
) -> None:
    publish_mart(warehouse, 1)
    with other_process(KILLED_WHILE_COPYING, warehouse.published, warehouse.lake_url) as builder:
        assert builder.wait(60) == -signal.SIGKILL
    assert warehouse.query("select value from mart").item() == 1
    assert len(list(warehouse.published.parent.glob(".*.tmp"))) == 1
    publish_mart(warehouse, 2)
    assert warehouse.query("select value from mart").item() == 2
    assert sorted(path.name for path in warehouse.published.parent.iterdir()) == ["build", "fleet.duckdb"]


KILLED_WHILE_BUILDING = """
import os, signal, sys, duckdb
from pathlib import Path
from fleet_assets.adapters.warehouse import DuckdbWarehouse

with DuckdbWarehouse(Path(sys.argv[1]), sys.argv[2]).building() as file:
    connection = duckdb.connect(str(file))
    connection.execute("create or replace table mart as select 7 as value")
    connection.execute("begin; insert into mart select range from range(100000)")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_in_the_middle_of_a_build_changes_nothing_and_the_next_build_goes_on(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with other_process(KILLED_WHILE_BUILDING, warehouse.published, warehouse.lake_url) as builder:
        assert builder.wait(60) == -signal.SIGKILL
    assert warehouse.query("select value from mart").item() == 1
    with warehouse.building():
        warehouse.publish()
    assert warehouse.query("select value from mart").to_series().to_list() == [7]


WRITER = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("insert into mart values (99)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_somebody_wrote_into_the_published_file_goes_with_it(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with other_process(WRITER, warehouse.published) as analyst:
        assert analyst.wait(60) == -signal.SIGKILL
    assert warehouse.published.with_name("fleet.duckdb.wal").exists()
    publish_mart(warehouse, 2)
    assert warehouse.query("select value from mart").to_series().to_list() == [2]


HOLDER = """
import sys
from pathlib import Path
from fleet_assets.adapters.warehouse import DuckdbWarehouse

with DuckdbWarehouse(Path(sys.argv[1]), sys.argv[2]).building():
    print("building", flush=True)
    sys.stdin.readline()
"""


def test_a_second_build_waits_for_the_first(warehouse: DuckdbWarehouse) -> None:
    with other_process(HOLDER, warehouse.published, warehouse.lake_url) as first:
        second = Thread(target=publish_mart, args=(warehouse, 2))
        second.start()
        time.sleep(0.3)
        assert second.is_alive()
        assert not warehouse.is_published
        assert first.stdin is not None
        first.stdin.close()
        second.join(30)
    assert warehouse.query("select value from mart").item() == 2


def test_a_private_file_that_somebody_else_has_open_is_named(
    warehouse: DuckdbWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet_assets.adapters import warehouse as module

    monkeypatch.setattr(module._open.retry, "stop", lambda _: True)
    publish_mart(warehouse, 1)
    writer = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.readline()"
    with other_process(writer, warehouse.build_file), pytest.raises(ServiceError, match="in use by another process"):
        publish_mart(warehouse, 2)


def test_a_private_file_that_is_broken_says_what_to_do(warehouse: DuckdbWarehouse) -> None:
    warehouse.build_file.parent.mkdir(parents=True)
    warehouse.build_file.write_bytes(b"no database" * 1000)
    with pytest.raises(ServiceError, match="delete it and run `fleet build --full`"):
        publish_mart(warehouse, 1)


def test_a_lost_private_file_starts_from_the_published_one(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    warehouse.build_file.unlink()
    with warehouse.building():
        assert warehouse.row_counts() == {"mart": 1}
        warehouse.publish()
    assert warehouse.query("select value from mart").item() == 1


def test_every_lake_table_is_there_by_name_with_the_columns_of_its_contract(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    assert warehouse.query("show tables")["name"].to_list() == sorted([*TABLES, "mart"])
    for table in TABLES.values():
        assert_frame_equal(warehouse.query(f"select * from {table.name}"), table.empty())


def test_every_type_of_the_contracts_has_one_in_sql() -> None:
    assert set(DUCKDB_TYPES) == set(TYPES)


def test_lake_tables_follow_the_lake_without_a_build(warehouse: DuckdbWarehouse, lake: Lake) -> None:
    publish_mart(warehouse, 1)
    lake.announce_all()
    lake.write(STANDING_PERIODS, DAY, periods(8, 9), "x")
    assert_frame_equal(warehouse.query("from standing_periods order by started_at"), periods(8, 9))
    lake.write(STANDING_PERIODS, DAY, periods(8), "y")
    assert_frame_equal(warehouse.query("from standing_periods"), periods(8))


def test_a_column_that_old_files_lack_is_null(warehouse: DuckdbWarehouse, lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8), "x")
    file = lake.path(STANDING_PERIODS, DAY)
    pl.read_parquet(file).drop("charger_s").write_parquet(file)
    (file.parent.parent / "empty.parquet").unlink()
    assert warehouse.query("select engine_on_s, charger_s from standing_periods").row(0) == (60.0, None)


def test_before_the_first_build_only_what_is_stored_can_be_asked(warehouse: DuckdbWarehouse, lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8), "x")
    assert warehouse.query("select count(*) as n from standing_periods").item() == 1
    with pytest.raises(UsageError, match=r"no table trip_daily_stats; there are: standing_periods; .*`fleet build`"):
        warehouse.query("select * from trip_daily_stats")


def test_an_unknown_table_lists_the_tables(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with pytest.raises(UsageError, match=r"^there is no table trps; there are: can_signals, .*, mart, .*zones$"):
        warehouse.query("select * from trps")


@pytest.mark.parametrize(
    "sql",
    [
        "create table other (value int)", "drop table mart", "delete from mart", "copy mart to 'mart.csv'",
        "select 1; drop table mart", "attach 'x.duckdb'", "set timezone = 'Asia/Tokyo'", "",
    ],
)  # fmt: skip
def test_nothing_but_one_select_is_run(warehouse: DuckdbWarehouse, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_mart(warehouse, 1)
    monkeypatch.chdir(warehouse.published.parent)
    with pytest.raises(UsageError, match="a query is one SELECT"):
        warehouse.query(sql)
    assert sorted(os.listdir()) == ["build", "fleet.duckdb"]


def test_wrong_sql_is_answered_with_one_sentence(warehouse: DuckdbWarehouse) -> None:
    publish_mart(warehouse, 1)
    with pytest.raises(UsageError, match=r'^Binder Error: Referenced column "valu" not found.*"value"$'):
        warehouse.query("select valu from mart")
    with pytest.raises(UsageError, match=r'^Parser Error: syntax error at or near "mart"$'):
        warehouse.query("select * form mart")
    with pytest.raises(UsageError, match="more than one column is called value; give each a name"):
        warehouse.query("select value, value from mart")


def test_a_broken_lake_file_is_named_and_hinders_no_other_table(warehouse: DuckdbWarehouse, lake: Lake) -> None:
    publish_mart(warehouse, 1)
    lake.write(STANDING_PERIODS, DAY, periods(8), "x")
    lake.path(STANDING_PERIODS, DAY).write_bytes(b"")
    with pytest.raises(DataError, match=r"date=2026-03-01/standing_periods\.parquet"):
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
