"""Readers read and cannot write; what a query may be; what the person is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.discrepancies import look_over
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.names import statement
from fleet_assets.adapters.postgres.owners import objects_of_others
from fleet_assets.adapters.postgres.query import query
from fleet_assets.adapters.postgres.ready import prepare
from fleet_assets.adapters.postgres.schema import by_day
from fleet_assets.adapters.postgres.timescale import as_hypertable, plain_table
from fleet_assets.contracts import TABLES, TRIPS
from fleet_assets.contracts.errors import UsageError
from fleet_assets_tests.dbt.small_fleet import stops, store, trips


@pytest.fixture
def server(loader: Loader) -> Server:
    store(loader.lake, trips(), stops())
    list(loader.load())
    return loader.server


def test_answers_have_the_types_of_the_question(server: Server) -> None:
    found = query(
        server,
        "select count(*) as n, sum(n) as total, avg(n) as mean, 'x' as word, date '2026-03-02' as day, "
        "null::text as no, timestamptz '2026-03-02 08:00+01' as at, interval '90 s' as span, array['a', null] as list, "
        "'\\x00ff'::bytea as raw, '{\"a\": 1}'::jsonb as doc, true as yes from (values (1), (3)) as t (n)",
    )
    assert_frame_equal(found, pl.DataFrame({
        "n": [2], "total": [4], "mean": [2.0], "word": ["x"], "day": [date(2026, 3, 2)],
        "no": pl.Series([None], dtype=pl.String), "at": [datetime(2026, 3, 2, 7, tzinfo=UTC)],
        "span": [timedelta(seconds=90)], "list": [["a", None]], "raw": [b"\x00\xff"], "doc": ['{"a": 1}'],
        "yes": [True],
    }, schema_overrides={"at": pl.Datetime("us", "UTC")}))  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("delete from trips", "a query is one SELECT"),
        (
            "with gone as (delete from trips returning 1) select * from gone",
            "a query is one SELECT that only reads, and this one would change something$",
        ),
        ("select 1 as a; drop table trips", "cannot insert multiple commands"),
        ("select * from tripz", r"^there is no table tripz; did you mean trips( or \w+)*\?$"),
        ("select distanz from trips", 'column "distanz" does not exist'),
        ("select 1 as a, 2 as a", "more than one column is called a"),
        ("select 1/0 as a", "division by zero"),
        ("select set_config('transaction_read_only', 'off', true)", "read-write mode"),
        ("", "a query is one SELECT"),
    ],
)
def test_what_is_no_single_select_is_refused_in_a_sentence(server: Server, sql: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        query(server, sql)
    assert query(server, "select count(*) as n from trips").item() == trips().height


def test_readers_cannot_write_anywhere(server: Server) -> None:
    for text in ("delete from fleet.trips", "update fleet.trips set idle_s = 0", "create table fleet.x (a int)",
                 "truncate fleet.trips", "insert into fleet_meta.facts values ('a', 'b')", "drop table fleet.trips",
                 "select * from fleet_parts.trips_2026_03"):  # fmt: skip
        with server.transaction("fleet_reader") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(text.encode())


def test_the_look_over_says_what_does_not_hold(server: Server, loader: Loader) -> None:
    found = {one.what: one for one in look_over(server, loader)}
    assert [one.says for one in found.values() if not one.holds] == []
    assert found["privileges"].says.startswith("fleet_reader cannot read 0 and can write 0")
    loader.lake.write(TRIPS, date(2026, 3, 31), TRIPS.empty(), "test")
    wrong = [one for one in look_over(server, loader) if not one.holds]
    assert [(one.what, one.says) for one in wrong] == [("loaded", "partitions not as in the lake: trips: 1")]


def test_a_user_who_may_not_make_roles_is_told_what_an_administrator_runs(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as administrator:
        administrator.execute("drop role if exists modest")
        administrator.execute("create role modest login")
        name = administrator.info.dbname
        administrator.execute(statement("grant create on database {name} to modest", name=name))
    modest = Server(postgres_url.replace("postgres:@", "modest@"))
    try:
        refused = prepare(modest)
        assert any("search_path" in text for text in refused)
        assert all(text.endswith(";") for text in refused)
        assert query(modest, "select count(*) as n from trips").item() == 0
    finally:
        modest.engine.dispose()
        with psycopg.connect(postgres_url, autocommit=True) as administrator:
            administrator.execute("drop owned by modest cascade")
            administrator.execute("drop role modest")


def test_hypertables_are_made_of_plain_tables() -> None:
    assert plain_table("create table t (a int) partition by range (closed_at)") == "create table t (a int)"
    texts = [text.as_string() for text in as_hypertable(TRIPS, '"fleet"."trips"')]
    assert texts[0] == (
        "select create_hypertable('\"fleet\".\"trips\"', 'closed_at', chunk_time_interval => interval '30 days', "
        "migrate_data => true, create_default_indexes => false)"
    )
    assert "timescaledb.compress_segmentby = 'vehicle_id'" in texts[1]
    assert "trips" not in by_day()


def test_nothing_asks_of_the_owner_what_only_a_login_can_do(server: Server) -> None:
    """TimescaleDB runs jobs and policies as the owner of their table, and starts them for roles with a login only."""
    texts = [text.as_string() for table in TABLES.values() if table.partition_by for text in as_hypertable(table, "t")]
    assert not [text for text in texts if "policy" in text or "add_job" in text]
    with server.transaction() as connection:
        asked = (
            "select distinct r.rolname::text, r.rolcanlogin from pg_class c join pg_roles r on r.oid = relowner "
            "where relnamespace = 'fleet'::regnamespace"
        )
        assert connection.execute(asked).fetchall() == [("fleet_owner", False)]


def test_what_was_made_before_the_roles_were_is_handed_over_to_the_owner(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as administrator:
        administrator.execute("create role early login")
        name = administrator.info.dbname
        administrator.execute(statement("alter database {name} owner to early", name=name))
    early = Server(postgres_url.replace("postgres:@", "early@"))
    owned = "select count(*) as n from pg_class where relnamespace::regnamespace::text like 'fleet%'"
    try:
        prepare(early)
        assert query(early, f"{owned} and relowner = 'early'::regrole").item() > 0
        with psycopg.connect(postgres_url, autocommit=True) as administrator:
            administrator.execute("grant fleet_owner to early")
        with early.transaction() as connection:
            assert {thing.owner for thing in objects_of_others(connection, "fleet_owner")} == {"early"}
        assert [text for text in prepare(early) if "owner" in text] == []
        with early.transaction() as connection:
            assert objects_of_others(connection, "fleet_owner") == []
        assert query(early, f"{owned} and relowner = 'early'::regrole").item() == 0
    finally:
        early.engine.dispose()
        with psycopg.connect(postgres_url, autocommit=True) as administrator:
            administrator.execute(statement("alter database {name} owner to postgres", name=name))
            administrator.execute("drop owned by early cascade")
            administrator.execute("drop role early")
