"""Damage in the lake: partitions whose bytes are no longer those that were stored, and manifests that cannot be read.

Belongs here: finding the former by the hash in their record, and withdrawing the record, after which the partition is
stale for everybody; and having the names that people know stand for the files of the newest generation, which a kill or
a copy without hard links may have left otherwise. Does not belong here: building anew (`defs`), and what a person is
told of it (`commands`).

A look compares the bytes where the size says that they have changed or the time that they may have, and of the others a
sample, so that all of them are compared in time; a deep look compares all. What rebuilds a partition puts new bytes in
the place of those that differ from what it computed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from fleet_assets.adapters.durable_file import content_hash, give_name
from fleet_assets.adapters.lake import Generation, Lake, PartitionRecord
from fleet_assets.adapters.lake_patterns import broken_patterns
from fleet_assets.contracts import TABLES, Table

SAMPLE_PARTITIONS = 16
SAMPLE_BYTES = 32 << 20
"""Compared at each look of what seems unchanged: a twentieth of a second."""


@dataclass(frozen=True)
class Damage:
    """One stored partition (`day` None: a table without days) with what is wrong with it."""

    table: str
    day: date | None
    what: str

    @property
    def sentence(self) -> str:
        """For people."""
        where = self.table if self.day is None else f"{self.table} of {self.day}"
        return f"{where}: {self.what}"


@dataclass(frozen=True)
class _Stored:
    table: Table
    day: date | None
    record: PartitionRecord
    file: Path
    changed_ms: int
    """When the file was last changed as it was stored: one that is younger may be damaged, or copied."""


class _Seen(NamedTuple):
    """A partition at a first look: whether its bytes may have changed, and whether the known name stands for them."""

    generation: Generation
    table: Table
    day: date | None
    size: int
    may_have_changed: bool
    is_named: bool


def withdraw_damaged(lake: Lake, *, deep: bool = False) -> list[Damage]:
    """Find damaged partitions and withdraw their records, so that they are stale; returns them in order.

    Who may only read the lake is told of them all the same.
    """
    unreadable = [*_unreadable(lake, deep=deep)]
    seen = [*_seen(lake)]
    suspects = [one for one in seen if deep or one.may_have_changed]
    looked_at = suspects if deep else [*suspects, *_sample([one for one in seen if not one.may_have_changed])]
    found = [_withdrawn(lake, one) for one in map(_stored, looked_at) if _damage(lake, one)]
    _mend_names(lake, seen)
    return [*_mended_patterns(lake), *unreadable, *filter(None, found)]


def mend_names(lake: Lake) -> None:
    """Have the name that people know of each partition stand for its file, where it does not."""
    _mend_names(lake, _seen(lake))


def _mend_names(lake: Lake, seen: Iterable[_Seen]) -> None:
    for one in seen:
        if not one.is_named:
            _mend_name(lake, _stored(one))


def partition_count(lake: Lake) -> int:
    """Stored partitions that a deep look compares."""
    return sum(len(lake.records(table)) for table in TABLES.values())


def _seen(lake: Lake) -> Iterator[_Seen]:
    """What a look at the file and at the known name of each partition says."""
    for table in TABLES.values():
        generation, folder = lake.generation(table), str(lake.folder(table))
        for day, file, size, changed_ms in generation.states():
            beside = folder if day is None else f"{folder}/date={day.isoformat()}"
            status, known = _status(file), _status(f"{beside}/{table.name}.parquet")
            changed = status is None or status.st_size != size or status.st_mtime_ns > changed_ms * 1_000_000
            yield _Seen(generation, table, day, size, changed, _are_one(known, status))


def _status(file: str) -> os.stat_result | None:
    try:
        return os.stat(file)
    except OSError:
        return None


def _are_one(name: os.stat_result | None, file: os.stat_result | None) -> bool:
    """Whether both names are of one file; in a copy, or where there are no hard links, whether they look alike."""
    if name is None or file is None:
        return False
    if name.st_ino == file.st_ino:
        return True
    return name.st_nlink == file.st_nlink == 1 and name.st_size == file.st_size


def _stored(one: _Seen) -> _Stored:
    entry, file = one.generation.entry(one.day), one.generation.file(one.day)
    assert entry is not None
    assert file is not None
    return _Stored(one.table, one.day, entry.record, file, entry.changed_ms)


def _may_have_changed(one: _Stored) -> bool:
    content = _status(str(one.file))
    if content is None:
        return True
    return content.st_size != one.record.byte_count or content.st_mtime_ns > one.changed_ms * 1_000_000


def _sample(seen: list[_Seen]) -> list[_Seen]:
    chosen: list[_Seen] = []
    byte_count = 0
    for one in random.sample(seen, min(SAMPLE_PARTITIONS, len(seen))):
        byte_count += one.size
        if chosen and byte_count > SAMPLE_BYTES:
            break
        chosen.append(one)
    return chosen


def _damage(lake: Lake, one: _Stored) -> str:
    """What is wrong; nothing where the partition was stored anew meanwhile."""
    try:
        size, content = one.file.stat().st_size, content_hash(one.file)
    except FileNotFoundError:
        return "its file is missing" if _is_so(lake, one) else ""
    except OSError as error:
        return f"its file cannot be read ({error.strerror})"
    if content == one.record.content:
        _set_time(one)
        return ""
    if not _is_so(lake, one):
        return ""
    if size != one.record.byte_count:
        return f"its file has {size:,} bytes, {one.record.byte_count:,} were stored"
    return "its bytes are not those that were stored"


def _set_time(one: _Stored) -> None:
    """A sound file that is younger than it was stored (a copy) gets its time back, so that it is compared this once."""
    if _may_have_changed(one):
        with suppress(OSError):
            os.utime(one.file, ns=(one.changed_ms * 1_000_000, one.changed_ms * 1_000_000))


def _is_so(lake: Lake, one: _Stored) -> bool:
    return lake.record(one.table, one.day) == one.record


def _withdrawn(lake: Lake, one: _Stored) -> Damage | None:
    """Withdraw the record, unless a run has stored the partition anew meanwhile."""
    with lake.partition_lock(one.table, one.day):
        what = _damage(lake, one)
        if not what:
            return None
        try:
            lake.withdraw(one.table, one.day)
        except PermissionError:
            what += ", and this user may not change the lake"
    return Damage(one.table.name, one.day, what)


def _mend_name(lake: Lake, one: _Stored) -> None:
    """Have the known name stand for the file, where nobody stores the partition at this moment."""
    if _is_named(lake, one):
        return
    with suppress(OSError), lake.partition_lock(one.table, one.day):
        if _is_so(lake, one) and not _is_named(lake, one):
            give_name(one.file, lake.path(one.table, one.day))


def _is_named(lake: Lake, one: _Stored) -> bool:
    return _are_one(_status(str(lake.path(one.table, one.day))), _status(str(one.file)))


def _unreadable(lake: Lake, *, deep: bool) -> Iterator[Damage]:
    """Generations that cannot be read are taken away: the one before them is what the table is already."""
    for table in TABLES.values():
        manifest = lake.manifest(table)
        numbers = manifest.unreadable(deep=deep)
        if numbers:
            with suppress(PermissionError):
                manifest.take_away(numbers)
        for number in numbers:
            yield Damage(table.name, None, f"its generation {number} cannot be read; the one before it counts")


def _mended_patterns(lake: Lake) -> Iterator[Damage]:
    """The files without rows, which hold a table's folder readable, are written anew at once where they are broken."""
    for table in broken_patterns(lake):
        lake.pattern(table).unlink()
        lake.announce(table)
        yield Damage(table.name, None, "its file without rows could not be read and was written anew")
