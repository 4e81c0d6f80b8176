"""What a query is made from changes with every table that it names, and is not known where it may read more."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fleet_assets.contracts import STANDING_PERIODS, TRIPS
from fleet_assets_tests.adapters.query_cache.installation import OwnInstallation, settle


@pytest.fixture
def here(tmp_path: Path) -> OwnInstallation:
    """A mart, and views of which one reads the clock."""
    installation = OwnInstallation(tmp_path)
    installation.write(1, rows=3)
    installation.publish(
        "create table mart as select 1 as n",
        "create schema staging",
        "create view staging.periods as with periods as (from main.standing_periods) from periods",
        "create view longest as select count(*) as n from staging.periods",
        "create view lately as select count(*) as n from longest where today() > date '2026-01-01'",
        "create macro doubled(a) as a * 2",
        "create macro waited(a) as pg_sleep(a)",
    )
    settle()
    return installation


@pytest.mark.parametrize(
    "sql",
    [
        "from standing_periods",
        "select count(*) from Standing_Periods",
        'select count(*) as "N" from "standing_periods" -- all',
        "select * from mart where n in (select count(*) from main.standing_periods)",
        "with standing_periods as (from standing_periods) from standing_periods",
        "with a as (with trips as (select 1) from standing_periods) from a",
        "select (select count(*) from standing_periods), 1 as trips",
        "from longest",
        "from mart, longest",
    ],
)
def test_a_table_that_a_query_reads_by_whatever_way_is_part_of_it(here: OwnInstallation, sql: str) -> None:
    before = here.origin(sql)
    assert before
    assert here.origin(sql) == before
    here.write(2, rows=1)
    assert here.origin(sql) not in (before, None, "")


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "from mart",
        "select sum(n) filter (n > 1) over (order by n) from mart group by all",
        "select unnest(range(3)), list_sum([1]), date_trunc('day', timestamp '2026-03-01'), doubled(n) from mart",
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) from n",
        "select count(*) from trips",
    ],
)
def test_a_table_that_a_query_does_not_name_is_no_part_of_it(here: OwnInstallation, sql: str) -> None:
    before = here.origin(sql)
    assert before
    here.write(2, rows=1)
    assert here.origin(sql) == before


def test_content_that_comes_back_is_another_one(here: OwnInstallation) -> None:
    seen = []
    for rows in (1, 2, 1):
        here.write(2, rows)
        seen.append(here.origin("from standing_periods"))
    assert len(set(seen)) == 3
    here.lake.remove(STANDING_PERIODS, date(2026, 3, 2))
    assert here.origin("from standing_periods") not in seen
    assert here.origin("from trips") == here.origin("from trips")
    here.lake.write(TRIPS, date(2026, 3, 1), TRIPS.empty(), "test")


def test_before_the_first_publication_lake_tables_are_known(tmp_path: Path) -> None:
    here = OwnInstallation(tmp_path)
    here.write(1, rows=3)
    before = here.origin("from standing_periods")
    assert before
    here.write(1, rows=4)
    assert here.origin("from standing_periods") != before


@pytest.mark.parametrize(
    "sql",
    [
        "select now()",
        "select current_date",
        "select localtimestamp",
        "select current_localtimestamp()",
        "select ago(interval 1 day)",
        "select age(started_at) from standing_periods",
        "select random() from mart",
        "select uuid()",
        "select nextval('numbers')",
        "select current_setting('timezone')",
        "select waited(n) from mart",
        "from lately",
        "select count(*) from standing_periods where started_at > today() - 7",
        "with recent as (select now() as t) select * from recent",
        "select * from mart tablesample 10 percent",
        "select * from mart using sample 1",
        "from 'drive.parquet'",
        'from "drive.parquet"',
        'with "drive.parquet" as (from "drive.parquet") from "drive.parquet"',
        "select * from read_parquet('drive.parquet')",
        "select * from duckdb_tables()",
        "select * from duckdb_tables",
        "select * from information_schema.tables",
        "select * from sqlite_master",
        "select * from query('select 1')",
        "select * from query_table('ma' || 'rt')",
        "select * from histogram_values('ma' || 'rt', n)",
        "show tables",
        "describe mart",
        "summarize mart",
        "explain select 1",
        "select 1; select 2",
        "delete from mart",
        "selec",
        "",
    ],
)
def test_what_may_change_without_a_write_or_is_not_understood_is_refused(here: OwnInstallation, sql: str) -> None:
    assert here.origin(sql) is None
