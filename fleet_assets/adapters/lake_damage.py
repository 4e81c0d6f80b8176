"""Damage in the lake: partitions whose bytes are no longer those that were stored.

Belongs here: finding them by the hash in their record, and withdrawing the record, after which the partition is stale
for everybody. Does not belong here: building it anew (`defs`), and what a person is told of it (`commands`).

A look compares the bytes where size or time say that they may have changed, and of the others a sample, so that all of
them are compared in time; a deep look compares all. What rebuilds a partition puts new bytes in the place of those that
differ from what it computed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fleet_assets.adapters.durable_file import content_hash, sync_folder
from fleet_assets.adapters.lake import Lake, PartitionRecord
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


def withdraw_damaged(lake: Lake, *, deep: bool = False) -> list[Damage]:
    """Find damaged partitions and withdraw their records, so that they are stale; returns them in order.

    Who may only read the lake is told of them all the same.
    """
    stored = list(_stored(lake))
    suspects = stored if deep else [*filter(lambda one: _may_have_changed(lake, one), stored)]
    looked_at = suspects if deep else [*suspects, *_sample([one for one in stored if one not in suspects])]
    found = [_withdrawn(lake, one) for one in looked_at if _damage(lake, one)]
    return [*_mended_patterns(lake), *filter(None, found)]


def partition_count(lake: Lake) -> int:
    """Stored partitions that a deep look compares."""
    return sum(1 for _ in _stored(lake))


def _stored(lake: Lake) -> Iterator[_Stored]:
    for table in TABLES.values():
        days: list[date | None] = [*lake.days(table)] if table.partition_by else [None]
        for day in days:
            record = lake.record(table, day)
            if record is not None:
                yield _Stored(table, day, record)


def _may_have_changed(lake: Lake, one: _Stored) -> bool:
    """A record is written after the bytes that it names."""
    path = lake.path(one.table, one.day)
    try:
        content, record = path.stat(), path.with_suffix(".json").stat()
    except FileNotFoundError:
        return False
    return content.st_size != one.record.byte_count or content.st_mtime_ns > record.st_mtime_ns


def _sample(stored: list[_Stored]) -> list[_Stored]:
    chosen: list[_Stored] = []
    byte_count = 0
    for one in random.sample(stored, min(SAMPLE_PARTITIONS, len(stored))):
        byte_count += one.record.byte_count
        if chosen and byte_count > SAMPLE_BYTES:
            break
        chosen.append(one)
    return chosen


def _damage(lake: Lake, one: _Stored) -> str:
    """What is wrong; nothing where a run replaces the partition at this moment, or took it away."""
    path = lake.path(one.table, one.day)
    try:
        size, content = path.stat().st_size, content_hash(path)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"its file cannot be read ({error.strerror})"
    if content == one.record.content or lake.record(one.table, one.day) != one.record:
        return ""
    if size != one.record.byte_count:
        return f"its file has {size:,} bytes, {one.record.byte_count:,} were stored"
    return "its bytes are not those that were stored"


def _withdrawn(lake: Lake, one: _Stored) -> Damage | None:
    """Withdraw the record, unless a run has stored the partition anew meanwhile."""
    with lake.alone_with(one.table, one.day):
        what = _damage(lake, one)
        if not what:
            return None
        record = lake.path(one.table, one.day).with_suffix(".json")
        try:
            record.unlink(missing_ok=True)
            sync_folder(record.parent)
        except PermissionError:
            what += ", and this user may not change the lake"
    return Damage(one.table.name, one.day, what)


def _mended_patterns(lake: Lake) -> Iterator[Damage]:
    """The files without rows, which hold a table's folder readable, are written anew at once where they are broken."""
    for table in TABLES.values():
        path = lake.root / table.name / "empty.parquet"
        if path.exists() and not _has_schema(path, table):
            path.unlink()
            lake.announce(table)
            yield Damage(table.name, None, "its file without rows could not be read and was written anew")


def _has_schema(path: Path, table: Table) -> bool:
    """Whether it can be read and has columns of the contract; it may lack those that were added since."""
    try:
        found = pq.read_table(path, page_checksum_verification=True)
        return bool(found.num_rows == 0 and {*found.column_names} <= {*table.schema})
    except (pa.ArrowException, OSError, ValueError):
        return False
