"""Whatever is written between questions, in whatever order and at whatever moment: no answer is ever stale."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path

import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.query_cache import QueryCache, SharedResults
from fleet_assets_tests.adapters.query_cache.installation import SETTLE_NS, OwnInstallation

QUESTIONS = [
    "select count(*)::int as n from standing_periods",
    "select coalesce(max(hour(started_at) * 60 + minute(started_at)), -1)::int as n from standing_periods",
    "select n from mart",
    "select n from live",
    "select (m.n + count(s.started_at))::int as n from mart as m left join standing_periods as s on true group by m.n",
]

CHANGE = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 2), st.integers(0, 3)),
    st.tuples(st.just("publish"), st.integers(0, 2), st.just(0)),
)
ROUND = st.tuples(
    CHANGE,
    st.sampled_from([True, True, True, False]),
    st.lists(st.tuples(st.sampled_from(QUESTIONS), st.integers(0, 1)), min_size=2, max_size=4),
)
"""A change, whether it settles before anybody asks, and who asks what."""


@settings(
    max_examples=3,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rounds=st.lists(ROUND, min_size=4, max_size=6))
def test_every_answer_is_the_one_that_the_warehouse_gives_now(
    redis_server: redis.Redis, rounds: list[tuple[tuple[str, int, int], bool, list[tuple[str, int]]]]
) -> None:
    redis_server.flushall()
    with tempfile.TemporaryDirectory() as folder:
        here = OwnInstallation(Path(folder))
        publish(here, 0)
        # Two processes: one with hardly any room, so that it lives on what Redis has.
        caches = [QueryCache(here, SharedResults(lambda: redis_server), room) for room in (10**6, 1)]
        for (kind, first, second), settles, asked in rounds:
            if kind == "write":
                here.write(first, rows=second)
            else:
                publish(here, first)
            if settles:
                time.sleep(1.5 * SETTLE_NS / 1e9)
            for question, process in asked:
                assert caches[process].query(question).equals(here.warehouse.query(question)), question


def test_answers_while_somebody_writes_are_never_older_than_the_question(
    tmp_path: Path, redis_server: redis.Redis
) -> None:
    """The count only grows, so an answer below what was written before the question is stale."""
    here = OwnInstallation(tmp_path)
    here.write(1, rows=1)
    written, asked, stop = [1], [0, 0, 0], threading.Event()
    wrong: list[tuple[int, int]] = []

    def ask(number: int) -> None:
        cache = QueryCache(here, SharedResults(lambda: redis_server))
        while not stop.is_set():
            known = written[0]
            answer = int(cache.query(QUESTIONS[0]).item())
            asked[number] += 1
            if answer < known:
                wrong.append((known, answer))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for rows in range(2, 40):
        here.write(1, rows)
        written[0] = rows
        time.sleep(0.05 if rows % 3 else 0.0)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert min(asked) > 0


def publish(here: OwnInstallation, value: int) -> None:
    here.publish(
        f"create or replace table mart as select {value} as n",
        "create or replace view live as select count(*)::int as n from standing_periods",
    )
