"""From the scanner's loop to Redis, on a thread of its own, so that the bus is read while Redis is slow or away.

Belongs here: order, trying again, the bound on what waits, spooling. Does not belong here: reading buses, wire format.

Nothing is ever trimmed or dropped. A batch goes to Redis at once, or to the disk spool when Redis is away, refuses, or
holds `max_waiting` entries already because the worker is behind; while the spool holds anything, new batches queue up
behind it, so the order stays. With `is_patient` (a replayed file can wait) the sender waits instead of spooling, until
it is told to stop, and the bounded queue in front of it makes the reader wait too.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import redis
import structlog
from redis.exceptions import ResponseError

from fleet_assets.adapters.can_stream import Batch, pack, unpack
from fleet_assets.adapters.redis_server import UNAVAILABLE
from fleet_assets.adapters.spool import Spool
from fleet_assets.adapters.stream_producer import NumberedBatch, StreamProducer
from fleet_assets.contracts.errors import ServiceError

log = structlog.get_logger(__name__)

Connect = Callable[[], redis.Redis]


@dataclass(frozen=True)
class SenderRules:
    """How hard to try and how much may wait."""

    is_packed: bool = True
    """Packed entries; False writes one entry a frame, for other readers of the stream."""
    is_patient: bool = False
    """Wait instead of spooling."""
    max_waiting: int = 20_000
    """Entries in the stream (at 1 000 frames and 25 kB each: 0.5 GB, half of the private server's memory)."""
    resume_below: float = 0.5
    """Share of `max_waiting` below which sending goes on; less than 1, so that it does not flutter."""
    retry_seconds: float = 1.0
    """Between two attempts while Redis is away."""
    queue_batches: int = 256
    """Batches between loop and thread: 13 seconds at one every 50 ms."""
    drain_at_once: int = 64
    """Spooled batches sent before the queue is looked at again."""


class Sender:
    """One producer. `put` batches, then `close`; a failure of the thread is raised by the next call."""

    def __init__(self, connect: Connect, spool: Spool, rules: SenderRules, stop: threading.Event) -> None:
        self._connect, self._spool, self._rules, self._stop = connect, spool, rules, stop
        self._name, self._number = uuid4().hex[:16], 0
        self._queue: queue.Queue[Batch | None] = queue.Queue(rules.queue_batches)
        self._producer: StreamProducer | None = None
        self._client: redis.Redis | None = None
        self._is_full, self._retry_at = False, 0.0
        self._failure: BaseException | None = None
        self.sent_frames = 0
        self.spooled_frames = 0
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Hand over a batch; waits while the queue is full."""
        while True:
            self._raise_failure()
            try:
                return self._queue.put(batch, timeout=0.5)
            except queue.Full:
                continue

    def close(self) -> None:
        """Send or spool what was put, then end the thread."""
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=0.5)
            except queue.Full:
                continue
            self._thread.join()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise ServiceError(f"frames can be neither sent nor spooled: {self._failure}") from self._failure

    def _run(self) -> None:
        try:
            while True:
                try:
                    batch = self._queue.get(timeout=self._rules.retry_seconds)
                except queue.Empty:
                    self._drain()
                    continue
                if batch is None:
                    break
                self._handle(batch)
            self._drain()
        # Whatever ends this thread must reach the loop that reads the bus, which raises it.
        except Exception as error:
            log.exception("sender_failed")
            self._failure = error

    def _handle(self, batch: Batch) -> None:
        numbered = NumberedBatch(self._name, self._number, batch)
        self._number += 1
        if self._rules.is_patient:
            return self._send_patiently(numbered)
        if not (self._spool.is_empty() and self._try_send(numbered)):
            self._spool.append(to_record(numbered))
            self.spooled_frames += len(batch.frames)
            self._drain()
        return None

    def _send_patiently(self, numbered: NumberedBatch) -> None:
        while not self._try_send(numbered):
            if self._stop.is_set():
                # Stopped while Redis is away: what was read is kept for the next start.
                return self._spool.append(to_record(numbered))
            self._stop.wait(min(0.05, self._rules.retry_seconds) if self._is_full else self._rules.retry_seconds)
        return None

    def _drain(self) -> None:
        for _ in range(self._rules.drain_at_once):
            record = self._spool.first()
            if record is None or not self._try_send(from_record(record)):
                return
            self._spool.forget_first()

    def _try_send(self, numbered: NumberedBatch) -> bool:
        """Whether Redis has the batch now."""
        if time.monotonic() < self._retry_at:
            return False
        try:
            producer = self._connected()
            if self._is_full and not self._has_room():
                return False
            waiting = producer.send(numbered)
        except (*UNAVAILABLE, ResponseError, ServiceError) as error:
            return self._away(error)
        self.sent_frames += len(numbered.batch.frames)
        if waiting >= self._rules.max_waiting:
            self._is_full = True
            log.warning("stream_full", waiting=waiting, meaning="the worker is behind; frames wait before the stream")
        return True

    def _connected(self) -> StreamProducer:
        if self._producer is None or self._client is None:
            self._client = self._connect()
            self._producer = StreamProducer(self._client, is_packed=self._rules.is_packed)
            log.info("redis_connected")
        return self._producer

    def _has_room(self) -> bool:
        assert self._client is not None
        assert self._producer is not None
        self._is_full = self._producer.waiting() > self._rules.max_waiting * self._rules.resume_below
        return not self._is_full

    def _away(self, error: Exception) -> bool:
        """Note the failure: a full memory or a server that is gone are both worth trying again, later."""
        if self._producer is not None or self._retry_at == 0.0:
            log.warning("redis_away", error=str(error), meaning="frames wait here and are sent in order later")
        self._producer = None
        self._retry_at = time.monotonic() + self._rules.retry_seconds
        return False


def to_record(numbered: NumberedBatch) -> bytes:
    """A numbered batch as bytes: a line of JSON (producer, number, the short fields), then the packed frames."""
    fields = pack(numbered.batch)
    short = {name.decode(): value.decode() for name, value in fields.items() if name != b"packed"}
    head = json.dumps({"producer": numbered.producer, "number": numbered.number, "fields": short})
    return head.encode() + b"\n" + fields[b"packed"]


def from_record(record: bytes) -> NumberedBatch:
    """The numbered batch of a spool record."""
    head, _, packed = record.partition(b"\n")
    note = json.loads(head)
    fields = {name.encode(): value.encode() for name, value in note["fields"].items()}
    return NumberedBatch(note["producer"], note["number"], unpack({**fields, b"packed": packed}))
