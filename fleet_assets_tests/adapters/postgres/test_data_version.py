"""Whatever changes answers changes the version with it, and no question gets an answer that is older than itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise

import polars as pl
import psycopg
import pytest
import redis

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.data_version import DataVersion
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.migrate import migrate
from fleet_assets.adapters.postgres.ready import prepare
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.adapters.query_cache import QueryCache, SharedResults
from fleet_assets.contracts import STANDING_PERIODS, TRIPS
from fleet_assets_tests.adapters.postgres.before_energy import UNDO, UNDO_READINGS
from fleet_assets_tests.adapters.query_cache.installation import periods
from fleet_assets_tests.dbt.small_fleet import stops, store, trips

END = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where query like '%fleet_meta%facts%' and pid <> pg_backend_pid() and datname = current_database() and state = 'idle'
"""


@pytest.fixture
def server(postgres_url: str) -> Server:
    """A database with a mart of one number."""
    server = Server(postgres_url)
    prepare(server)
    with server.owning() as connection:
        connection.execute("create table fleet.mart as select 0 as n")
        connection.execute("grant select on fleet.mart to fleet_reader")
        meta_tables.note_inputs(connection, {"mart": "inputs"})
    return server


@pytest.fixture
def other(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def count_up(server: Server) -> None:
    with server.owning() as connection:
        connection.execute("update fleet.mart set n = n + 1")
        meta_tables.new_version(connection)


def test_each_partition_that_is_loaded_or_removed_and_each_publication_makes_a_new_version(loader: Loader) -> None:
    store(loader.lake, trips(), stops())
    warehouse, version = PostgresWarehouse(loader.server), DataVersion(loader.server)
    assert version.now() == ""
    seen = []
    for names in (["trips"], ["stops"], ["trips"]):
        list(loader.load(names))
        seen.append(version.now())
    loader.lake.remove(TRIPS, date(2026, 3, 27))
    list(loader.load(["trips"]))
    seen.append(version.now())
    with warehouse.building():
        seen.append(version.now())
        warehouse.publish()
    seen.append(version.now())
    warehouse.note_inputs({"mart": "inputs"})
    seen.append(version.now())
    assert all(seen)
    assert [one == before for before, one in pairwise(seen)] == [
        False, True, False, True, False, True,
    ]  # fmt: skip


def test_a_database_from_before_there_were_versions_has_one_after_the_migration(
    server: Server, other: psycopg.Connection
) -> None:
    other.execute("delete from fleet_meta.facts where name = 'data_version'")
    other.execute("alter table fleet.ingest_daily drop column clock_behind_s")
    for sql in (*UNDO, UNDO_READINGS):
        other.execute(sql.encode())
    other.execute("update fleet_meta.alembic_version set version_num = '0005'")
    warehouse = PostgresWarehouse(server)
    assert warehouse.origin("select n from mart") is None
    assert migrate(server) == "0005"
    first = warehouse.origin("select n from mart")
    assert first
    assert warehouse.query_with_origin("select n from mart")[1] == first
    migrate(server)
    assert warehouse.origin("select n from mart") == first


def test_rows_and_version_are_of_one_moment(server: Server) -> None:
    warehouse = PostgresWarehouse(server)
    before = warehouse.origin("select n from mart")
    slow = "select n, (select count(*) from generate_series(1, 6000000)) as s from mart"
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(warehouse.query_with_origin, slow)
        time.sleep(0.2)
        count_up(server)
        rows, version = asked.result()
    assert (rows["n"].item(), version) == (0, before)
    rows, version = warehouse.query_with_origin("select n from mart")
    assert rows["n"].item() == 1
    assert version == warehouse.origin("select n from mart") != before


def test_a_commit_between_the_look_and_the_answer_is_in_the_answer_which_is_not_kept(server: Server) -> None:
    class Interrupted(PostgresWarehouse):
        def query_with_origin(self, sql: str) -> tuple[pl.DataFrame, str | None]:
            count_up(self.server)
            return super().query_with_origin(sql)

    cache = QueryCache(Interrupted(server))
    assert [cache.query("select n from mart").item() for _ in range(2)] == [1, 2]
    assert (cache.statistics().not_kept, cache.statistics().kept) == (2, 0)


def test_no_answer_is_older_than_its_question_however_often_is_written(
    server: Server, redis_server: redis.Redis
) -> None:
    written, ends_at = [0], time.monotonic() + 3
    caches = [QueryCache(PostgresWarehouse(server), SharedResults(lambda: redis_server)) for _ in range(2)]

    def writes() -> None:
        while time.monotonic() < ends_at:
            count_up(server)
            written[0] += 1
            time.sleep(0.02 if written[0] % 5 else 0.0)

    def reads(cache: QueryCache) -> int:
        answers = 0
        while time.monotonic() < ends_at:
            before = written[0]
            assert cache.query("select n from mart").item() >= before
            answers += 1
        return answers

    with ThreadPoolExecutor() as pool:
        writing, reading = pool.submit(writes), [pool.submit(reads, cache) for cache in caches * 2]
        writing.result()
        answers = sum(one.result() for one in reading)
    assert written[0] > 10
    assert sum(cache.statistics().hits for cache in caches) > answers / 10


def test_loads_and_publications_at_once_do_not_stand_in_each_others_way(loader: Loader) -> None:
    store(loader.lake, trips(), stops())
    for day in range(1, 6):
        loader.lake.write(STANDING_PERIODS, date(2026, 3, day), periods(day, 5), "test")
    list(loader.load([]))
    warehouse = PostgresWarehouse(loader.server)

    def publish() -> None:
        for _ in range(3):
            with warehouse.building():
                warehouse.publish()

    with ThreadPoolExecutor() as pool:
        names = ("trips", "stops", "standing_periods")
        loads = [pool.submit(list, Loader(loader.server, loader.lake).load([name])) for name in names]
        publishing = pool.submit(publish)
        done = [one.result()[0] for one in loads]
        publishing.result()
    assert [load.loaded > 0 for load in done] == [True] * 3
    assert loader.stale(names) == {}


def test_a_copy_of_a_database_that_goes_its_own_way_never_has_a_version_of_the_other(server: Server) -> None:
    version = DataVersion(server)
    seen = {version.now()}
    for _ in range(20):
        count_up(server)
        seen.add(version.now())
    assert len(seen) == 21
    assert {len(one) for one in seen} == {32}


def test_a_session_that_the_server_ended_is_opened_again(server: Server, other: psycopg.Connection) -> None:
    version = DataVersion(server)
    first = version.now()
    assert (True,) in other.execute(END).fetchall()
    assert version.now() == first


def test_a_database_that_no_build_has_touched_is_asked_each_time(postgres_url: str) -> None:
    cache = QueryCache(PostgresWarehouse(Server(postgres_url)))
    assert [cache.query("select 1 as a").item() for _ in range(2)] == [1, 1]
    assert cache.statistics().passed == 2
