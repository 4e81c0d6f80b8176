"""The worker: entries of the stream to landing files and live state.

Belongs here: the loop, when to flush, what happens in which order. Does not belong here: the commands of Redis
(adapters/stream_group), decoding entries (adapters/can_entries), file formats.

Entries are acknowledged only when they are durable (landing_writer). A worker that dies in between leaves its entries
to be claimed and landed again: the same frames get the same entry_id, and raw tables keep each entry_id once. So
nothing is lost and nothing counts twice. While the landing disk is full nothing is acknowledged, and nothing more is
read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import redis
import structlog
from redis.exceptions import ResponseError

from fleet_assets.adapters.can_entries import decode_entries
from fleet_assets.adapters.can_stream import Entry
from fleet_assets.adapters.durable_file import is_full
from fleet_assets.adapters.entry_numbers import frame_count
from fleet_assets.adapters.live_state import LiveState
from fleet_assets.adapters.redis_server import UNAVAILABLE
from fleet_assets.adapters.sink_progress import SinkProgress
from fleet_assets.adapters.stream_group import StreamGroup
from fleet_assets.adapters.stream_key import require_stream
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.landing_writer import LandingWriter, WorkReport
from fleet_assets.collector.losses import Losses
from fleet_assets.contracts.errors import ServiceError

log = structlog.get_logger(__name__)

DecodeLatest = Callable[[pl.DataFrame], pl.DataFrame]
"""RAW_CAN rows to vehicle_id, signal, value, observed_at: what the live state shows."""


@dataclass(frozen=True)
class WorkRules:
    """When the worker does what."""

    flush_seconds: float = 5.0
    """Longest time between reading an entry and its file."""
    flush_frames: int = 200_000
    """Frames in memory before a flush."""
    live_seconds: float = 1.0
    """Longest time between reading a frame and its value in the live state."""
    read_entries: int = 200
    """Entries in one read (200 000 frames at most in the packed form)."""
    claim_after_seconds: float = 60.0
    """An entry unacknowledged for so long belongs to a worker that died; well above `flush_seconds`."""
    block_seconds: float = 0.5
    """Longest wait in one read: how fast the worker notices that it shall stop."""
    retry_seconds: float = 1.0
    """Between two attempts while Redis is away."""
    look_seconds: float = 5.0
    """Between two looks for frames that were lost on the way."""
    default_vehicle: str | None = None
    """Vehicle of single entries that name none."""


class Worker:
    """One consumer of the stream. `run` returns when stopped, or when nothing is left and `until_empty` is set."""

    def __init__(
        self,
        connect: Callable[[], redis.Redis],
        intake: Intake,
        rules: WorkRules,
        stop: threading.Event,
        decode_latest: DecodeLatest | None = None,
    ) -> None:
        self._connect, self._intake, self._rules, self._stop = connect, intake, rules, stop
        self._decode_latest = decode_latest
        self._group = StreamGroup(connect())
        progress = SinkProgress(intake.landing.root / "_sink" / "can.db")
        self._landing_writer = LandingWriter(intake, progress, rules.default_vehicle)
        self._losses = Losses(self._landing_writer, progress)
        self._is_disk_full, self._next_look = False, 0.0
        self._batch: list[Entry] = []
        self._batch_frames = 0
        self._batch_since = 0.0
        self._shown, self._show_at = 0, 0.0
        self._unacknowledged: list[bytes] = []
        self._cursor, self._next_claim, self._origin = b"0-0", 0.0, ""

    @property
    def report(self) -> WorkReport:
        """What was done so far."""
        return self._landing_writer.report

    def run(self, *, until_empty: bool = False) -> WorkReport:
        """Work until stopped; what was read is landed and acknowledged before it returns."""
        require_stream(self._group.client)
        self._origin = self._group.create()
        log.info("worker_started", consumer=self._group.consumer)
        try:
            while not self._stop.is_set():
                if self._step() and until_empty and self._is_done():
                    break
        finally:
            self._flush()
            self._leave()
        return self.report

    def _step(self) -> bool:
        """Read once and flush if it is time; True when there was nothing to read."""
        if self._is_disk_full and not self._flushed():
            return False
        try:
            self._losses.look_for_removal(self._group)
            entries = self._claimed() or self._group.read(self._rules.read_entries, self._block_ms())
        except UNAVAILABLE as error:
            self._wait_for_redis(error)
            return False
        except ResponseError as error:
            if not _is_gone(error):
                raise
            # Somebody emptied the server: begin a new group at the beginning of whatever comes.
            log.warning("group_recreated")
            self._flushed()
            self._origin = self._group.create()
            return False
        self._take(entries)
        if self._is_due():
            self._flushed()
        elif time.monotonic() >= self._show_at:
            self._show_new()
        self._look_for_losses()
        return not entries

    def _take(self, entries: list[Entry]) -> None:
        if entries and not self._batch:
            self._batch_since = time.monotonic()
        self._batch += entries
        self._batch_frames += sum(frame_count(fields) for _, fields in entries)

    def _look_for_losses(self) -> None:
        """Every few seconds: numbers that never came, entries that someone removed."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + self._rules.look_seconds
        try:
            self._losses.look(self._group)
        except (*UNAVAILABLE, ResponseError, OSError) as error:
            log.warning("loss_check_failed", error=str(error), meaning="losses are looked for again later")

    def _is_due(self) -> bool:
        return bool(self._batch) and (self._batch_frames >= self._rules.flush_frames or self._is_time())

    def _is_time(self) -> bool:
        return time.monotonic() - self._batch_since >= self._rules.flush_seconds

    def _block_ms(self) -> int:
        if not self._batch:
            return int(self._rules.block_seconds * 1000)
        left = self._batch_since + self._rules.flush_seconds - time.monotonic()
        return int(max(0.001, min(self._rules.block_seconds, left)) * 1000)

    def _claimed(self) -> list[Entry]:
        """Entries of workers that died; looked for from start and then every half of `claim_after_seconds`."""
        if time.monotonic() < self._next_claim:
            return []
        idle = int(self._rules.claim_after_seconds * 1000)
        self._cursor, entries, deleted = self._group.claim(self._cursor, idle, self._rules.read_entries)
        held = {stream_id for stream_id, _ in self._batch}
        held.update(self._unacknowledged)
        # What we acknowledged ourselves is gone from the stream, and from nowhere else.
        self._losses.removed_before_landing([stream_id for stream_id in deleted if stream_id not in held])
        if self._cursor == b"0-0":
            self._next_claim = time.monotonic() + self._rules.claim_after_seconds / 2
            self._group.forget_dead_consumers()
        fresh = [entry for entry in entries if entry[0] not in held]
        if fresh:
            log.info("entries_claimed", count=len(fresh))
        return fresh

    def _flush(self) -> None:
        """Land what was read, then acknowledge it; raises OSError, everything kept, while a disk refuses."""
        if self._batch:
            self._show_new()
            self._landing_writer.land(self._batch, self._origin)
            self._unacknowledged += [stream_id for stream_id, _ in self._batch]
            self._batch, self._batch_frames, self._shown = [], 0, 0
        self._acknowledge()

    def _flushed(self) -> bool:
        """Flush; False while the disk is full: the entries stay unacknowledged, and nothing more is read."""
        try:
            self._flush()
        except OSError as error:
            if not is_full(error):
                raise
            log.error("landing_disk_full", error=str(error), entries=len(self._batch),
                      meaning="nothing is lost: entries wait in the stream; make room")  # fmt: skip
            self._is_disk_full = True
            self._stop.wait(self._rules.retry_seconds)
            return False
        if self._is_disk_full:
            log.info("landing_resumed")
            self._is_disk_full = False
        return True

    def _acknowledge(self) -> None:
        """Acknowledge what is durable; while Redis is away it is kept and tried with the next flush."""
        if not self._unacknowledged:
            return
        try:
            self._group.acknowledge(self._unacknowledged)
            self._unacknowledged = []
        except ResponseError as error:
            if not _is_gone(error):
                raise
            log.warning("nothing_to_acknowledge", error=str(error), meaning="the stream was emptied meanwhile")
            self._unacknowledged = []
        except UNAVAILABLE as error:
            log.warning("acknowledge_postponed", entries=len(self._unacknowledged), error=str(error))

    def _show_new(self) -> None:
        """Bring the live state up to date. It is a view: whatever fails in it must not stop the landing."""
        entries = self._batch[self._shown :]
        self._show_at = time.monotonic() + self._rules.live_seconds
        if self._decode_latest is None or not entries:
            return
        self._shown = len(self._batch)
        try:
            frames = decode_entries(entries, self._rules.default_vehicle).frames
            if frames.height:
                LiveState(self._group.client).write(self._decode_latest(frames), self._intake.clock())
        except Exception as error:  # noqa: BLE001
            log.warning("live_state_failed", error=f"{type(error).__name__}: {error}", meaning="landing goes on")

    def _is_done(self) -> bool:
        """Nothing to hand out (the last read was empty) and nothing owed by any worker."""
        try:
            if not self._flushed():
                return False
            self._losses.look(self._group)
            return self._group.backlog().pending == 0 and not self._unacknowledged
        except UNAVAILABLE as error:
            self._wait_for_redis(error)
            return False

    def _wait_for_redis(self, error: Exception) -> None:
        log.warning("redis_unreachable", error=str(error), meaning="entries wait in the stream")
        self._stop.wait(self._rules.retry_seconds)
        try:
            self._group.client = self._connect()
            self._acknowledge()
        except ServiceError as still:
            log.warning("redis_still_unreachable", error=str(still))

    def _leave(self) -> None:
        try:
            self._group.leave()
        except (*UNAVAILABLE, ResponseError) as error:
            log.warning("group_leave_failed", error=str(error))
        log.info("worker_stopped", frames=self.report.frames, entries=self.report.entries, files=self.report.files)


def _is_gone(error: ResponseError) -> bool:
    """Whether stream or group are no longer there: somebody emptied the server."""
    return "NOGROUP" in str(error) or "no such key" in str(error)
