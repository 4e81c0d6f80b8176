"""A result is given again as long as its data is there, computed once however many ask, and never when it is stale."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.query_cache import QueryCache
from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets.contracts.errors import UsageError
from fleet_assets_tests.adapters.query_cache.installation import OwnInstallation, settle

COUNT = "select count(*) as n from standing_periods"


@pytest.fixture
def here(tmp_path: Path) -> OwnInstallation:
    installation = OwnInstallation(tmp_path)
    installation.write(1, rows=3)
    installation.write(2, rows=4)
    settle()
    return installation


def answer(cache: QueryCache, sql: str = COUNT) -> int:
    return int(cache.query(sql).item())


def test_the_second_of_two_equal_questions_is_not_computed(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    assert [answer(cache), answer(cache, f" {COUNT}\n")] == [7, 7]
    assert here.computed == 1
    counts = cache.statistics()
    assert (counts.hits, counts.misses, counts.kept) == (1, 1, 1)
    assert counts.bytes > 0


def test_a_written_partition_changes_the_answer_also_of_earlier_content(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    for rows in (4, 5, 4):
        here.write(2, rows)
        settle()
        assert [answer(cache), answer(cache)] == [3 + rows] * 2
    assert here.computed == 3


def test_what_is_written_again_with_the_same_bytes_is_no_change(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    assert answer(cache) == 7
    here.write(2, rows=4)
    settle()
    assert answer(cache) == 7
    assert here.computed == 1


def test_a_table_of_which_a_statement_defines_another_one_by_its_name_is_watched(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    sql = "with standing_periods as (select 1 from standing_periods) select count(*) as n from standing_periods"
    assert answer(cache, sql) == 7
    here.write(2, rows=1)
    settle()
    assert answer(cache, sql) == 4


def test_a_table_that_the_query_does_not_read_may_change(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    here.publish("create table mart as select 1 as value")
    settle()
    assert answer(cache, "select value from mart") == 1
    here.write(3, rows=1)
    settle()
    assert answer(cache, "select value from mart") == 1
    assert here.computed == 1


def test_a_publication_changes_the_answer_of_marts_and_of_views_over_the_lake(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    view = "create or replace view longest as select count(*) as n from standing_periods"
    here.publish("create or replace table mart as select 1 as n", view)
    settle()
    assert [answer(cache, "select n from mart"), answer(cache, "select n from longest")] == [1, 7]
    here.write(2, rows=1)
    settle()
    assert [answer(cache, "select n from mart"), answer(cache, "select n from longest")] == [1, 4]
    assert here.computed == 3
    here.publish("create or replace table mart as select 2 as n", view)
    settle()
    assert [answer(cache, "select n from mart"), answer(cache, "select n from longest")] == [2, 4]


def test_a_view_that_asks_the_clock_is_never_kept(here: OwnInstallation) -> None:
    here.publish("create view lately as select count(*) as n from standing_periods where started_at < now()")
    settle()
    cache = QueryCache(here)
    assert [answer(cache, "select n from lately") for _ in range(2)] == [
        here.warehouse.query("select n from lately").item()
    ] * 2
    assert cache.statistics().passed == 2


def test_what_was_written_a_moment_ago_is_kept_since_a_generation_never_changes(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    here.write(2, rows=5)
    assert answer(cache) == 8
    assert cache.statistics().kept == 1
    here.write(2, rows=6)
    assert answer(cache) == 9


def test_a_file_of_somebody_else_in_the_lake_is_no_part_of_its_tables(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    path = here.lake.path(STANDING_PERIODS, date(2026, 3, 1))
    (path.parent / "copy.parquet").write_bytes(path.read_bytes())
    assert answer(cache) == 7


def test_what_changed_while_it_was_computed_is_given_and_not_kept(here: OwnInstallation) -> None:
    class Interrupted(OwnInstallation):
        def query(self, sql: str) -> pl.DataFrame:
            rows = super().query(sql)
            # There and back again: the content is the same afterwards, but not what a query in between saw.
            self.write(2, rows=9)
            self.write(2, rows=4)
            return rows

    interrupted = Interrupted(here.lake.root.parent)
    cache = QueryCache(interrupted)
    assert answer(cache) == 7
    assert cache.statistics().kept == 0
    assert cache.statistics().not_kept == 1


def test_equal_questions_at_once_are_computed_once(here: OwnInstallation) -> None:
    class Slow(OwnInstallation):
        def query(self, sql: str) -> pl.DataFrame:
            time.sleep(0.3)
            return super().query(sql)

    slow = Slow(here.lake.root.parent)
    cache = QueryCache(slow)
    start = threading.Barrier(8)

    def ask(_number: int) -> int:
        start.wait()
        return answer(cache)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [7] * 8
    assert slow.computed == 1
    assert (cache.statistics().hits, cache.statistics().misses) == (7, 1)


def test_a_refusal_reaches_everybody_who_asked_and_is_not_kept(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    for _ in range(2):
        with pytest.raises(UsageError, match="Referenced column"):
            cache.query("select wrong from standing_periods")
    assert cache.statistics().kept == 0
    assert answer(cache) == 7


def test_the_least_recently_used_result_goes_when_there_is_no_room(here: OwnInstallation) -> None:
    cache = QueryCache(here, memory_bytes=3_000)
    questions = [f"select count(*) + {number} as n from standing_periods" for number in range(3)]
    assert [answer(cache, questions[number]) for number in (0, 1, 0, 2)] == [7, 8, 7, 9]
    counts = cache.statistics()
    assert (counts.kept, counts.hits) == (2, 1)
    assert counts.bytes <= 3_000
    assert answer(cache, questions[0]) == 7
    assert cache.statistics().hits == 2


def test_a_result_larger_than_all_the_room_pushes_nothing_out(here: OwnInstallation) -> None:
    cache = QueryCache(here, memory_bytes=3_000)
    assert answer(cache) == 7
    assert cache.query("select unnest(range(10000)) as n").height == 10_000
    assert cache.statistics().kept == 1


def test_what_a_caller_does_to_its_rows_stays_with_it(here: OwnInstallation) -> None:
    cache = QueryCache(here)
    rows = cache.query(COUNT)
    rows[0, "n"] = 1_000
    assert answer(cache) == 7
