"""Results in Redis, for all processes of an installation: a second place to look, never a reason to fail.

Belongs here: keys, bounds and the scripts that hold them in one step. Does not belong here: versions (part of the key).

    fleet:query:result:<key>     Arrow IPC, compressed
    fleet:query:used             sorted set: key by the time of last use, unix ms
    fleet:query:bytes            hash: bytes by key
    fleet:query:total            hash: hits, misses, stored, evicted, bytes
    fleet:query:flight:<key>     who computes it right now; runs out by itself

A Redis that is away, full or slow is a miss, and is left alone for a few seconds.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import polars as pl
import pyarrow as pa
import redis
import structlog

_LOG = structlog.get_logger(__name__)
_PREFIX = "fleet:query:"

# ARGV: key, now in ms.
_GET = """
local value = redis.call('GET', 'fleet:query:result:' .. ARGV[1])
if value then
    redis.call('ZADD', 'fleet:query:used', 'XX', ARGV[2], ARGV[1])
    redis.call('HINCRBY', 'fleet:query:total', 'hits', 1)
else
    redis.call('HINCRBY', 'fleet:query:total', 'misses', 1)
end
return value
"""

# ARGV: key, now in ms, value, seconds to live, bytes that all may have.
_PUT = """
local function let_go(key)
    redis.call('DEL', 'fleet:query:result:' .. key)
    redis.call('ZREM', 'fleet:query:used', key)
    local bytes = redis.call('HGET', 'fleet:query:bytes', key)
    redis.call('HDEL', 'fleet:query:bytes', key)
    return redis.call('HINCRBY', 'fleet:query:total', 'bytes', -(tonumber(bytes) or 0))
end
let_go(ARGV[1])
local total = redis.call('HINCRBY', 'fleet:query:total', 'bytes', #ARGV[3])
while total > tonumber(ARGV[5]) do
    local oldest = redis.call('ZRANGE', 'fleet:query:used', 0, 0)[1]
    if not oldest then break end
    total = let_go(oldest)
    redis.call('HINCRBY', 'fleet:query:total', 'evicted', 1)
end
redis.call('SET', 'fleet:query:result:' .. ARGV[1], ARGV[3], 'EX', ARGV[4])
redis.call('ZADD', 'fleet:query:used', ARGV[2], ARGV[1])
redis.call('HSET', 'fleet:query:bytes', ARGV[1], #ARGV[3])
redis.call('HINCRBY', 'fleet:query:total', 'stored', 1)
return total
"""

# ARGV: key, token.
_LAND = """
local flight = 'fleet:query:flight:' .. ARGV[1]
if redis.call('GET', flight) == ARGV[2] then redis.call('DEL', flight) end
"""


@dataclass(frozen=True)
class SharedRules:
    """What the results in Redis may take. The server also holds the frames of the collector, which go first."""

    total_bytes: int = 64 << 20
    """Bytes of all results: a sixteenth of what the private server may hold."""
    entry_bytes: int = 8 << 20
    """Bytes of one result; a larger one would push out many and take tens of milliseconds to fetch."""
    keep_s: int = 86_400
    """s after which a result goes, used or not: room only, a result never becomes wrong."""
    rest_s: float = 5.0
    """s for which Redis is left alone after it failed."""
    flight_s: float = 10.0
    """s for which others wait for the process that computes a result; then they compute it themselves."""
    poll_s: float = 0.02
    """s between two looks for a result that another process computes."""


class SharedResults:
    """Results in the Redis that `connect` gives; None of `connect` and every failure is a miss."""

    def __init__(self, connect: Callable[[], redis.Redis | None], rules: SharedRules | None = None) -> None:
        self.rules = rules or SharedRules()
        self._connect = connect
        self._client: redis.Redis | None = None
        self._resting_until = 0.0

    def get(self, key: str) -> pl.DataFrame | None:
        """The result kept under the key, or None."""
        value = self._try(lambda client: client.eval(_GET, 0, key, _now_ms()))
        return None if value is None else _frame(cast(bytes, value))

    def put(self, key: str, rows: pl.DataFrame) -> None:
        """Keep a result, letting go of the least recently used ones where there is no room."""
        value = _bytes(rows)
        if len(value) <= self.rules.entry_bytes:
            limits = (self.rules.keep_s, self.rules.total_bytes)
            self._try(lambda client: client.eval(_PUT, 0, key, _now_ms(), value, *limits))

    @contextmanager
    def flight(self, key: str) -> Iterator[pl.DataFrame | None]:
        """Be the one process that computes a result, or get it from the one that does; None says: compute it."""
        token = uuid.uuid4().hex
        try:
            yield self._arrived(key, token)
        finally:
            self._try(lambda client: client.eval(_LAND, 0, key, token))

    def _arrived(self, key: str, token: str) -> pl.DataFrame | None:
        """The result of whoever computes it; None when that is to be done here, or nobody has done it in time."""
        deadline = time.monotonic() + self.rules.flight_s
        while True:
            has_taken_off = self._take_off(key, token)
            # Looked at also after taking off: another may have landed since the look that missed.
            if self._try(lambda client: client.exists(f"{_PREFIX}result:{key}")):
                found = self.get(key)
                if found is not None:
                    return found
            if has_taken_off or time.monotonic() >= deadline:
                return None
            time.sleep(self.rules.poll_s)

    def totals(self) -> dict[str, int]:
        """Hits, misses, stored, evicted and bytes of all processes since the keys were made; empty without Redis."""
        found = self._try(lambda client: client.hgetall(f"{_PREFIX}total"))
        return {name.decode(): int(value) for name, value in cast(dict[bytes, bytes], found or {}).items()}

    def _take_off(self, key: str, token: str) -> bool:
        """Whether nobody else computes the result; also without Redis."""
        life = int(self.rules.flight_s * 1000)
        taken = self._try(lambda client: client.set(f"{_PREFIX}flight:{key}", token, nx=True, px=life) or False, True)
        return bool(taken)

    def _try(self, ask: Callable[[redis.Redis], Any], otherwise: Any = None) -> Any:
        if time.monotonic() < self._resting_until:
            return otherwise
        try:
            if self._client is None:
                self._client = self._connect()
            return otherwise if self._client is None else ask(self._client)
        except (redis.RedisError, OSError) as error:
            self._resting_until = time.monotonic() + self.rules.rest_s
            _LOG.info("query_cache_without_redis", reason=str(error))
            return otherwise


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _bytes(rows: pl.DataFrame) -> bytes:
    """Arrow's stream, by pyarrow: its reader takes a fifth of the time that Polars' own takes for small results."""
    arrow = rows.to_arrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(arrow)
    return bytes(sink.getvalue().to_pybytes())


def _frame(value: bytes) -> pl.DataFrame | None:
    """The rows, or None where the bytes are not what was put there."""
    try:
        return pl.DataFrame(pa.ipc.open_stream(value).read_all())
    except (pa.ArrowInvalid, pl.exceptions.PolarsError, OSError) as error:
        _LOG.warning("query_cache_unreadable", reason=str(error))
        return None
