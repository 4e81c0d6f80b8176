"""What waits while Redis is away: on the disk, in memory while the disk is full, and what had to be given up.

Belongs here: the order of the three, the rule of shedding, counting what was shed. Does not belong here: sending, and
how records lie on the disk (adapters/spool).

The rule: **the newest frames are kept**. The disk holds at most `disk_bytes`; then its oldest segment goes. When the
disk itself is full, up to `memory_bytes` wait in memory for room; then the oldest go, from the disk first. What goes is
counted by numbering, vehicle and bus, and said in the stream ahead of everything that is left (see
docs/decisions/0007).
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, replace

import structlog

from fleet_assets.adapters.can_stream import batch_of, pack, unpack
from fleet_assets.adapters.durable_file import is_full, replace_file
from fleet_assets.adapters.gap_ledger import Gap
from fleet_assets.adapters.spool import DISK_BYTES, Spool
from fleet_assets.adapters.stream_notices import (
    NOTICE,
    Notice,
    Numbers,
    pack_notice,
    unpack_notice,
)
from fleet_assets.adapters.stream_producer import NumberedBatch
from fleet_assets.adapters.unix_time import instant
from fleet_assets.sources.can_frames import CAN

log = structlog.get_logger(__name__)

Item = NumberedBatch | Notice


@dataclass(frozen=True)
class SendQueueRules:
    """How much may wait."""

    disk_bytes: int = DISK_BYTES
    """Bytes of the spool."""
    memory_bytes: int = 64 << 20
    """Bytes in memory while the disk is full: about half an hour of that bus."""


class SendQueue:
    """Items in order: the oldest come out first, and are shed first."""

    def __init__(self, spool: Spool, rules: SendQueueRules) -> None:
        self._spool, self._rules = spool, rules
        self._memory: deque[bytes] = deque()
        self._memory_bytes = 0
        self._said_full = False
        self._notes_file = spool.folder / "shed"
        self._given_out = False
        self._shed: deque[Notice] = deque(self._stored_notes())
        self.shed_frames = 0

    @property
    def is_safe(self) -> bool:
        """Whether all that waits is on the disk."""
        return not self._memory

    def append(self, item: Item) -> None:
        """Add at the end; when there is no room anywhere the oldest go. Raises OSError when the disk is broken."""
        self._remember(to_record(item))
        self._move_to_disk()
        while self._memory_bytes > self._rules.memory_bytes:
            self._shed_oldest("the disk is full")
            self._move_to_disk()

    def first(self) -> Item | None:
        """The oldest item, or None; it stays until `forget_first`."""
        if self._shed:
            self._given_out = True
            return self._shed[0]
        record = self._spool.first()
        if record is None and self._memory:
            record = self._memory[0]
        return None if record is None else from_record(record)

    def forget_first(self) -> None:
        """Remove the item that `first` gave, after it arrived elsewhere."""
        if self._shed:
            self._shed.popleft()
            self._given_out = False
            self._store_notes()
        elif not self._spool.is_empty():
            self._spool.forget_first()
        elif self._memory:
            self._forget_memory()

    def is_empty(self) -> bool:
        return not self._shed and not self._memory and self._spool.is_empty()

    def _remember(self, record: bytes) -> None:
        self._memory.append(record)
        self._memory_bytes += len(record)

    def _forget_memory(self) -> bytes:
        record = self._memory.popleft()
        self._memory_bytes -= len(record)
        return record

    def _move_to_disk(self) -> None:
        """As much as fits, in order."""
        while self._memory:
            while self._spool.size + len(self._memory[0]) > self._rules.disk_bytes and not self._spool.is_empty():
                self._shed_oldest(f"the spool holds the {self._rules.disk_bytes:,} bytes that it may")
            try:
                self._spool.append(self._memory[0])
            except OSError as error:
                if not is_full(error):
                    raise
                return self._say_full(error)
            self._said_full = False
            self._forget_memory()
        return None

    def _say_full(self, error: OSError) -> None:
        if not self._said_full:
            log.error("spool_disk_full", error=str(error), folder=str(self._spool.folder),
                      meaning="the newest frames wait in memory; make room, or the oldest go")  # fmt: skip
            self._said_full = True

    def _shed_oldest(self, why: str) -> None:
        records = [self._forget_memory()] if self._spool.is_empty() else self._spool.shed_oldest()
        for record in records:
            self._note(from_record(record), why)
        log.error("frames_shed", because=why, shed=self.shed_frames, meaning="the oldest were given up and counted")
        self._store_notes()

    def _note(self, item: Item, why: str) -> None:
        """Count a batch that goes; a notice has to be said all the same."""
        if isinstance(item, Notice):
            self._shed.append(item)
            return
        self.shed_frames += len(item.batch.frames)
        said = _notice(item, why)
        # What was given out may have arrived as it was: it must not grow any more.
        may_grow = self._shed and not (self._given_out and len(self._shed) == 1)
        joined = _joined(self._shed[-1], said) if may_grow else None
        if joined is not None:
            self._shed.pop()
        self._shed.append(joined or said)

    def _stored_notes(self) -> list[Notice]:
        if not self._notes_file.exists():
            return []
        return [unpack_notice({NOTICE: line}) for line in self._notes_file.read_bytes().splitlines()]

    def _store_notes(self) -> None:
        """For the next process; numbers tell of the loss too where the disk has no room for this."""
        try:
            replace_file(self._notes_file, b"\n".join(map(pack_notice, self._shed)))
        except OSError as error:
            if not is_full(error):
                raise


def _notice(item: NumberedBatch, why: str) -> Notice:
    batch, count = item.batch, len(item.batch.frames)
    first, last = (instant(int(us)) for us in (batch.frames.ts_us.min(), batch.frames.ts_us.max()))
    gap = Gap(CAN.name, first, last, "spool_full", f"Redis was away and {why}", batch.vehicle, batch.bus, count)
    return Notice(gap, Numbers(item.producer, item.first, item.stop))


def _joined(one: Notice, other: Notice) -> Notice | None:
    """Both as one where the other goes on where the one ends."""
    if one.gap is None or other.gap is None or one.numbers is None or other.numbers is None:
        return None
    is_next = (one.numbers.producer, one.numbers.stop) == (other.numbers.producer, other.numbers.first)
    if not is_next or (one.gap.vehicle_id, one.gap.bus) != (other.gap.vehicle_id, other.gap.bus):
        return None
    gap = replace(
        one.gap,
        started_at=min(one.gap.started_at, other.gap.started_at),
        ended_at=max(one.gap.ended_at, other.gap.ended_at),
        missing_count=(one.gap.missing_count or 0) + (other.gap.missing_count or 0),
    )
    return Notice(gap, replace(one.numbers, stop=other.numbers.stop))


def to_record(item: Item) -> bytes:
    """An item as bytes: a line of JSON (producer, first number, the short fields), then the packed frames."""
    if isinstance(item, Notice):
        return b"\n" + pack_notice(item)
    fields = pack(item.batch)
    short = {name.decode(): value.decode() for name, value in fields.items() if name != b"packed"}
    head = json.dumps({"producer": item.producer, "first": item.first, "fields": short})
    return head.encode() + b"\n" + fields[b"packed"]


def from_record(record: bytes) -> Item:
    """The item of a spool record."""
    head, _, rest = record.partition(b"\n")
    if not head:
        return unpack_notice({NOTICE: rest})
    note = json.loads(head)
    fields = {name.encode(): value.encode() for name, value in note["fields"].items()}
    return NumberedBatch(note["producer"], note["first"], batch_of(unpack({**fields, b"packed": rest})))
