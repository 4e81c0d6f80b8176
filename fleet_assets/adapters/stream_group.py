"""Reading the CAN stream by consumer group: new entries, entries of workers that died, acknowledging, tidying up.

Belongs here: the group's commands. Does not belong here: what an entry means, when to flush.

Policy. An entry is acknowledged only after its rows are durable, and deleted once it is acknowledged, so that the
stream holds what still waits and nothing else. Where another group reads the same stream, nothing is deleted singly:
the stream is trimmed up to the oldest entry that any group still needs.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import redis
from redis.exceptions import ResponseError

from fleet_assets.adapters.can_stream import STREAM, Entry
from fleet_assets.adapters.stream_producer import note_key

GROUP = "landing"

# Deleting a consumer deletes what it still owes, so "owes nothing" and the deletion must be one step.
_FORGET_IDLE = """
local forgotten = 0
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local info = {}
    for i = 1, #fields, 2 do info[fields[i]] = fields[i + 1] end
    if info['pending'] == 0 and info['idle'] > tonumber(ARGV[2]) and info['name'] ~= ARGV[3] then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], info['name'])
        forgotten = forgotten + 1
    end
end
return forgotten
"""

_FORGET_AFTER_MS = 3_600_000


@dataclass(frozen=True)
class Backlog:
    """What the group has left: entries not handed out yet (None if the server cannot tell), and not acknowledged."""

    undelivered: int | None
    pending: int


@dataclass(frozen=True)
class Removed:
    """Entries that nobody of a group was given: removed after the id `given`, not later than `until`."""

    given: bytes
    until: bytes
    entries: int | None
    """How many; None where the server cannot tell."""


@dataclass(frozen=True)
class Outlook:
    """One look at server and stream, all of one instant."""

    server: str
    """The run of the server: another one after each restart."""
    newest: bytes
    """Id of the newest entry that ever was in the stream."""
    open_from: bytes | None
    """Id from which on entries may still be unlanded; None when the stream is empty."""
    noted: dict[str, int]
    """Next number of each producer that was asked for; 0 where the server knows none."""
    removed: Removed | None
    """Entries that were removed before this group was given them."""


class StreamGroup:
    """One consumer of the group `landing`. Its name is new for each process: two workers never share one."""

    def __init__(self, client: redis.Redis, *, stream: str = STREAM, group: str = GROUP) -> None:
        self.client = client
        self.consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:6]}"
        self._stream = stream
        self._group = group

    def create(self) -> str:
        """Make stream and group unless they exist; the group starts at the stream's beginning.

        Returns the stream's origin, a name it keeps as long as its server has it: stream ids are only unique within.
        """
        # Asked for first: a server without memory refuses to make even what is there, and only a worker frees memory.
        if not self._exists():
            try:
                self.client.xgroup_create(self._stream, self._group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
        key, fresh = f"{self._stream}:origin", uuid4().hex[:8]
        origin: Any = self.client.get(key)
        if origin is None:
            self.client.set(key, fresh, nx=True)
            origin = self.client.get(key)
        return fresh if origin is None else bytes(origin).decode()

    def _exists(self) -> bool:
        try:
            groups: Any = self.client.xinfo_groups(self._stream)
        except ResponseError as error:
            if "no such key" in str(error):
                return False
            raise
        return any(group["name"] == self._group.encode() for group in groups)

    def read(self, count: int, block_ms: int) -> list[Entry]:
        """Up to `count` new entries, waiting up to `block_ms` for the first."""
        answer: Any = self.client.xreadgroup(
            self._group, self.consumer, {self._stream: ">"}, count=count, block=max(1, block_ms)
        )
        if not answer:
            return []
        streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
        return [entry for entries in streams for entry in _flattened(entries)]

    def claim(self, cursor: bytes, idle_ms: int, count: int) -> tuple[bytes, list[Entry], list[bytes]]:
        """Take over entries that a consumer has held for `idle_ms` without acknowledging.

        Returns the cursor to go on with (`0-0` at the end; a page before it may well be empty), the entries, and the
        ids of those that someone deleted before they were acknowledged.
        """
        answer: Any = self.client.xautoclaim(
            self._stream, self._group, self.consumer, min_idle_time=idle_ms, start_id=cursor, count=count
        )
        deleted = answer[2] if len(answer) > 2 else []
        return answer[0], [entry for entry in answer[1] if entry[1] is not None], [*deleted]

    def acknowledge(self, ids: Sequence[bytes]) -> None:
        """Say that the entries are durable elsewhere, and let the stream forget them."""
        groups: Any = self.client.xinfo_groups(self._stream)
        pipe = self.client.pipeline(transaction=True)
        for part in _parts(ids, 1_000):
            pipe.xack(self._stream, self._group, *part)
            if len(groups) == 1:
                pipe.xdel(self._stream, *part)
        pipe.execute()
        if len(groups) > 1:
            self._trim()

    def backlog(self) -> Backlog:
        """What is left for this group, all its consumers together."""
        groups: Any = self.client.xinfo_groups(self._stream)
        mine = next(group for group in groups if group["name"] == self._group.encode())
        return Backlog(mine.get("lag"), mine["pending"])

    def outlook(self, producers: Sequence[str]) -> Outlook:
        """What the server knows now; entries below `open_from` were landed and acknowledged, or removed."""
        pipe = self.client.pipeline(transaction=True)
        pipe.info("server")
        pipe.xinfo_stream(self._stream)
        pipe.xinfo_groups(self._stream)
        pipe.xpending(self._stream, self._group)
        pipe.mget([note_key(producer, self._stream) for producer in producers] or ["-"])
        server, stream, groups, pending, notes = pipe.execute()
        mine = next(group for group in groups if group["name"] == self._group.encode())
        return Outlook(
            server=str(server["run_id"]),
            newest=bytes(stream["last-generated-id"]),
            open_from=_open_from(stream, mine, pending),
            noted={producer: int(note or 0) for producer, note in zip(producers, notes, strict=False)},
            removed=_removed(stream, mine),
        )

    def forget_dead_consumers(self) -> int:
        """Remove consumers that have owed nothing and said nothing for an hour; returns how many."""
        script = self.client.register_script(_FORGET_IDLE)
        return int(script(keys=[self._stream], args=[self._group, _FORGET_AFTER_MS, self.consumer]))

    def leave(self) -> None:
        """Remove this consumer if it owes nothing; what it owes stays for others to claim."""
        script = self.client.register_script(_FORGET_IDLE.replace("~= ARGV[3]", "== ARGV[3]"))
        script(keys=[self._stream], args=[self._group, -1, self.consumer])

    def _trim(self) -> None:
        """Remove what every group has acknowledged; what a group needs only ever moves forward meanwhile."""
        groups: Any = self.client.xinfo_groups(self._stream)
        oldest = min((self._oldest_needed(group) for group in groups), key=_order)
        self.client.xtrim(self._stream, minid=oldest, approximate=False)

    def _oldest_needed(self, group: dict[str, Any]) -> bytes:
        oldest: Any = self.client.xpending(self._stream, group["name"])
        if oldest["min"] is not None:
            return bytes(oldest["min"])
        return _after(bytes(group["last-delivered-id"]))


def _open_from(stream: dict[str, Any], group: dict[str, Any], pending: dict[str, Any]) -> bytes | None:
    """The oldest entry that this group has not acknowledged, or the next it will be given."""
    if not stream["length"]:
        return None
    first, given = bytes(stream["first-entry"][0]), _after(bytes(group["last-delivered-id"]))
    oldest = given if pending["min"] is None else min(bytes(pending["min"]), given, key=_order)
    return max(first, oldest, key=_order)


def _removed(stream: dict[str, Any], group: dict[str, Any]) -> Removed | None:
    """Trimmed away at the front, or deleted singly, ahead of what the group was given."""
    given, deleted = bytes(group["last-delivered-id"]), bytes(stream.get("max-deleted-entry-id", b"0-0"))
    if _order(given) == (0, 0):
        # A group that was just made was given nothing: what was removed in an earlier life proves no loss.
        return None
    until = bytes(stream["first-entry"][0]) if stream["length"] else bytes(stream["last-generated-id"])
    added, read = stream.get("entries-added"), group.get("entries-read")
    missing = added - read - stream["length"] if added is not None and read is not None else 0
    if missing > 0 and is_before(given, until):
        return Removed(given, until, missing)
    return Removed(given, deleted, None) if is_before(given, deleted) else None


def is_before(one: bytes, other: bytes) -> bool:
    """Whether a stream id comes before another."""
    return _order(one) < _order(other)


def _after(stream_id: bytes) -> bytes:
    milliseconds, _, sequence = stream_id.partition(b"-")
    return b"%s-%d" % (milliseconds, int(sequence) + 1)


def _order(stream_id: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = stream_id.partition(b"-")
    return int(milliseconds), int(sequence)


def _flattened(entries: Any) -> list[Entry]:
    # With RESP3 the library nests a stream's entries once more.
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _parts(ids: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
