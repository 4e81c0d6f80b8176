"""From the scanner's loop to Redis, on a thread of its own, so that the bus is read while Redis is slow or away.

Belongs here: order, trying again, numbering. Does not belong here: reading buses, the wire format, what waits and what
is given up (send_queue).

A batch goes to Redis at once, or into the waiting line when Redis is away, refuses, or holds `max_waiting` entries
already because the worker is behind; while anything waits, new batches queue up behind it, so the order stays. What was
sent is kept for a while: a Redis that comes back without what it had confirmed (an append-only file that was cut, an
older copy put in place) gets it again. With `is_patient` (a replayed file can wait) the sender waits instead of
spooling, until it is told to stop, and the bounded queue in front of it makes the reader wait too.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import redis
import structlog
from redis.exceptions import ResponseError

from fleet_assets.adapters.can_stream import Batch
from fleet_assets.adapters.redis_server import UNAVAILABLE
from fleet_assets.adapters.scan_heartbeat import Reached, ScanHeartbeat
from fleet_assets.adapters.spool import Spool
from fleet_assets.adapters.stream_notices import Notice
from fleet_assets.adapters.stream_producer import Behind, NumberedBatch, StreamProducer
from fleet_assets.collector.send_queue import Item, SendQueue, SendQueueRules
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
    keep_batches: int = 512
    """Sent batches kept in memory, at most 13 MB: 25 s of a bus, where Redis may lose 2 s (`appendfsync everysec`)."""
    wait: SendQueueRules = field(default_factory=SendQueueRules)
    """How much may wait while Redis is away."""


@dataclass(frozen=True)
class _Quiet:
    """The bus gave nothing at this instant (unix microseconds): all before it was handed over."""

    at_us: int


class Sender:
    """One producer. `put` batches, then `close`; a failure of the thread is raised by the next call."""

    def __init__(
        self,
        connect: Connect,
        spool: Spool,
        rules: SenderRules,
        stop: threading.Event,
        heartbeat: ScanHeartbeat | None = None,
    ) -> None:
        self._connect, self._rules, self._stop = connect, rules, stop
        self._line, self._heartbeat = SendQueue(spool, rules.wait), heartbeat
        self._name, self._next = f"{time.time_ns() // 1_000_000}-{uuid4().hex[:8]}", 0
        self._queue: queue.Queue[Batch | Item | _Quiet | None] = queue.Queue(rules.queue_batches)
        self._sent: deque[Item] = deque(maxlen=rules.keep_batches)
        self._again: deque[Item] = deque()
        self._producer: StreamProducer | None = None
        self._client: redis.Redis | None = None
        self._is_full, self._retry_at = False, 0.0
        self._failure: BaseException | None = None
        self.sent_frames = 0
        self.spooled_frames = 0
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    @property
    def shed_frames(self) -> int:
        """Frames given up because there was no room for them; each is in a gap of the ledger."""
        return self._line.shed_frames

    def known(self, producer: str) -> int:
        """The next number of a producer that Redis waits for; 0 where it knows none or does not answer."""
        try:
            return StreamProducer(self._connect()).noted(producer)
        except (*UNAVAILABLE, ResponseError, ServiceError):
            return 0

    def put(self, item: Batch | Item) -> None:
        """Hand over a batch (it gets the numbers that follow), one that has numbers, or a notice; may wait."""
        self._hand_over(item)

    def quiet(self, at_us: int) -> None:
        """Say that the bus gave nothing at this instant (unix microseconds), so that nothing before it is open."""
        self._hand_over(_Quiet(at_us))

    def close(self, stopped_us: int | None = None) -> None:
        """Send or spool what was put, then end the thread; `stopped_us`: when the bus was left, as it was told."""
        while self._thread.is_alive():
            try:
                self._queue.put(None, timeout=0.5)
            except queue.Full:
                continue
            self._thread.join()
        self._raise_failure()
        if stopped_us is not None:
            self._beat(stopped_us, is_stopped=True)

    def _hand_over(self, item: Batch | Item | _Quiet) -> None:
        while True:
            self._raise_failure()
            try:
                return self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise ServiceError(f"frames can be neither sent nor spooled: {self._failure}") from self._failure

    def _run(self) -> None:
        try:
            while True:
                try:
                    item = self._queue.get(timeout=self._rules.retry_seconds)
                except queue.Empty:
                    self._drain()
                    continue
                if item is None:
                    break
                self._handle(item)
            self._drain()
        # Whatever ends this thread must reach the loop that reads the bus, which raises it.
        except Exception as error:
            log.exception("sender_failed")
            self._failure = error

    def _handle(self, item: Batch | Item | _Quiet) -> None:
        if isinstance(item, _Quiet):
            self._drain()
            self._beat(item.at_us)
        elif isinstance(item, Batch):
            numbered = NumberedBatch(self._name, self._next, item)
            self._next = numbered.stop
            self._pass_on(numbered)
            self._beat(int(item.frames.ts_us.max()))
        else:
            self._pass_on(item)

    def _pass_on(self, item: Item) -> None:
        if self._rules.is_patient:
            return self._send_patiently(item)
        if not (self._line.is_empty() and not self._again and self._try_send(item)):
            self._line.append(item)
            self.spooled_frames += _frames(item)
            self._drain()
        return None

    def _send_patiently(self, item: Item) -> None:
        while not (self._drain() and self._try_send(item)):
            if self._stop.is_set():
                # Stopped while Redis is away: what was read is kept for the next start.
                return self._line.append(item)
            if self._is_full or self._client is None:
                self._stop.wait(min(0.05, self._rules.retry_seconds) if self._is_full else self._rules.retry_seconds)
        return None

    def _drain(self) -> bool:
        """Send what waits, lost frames before spooled ones; True when nothing is left."""
        for _ in range(self._rules.drain_at_once):
            if self._again:
                if not self._try_send(self._again[0]):
                    return False
                self._again.popleft()
                continue
            item = self._line.first()
            if item is None:
                return True
            if not self._try_send(item):
                return False
            self._line.forget_first()
        return False

    def _try_send(self, item: Item) -> bool:
        """Whether Redis has the item now."""
        if time.monotonic() < self._retry_at:
            return False
        try:
            producer = self._connected()
            if self._is_full and not self._has_room():
                return False
            waiting = producer.say(item) if isinstance(item, Notice) else producer.send(item)
        except Behind as behind:
            self._take_back(item, behind)
            return False
        except (*UNAVAILABLE, ResponseError, ServiceError) as error:
            return self._away(error)
        self._sent.append(item)
        self.sent_frames += _frames(item)
        if waiting >= self._rules.max_waiting:
            self._is_full = True
            log.warning("stream_full", waiting=waiting, meaning="the worker is behind; frames wait before the stream")
        return True

    def _take_back(self, item: Item, behind: Behind) -> None:
        """Redis lost what it had confirmed: send again what is still here of it, notices in any case."""
        assert isinstance(item, NumberedBatch)
        lost = [kept for kept in self._sent if not _is_known(kept, item.producer, behind.noted)]
        self._sent.clear()
        self._again = deque([*lost, *self._again])
        first = min((kept.first for kept in self._again if isinstance(kept, NumberedBatch)), default=item.first)
        missing = max(0, first - behind.noted)
        log.error("redis_lost_frames", again=sum(map(_frames, lost)), missing=missing,
                  meaning="Redis lost frames it had confirmed; those still here are sent again")  # fmt: skip
        if missing and self._rules.is_patient:
            raise ServiceError(f"Redis lost {missing:,} frames of the log that it had confirmed: replay the log again")

    def _connected(self) -> StreamProducer:
        if self._client is None:
            self._client = self._connect()
            log.info("redis_connected")
        if self._producer is None:
            # One for the whole run: it remembers what Redis confirmed.
            self._producer = StreamProducer(self._client, is_packed=self._rules.is_packed)
        self._producer.client = self._client
        return self._producer

    def _has_room(self) -> bool:
        assert self._producer is not None
        self._is_full = self._producer.waiting() > self._rules.max_waiting * self._rules.resume_below
        return not self._is_full

    def _away(self, error: Exception) -> bool:
        """Note the failure: a full memory or a server that is gone are both worth trying again, later."""
        if self._client is not None or self._retry_at == 0.0:
            log.warning("redis_unreachable", error=str(error), meaning="frames wait here and are sent in order later")
        self._client = None
        self._retry_at = time.monotonic() + self._rules.retry_seconds
        return False

    def _beat(self, safe_us: int, *, is_stopped: bool = False) -> None:
        """Note how far all is in Redis or on the disk; while something waits in memory only, the last word stays."""
        if self._heartbeat is not None and self._line.is_safe:
            self._heartbeat.write(Reached(self._name, self._next, safe_us, is_stopped))


def _frames(item: Item) -> int:
    return 0 if isinstance(item, Notice) else len(item.batch.frames)


def _is_known(item: Item, producer: str, noted: int) -> bool:
    """Whether Redis still has a sent item, after it said that it has this producer's numbers below `noted` only."""
    return isinstance(item, NumberedBatch) and item.producer == producer and item.stop <= noted
