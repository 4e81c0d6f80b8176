"""Answers of PostgreSQL are kept while their data is there, and never when they may change without a write."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl
import pytest

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.adapters.query_cache import QueryCache
from fleet_assets.contracts import TRIPS
from fleet_assets_tests.dbt.small_fleet import stops, store, trips

COUNT = "select count(*) as n from trips"


@pytest.fixture
def warehouse(loader: Loader) -> PostgresWarehouse:
    store(loader.lake, trips(), stops())
    list(loader.load(["trips", "stops"]))
    return PostgresWarehouse(loader.server)


def run(warehouse: PostgresWarehouse, sql: str) -> None:
    """As the owner, and as part of a change of which everybody is told."""
    with warehouse.server.owning() as connection:
        connection.execute(sql.encode())
        meta_tables.new_version(connection)


def model(warehouse: PostgresWarehouse, name: str, sql: str) -> None:
    """A view or table as a build has made it."""
    run(warehouse, sql)
    warehouse.note_inputs({name: "inputs"})


def made_from(warehouse: PostgresWarehouse, sql: str) -> str | None:
    return warehouse.query_with_origin(sql)[1]


def test_a_loaded_partition_changes_the_answer_and_a_load_of_nothing_new_does_not(
    warehouse: PostgresWarehouse, loader: Loader
) -> None:
    cache = QueryCache(warehouse)
    there = trips().height
    assert [cache.query(COUNT).item() for _ in range(2)] == [there, there]
    loader.lake.write(TRIPS, date(2026, 3, 31), TRIPS.empty(), "test")
    assert cache.query(COUNT).item() == there
    list(loader.load(["stops"]))
    assert cache.query(COUNT).item() == there
    assert (cache.statistics().hits, cache.statistics().misses) == (3, 1)
    list(loader.load(["trips"]))
    last = pl.col("closed_at").dt.date() == date(2026, 3, 31)
    assert [cache.query(COUNT).item() for _ in range(2)] == [there - trips().filter(last).height] * 2
    assert (cache.statistics().hits, cache.statistics().misses) == (4, 2)


def test_what_builds_made_is_kept_and_what_people_made_beside_it_is_not(warehouse: PostgresWarehouse) -> None:
    cache = QueryCache(warehouse)
    run(warehouse, "create table fleet.mart as select 1 as n")
    run(warehouse, "create view fleet.mine as select n from fleet.mart")
    assert [cache.query("select n from mart").item() for _ in range(2)] == [1, 1]
    assert cache.statistics().passed == 2
    warehouse.note_inputs({"mart": ""})
    run(warehouse, "update fleet.mart set n = 2")
    assert [cache.query("select n from fleet.mart").item() for _ in range(2)] == [2, 2]
    assert [cache.query("with mart as (select n from mart) select n from mart").item() for _ in range(2)] == [2, 2]
    assert cache.statistics().hits == 2
    assert made_from(warehouse, "select n from mine") is None
    assert made_from(warehouse, "select mart.n from mart, mine") is None
    assert made_from(warehouse, "with mine as (select n from mine) select n from mine") is None
    assert made_from(warehouse, 'with "Mine" as (select 1 as n) select n from mine') is None


def test_views_that_read_the_clock_are_asked_each_time_and_others_kept(warehouse: PostgresWarehouse) -> None:
    cache = QueryCache(warehouse)
    clock = "create view fleet.moment as select clock_timestamp() as at, count(*) as n from fleet.trips"
    model(warehouse, "moment", clock)
    model(warehouse, "staged", "create view staging.staged as select at from fleet.moment")
    model(warehouse, "later", "create view fleet.later as select at from staging.staged")
    model(warehouse, "stg", "create view staging.stg as select distance_km as km from fleet.trips")
    model(warehouse, "longest", "create view fleet.longest as select max(km) as km from staging.stg")
    for name in ("moment", "later"):
        first, second = (cache.query(f"select at from {name}").item() for _ in range(2))
        assert first < second
    assert [cache.query("select km from longest").height for _ in range(2)] == [1, 1]
    assert (cache.statistics().hits, cache.statistics().passed) == (1, 4)
    model(
        warehouse, "longest", "create or replace view fleet.longest as select min(distance_km) as km from fleet.trips"
    )
    assert cache.query("select km from longest").item() == trips()["distance_km"].min()


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) as n from trips where started_at >= 'today'",
        "select date 'Yesterday' as day",
        "select ('to' || 'day')::date as day",
        "select concat('to', 'day')::date as day",
        "select e'\\164oday'::date as day",
        "select 'fleet.trips'::regclass::text as name",
        "select obj_description(1) as said",
        "select pg_get_viewdef(1) as said",
        "select current_date as day",
        "select age(started_at) as age from trips",
        "select count(*) as n from trips tablesample system (50)",
        "select count(*) as n from pg_class",
        "select count(*) as n from information_schema.tables",
        "select count(*) as n from pg_roles",
        "select random() as n",
        "select set_config('datestyle', 'German', true) as said",
        "select mine(1) as n",
        'select "Mine"(1) as n',
        "show timezone",
        "explain select 1",
    ],
)
def test_what_may_change_without_a_write_is_not_kept(warehouse: PostgresWarehouse, sql: str) -> None:
    for name in ("mine", '"Mine"'):
        run(warehouse, f"create function fleet.{name}(a int) returns int immutable language sql as 'select a'")
    assert made_from(warehouse, sql) is None


def test_questions_whose_answers_are_never_kept_do_not_wait_for_one_another(warehouse: PostgresWarehouse) -> None:
    cache = QueryCache(warehouse)
    asked = "select pg_sleep(0.5)::text as s"
    cache.query(asked)
    began = time.monotonic()
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(cache.query, [asked] * 3))
    assert time.monotonic() - began < 1.0
    assert cache.statistics().passed == 4


def test_a_mart_that_reads_parts_of_a_table_follows_from_the_version(warehouse: PostgresWarehouse) -> None:
    days = "select count(*) as n from trips where started_at < timestamptz '2026-03-28'"
    assert made_from(warehouse, days) == warehouse.origin(days)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('select count(*) as "N" from trips', "select count(*) as N from trips"),
        ("select 'abc'::varchar(2) as a", "select 'abc'::varchar(3) as a"),
    ],
)
def test_statements_that_mean_different_things_here_have_different_answers(
    warehouse: PostgresWarehouse, first: str, second: str
) -> None:
    cache = QueryCache(warehouse)
    answers = [cache.query(sql).to_dict(as_series=False) for sql in (first, second)]
    assert answers[0] != answers[1]


def test_ordinary_questions_are_kept(warehouse: PostgresWarehouse) -> None:
    for sql in (
        "select vehicle_id, date_trunc('day', started_at) as day, sum(distance_km) as km, count(*) filter (where "
        "distance_km > 1) as n from trips where started_at >= timestamptz '2026-03-01' and started_at < '2026-04-01' "
        "group by 1, 2 order by 1, 2 limit 5",
        "with t as (select *, row_number() over (partition by vehicle_id order by started_at) as i from trips) "
        "select vehicle_id, started_at::date as day, coalesce(round(distance_km::numeric, 1), 0) as km from t",
        "select extract(dow from started_at at time zone 'UTC') as d, count(*) as n from trips group by 1",
        'with "Days" as (select started_at::date as day from trips) select count(*) as "N" from "Days" -- by day',
        "select vehicle_id from trips order by distance_km desc nulls last limit 1",
    ):
        assert made_from(warehouse, sql), sql
