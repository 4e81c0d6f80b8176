"""Losses on the way: each is found, counted and explained once; what is only late is none."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import redis

from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.gap_ledger import Gap
from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.adapters.stream_group import StreamGroup
from fleet_assets.adapters.stream_notices import NOTICE, Ended, Notice, Numbers
from fleet_assets.adapters.stream_producer import NumberedBatch, StreamProducer
from fleet_assets.adapters.unix_time import unix_us
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.worker import Worker, WorkRules
from fleet_assets.contracts import INGEST_GAPS
from fleet_assets.core.raw import deduplicate
from fleet_assets_tests.collector.test_scanner import wait_for
from fleet_assets_tests.collector.test_worker import QUICK, Running, intake, landed, work
from fleet_assets_tests.fixtures.can_frames import START, batch, numbers
from fleet_assets_tests.fixtures.redis import entries_of
from fleet_assets_tests.fixtures.small_disk import fill

LOOKING = WorkRules(
    flush_seconds=0.05, block_seconds=0.02, claim_after_seconds=0.2, retry_seconds=0.02, look_seconds=0.05
)
NAME = "9999999999999-feed"
"""A producer that began after every sink of these tests was made."""


def send(client: redis.Redis, *parts: int, name: str = NAME) -> list[bytes]:
    """Ten frames for each part, numbered; returns the ids of all entries in the stream."""
    producer = StreamProducer(client)
    for number in parts:
        producer.send(NumberedBatch(name, 10 * number, batch(10 * number, 10)))
    return [stream_id for stream_id, _ in entries_of(client)]


def ledger(folder: Path) -> list[tuple[object, ...]]:
    """Reason, count, vehicle and milliseconds after START of each gap."""
    landing = Landing(folder / "landing")
    days = [landing.scan("gaps", day).collect() for day in landing.days("gaps")]
    rows = deduplicate(pl.concat([INGEST_GAPS.empty(), *days]), INGEST_GAPS)
    since = [(pl.col(name) - START).dt.total_milliseconds() for name in ("started_at", "ended_at")]
    return rows.select("reason", "missing_count", "vehicle_id", *since).rows()


def test_entries_that_someone_removed_unread_are_a_gap_with_their_count(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    ids = send(redis_server, 0, 1, 2, 3)
    redis_server.xdel(STREAM, ids[1], ids[2])
    work(redis_server, tmp_path)
    work(redis_server, tmp_path)
    assert numbers(landed(tmp_path)) == [*range(10), *range(30, 40)]
    assert ledger(tmp_path) == [("lost_in_stream", 20, "v1", 9, 30)]


def test_the_first_frames_of_a_numbering_count_too(redis_server: redis.Redis, tmp_path: Path) -> None:
    ids = send(redis_server, 0, 1)
    redis_server.xdel(STREAM, ids[0])
    work(redis_server, tmp_path)
    assert ledger(tmp_path) == [("lost_in_stream", 10, "v1", 10, 10)]


def test_the_gap_of_a_log_reaches_from_its_first_to_its_last_frame(redis_server: redis.Redis, tmp_path: Path) -> None:
    name = f"log-{unix_us(START)}-feed"
    ids = send(redis_server, 0, 1, 2, name=name)
    StreamProducer(redis_server).say(Notice(ended=Ended(name, 30, unix_us(START) + 29_000)))
    redis_server.xdel(STREAM, ids[0], ids[2])
    work(redis_server, tmp_path)
    assert ledger(tmp_path) == [("lost_in_stream", 10, "v1", 0, 10), ("lost_in_stream", 10, "v1", 19, 29)]


def test_numbers_from_before_the_sink_existed_are_no_loss(redis_server: redis.Redis, tmp_path: Path) -> None:
    ids = send(redis_server, 0, 1, name="1000000000000-feed")
    redis_server.xdel(STREAM, ids[0])
    work(redis_server, tmp_path)
    assert ledger(tmp_path) == []


def test_what_another_worker_still_holds_is_not_lost(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, 0, 1, 2)
    slow = StreamGroup(redis_server)
    slow.create()
    slow.read(1, 1)
    rules = WorkRules(flush_seconds=0.05, block_seconds=0.02, claim_after_seconds=1.5, look_seconds=0.05)
    running = Running(lambda: redis_server, tmp_path, rules)
    wait_for(lambda: running.worker.report.frames == 20)
    time.sleep(0.4)
    assert ledger(tmp_path) == []
    wait_for(lambda: running.worker.report.frames == 30)
    running.end()
    assert ledger(tmp_path) == []
    assert numbers(landed(tmp_path)) == list(range(30))


def test_what_redis_forgot_and_its_scanner_may_still_send_is_not_lost(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    send(redis_server, 0, 1, 2)
    group = StreamGroup(redis_server)
    group.create()
    held = group.read(2, 1)
    redis_server.xack(STREAM, "landing", held[1][0])
    redis_server.xdel(STREAM, held[1][0])
    redis_server.set(f"{STREAM}:producer:{NAME}", 10)
    running = Running(lambda: redis_server, tmp_path, LOOKING)
    wait_for(lambda: running.worker.report.frames == 20)
    time.sleep(0.3)
    assert ledger(tmp_path) == []
    send(redis_server, 1, 2)
    wait_for(lambda: numbers(landed(tmp_path)) == list(range(30)))
    running.end()
    assert ledger(tmp_path) == []


def test_the_lost_end_of_a_scanner_that_died_is_found_by_its_successors_word(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    send(redis_server, 0)
    StreamProducer(redis_server).say(Notice(ended=Ended(NAME, 35)))
    work(redis_server, tmp_path)
    assert ledger(tmp_path) == [("lost_in_stream", 25, "v1", 9, 9)]


def test_what_a_scanner_explains_is_one_gap_with_its_reason(redis_server: redis.Redis, tmp_path: Path) -> None:
    began, ended = (START + timedelta(milliseconds=at) for at in (10, 19))
    gap = Gap("can", began, ended, "spool_full", "", "v1", "can0", 10)
    send(redis_server, 0)
    for _ in range(2):
        StreamProducer(redis_server).say(Notice(gap, Numbers(NAME, 10, 20)))
    send(redis_server, 2)
    work(redis_server, tmp_path)
    assert ledger(tmp_path) == [("spool_full", 10, "v1", 10, 19)]


def test_a_statement_that_cannot_be_read_is_quarantined_and_the_rest_lands(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    send(redis_server, 0)
    redis_server.xadd(STREAM, {NOTICE: b"{"})
    redis_server.xadd(STREAM, {NOTICE: b'{"gap": {"source": "can"}}'})
    report = work(redis_server, tmp_path)
    assert (report.frames, report.wrong_entries, ledger(tmp_path)) == (10, 2, [])


def test_trimming_what_other_writers_sent_is_noted_without_a_count(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, 0)
    work(redis_server, tmp_path)
    ts = str(int(START.timestamp() * 1000))
    for _ in range(3):
        redis_server.xadd(STREAM, {"id": "0x1", "data": "00", "ts": ts, "vehicle": "v1"})
    redis_server.xtrim(STREAM, maxlen=0, approximate=False)
    for _ in range(2):
        now = Intake(Landing(tmp_path / "landing"), Quarantine(tmp_path / "q"), date(2026, 1, 1))
        Worker(lambda: redis_server, now, QUICK, threading.Event()).run(until_empty=True)
    ((reason, count, vehicle, _, _),) = ledger(tmp_path)
    assert (reason, count, vehicle) == ("trimmed_before_read", None, None)
    (row,) = Landing(tmp_path / "landing").scan("gaps", datetime.now(UTC).date()).select("detail").collect().rows()
    assert row[0].startswith("3 entries after ")


def test_entries_handed_out_again_by_a_new_group_are_passed_over(redis_server: redis.Redis, tmp_path: Path) -> None:
    ids = send(redis_server, 0, 1)
    group = StreamGroup(redis_server)
    group.create()
    worker = Worker(lambda: redis_server, intake(tmp_path), QUICK, threading.Event())
    worker._landing_writer.land(group.read(2, 1), "o")
    redis_server.xgroup_destroy(STREAM, "landing")
    report = work(redis_server, tmp_path)
    assert (len(ids), report.known_entries, report.frames) == (2, 2, 0)
    assert numbers(landed(tmp_path)) == list(range(20))
    assert (redis_server.xlen(STREAM), ledger(tmp_path)) == (0, [])


@pytest.mark.parametrize("until_empty", [True, False])
def test_a_full_landing_disk_is_waited_for_and_nothing_is_lost(
    redis_server: redis.Redis, disk: Path, until_empty: bool
) -> None:
    send(redis_server, 0)
    work(redis_server, disk)
    ballast = fill(disk)
    send(redis_server, *range(1, 200))
    stop = threading.Event()
    worker = Worker(lambda: redis_server, intake(disk), LOOKING, stop)
    thread = threading.Thread(target=lambda: worker.run(until_empty=until_empty))
    thread.start()
    wait_for(lambda: worker._is_disk_full)
    time.sleep(0.1)
    assert redis_server.xlen(STREAM) == 199
    assert thread.is_alive()
    ballast.unlink()
    wait_for(lambda: redis_server.xlen(STREAM) == 0)
    stop.set()
    thread.join(10)
    assert numbers(landed(disk)) == list(range(2_000))
    assert ledger(disk) == []


def test_a_worker_starts_on_a_full_disk_and_says_what_it_saw_when_there_is_room(
    redis_server: redis.Redis, disk: Path
) -> None:
    send(redis_server, 0)
    now = Intake(Landing(disk / "landing"), Quarantine(disk / "q"), date(2026, 1, 1))
    Worker(lambda: redis_server, now, QUICK, threading.Event()).run(until_empty=True)
    for _ in range(3):
        redis_server.xadd(STREAM, {"id": "0x1", "data": "00", "ts": "1772352000000", "vehicle": "v1"})
    redis_server.xtrim(STREAM, maxlen=0, approximate=False)
    ballast = fill(disk)
    stop = threading.Event()
    thread = threading.Thread(target=Worker(lambda: redis_server, now, LOOKING, stop).run)
    thread.start()
    time.sleep(0.3)
    assert (thread.is_alive(), ledger(disk)) == (True, [])
    ballast.unlink()
    wait_for(lambda: [row[0] for row in ledger(disk)] == ["trimmed_before_read"])
    stop.set()
    thread.join(10)
