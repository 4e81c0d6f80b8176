"""Scanner: a bus or a log to the stream, every frame once, in order, with its own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import can
import polars as pl
import pytest
import redis

from fleet_assets.adapters.can_entries import decode_entries
from fleet_assets.adapters.can_stream import STREAM
from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.adapters.scan_heartbeat import Reached
from fleet_assets.adapters.spool import Spool
from fleet_assets.adapters.stream_notices import Ended
from fleet_assets.collector.bus import dropped_frames
from fleet_assets.collector.scan_session import nobody_read
from fleet_assets.collector.scanner import BusName, Overrun, Replay, ScanRules, replay_logs, scan_bus
from fleet_assets.collector.sender import Sender, SenderRules
from fleet_assets_tests.fixtures.can_frames import frame_log, message, numbers
from fleet_assets_tests.fixtures.multicast import multicast
from fleet_assets_tests.fixtures.redis import entries_of

NAME = BusName("v1", "can7")
RULES = ScanRules(batch_seconds=0.02, batch_frames=50, idle_seconds=0.02)


def in_stream(client: redis.Redis) -> pl.DataFrame:
    """All frames that the stream holds, in its order."""
    return decode_entries(entries_of(client)).frames


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def sender(client: redis.Redis, folder: Path, **rules: object) -> Iterator[Sender]:
    made = Sender(lambda: client, Spool(folder / "spool"), SenderRules(**rules), threading.Event())  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


@contextmanager
def scanning(bus: can.BusABC, to: Sender) -> Iterator[list[int]]:
    """A scanner on a thread; the frames it read are in the list once it stopped."""
    stop, counts = threading.Event(), list[int]()
    thread = threading.Thread(target=lambda: counts.append(scan_bus(bus, NAME, to, RULES, stop)))
    thread.start()
    try:
        yield counts
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("kind", ["virtual", "udp_multicast"])
def test_every_frame_of_a_bus_is_in_the_stream_once_and_in_order(
    kind: str, redis_server: redis.Redis, tmp_path: Path
) -> None:
    channel = uuid4().hex
    make = multicast if kind == "udp_multicast" else lambda: can.Bus(interface="virtual", channel=channel)
    with make() as vehicle, sender(redis_server, tmp_path) as to:
        with scanning(make(), to) as counts:
            for number in range(300):
                vehicle.send(message(number, at=0.0))
            wait_for(lambda: in_stream(redis_server).height == 300)
        assert counts == [300]
    frames = in_stream(redis_server)
    assert numbers(frames) == list(range(300))
    assert frames.select("vehicle_id", "bus").unique().rows() == [("v1", "can7")]
    assert frames.get_column("recorded_at").is_sorted()
    lag = (frames.get_column("received_at") - frames.get_column("recorded_at")).dt.total_milliseconds()
    assert (lag.abs() < 5_000).all()


def test_a_silent_bus_is_left_when_it_shall_stop(redis_server: redis.Redis, tmp_path: Path) -> None:
    with (
        sender(redis_server, tmp_path) as to,
        scanning(can.Bus(interface="virtual", channel=uuid4().hex), to) as counts,
    ):
        pass
    assert counts == [0]
    assert redis_server.xlen(STREAM) == 0


def test_a_replayed_log_keeps_times_vehicle_and_order(redis_server: redis.Redis, tmp_path: Path) -> None:
    log, seen = frame_log(500, vehicle="own"), list[int]()
    log.write_parquet(tmp_path / "a.parquet")
    replay = Replay([tmp_path / "a.parquet"], LogOptions(), watch=lambda _path, frames: seen.append(frames))
    with sender(redis_server, tmp_path, is_patient=True) as to:
        assert replay_logs(replay, to, RULES, threading.Event()) == 500
    assert in_stream(redis_server).select(log.columns).equals(log)
    assert seen[-1] == 500


def test_replay_at_a_speed_takes_its_time(redis_server: redis.Redis, tmp_path: Path) -> None:
    frame_log(11, step_us=100_000).write_parquet(tmp_path / "a.parquet")
    began = time.monotonic()
    with sender(redis_server, tmp_path, is_patient=True) as to:
        replay_logs(Replay([tmp_path / "a.parquet"], LogOptions(), speed=4), to, RULES, threading.Event())
    assert 0.25 <= time.monotonic() - began < 1.5
    assert numbers(in_stream(redis_server)) == list(range(11))


def test_replay_stops_between_batches(redis_server: redis.Redis, tmp_path: Path) -> None:
    frame_log(1_000).write_parquet(tmp_path / "a.parquet")
    stop = threading.Event()
    replay = Replay([tmp_path / "a.parquet"], LogOptions(), watch=lambda _path, _frames: stop.set())
    with sender(redis_server, tmp_path, is_patient=True) as to:
        assert replay_logs(replay, to, RULES, stop) == 50
    assert numbers(in_stream(redis_server)) == list(range(50))


def test_a_log_sent_again_adds_nothing_and_one_cut_short_is_completed(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    frame_log(1_000).write_parquet(tmp_path / "a.parquet")
    log = tmp_path / "a.parquet"
    stop = threading.Event()
    cut = Replay([log], LogOptions(), watch=lambda _path, count: stop.set() if count >= 400 else None)
    with sender(redis_server, tmp_path, is_patient=True) as to:
        assert replay_logs(cut, to, RULES, stop) == 400
    whole = ScanRules(batch_frames=330)
    for _ in range(2):
        with sender(redis_server, tmp_path, is_patient=True) as to:
            assert replay_logs(Replay([log], LogOptions()), to, whole, threading.Event()) == 1_000
    frames = in_stream(redis_server)
    assert numbers(frames) == list(range(1_000))
    assert frames.get_column("entry_id").n_unique() == 1_000


def test_what_the_kernel_dropped_is_counted() -> None:
    with multicast() as vehicle, multicast() as bus:
        overrun = Overrun(bus, 0)
        assert overrun.look(NAME, 1_000) is None
        sent = 0
        while not dropped_frames(bus):
            vehicle.send(message(sent))
            sent += 1
        gap = overrun.look(NAME, 2_000)
        read = sum(1 for _ in iter(lambda: bus.recv(0), None))
        assert gap is not None
        assert (gap.reason, gap.vehicle_id, gap.bus, gap.missing_count) == ("bus_overrun", "v1", "can7", sent - read)
        assert overrun.look(NAME, 3_000) is None
    assert dropped_frames(can.Bus(interface="virtual", channel=uuid4().hex)) == 0


@pytest.mark.parametrize(("is_stopped", "reason"), [(True, "scanner_stopped"), (False, "scanner_down")])
def test_the_time_in_which_nobody_read_the_bus_is_a_gap(is_stopped: bool, reason: str) -> None:
    said = nobody_read(NAME, Reached("p", 70, 1_000_000, is_stopped), 3_000_000)
    assert said.ended == Ended("p", 70, 1_000_000)
    assert said.gap is not None
    assert (said.gap.reason, said.gap.missing_count, said.gap.bus) == (reason, None, "can7")
    assert (said.gap.started_at.timestamp(), said.gap.ended_at.timestamp()) == (1.0, 3.0)


def test_a_paced_log_that_was_cut_short_goes_on_from_where_it_was_cut(
    redis_server: redis.Redis, tmp_path: Path
) -> None:
    frame_log(40, step_us=100_000).write_parquet(tmp_path / "a.parquet")
    stop = threading.Event()
    log = tmp_path / "a.parquet"
    cut = Replay([log], LogOptions(), 1_000, lambda _path, count: stop.set() if count == 35 else None)
    with sender(redis_server, tmp_path, is_patient=True) as to:
        assert replay_logs(cut, to, RULES, stop) == 35
    began = time.monotonic()
    with sender(redis_server, tmp_path, is_patient=True) as to:
        replay_logs(Replay([tmp_path / "a.parquet"], LogOptions(), speed=1), to, RULES, threading.Event())
    assert 0.35 <= time.monotonic() - began < 2.0
    assert numbers(in_stream(redis_server)) == list(range(40))
