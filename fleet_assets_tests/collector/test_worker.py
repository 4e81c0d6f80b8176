"""Worker: entries become files once each, in day folders, wrong ones aside; it stops, waits and resumes cleanly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import redis
from redis.exceptions import ConnectionError as RedisAway

from fleet_assets.adapters.can_stream import STREAM, Batch, pack
from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.live_state import LiveState
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.adapters.redis_server import PrivateServer
from fleet_assets.adapters.stream_group import StreamGroup
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.landing_writer import WorkReport
from fleet_assets.collector.worker import DecodeLatest, Worker, WorkRules
from fleet_assets.contracts import RAW_CAN
from fleet_assets.core.raw import deduplicate
from fleet_assets_tests.collector.test_scanner import wait_for
from fleet_assets_tests.fixtures.can_frames import START, batch, numbers
from fleet_assets_tests.fixtures.redis import append, kill

QUICK = WorkRules(flush_seconds=0.05, block_seconds=0.02, retry_seconds=0.05, claim_after_seconds=0.2)


def intake(folder: Path) -> Intake:
    now = START + timedelta(days=1)
    return Intake(Landing(folder / "landing"), Quarantine(folder / "q"), date(2026, 1, 1), lambda: now)


def send(client: redis.Redis, *batches: Batch) -> None:
    for one in batches:
        append(client, pack(one))


def work(client: redis.Redis, folder: Path, rules: WorkRules = QUICK, decode: DecodeLatest | None = None) -> WorkReport:
    """One worker until the stream is empty."""
    return Worker(lambda: client, intake(folder), rules, threading.Event(), decode).run(until_empty=True)


def landed(folder: Path) -> pl.DataFrame:
    """All landed rows as raw tables keep them."""
    landing = Landing(folder / "landing")
    days = [landing.scan("can", day).collect() for day in landing.days("can")]
    return deduplicate(pl.concat([RAW_CAN.empty(), *days]), RAW_CAN)


class Running:
    """A worker on a thread."""

    def __init__(self, connect: Callable[[], redis.Redis], folder: Path, rules: WorkRules = QUICK) -> None:
        self.stop = threading.Event()
        self.worker = Worker(connect, intake(folder), rules, self.stop)
        self.thread = threading.Thread(target=self.worker.run, daemon=True)
        self.thread.start()

    def end(self) -> WorkReport:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.worker.report


def test_every_frame_lands_once_and_the_stream_is_empty(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, *(batch(100 * number, 100) for number in range(5)))
    report = work(redis_server, tmp_path)
    assert (report.frames, report.entries, report.rejected, report.wrong_entries) == (500, 5, {}, 0)
    assert numbers(landed(tmp_path)) == list(range(500))
    assert redis_server.xlen(STREAM) == 0
    assert redis_server.xinfo_consumers(STREAM, "landing") == []


def test_frames_go_to_the_utc_day_of_the_bus_not_of_arrival(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, batch(0, 4, start=datetime(2026, 2, 27, 23, 59, 59, 998_000, tzinfo=UTC)))
    assert work(redis_server, tmp_path).files == 2
    days = Landing(tmp_path / "landing").days("can")
    assert list(days) == [date(2026, 2, 27), date(2026, 2, 28)]
    assert numbers(landed(tmp_path)) == [0, 1, 2, 3]


def test_a_flush_comes_with_enough_frames_or_after_its_time(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, *(batch(10 * number, 10) for number in range(6)))
    rules = WorkRules(flush_seconds=30, flush_frames=20, read_entries=1, block_seconds=0.02, claim_after_seconds=60)
    running = Running(lambda: redis_server, tmp_path, rules)
    wait_for(lambda: running.worker.report.frames == 60)
    assert running.end().files == 3
    running = Running(lambda: redis_server, tmp_path)
    send(redis_server, batch(60, 1))
    wait_for(lambda: running.worker.report.frames == 1)
    running.end()


def test_a_stopped_worker_lands_what_it_read_before_it_leaves(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, batch(0, 10))
    rules = WorkRules(flush_seconds=30, block_seconds=0.02, claim_after_seconds=60)
    running = Running(lambda: redis_server, tmp_path, rules)
    wait_for(lambda: bool(running.worker._batch))
    assert running.end().frames == 10
    assert (numbers(landed(tmp_path)), redis_server.xlen(STREAM)) == (list(range(10)), 0)


def test_entries_of_a_worker_that_died_are_landed_by_another(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, batch(0, 10), batch(10, 10))
    dead = StreamGroup(redis_server)
    dead.create()
    dead.read(1, 1)
    assert work(redis_server, tmp_path).frames == 20
    assert numbers(landed(tmp_path)) == list(range(20))


def test_an_entry_that_was_landed_but_not_acknowledged_counts_once(redis_server: redis.Redis, tmp_path: Path) -> None:
    class Unheard(StreamGroup):
        def acknowledge(self, ids: object) -> None:  # noqa: ARG002
            raise RedisAway("gone before the acknowledgement")

    send(redis_server, batch(0, 10))
    first = Worker(lambda: redis_server, intake(tmp_path), QUICK, threading.Event())
    first._group = Unheard(redis_server)
    first._origin = first._group.create()
    first._step()
    first._flush()
    time.sleep(0.25)
    send(redis_server, batch(10, 5))
    work(redis_server, tmp_path)
    files = [file for files in Landing(tmp_path / "landing").days("can").values() for file in files]
    assert sum(pl.read_parquet(file.path).height for file in files) > 15
    assert numbers(landed(tmp_path)) == list(range(15))


def test_two_workers_share_the_work(redis_server: redis.Redis, tmp_path: Path) -> None:
    rules = WorkRules(flush_seconds=0.05, read_entries=1, block_seconds=0.02, claim_after_seconds=5)
    pair = [Running(lambda: redis_server, tmp_path, rules) for _ in range(2)]
    send(redis_server, *(batch(10 * number, 10) for number in range(40)))
    wait_for(lambda: sum(one.worker.report.frames for one in pair) == 400)
    assert all(one.end().frames > 0 for one in pair)
    assert numbers(landed(tmp_path)) == list(range(400))


def test_wrong_entries_are_quarantined_with_reason_and_the_rest_lands(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    send(redis_server, batch(0, 3))
    redis_server.xadd(STREAM, {"id": "0x1", "data": "zz", "ts": "1", "vehicle": "v1"})
    redis_server.xadd(STREAM, {"packed": b"\x00", "version": "1", "n": "9999999999999", "received_us": "1"})
    send(redis_server, batch(3, 3))
    report = work(redis_server, tmp_path)
    assert (report.frames, report.wrong_entries) == (6, 2)
    (note,) = Quarantine(tmp_path / "q").notes()
    assert (note.reason, note.count) == ("wrong-entry", 2)
    assert redis_server.xlen(STREAM) == 0


def test_times_that_no_day_may_hold_are_quarantined(redis_server: redis.Redis, tmp_path: Path) -> None:
    late = START + timedelta(days=3)
    send(redis_server, batch(0, 2, start=datetime(2025, 12, 31, tzinfo=UTC)), batch(2, 3, start=late), batch(5, 1))
    assert work(redis_server, tmp_path).rejected == {"before-start-date": 2, "clock": 3}
    assert numbers(landed(tmp_path)) == [5]


def test_entries_of_other_writers_get_the_workers_vehicle(redis_server: redis.Redis, tmp_path: Path) -> None:
    ts = str(int(START.timestamp() * 1000))
    redis_server.xadd(STREAM, {"id": "0x123", "data": "AA FF 04 10", "ts": ts, "dlc": "4"})
    work(redis_server, tmp_path, WorkRules(flush_seconds=0.05, block_seconds=0.02, default_vehicle="van"))
    assert landed(tmp_path).select("vehicle_id", "bus", "data").rows() == [("van", "can0", b"\xaa\xff\x04\x10")]


def test_a_worker_waits_for_redis_and_goes_on_after_its_restart(tmp_path: Path) -> None:
    server = PrivateServer(tmp_path / "redis").start()
    running = Running(lambda: server.start().client(), tmp_path)
    send(server.client(), batch(0, 10))
    wait_for(lambda: running.worker.report.frames == 10)
    kill(server)
    time.sleep(0.2)
    server.start()
    send(server.client(), batch(10, 10))
    wait_for(lambda: running.worker.report.frames >= 20)
    running.end()
    assert numbers(landed(tmp_path)) == list(range(20))
    server.close()


def test_a_server_that_was_emptied_gets_a_new_group(redis_server: redis.Redis, tmp_path: Path) -> None:
    running = Running(lambda: redis_server, tmp_path)
    wait_for(lambda: bool(redis_server.exists(STREAM)))
    redis_server.flushall()
    send(redis_server, batch(0, 5))
    wait_for(lambda: running.worker.report.frames == 5)
    assert running.end().frames == 5
    assert numbers(landed(tmp_path)) == list(range(5))


def test_the_live_state_shows_what_was_read_before_it_is_landed(redis_server: redis.Redis, tmp_path: Path) -> None:
    def decode(frames: pl.DataFrame) -> pl.DataFrame:
        value = pl.Series([str(number) for number in numbers(frames)])
        return frames.select("vehicle_id", signal=pl.lit("n"), value=value, observed_at="recorded_at")

    rules = WorkRules(flush_seconds=30, live_seconds=0.02, block_seconds=0.02, claim_after_seconds=60)
    stop = threading.Event()
    worker = Worker(lambda: redis_server, intake(tmp_path), rules, stop, decode)
    thread = threading.Thread(target=worker.run)
    thread.start()
    send(redis_server, batch(0, 3))
    wait_for(lambda: "n" in LiveState(redis_server).read("v1"))
    assert LiveState(redis_server).read("v1")["n"].value == "2"
    assert worker.report.frames == 0
    stop.set()
    thread.join()
    assert worker.report.frames == 3


def test_a_decoder_that_fails_does_not_stop_the_landing(redis_server: redis.Redis, tmp_path: Path) -> None:
    def broken(_frames: pl.DataFrame) -> pl.DataFrame:
        raise KeyError("no such signal")

    send(redis_server, batch(0, 3))
    assert work(redis_server, tmp_path, decode=broken).frames == 3


def test_a_disk_that_refuses_leaves_the_entries_in_the_stream(redis_server: redis.Redis, tmp_path: Path) -> None:
    send(redis_server, batch(0, 3))
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "can").write_text("in the way")
    with pytest.raises(OSError, match="landing"):
        work(redis_server, tmp_path)
    assert redis_server.xpending(STREAM, "landing")["pending"] == 1
    (tmp_path / "landing" / "can").unlink()
    time.sleep(0.25)
    assert work(redis_server, tmp_path).frames == 3


def test_equal_stream_ids_of_two_servers_are_different_frames(redis_server: redis.Redis, tmp_path: Path) -> None:
    for _ in range(2):
        redis_server.flushall()
        redis_server.xadd("can:raw", {"id": "0x1", "data": "00", "ts": "1767225600000", "vehicle": "van-1"}, id="5-0")
        work(redis_server, tmp_path)
    frames = pl.concat(
        [pl.read_parquet(file.path) for day in Landing(tmp_path / "landing").days("can").values() for file in day]
    )
    assert frames.get_column("entry_id").n_unique() == 2
