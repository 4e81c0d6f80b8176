"""What a query reads is found by its parse, and whatever may change without a write is refused."""

from __future__ import annotations

import pytest

from fleet_assets.adapters.data_versions import read_query


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select 1", set()),
        ("from Trips", {"main.trips"}),
        ("select count(*) from main.trips join stops using (vehicle_id)", {"main.trips", "main.stops"}),
        ("select * from (select * from zones) where id in (select id from stops)", {"main.zones", "main.stops"}),
        ("with t as (select * from trips) select * from t, vehicles", {"main.trips", "main.vehicles"}),
        ("with recursive n as (select 1 as i union all select i + 1 from n where i < 3) from n", set()),
        ("select (select max(a) from stops), 'from zones' from trips -- zones", {"main.stops", "main.trips"}),
        ("from staging.stg_trips", {"staging.stg_trips"}),
        ("from 'drive.parquet'", {"main.drive.parquet"}),
        ("select unnest(range(3)), list_sum([1]), age(a, b), date_trunc('day', a) from trips", {"main.trips"}),
        ("select sum(a) filter (b) over (partition by c order by d) from trips group by all", {"main.trips"}),
    ],
)
def test_tables_are_found_wherever_they_stand(sql: str, tables: set[str]) -> None:
    reading = read_query(sql)
    assert reading is not None
    assert reading.tables == tables


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


def test_statements_that_differ_in_spelling_only_are_the_same() -> None:
    first = read_query("select vehicle_id, count(*) as n from trips group by all")
    second = read_query("SELECT vehicle_id,\n  count( * ) AS n -- how many\nFROM trips GROUP BY ALL")
    other = read_query("select vehicle_id, count(*) as N from trips group by all")
    assert first == second
    assert first != other
