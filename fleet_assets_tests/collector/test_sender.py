"""Sender: nothing is lost or doubled while Redis is away, restarts, or is full; order stays."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import polars as pl
import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ResponseError

from fleet_assets.adapters.can_entries import decode_entries
from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.redis_server import PrivateServer, ServerRules
from fleet_assets.adapters.scan_heartbeat import Reached, ScanHeartbeat
from fleet_assets.adapters.spool import Spool
from fleet_assets.adapters.stream_producer import NumberedBatch
from fleet_assets.collector.send_queue import from_record, to_record
from fleet_assets.collector.sender import Sender, SenderRules
from fleet_assets.contracts.errors import ServiceError
from fleet_assets_tests.collector.test_scanner import wait_for
from fleet_assets_tests.collector.test_worker import landed, work
from fleet_assets_tests.fixtures.can_frames import START, batch, numbers
from fleet_assets_tests.fixtures.redis import entries_of, kill
from fleet_assets_tests.fixtures.small_disk import fill

START_US = int(START.timestamp() * 1_000_000)
QUICK = SenderRules(retry_seconds=0.05)


def frames(client: redis.Redis) -> pl.DataFrame:
    return decode_entries(entries_of(client)).frames


def test_a_record_gives_back_its_batch() -> None:
    numbered = NumberedBatch("p", 7, batch(3, 4))
    back = from_record(to_record(numbered))
    assert isinstance(back, NumberedBatch)
    assert (back.producer, back.first, back.batch.vehicle, back.batch.bus) == ("p", 7, "v1", "can0")
    assert (back.batch.frames.ts_us == numbered.batch.frames.ts_us).all()
    assert back.batch.frames.payload == numbered.batch.frames.payload


def test_frames_wait_on_the_disk_while_redis_restarts_and_come_in_order(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path / "redis").start()
    sender = Sender(lambda: server.start().client(), Spool(tmp_path / "spool"), QUICK, threading.Event())
    sender.put(batch(0, 10))
    wait_for(lambda: sender.sent_frames == 10)
    kill(server)
    for number in range(1, 30):
        sender.put(batch(10 * number, 10))
        time.sleep(0.005)
    wait_for(lambda: sender.sent_frames == 300)
    sender.close()
    assert numbers(frames(server.client())) == list(range(300))
    assert sender.spooled_frames > 0
    server.close()


def test_what_was_spooled_before_a_stop_is_sent_by_the_next_scanner_first(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    def away() -> redis.Redis:
        raise RedisAway("gone")

    for first in (0, 5):
        sender = Sender(away, Spool(tmp_path), QUICK, threading.Event())
        sender.put(batch(first, 5))
        sender.close()
    sender = Sender(lambda: redis_server, Spool(tmp_path), QUICK, threading.Event())
    sender.put(batch(10, 5))
    sender.close()
    assert numbers(frames(redis_server)) == list(range(15))


def test_a_lost_answer_does_not_double_a_batch(redis_server: redis.Redis, tmp_path: Path) -> None:
    class Deaf(redis.Redis):
        """Hears the answer of every second script call only: the server has done its work all the same."""

        calls = 0

        def evalsha(self, *arguments: object) -> object:
            answer = super().evalsha(*arguments)  # type: ignore[arg-type]
            Deaf.calls += 1
            if Deaf.calls % 2:
                raise RedisAway("the answer was lost")
            return answer

    deaf = Deaf(connection_pool=redis_server.connection_pool)
    sender = Sender(lambda: deaf, Spool(tmp_path), QUICK, threading.Event())
    for number in range(6):
        sender.put(batch(10 * number, 10))
    wait_for(lambda: sender.sent_frames == 60)
    sender.close()
    assert numbers(frames(redis_server)) == list(range(60))
    assert Deaf.calls > 6


def test_a_full_stream_spools_and_drains_when_the_worker_caught_up(redis_server: redis.Redis, tmp_path: Path) -> None:
    rules = SenderRules(max_waiting=3, retry_seconds=0.02)
    sender = Sender(lambda: redis_server, Spool(tmp_path), rules, threading.Event())
    for number in range(8):
        sender.put(batch(number, 1))
    wait_for(lambda: sender.spooled_frames == 5)
    assert redis_server.xlen(STREAM) == 3
    seen = list[int]()
    while len(seen) < 8:
        entries = entries_of(redis_server)
        seen += numbers(decode_entries(entries).frames)
        for stream_id, _ in entries:
            redis_server.xdel(STREAM, stream_id)
        time.sleep(0.01)
    sender.close()
    assert seen == list(range(8))


def test_a_patient_sender_waits_instead_of_spooling(redis_server: redis.Redis, tmp_path: Path) -> None:
    rules = SenderRules(max_waiting=2, is_patient=True, retry_seconds=0.02)
    sender = Sender(lambda: redis_server, Spool(tmp_path), rules, threading.Event())
    for number in range(5):
        sender.put(batch(number, 1))
    wait_for(lambda: redis_server.xlen(STREAM) == 2)
    time.sleep(0.1)
    assert (redis_server.xlen(STREAM), sender.spooled_frames) == (2, 0)
    redis_server.xtrim(STREAM, maxlen=0, approximate=False)
    wait_for(lambda: redis_server.xlen(STREAM) == 2)
    redis_server.xtrim(STREAM, maxlen=0, approximate=False)
    sender.close()
    assert numbers(frames(redis_server)) == [4]


def test_a_stopped_patient_sender_keeps_what_it_could_not_send(tmp_path: Path) -> None:
    def away() -> redis.Redis:
        raise ServiceError("gone")

    stop = threading.Event()
    sender = Sender(away, Spool(tmp_path), SenderRules(is_patient=True, retry_seconds=0.02), stop)
    sender.put(batch(0, 5))
    stop.set()
    sender.close()
    record = Spool(tmp_path).first()
    assert record is not None
    kept = from_record(record)
    assert isinstance(kept, NumberedBatch)
    assert len(kept.batch.frames) == 5


def test_a_disk_that_refuses_reaches_the_one_who_reads_the_bus(tmp_path: Path) -> None:
    class BrokenDisk(Spool):
        def append(self, record: bytes) -> None:  # noqa: ARG002
            raise OSError(5, "Input/output error")

    def away() -> redis.Redis:
        raise RedisAway("gone")

    sender = Sender(away, BrokenDisk(tmp_path), QUICK, threading.Event())
    sender.put(batch(0, 1))
    with pytest.raises(ServiceError, match="can be neither sent nor spooled: .*Input/output"):  # noqa: RUF043
        sender.close()


@given(outages=st.lists(st.booleans(), min_size=1, max_size=25))
@settings(max_examples=15)
def test_any_pattern_of_outages_loses_and_doubles_nothing(
    redis_session: PrivateServer, tmp_path_factory: pytest.TempPathFactory, outages: list[bool]
) -> None:
    client = redis_session.client()
    client.flushall()
    is_away = [False]

    def connect() -> redis.Redis:
        if is_away[0]:
            raise RedisAway("gone")
        return client

    folder = tmp_path_factory.mktemp("spool")
    sender = Sender(connect, Spool(folder), SenderRules(retry_seconds=0.001), threading.Event())
    for number, away in enumerate(outages):
        is_away[0] = away
        sender._producer = None
        sender.put(batch(10 * number, 10))
    is_away[0] = False
    wait_for(lambda: sender.sent_frames == 10 * len(outages))
    sender.close()
    assert numbers(frames(client)) == list(range(10 * len(outages)))


def test_a_redis_without_memory_is_waited_for_and_a_worker_may_start_meanwhile(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path / "redis", ServerRules(max_memory="3mb")).start()
    client = server.client()
    work(client, tmp_path)
    sender = Sender(lambda: client, Spool(tmp_path / "spool"), QUICK, threading.Event())
    for number in range(200):
        sender.put(batch(1_000 * number, 1_000))
    wait_for(lambda: sender.spooled_frames > 0)
    client.config_set("maxmemory", 1)
    with pytest.raises(ResponseError, match="maxmemory"):
        client.set("more", b"x")
    assert work(client, tmp_path).entries > 0
    client.config_set("maxmemory", "3mb")
    wait_for(lambda: work(client, tmp_path).entries == 0 and sender.sent_frames == 200_000, 30)
    sender.close()
    assert numbers(landed(tmp_path)) == list(range(200_000))
    server.close()


def test_a_redis_that_does_not_answer_is_away_until_it_does(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path / "redis").start()
    process = int(server.client().info()["process_id"])
    sender = Sender(lambda: server.client(0.2), Spool(tmp_path / "spool"), QUICK, threading.Event())
    sender.put(batch(0, 10))
    wait_for(lambda: sender.sent_frames == 10)
    os.kill(process, signal.SIGSTOP)
    for number in range(1, 5):
        sender.put(batch(10 * number, 10))
    wait_for(lambda: sender.spooled_frames > 0)
    os.kill(process, signal.SIGCONT)
    wait_for(lambda: sender.sent_frames == 50)
    sender.close()
    assert numbers(frames(server.client())) == list(range(50))
    server.close()


def test_what_redis_lost_after_confirming_it_is_sent_again(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path / "redis").start()
    sender = Sender(lambda: server.start().client(), Spool(tmp_path / "spool"), QUICK, threading.Event())
    sender.put(batch(0, 10))
    wait_for(lambda: sender.sent_frames == 10)
    older = copied(tmp_path / "redis", tmp_path / "older")
    for number in range(1, 4):
        sender.put(batch(10 * number, 10))
    wait_for(lambda: sender.sent_frames == 40)
    kill(server)
    restored(older, tmp_path / "redis")
    sender.put(batch(40, 10))
    wait_for(lambda: numbers(frames(server.start().client())) == list(range(50)))
    sender.close()
    assert numbers(frames(server.client())) == list(range(50))
    server.close()


def copied(folder: Path, to: Path) -> Path:
    """The append-only files of a server as they are now."""
    shutil.copytree(folder / "appendonlydir", to)
    return to


def restored(older: Path, folder: Path) -> None:
    shutil.rmtree(folder / "appendonlydir")
    older.rename(folder / "appendonlydir")


def test_the_last_word_says_how_far_all_is_safe(disk: Path) -> None:
    def away() -> redis.Redis:
        raise RedisAway("gone")

    heartbeat = ScanHeartbeat(disk)
    sender = Sender(away, Spool(disk), QUICK, threading.Event(), heartbeat)
    sender.put(batch(0, 10))
    sender.quiet(START_US + 11_000)
    wait_for(lambda: (heartbeat.read() or Reached("", 0, 0)).safe_us == START_US + 11_000)
    fill(disk)
    sender.put(batch(10, 1_000))
    sender.quiet(START_US + 30_000)
    sender.close(START_US + 40_000)
    reached = heartbeat.read()
    assert reached is not None
    assert (reached.next_number, reached.safe_us, reached.is_stopped) == (10, START_US + 11_000, False)


def test_a_scanner_that_stopped_as_told_says_so(redis_server: redis.Redis, tmp_path: Path) -> None:
    heartbeat = ScanHeartbeat(tmp_path)
    assert heartbeat.read() is None
    sender = Sender(lambda: redis_server, Spool(tmp_path), QUICK, threading.Event(), heartbeat)
    sender.put(batch(0, 10))
    sender.close(START_US + 40_000)
    reached = ScanHeartbeat(tmp_path).read()
    assert reached is not None
    assert (reached.next_number, reached.safe_us, reached.is_stopped) == (10, START_US + 40_000, True)
    (tmp_path / "heartbeat").write_bytes(b"\0" * 512)
    assert ScanHeartbeat(tmp_path).read() is None
