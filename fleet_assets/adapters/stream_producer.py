"""Appending batches to the CAN stream so that each arrives once, whatever is tried again.

Belongs here: the one command that appends. Does not belong here: the wire format (can_stream), waiting and spooling.

Every producer numbers its batches. A script appends a batch and notes its number in one step, and does nothing for a
number that it has seen: when an answer was lost on the way, sending again is safe. The note lives for a week after the
last batch, longer than any retry; the command also answers how many entries wait, which is what bounds the stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from fleet_assets.adapters.can_stream import STREAM, Batch, pack, single_entries

_NOTE_SECONDS = 7 * 24 * 3600

_APPEND = """
local last = tonumber(redis.call('GET', KEYS[2]) or '-1')
if tonumber(ARGV[1]) > last then
    local width = tonumber(ARGV[2])
    for first = 4, #ARGV, width do
        redis.call('XADD', KEYS[1], '*', unpack(ARGV, first, first + width - 1))
    end
    redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
end
return redis.call('XLEN', KEYS[1])
"""


@dataclass(frozen=True)
class NumberedBatch:
    """A batch with its producer's name and number: what makes sending it twice the same as sending it once."""

    producer: str
    number: int
    batch: Batch


class StreamProducer:
    """Appends to the stream; `is_packed` chooses the form."""

    def __init__(self, client: redis.Redis, *, is_packed: bool = True, stream: str = STREAM) -> None:
        self._client = client
        self._append = client.register_script(_APPEND)
        self._stream = stream
        self._is_packed = is_packed

    def send(self, numbered: NumberedBatch) -> int:
        """Append the batch unless it was; returns the entries now waiting. Raises redis-py's own exceptions."""
        lists = self._entries(numbered.batch)
        if not lists:
            return 0
        flat = [value for entry in lists for value in entry]
        keys = [self._stream, f"{self._stream}:producer:{numbered.producer}"]
        return int(self._append(keys=keys, args=[numbered.number, len(lists[0]), _NOTE_SECONDS, *flat]))

    def waiting(self) -> int:
        """Entries in the stream."""
        length: Any = self._client.xlen(self._stream)
        return int(length)

    def _entries(self, batch: Batch) -> list[list[bytes] | tuple[str, ...]]:
        if self._is_packed:
            return [_flat(pack(batch).items())] if len(batch.frames) else []
        return list(single_entries(batch))


def _flat(fields: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [part for pair in fields for part in pair]
