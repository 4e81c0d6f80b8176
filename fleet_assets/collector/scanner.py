"""The scanner: frames from a CAN interface or a log file to the stream.

Belongs here: the two loops, on one page each. Does not belong here: sending (sender), formats (adapters/log_files).
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import can
import numpy as np
import polars as pl
import structlog

from fleet_assets.adapters.can_stream import Batch
from fleet_assets.adapters.frame_batch import FrameBatch, batch_of_frame, batch_of_messages
from fleet_assets.adapters.gap_ledger import Gap
from fleet_assets.adapters.log_files import LogOptions, Unread, read_log
from fleet_assets.adapters.log_files.options import OLDEST_PLAUSIBLE
from fleet_assets.adapters.stream_notices import Ended, Notice
from fleet_assets.adapters.stream_producer import LOG, NumberedBatch
from fleet_assets.adapters.unix_time import instant
from fleet_assets.collector.bus import dropped_frames
from fleet_assets.collector.file_identity import file_digest, short_hash
from fleet_assets.collector.sender import Sender
from fleet_assets.sources.can_frames import CAN

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ScanRules:
    """When frames become a batch."""

    batch_seconds: float = 0.05
    """Longest wait of a frame: what live state may lag behind the bus."""
    batch_frames: int = 1_000
    """Most frames in a batch: 25 kB in an entry."""
    idle_seconds: float = 0.2
    """How often a silent bus looks whether it shall stop."""
    report_seconds: float = 60.0
    """Between two log lines that say how much was read."""


@dataclass(frozen=True)
class BusName:
    """Whose bus is read: vehicle_id and name of the bus."""

    vehicle: str
    bus: str


def scan_bus(bus: can.BusABC, name: BusName, sender: Sender, rules: ScanRules, stop: threading.Event) -> int:
    """Read the bus until `stop`; returns the frames read. The bus is shut down in the end, whatever happens."""
    count, clock, report_at = 0, HostClock(), time.monotonic() + rules.report_seconds
    overrun = Overrun(bus, time.time_ns() // 1_000)
    try:
        while not stop.is_set():
            asked_us = time.time_ns() // 1_000
            messages = _receive(bus, rules)
            if messages:
                frames = clock.correct(batch_of_messages(messages))
                sender.put(Batch(name.vehicle, name.bus, time.time_ns() // 1_000, frames))
                count += len(messages)
            else:
                sender.quiet(asked_us)
            if (gap := overrun.look(name, time.time_ns() // 1_000)) is not None:
                sender.put(Notice(gap))
            if time.monotonic() >= report_at:
                log.info("scanning", frames=count, sent=sender.sent_frames, spooled=sender.spooled_frames)
                report_at += rules.report_seconds
    finally:
        bus.shutdown()
    return count


def _receive(bus: can.BusABC, rules: ScanRules) -> list[can.Message]:
    """Frames until the batch is full or its time is over; nothing from a silent bus."""
    first = bus.recv(rules.idle_seconds)
    if first is None:
        return []
    messages, deadline = [first], time.monotonic() + rules.batch_seconds
    while len(messages) < rules.batch_frames and (left := deadline - time.monotonic()) > 0:
        message = bus.recv(left)
        if message is not None:
            messages.append(message)
    return messages


class Overrun:
    """Watches what the kernel dropped because this process did not take frames fast enough."""

    def __init__(self, bus: can.BusABC, now_us: int) -> None:
        self._bus, self._dropped, self._looked_us = bus, dropped_frames(bus), now_us

    def look(self, name: BusName, now_us: int) -> Gap | None:
        """The gap since the last look (unix microseconds), or None when nothing was dropped."""
        since, self._looked_us = self._looked_us, now_us
        before, self._dropped = self._dropped, dropped_frames(self._bus)
        count = (self._dropped - before) % (1 << 32)
        if not count:
            return None
        log.error("bus_overrun", frames=count, meaning="the kernel dropped frames: this machine is too busy")
        detail = "the kernel dropped frames because the scanner did not take them fast enough"
        return Gap(CAN.name, instant(since), instant(now_us), "bus_overrun", detail, name.vehicle, name.bus, count)


class HostClock:
    """Some interfaces count from their own start: their times are moved by one offset, taken at the first batch."""

    def __init__(self) -> None:
        self._offset_us: int | None = None

    def correct(self, frames: FrameBatch) -> FrameBatch:
        if self._offset_us is None:
            counts_itself = int(frames.ts_us[-1]) < OLDEST_PLAUSIBLE.timestamp() * 1e6
            self._offset_us = time.time_ns() // 1_000 - int(frames.ts_us[-1]) if counts_itself else 0
            if counts_itself:
                log.warning("interface_without_clock", meaning="its times are moved to this machine's clock")
        if not self._offset_us:
            return frames
        return dataclasses.replace(frames, ts_us=frames.ts_us + self._offset_us)


@dataclass(frozen=True)
class Replay:
    """Log files to send: `speed` 1 is the pace of the recording, 2 twice that, None as fast as they are taken."""

    paths: Sequence[Path]
    options: LogOptions
    speed: float | None = None
    watch: Callable[[Path, int], None] = lambda _path, _frames: None
    """Called with the file and the frames of it that were sent, batch by batch: what a progress bar shows."""


def replay_logs(replay: Replay, sender: Sender, rules: ScanRules, stop: threading.Event) -> int:
    """Hand over the frames of log files with their original times; returns how many.

    Their numbers are their places in the log, so that a log sent again, after a kill or on purpose, adds only what did
    not arrive the first time.
    """
    count, pace = 0, Pace(replay.speed)
    for path in replay.paths:
        before, skipped, installation = count, list[Unread](), LogPlaces(file_digest(path, replay.options))
        for chunk in read_log(path, replay.options, skipped=skipped.append):
            for batch in _batches(chunk, rules, is_paced=replay.speed is not None):
                if stop.is_set():
                    return count
                numbered = installation.numbered(batch)
                if numbered.stop > installation.known(numbered.producer, sender.known):
                    # A log that was cut short goes on at its pace from where it was cut.
                    pace.wait_for(int(batch.frames.ts_us[0]), stop)
                sender.put(numbered)
                count += len(batch.frames)
                replay.watch(path, count - before)
        for notice in installation.ended():
            sender.put(notice)
        log.info("replayed", file=str(path), frames=count - before)
        if skipped:
            place, line = skipped[0].rows.row(0)
            lines = sum(unread.rows.height for unread in skipped)
            log.warning("lines_without_a_frame", file=str(path), lines=lines, place=place, first=line)
    return count


class LogPlaces:
    """Numbers the frames of one log: each of its vehicles and buses counts for itself, in the order of the log."""

    def __init__(self, digest: str) -> None:
        self._digest, self._reached = digest, dict[tuple[str, str], Ended]()
        self._known: dict[str, int] = {}

    def numbered(self, batch: Batch) -> NumberedBatch:
        """The batch with its place; batches must come in the order of the log."""
        owner = (batch.vehicle, batch.bus)
        began, last = int(batch.frames.ts_us[0]), int(batch.frames.ts_us.max())
        before = self._reached.get(owner) or Ended(f"{LOG}-{began}-{short_hash(self._digest, *owner)}", 0, last)
        numbered = NumberedBatch(before.producer, before.stop, batch)
        self._reached[owner] = Ended(before.producer, numbered.stop, max(before.last_us or last, last))
        return numbered

    def ended(self) -> list[Notice]:
        """That the log is at its end, so that frames missing there are missed."""
        return [Notice(ended=reached) for reached in self._reached.values()]

    def known(self, producer: str, ask: Callable[[str], int]) -> int:
        """How far the log was sent before; asked once."""
        if producer not in self._known:
            self._known[producer] = ask(producer)
        return self._known[producer]


class Pace:
    """Waits so that recorded time passes `speed` times as fast as real time; None never waits."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._origin: tuple[float, int] | None = None

    def wait_for(self, ts_us: int, stop: threading.Event) -> None:
        if self._speed is None:
            return
        if self._origin is None:
            self._origin = (time.monotonic(), ts_us)
        started, first = self._origin
        stop.wait(max(0.0, started + (ts_us - first) / 1e6 / self._speed - time.monotonic()))


def _batches(chunk: pl.DataFrame, rules: ScanRules, *, is_paced: bool) -> Iterator[Batch]:
    """The chunk cut into batches of one vehicle and bus each: by number, and when paced by recorded time too."""
    span = int(rules.batch_seconds * 1e6)
    slices = _spans(chunk, span) if is_paced else [chunk]
    for part in slices:
        for owned in part.partition_by("vehicle_id", "bus", maintain_order=True):
            vehicle, bus = owned.item(0, "vehicle_id"), owned.item(0, "bus")
            for piece in batch_of_frame(owned).parts(rules.batch_frames):
                yield Batch(vehicle, bus, time.time_ns() // 1_000, piece)


def _spans(chunk: pl.DataFrame, span_us: int) -> Iterator[pl.DataFrame]:
    """Runs of rows within the same span of recorded time, in file order."""
    number = chunk.get_column("recorded_at").to_physical().to_numpy() // span_us
    cuts = np.flatnonzero(np.diff(number)) + 1
    for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), chunk.height], strict=True):
        yield chunk.slice(start, stop - start)
