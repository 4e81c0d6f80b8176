"""Statements of every kind are asked of both servers; none of them leaves a trace in files, tables or sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import psycopg
import pytest

from fleet_assets.adapters.explained import explained
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.query import query
from fleet_assets.adapters.postgres.ready import prepare
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets.contracts.errors import DataError, UsageError
from fleet_assets_tests.fixtures.postgres import contents

EVERYWHERE = (
    "create table other (value int)", "create view other as select 1 as a", "create temp table other (a int)",
    "create sequence numbers", "drop table mart", "drop schema main cascade", "alter table mart add column b int",
    "insert into mart values (2)", "update mart set value = 2", "delete from mart", "truncate mart",
    "merge into mart using (select 1 as v) s on value = v when matched then delete",
    "select 1; drop table mart", "drop table mart; select 1", "begin", "commit", "rollback", "reset all",
    "set timezone = 'Asia/Tokyo'",
    "vacuum", "checkpoint", "analyze", "prepare p as delete from mart", "execute p", "load 'x'",
    "copy mart to 'HOME/lake/mart.csv'", "copy (select 1 as a) to 'HOME/mart.csv'", "copy mart from 'HOME/x.csv'",
    "explain copy (select 1 as a) to 'HOME/lake/x.csv'", "explain analyze copy (select 1 as a) to 'HOME/lake/x.csv'",
    "explain delete from mart", "explain analyze delete from mart", "explain (analyze) delete from mart",
    "explain analyze create table other as select 1 as a", "/* x */ explain -- y\n analyze delete from mart",
    "explain analyze insert into mart values (2)", "explain", "explain explain select 1", "explain (analyze)",
    "with gone as (delete from mart returning 1 as a) select * from gone",
    "with made as (insert into mart values (3) returning 1 as a) select * from made",
    "with one as (select 1 as a), gone as (delete from mart returning 1 as a) select * from one, gone",
    "explain analyze with gone as (delete from mart returning 1 as a) select * from gone",
    "", ";", "-- nothing", "(", "selec 1",
)  # fmt: skip

ON_DUCKDB = (
    "with written as (copy (select 1 as a) to 'HOME/lake/x.csv') select * from written",
    "with written as (copy (select 1 as a) to 'HOME/warehouse/x.parquet' (format parquet)) select * from written",
    "explain analyze with written as (copy (select 1 as a) to 'HOME/lake/x.csv') select * from written",
    "with a as (with written as (copy (select 1) to 'HOME/lake/x.csv') select * from written) select * from a",
    "from query('with w as (copy (select 1) to ''HOME/lake/x.csv'') select * from w')",
    "select * from enable_logging(storage='file', storage_path='HOME/lake/log')",
    "select * from enable_profiling(save_location='HOME/lake/profile.json')",
    "from query('select * from enable_logging(storage=''file'', storage_path=''HOME/lake/log'')')",
    "attach 'HOME/lake/x.duckdb'", "attach 'HOME/warehouse/fleet.duckdb' as again", "detach fleet", "use fleet",
    "export database 'HOME/lake/all'", "import database 'HOME/lake'", "install httpfs", "pragma version",
    "call pragma_version()", "from force_checkpoint()",
    "insert into fleet.main.mart values (3)", "create table fleet.main.other (a int)",
    "set variable x = 1", "set lock_configuration = false", "pragma enable_profiling",
)  # fmt: skip

ON_POSTGRES = (
    "select 1 as a into other", "select * from fleet.trips for update", "select lo_create(4711)",
    "select lo_from_bytea(4711, 'x')", "select nextval('fleet.numbers')", "select setval('fleet.numbers', 7)",
    "explain analyze select * into other from fleet.trips", "do $$ begin delete from fleet.trips; end $$",
    "grant all on fleet.trips to public", "create role somebody", "alter role fleet_reader login",
    "comment on table fleet.trips is 'x'", "lock table fleet.trips", "cluster", "reindex table fleet.trips",
    "listen words", "notify words", "deallocate all", "discard all", "declare c cursor for select 1", "call x()",
    "set role fleet_owner", "set session authorization postgres", "copy fleet.trips to program 'touch HOME/x'",
    "copy (select 1) to 'HOME/x'", "copy fleet.trips to stdout", "select pg_notify('words', 'x') is null as a",
    "select query_to_xml('delete from fleet.trips', true, true, '')::text as a",
    "select pg_advisory_lock(7) is null as a", "select pg_try_advisory_lock_shared(8) as a",
    "select set_config('search_path', 'pg_temp', false) as a",
    "select set_config('timezone', 'Asia/Tokyo', false) as a",
    "select set_config('role', 'none', false) as a", "select set_config('role', 'postgres', false) as a",
    "select set_config('transaction_read_only', 'off', false) as a",
    "explain (analyze, buffers) delete from fleet.trips",
    "explain (format json, analyze) update fleet.trips set idle_s = 0",
    "table fleet_meta.loaded; delete from fleet.trips",
    "explain analyze verbose delete from fleet.trips", "explain execute p", "explain declare c cursor for select 1",
)  # fmt: skip

READ_ON_BOTH = ("select 1 as a", "values (1)", "with a as (select 1 as b) select b from a", "table mart",
                "explain select * from mart", "explain analyze select * from mart", "/* x */ (select 1 as a)",
                "explain (format json) select 1 as a", "select a from (values (1)) as t(a) -- end")  # fmt: skip


READ_ON_DUCKDB = ("show tables", "describe mart", "summarize mart", "from mart", "select * from checkpoint('fleet')")
"""The last one finds nothing to write in a file that is attached for reading."""


def hashes(home: Path) -> dict[str, str]:
    """Mode and hash of everything below a folder."""
    return {
        str(path.relative_to(home)): f"{path.lstat().st_mode:o} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(home.rglob("*"))
    }


def asked(ask: Callable[[str], pl.DataFrame], sql: str, home: Path) -> bool:
    """Whether rows came; whatever else is raised than a refusal of ours ends the test."""
    try:
        ask(sql.replace("HOME", str(home)))
    except (UsageError, DataError):
        return False
    return True


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one lake table, in which the queries also run."""
    Lake(str(tmp_path / "home" / "lake")).write(STANDING_PERIODS, date(2026, 3, 1), STANDING_PERIODS.empty(), "x")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def warehouse(home: Path) -> DuckdbWarehouse:
    made = DuckdbWarehouse(home / "warehouse" / "fleet.duckdb", str(home / "lake"))
    with made.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table mart as select 1 as value")
        made.publish()
    return made


def test_on_duckdb_no_statement_of_any_kind_changes_a_byte(warehouse: DuckdbWarehouse, home: Path) -> None:
    before = hashes(home)
    for sql in (*EVERYWHERE, *ON_DUCKDB):
        assert not asked(warehouse.query, sql, home), sql
        assert hashes(home) == before, sql
    for sql in (*READ_ON_BOTH, *READ_ON_DUCKDB):
        assert asked(warehouse.query, sql, home), sql
        assert hashes(home) == before, sql


@pytest.fixture
def server(home: Path, postgres_url: str) -> Server:
    """A database after the documented set-up, asked by a login that may build, with a mart of one row."""
    loader = Loader(Server(postgres_url), Lake(str(home / "lake")))
    assert prepare(loader.server) == []
    list(loader.load())
    with loader.server.owning() as connection:
        connection.execute("create sequence fleet.numbers; create table fleet.mart as select 1 as value; "
                           "grant select on fleet.mart to fleet_reader")  # fmt: skip
    return loader.server


def session_of(server: Server) -> tuple[object, ...]:
    """What the pool's next session is told, holds and knows."""
    with server.transaction() as connection:
        row = connection.execute(
            "select current_user, current_setting('search_path'), current_setting('timezone'), "
            "(select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), "
            "(select count(*) from pg_prepared_statements where name !~ '^_pg3_'), "
            "(select count(*) from pg_listening_channels())"
        ).fetchone()
        assert row is not None
        return tuple(row)


def test_on_postgres_no_statement_changes_a_row_or_stays_in_a_session(
    server: Server, home: Path, postgres_url: str
) -> None:
    files, rows, session = hashes(home), contents(postgres_url), session_of(server)
    for sql in (*EVERYWHERE, *ON_POSTGRES):
        asked(lambda text: query(server, text), sql, home)
        assert session_of(server) == session, sql
    for sql in READ_ON_BOTH:
        assert asked(lambda text: query(server, text), sql, home), sql
    assert (hashes(home), contents(postgres_url), session_of(server)) == (files, rows, session)
    with psycopg.connect(postgres_url) as connection:
        made = "select (select count(*) from pg_largeobject_metadata), to_regclass('other'), to_regclass('fleet.other')"
        assert connection.execute(made).fetchone() == (0, None, None)
        numbers = connection.execute("select is_called from fleet.numbers").fetchone()
    assert numbers == (False,)


def test_on_postgres_a_query_is_asked_as_the_reader(server: Server) -> None:
    assert query(server, "select current_user::text as who").item() == "fleet_reader"
    with pytest.raises(UsageError, match="permission denied for schema fleet_build"):
        query(server, "select * from fleet_build.anything")


@pytest.mark.parametrize(
    ("sql", "inner"),
    [
        ("explain select 1", " select 1"), ("EXPLAIN ANALYZE delete from t", " delete from t"),
        ("/* a */ explain -- b\n analyze /* c */ (select 1)", " /* c */ (select 1)"),
        ("explain (analyze, format json) select 1", " select 1"), ("explain (select 1)", " (select 1)"),
        ("explain", None), ("explained", None), ("select 1", None), ("", None),
    ],
)  # fmt: skip
def test_what_is_explained_stands_behind_the_options(sql: str, inner: str | None) -> None:
    assert explained(sql) == inner
