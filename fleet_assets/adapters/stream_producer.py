"""Appending batches to the CAN stream so that each arrives once, whatever is tried again.

Belongs here: the one command that appends. Does not belong here: the wire format (can_stream), waiting and spooling.

Every producer numbers its frames. A script appends a batch and notes the next number in one step, and does nothing for
a number that it has seen: when an answer was lost on the way, sending again is safe. The note is as durable as the
stream itself, so a note that went back says that Redis lost what it had confirmed (`Behind`): the producer can send it
again. It lives for a week after the last batch. The command also answers how many entries wait, to bound the stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import redis

from fleet_assets.adapters.can_stream import STREAM, Batch, pack, single_entries
from fleet_assets.adapters.stream_notices import NOTICE, Notice, pack_notice

LOG = "log"
"""How the numbering of a log is called: `log-<unix microseconds of its first frame>-<what names it>`."""

_NOTE_SECONDS = 7 * 24 * 3600

# ARGV: first number, number after the last, number up to which Redis confirmed earlier, fields per entry, seconds, ...
_APPEND = """
local noted = tonumber(redis.call('GET', KEYS[2]) or '0')
if noted < tonumber(ARGV[3]) then return {-1, noted} end
if tonumber(ARGV[1]) >= noted then
    local width = tonumber(ARGV[4])
    for first = 6, #ARGV, width do
        redis.call('XADD', KEYS[1], '*', unpack(ARGV, first, first + width - 1))
    end
    redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[5])
end
return {redis.call('XLEN', KEYS[1]), noted}
"""


@dataclass(frozen=True)
class NumberedBatch:
    """A batch with its producer's name and the number of its first frame: sending it twice is sending it once."""

    producer: str
    first: int
    batch: Batch

    @property
    def stop(self) -> int:
        """The number after the last."""
        return self.first + len(self.batch.frames)

    def after(self, number: int) -> NumberedBatch:
        """The frames from `number` on."""
        skipped = max(0, number - self.first)
        if not skipped:
            return self
        rest = replace(self.batch, frames=self.batch.frames.rest(skipped))
        return NumberedBatch(self.producer, self.first + skipped, rest)


class Behind(Exception):
    """Redis lost frames of this producer that it had confirmed: it knows those below `noted` only."""

    def __init__(self, noted: int) -> None:
        super().__init__(f"Redis knows frames below number {noted} only, it had confirmed more")
        self.noted = noted


class StreamProducer:
    """Appends to the stream; `is_packed` chooses the form."""

    def __init__(self, client: redis.Redis, *, is_packed: bool = True, stream: str = STREAM) -> None:
        self.client = client
        self._append = client.register_script(_APPEND)
        self._stream = stream
        self._is_packed = is_packed
        self._confirmed: dict[str, int] = {}

    def send(self, numbered: NumberedBatch) -> int:
        """Append the frames that were not; returns the entries now waiting.

        Raises Behind, once, when Redis lost what it had confirmed, and redis-py's own exceptions.
        """
        producer = numbered.producer
        if producer not in self._confirmed:
            self._confirmed[producer] = self.noted(producer)
        new = numbered.after(self._confirmed[producer])
        lists = self._entries(new)
        if not lists:
            return self.waiting()
        flat = [value for entry in lists for value in entry]
        numbers = [new.first, new.stop, self._confirmed[producer], len(lists[0]), _NOTE_SECONDS]
        waiting, noted = self._append(
            keys=[self._stream, self._key(producer)], args=[*numbers, *flat], client=self.client
        )
        if waiting < 0:
            self._confirmed[producer] = int(noted)
            raise Behind(int(noted))
        self._confirmed[producer] = max(new.stop, int(noted))
        return int(waiting)

    def say(self, notice: Notice) -> int:
        """Append a notice; said twice it is noted down once (gaps have ids). Returns the entries now waiting."""
        self.client.xadd(self._stream, {NOTICE: pack_notice(notice)})
        return self.waiting()

    def waiting(self) -> int:
        """Entries in the stream."""
        length: Any = self.client.xlen(self._stream)
        return int(length)

    def noted(self, producer: str) -> int:
        """The next number of a producer that Redis waits for; 0 where it knows none."""
        noted: Any = self.client.get(self._key(producer))
        return int(noted or 0)

    def _key(self, producer: str) -> str:
        return note_key(producer, self._stream)

    def _entries(self, numbered: NumberedBatch) -> list[list[bytes] | tuple[str, ...]]:
        batch = numbered.batch
        if not len(batch.frames):
            return []
        if self._is_packed:
            named = {b"producer": numbered.producer.encode(), b"first": str(numbered.first).encode()}
            return [_flat((pack(batch) | named).items())]
        return list(single_entries(batch, numbered.producer, numbered.first))


def note_key(producer: str, stream: str = STREAM) -> str:
    """Where Redis keeps the next number of a producer."""
    return f"{stream}:producer:{producer}"


def _flat(fields: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [part for pair in fields for part in pair]
