"""What a query reads is found by its parse, and whatever may change without a write is refused."""

from __future__ import annotations

import pytest

from fleet_assets.adapters.sql_dependencies import Relations, read_query

THERE = Relations(
    frozenset(f"main.{name}" for name in ("trips", "stops", "zones", "vehicles", "longest", "lately", "staged"))
    | {"staging.stg_trips"},
    {
        "main.longest": "select max(a) as a from main.trips",
        "main.lately": "select * from staged where a < now()",
        "main.staged": "select * from staging.stg_trips",
        "staging.stg_trips": "with trips as (select * from trips) select * from trips",
    },
)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select 1", set()),
        ("from Trips", {"trips"}),
        ("select count(*) from main.trips join stops using (vehicle_id)", {"trips", "stops"}),
        ("select * from (select * from zones) where id in (select id from stops)", {"zones", "stops"}),
        ("with t as (select * from trips) select * from t, vehicles", {"trips", "vehicles"}),
        ("with trips as (select * from trips where a) select * from trips", {"trips"}),
        ("with a as (with stops as (select 1) from stops), b as (from stops) from a, b", {"stops"}),
        ("with a as (from stops), stops as (select 1 as b) from a, stops", {"stops"}),
        ("with stops as (select 1 as b) from main.stops, stops", {"stops"}),
        ("with a as (select 1 as b), c as (from a) from c where b in (with d as (from a, zones) from d)", {"zones"}),
        ("with recursive n as (select 1 as i union all select i + 1 from n where i < 3) from n", set()),
        ("select (select max(a) from stops), 'from zones' from trips -- zones", {"stops", "trips"}),
        ("select unnest(range(3)), list_sum([1]), age(a, b), date_trunc('day', a) from trips", {"trips"}),
        ("select sum(a) filter (b) over (partition by c order by d) from trips group by all", {"trips"}),
        ("from longest, stops", {"longest", "trips", "stops"}),
        ("from staged", {"staged", "staging.stg_trips", "trips"}),
    ],
)
def test_tables_are_found_wherever_they_stand_and_behind_views(sql: str, tables: set[str]) -> None:
    assert THERE.behind(sql) == frozenset(name if "." in name else f"main.{name}" for name in tables)


@pytest.mark.parametrize(
    "sql", ["from 'drive.parquet'", "from other", "from staging.trips", "from lately", "from a.b.c"]
)
def test_what_is_not_there_and_a_view_that_asks_the_clock_are_refused(sql: str) -> None:
    assert THERE.behind(sql) is None


def test_a_view_that_is_not_clear_is_refused_too() -> None:
    assert THERE.behind("from longest", lambda text: "max(" not in text) is None
    assert THERE.behind("from trips", lambda text: "max(" not in text) == frozenset({"main.trips"})


@pytest.mark.parametrize(
    "sql",
    [
        "select now()",
        "select current_date",
        "select localtimestamp",
        "select current_localtimestamp()",
        "select ago(interval 1 day)",
        "select age(started_at) from trips",
        "select random() from trips",
        "select uuid()",
        "select nextval('numbers')",
        "select current_setting('timezone')",
        "select count(*) from trips where started_at > today() - 7",
        "with recent as (select now() as t) select * from recent",
        "select * from trips tablesample 10 percent",
        "select * from read_parquet('drive.parquet')",
        "select * from duckdb_tables()",
        "select * from query('select 1')",
        "select unknown_function(a) from trips",
        "select * from a.b.c",
        "select $1",
        "show tables",
        "describe trips",
        "summarize trips",
        "explain select 1",
        "select 1; select 2",
        "delete from trips",
        "selec",
        "",
    ],
)
def test_what_may_change_without_a_write_or_is_not_understood_is_refused(sql: str) -> None:
    assert read_query(sql) is None
