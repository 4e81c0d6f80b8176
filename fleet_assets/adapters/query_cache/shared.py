"""Results in Redis, for all processes of an installation: a second place to look, never a reason to fail.

Belongs here: keys, bounds, and the lock of the process that computes. Does not belong here: what keys stand for.

    fleet:query:result:<key>     checksum, then Arrow IPC, compressed
    fleet:query:kept             sorted set: <key>:<bytes> by the time it was put there
    fleet:query:total            hash: hits, misses, waits, stored, evicted
    fleet:query:flight:<key>     lock of who computes it right now; runs out by itself

A Redis that is away, full or slow is a miss, and is left alone for a few seconds.
"""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from zlib import crc32

import polars as pl

if TYPE_CHECKING:
    import redis
    from redis.lock import Lock

RESULT, FLIGHT = "fleet:query:result:", "fleet:query:flight:"
KEPT, TOTAL = "fleet:query:kept", "fleet:query:total"
CHECKSUM_BYTES = 4


@dataclass(frozen=True)
class SharedRules:
    """What the results in Redis may take: bytes in all (a sixteenth of what the private server may hold, which has the
    collector's frames too), results in all, bytes of one, and s to keep one, used or not; it never becomes wrong.

    A Redis that failed is left alone for `rest_s`. A process that computes is waited for `flight_s`, with a look every
    `poll_s`; then others compute themselves.
    """

    total_bytes: int = 64 << 20
    results: int = 2_000
    entry_bytes: int = 8 << 20
    keep_s: int = 86_400
    rest_s: float = 5.0
    flight_s: float = 10.0
    poll_s: float = 0.02


class SharedResults:
    """Results in the Redis that `connect` gives; None of `connect` and every failure is a miss."""

    def __init__(self, connect: Callable[[], redis.Redis | None], rules: SharedRules | None = None) -> None:
        self.rules = rules or SharedRules()
        self._connect = connect
        self._client: redis.Redis | None = None
        self._resting_until = 0.0

    @contextmanager
    def flight(self, key: str) -> Iterator[pl.DataFrame | None]:
        """The result kept under a key, waited for if another process computes it. None says: compute it, and others
        wait until this ends."""
        found, lock = self._get(key), None
        if found is None:
            lock = self._try(lambda client: self._lock(client, key))
            # Another may have put it there since the first look.
            found = self._get(key)
        self._try(lambda client: client.hincrby(TOTAL, "misses" if found is None else "hits", 1))
        try:
            yield found
        finally:
            if lock is not None:
                # It has run out where computing took longer.
                with suppress(*_failures()):
                    lock.release()

    def put(self, key: str, rows: pl.DataFrame) -> None:
        """Keep a result, letting go of the oldest ones where there is no room."""
        self._try(lambda client: self._put(client, key, rows))

    def totals(self) -> dict[str, int]:
        """Hits, misses, waits, stored and evicted of all processes since the keys were made, and bytes kept; empty
        without Redis."""
        counts: dict[bytes, bytes] = self._try(lambda client: client.hgetall(TOTAL)) or {}
        kept: list[bytes] = self._try(lambda client: client.zrange(KEPT, 0, -1)) or []
        total = {"bytes": sum(map(_size, kept))} if counts else {}
        return {name.decode(): int(value) for name, value in counts.items()} | total

    def _get(self, key: str) -> pl.DataFrame | None:
        value: bytes | None = self._try(lambda client: client.get(f"{RESULT}{key}"))
        return None if value is None else _frame(value)

    def _lock(self, client: redis.Redis, key: str) -> Lock | None:
        rules = self.rules
        lock: Lock = client.lock(f"{FLIGHT}{key}", rules.flight_s, rules.poll_s, blocking_timeout=rules.flight_s)
        if not lock.acquire(blocking=False):
            client.hincrby(TOTAL, "waits", 1)
            return lock if lock.acquire() else None
        return lock

    def _put(self, client: redis.Redis, key: str, rows: pl.DataFrame) -> None:
        now, rules, value = time.time(), self.rules, _bytes(rows)
        if len(value) > rules.entry_bytes:
            return
        with client.pipeline() as steps:
            steps.set(f"{RESULT}{key}", value, ex=rules.keep_s)
            steps.zadd(KEPT, {f"{key}:{len(value)}": now})
            steps.zremrangebyscore(KEPT, "-inf", now - rules.keep_s)
            steps.hincrby(TOTAL, "stored", 1)
            steps.zrevrange(KEPT, 0, -1)
            newest_first: list[bytes] = steps.execute()[-1]
            room = bisect([*accumulate(map(_size, newest_first))], rules.total_bytes)
            gone = newest_first[min(room, rules.results) :]
            if gone:
                steps.zrem(KEPT, *gone)
                steps.unlink(*(RESULT.encode() + entry.rpartition(b":")[0] for entry in gone))
                steps.hincrby(TOTAL, "evicted", len(gone))
                steps.execute()

    def _try(self, ask: Callable[[redis.Redis], Any]) -> Any:
        if time.monotonic() < self._resting_until:
            return None
        try:
            if self._client is None:
                self._client = self._connect()
            return None if self._client is None else ask(self._client)
        except _failures() as error:
            self._resting_until = time.monotonic() + self.rules.rest_s
            _log().info("query_cache_without_redis", reason=str(error))
            return None


# Loaded when a Redis is there, or fails: a single query starts without them.


def _failures() -> tuple[type[Exception], ...]:
    import redis

    return redis.RedisError, OSError


def _log() -> Any:
    import structlog

    return structlog.get_logger(__name__)


def _size(entry: bytes) -> int:
    """Bytes of a result, from its entry in the list of those kept."""
    return int(entry.rpartition(b":")[2])


def _bytes(rows: pl.DataFrame) -> bytes:
    """Arrow's stream, by pyarrow: its reader takes a fifth of the time that Polars' own takes for small results."""
    import pyarrow as pa

    arrow = rows.to_arrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(arrow)
    content = bytes(sink.getvalue().to_pybytes())
    return crc32(content).to_bytes(CHECKSUM_BYTES) + content


def _frame(value: bytes) -> pl.DataFrame | None:
    """The rows, or None where the bytes are not what was put there."""
    import pyarrow as pa

    content = memoryview(value)[CHECKSUM_BYTES:]
    if content and crc32(content).to_bytes(CHECKSUM_BYTES) == value[:CHECKSUM_BYTES]:
        return pl.DataFrame(pa.ipc.open_stream(content).read_all())
    _log().warning("query_cache_unreadable", bytes=len(value))
    return None
