"""Results in Redis serve every process, stay within their room, and a Redis that is away costs a computation."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import redis
from polars.testing import assert_frame_equal
from redis.backoff import NoBackoff
from redis.retry import Retry

from fleet_assets.adapters.query_cache import QueryCache, SharedResults, SharedRules
from fleet_assets_tests.adapters.query_cache.installation import OwnInstallation, settle

COUNT = "select count(*) as n from standing_periods"


@pytest.fixture
def here(tmp_path: Path) -> OwnInstallation:
    installation = OwnInstallation(tmp_path)
    installation.write(1, rows=3)
    settle()
    return installation


def cache(here: OwnInstallation, client: redis.Redis, rules: SharedRules | None = None) -> QueryCache:
    """A cache as a process of its own would have it."""
    return QueryCache(here, SharedResults(lambda: client, rules))


def look(shared: SharedResults, key: str) -> pl.DataFrame | None:
    with shared.flight(key) as found:
        return found


def test_what_one_process_computed_another_finds(here: OwnInstallation, redis_server: redis.Redis) -> None:
    assert cache(here, redis_server).query(COUNT).item() == 3
    other = cache(here, redis_server)
    assert [other.query(COUNT).item(), other.query(COUNT).item()] == [3, 3]
    assert here.computed == 1
    counts = other.statistics()
    assert (counts.shared_hits, counts.hits, counts.misses) == (1, 1, 0)
    totals = other.shared_totals()
    assert {name: totals[name] for name in ("hits", "misses", "stored")} == {"hits": 1, "misses": 1, "stored": 1}


def test_every_type_comes_back_as_it_went(redis_server: redis.Redis) -> None:
    rows = pl.DataFrame(
        {
            "text": ["a", None], "whole": [1, None], "number": [0.5, None], "truth": [True, None],
            "bytes": [b"\0", None], "day": [date(2026, 3, 1), None], "span": [timedelta(seconds=1), None],
            "instant": [datetime(2026, 3, 1, tzinfo=UTC), None], "list": [["x"], None],
        }
    )  # fmt: skip
    SharedResults(lambda: redis_server).put("key", rows)
    found = look(SharedResults(lambda: redis_server), "key")
    assert found is not None
    assert_frame_equal(found, rows)


def test_a_write_is_seen_by_every_process(here: OwnInstallation, redis_server: redis.Redis) -> None:
    first, second = cache(here, redis_server), cache(here, redis_server)
    assert [first.query(COUNT).item(), second.query(COUNT).item()] == [3, 3]
    here.write(1, rows=5)
    settle()
    assert [second.query(COUNT).item(), first.query(COUNT).item()] == [5, 5]
    assert here.computed == 2


def test_processes_that_ask_at_once_compute_once(here: OwnInstallation, redis_server: redis.Redis) -> None:
    class Slow(OwnInstallation):
        def query(self, sql: str) -> pl.DataFrame:
            time.sleep(0.3)
            return super().query(sql)

    slow = Slow(here.lake.root.parent)
    caches = [cache(slow, redis_server) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda one: one.query(COUNT).item(), caches)) == [3] * 4
    assert slow.computed == 1


def test_what_another_put_there_since_the_look_that_missed_is_not_computed_again(redis_server: redis.Redis) -> None:
    one, other = (SharedResults(lambda: redis_server) for _ in range(2))

    def ask() -> pl.DataFrame | None:
        return look(other, "k")

    with ThreadPoolExecutor() as pool:
        with one.flight("k") as found:
            assert found is None
            waiting = pool.submit(ask)
            while one.totals().get("waits") != 1:
                time.sleep(0.001)
            one.put("k", pl.DataFrame({"n": [1]}))
        arrived = waiting.result()
    assert arrived is not None
    assert arrived.rows() == [(1,)]
    assert redis_server.keys("fleet:query:flight:*") == []
    assert {name: one.totals()[name] for name in ("hits", "misses", "waits")} == {"hits": 1, "misses": 1, "waits": 1}


HOLDER = """
import sys, time, redis
from fleet_assets.adapters.query_cache import SharedResults, SharedRules
client = redis.Redis.from_url(sys.argv[1])
with SharedResults(lambda: client, SharedRules(flight_s=1.0)).flight("k") as found:
    print(found, flush=True)
    time.sleep(60)
"""


def test_a_process_that_was_killed_while_computing_is_not_waited_for_long(
    redis_server: redis.Redis, redis_url: str
) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, redis_url], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "None\n"
        holder.send_signal(signal.SIGKILL)
    began = time.monotonic()
    assert look(SharedResults(lambda: redis_server, SharedRules(flight_s=1.5)), "k") is None
    assert time.monotonic() - began < 1.5
    assert redis_server.keys("fleet:query:flight:*") == []


def test_who_computes_for_longer_than_others_wait_keeps_its_result_and_takes_no_lock_of_others(
    redis_server: redis.Redis,
) -> None:
    slow = SharedResults(lambda: redis_server, SharedRules(flight_s=0.1))
    with slow.flight("k") as found:
        assert found is None
        time.sleep(0.15)
        with SharedResults(lambda: redis_server).flight("k") as other:
            assert other is None
            slow.put("k", pl.DataFrame({"n": [1]}))
    kept = look(slow, "k")
    assert kept is not None
    assert kept.rows() == [(1,)]


def kept_bytes(client: redis.Redis) -> int:
    return sum(int(client.strlen(key)) for key in client.keys("fleet:query:result:*"))


def test_results_stay_within_their_room_and_the_oldest_goes(redis_server: redis.Redis) -> None:
    rows = pl.DataFrame({"n": range(1_000)}).select(pl.col("n").hash())
    shared = SharedResults(lambda: redis_server, SharedRules(total_bytes=20_000))
    for key in ("a", "b", "c"):
        shared.put(key, rows)
        time.sleep(0.002)
    assert [look(shared, key) is None for key in ("a", "b", "c")] == [True, False, False]
    assert shared.totals()["bytes"] == kept_bytes(redis_server) <= 20_000
    assert shared.totals()["evicted"] == 1
    shared.put("c", rows)
    assert shared.totals()["bytes"] == kept_bytes(redis_server)


def test_small_results_stay_within_their_number(redis_server: redis.Redis) -> None:
    shared = SharedResults(lambda: redis_server, SharedRules(results=3))
    for number in range(10):
        shared.put(str(number), pl.DataFrame({"n": [number]}))
    assert sorted(redis_server.keys("fleet:query:result:*")) == [f"fleet:query:result:{n}".encode() for n in (7, 8, 9)]
    assert shared.totals()["evicted"] == 7


def test_a_result_that_is_too_large_is_not_put_and_no_key_stays_for_ever(redis_server: redis.Redis) -> None:
    shared = SharedResults(lambda: redis_server, SharedRules(entry_bytes=2_000, keep_s=100))
    shared.put("large", pl.DataFrame({"n": range(10_000)}).select(pl.col("n").hash()))
    shared.put("small", pl.DataFrame({"n": [1]}))
    assert redis_server.keys("fleet:query:result:*") == [b"fleet:query:result:small"]
    assert 0 < int(redis_server.ttl("fleet:query:result:small")) <= 100


@pytest.mark.parametrize("spoil", [lambda _: b"garbage", lambda _: bytes(4), lambda v: v[:-9], lambda v: v[:-1] + b"x"])
def test_a_value_that_is_not_what_was_put_there_is_a_miss_and_computed_anew(
    here: OwnInstallation, redis_server: redis.Redis, spoil: Callable[[bytes], bytes]
) -> None:
    assert cache(here, redis_server).query(COUNT).item() == 3
    (key,) = redis_server.keys("fleet:query:result:*")
    kept = redis_server.get(key)
    assert isinstance(kept, bytes)
    redis_server.set(key, spoil(kept))
    assert cache(here, redis_server).query(COUNT).item() == 3
    assert here.computed == 2
    assert redis_server.get(key) == kept


def test_a_redis_that_is_away_is_a_miss_and_is_left_alone(here: OwnInstallation, tmp_path: Path) -> None:
    asked = []

    def connect() -> redis.Redis:
        asked.append(time.monotonic())
        return redis.Redis(unix_socket_path=str(tmp_path / "nobody.sock"), retry=Retry(NoBackoff(), 0))

    lonely = QueryCache(here, SharedResults(connect))
    assert [lonely.query(f"select count(*) + {n} as n from standing_periods").item() for n in range(3)] == [3, 4, 5]
    assert lonely.query(COUNT.replace("count(*)", "count(*) + 0")).item() == 3
    assert len(asked) == 1
    assert lonely.shared_totals() == {}


def test_without_any_redis_nothing_is_asked(here: OwnInstallation) -> None:
    lonely = QueryCache(here, SharedResults(lambda: None))
    assert [lonely.query(COUNT).item(), lonely.query(COUNT).item()] == [3, 3]
    assert here.computed == 1
