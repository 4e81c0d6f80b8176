"""One generation of a lake table: which file is which day, and the record of each; it never changes.

Belongs here: what a generation says, its text, and how a text proves that it is whole. Does not belong here: where
generations are kept and how the next one is committed (`lake_manifest`), and the rows (`lake`).

A text is two lines of JSON and the hash of both. The first says the number, when and by what the generation was made,
and its base. The second has every day where the base is the generation itself; else only those days that differ from
the base, so that a commit stays small however many days a table has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from fleet_assets.contracts.errors import DataError

FILES = "_files"
"""The folder of a table's immutable files."""

NAME_DIGITS = 32
"""Hexadecimal digits of the content hash in a file's name: 128 bits."""

UPON_A_BASE = 64
"""Commits, and days that may differ from the base, before a generation says all of them again."""

_FORMAT = 1


@dataclass(frozen=True)
class PartitionRecord:
    """One stored partition: `content` hashes its bytes, `inputs` names the exact inputs and code it was made from.

    `tail` hashes the rows of the table's tail; empty where there are none.
    """

    content: str
    inputs: str
    row_count: int
    byte_count: int
    tail: str = ""
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """What a generation says of one partition. `is_withdrawn`: its rows are read until it is made anew, but its record
    counts for nothing (its bytes are damaged, or it was stored without one by an earlier version). `changed_ms`: when
    its file was last changed [ms since 1970]; one that is younger may be damaged, and no more than that follows."""

    record: PartitionRecord
    is_withdrawn: bool = False
    changed_ms: int = field(default=0, compare=False)


Changes = Mapping[date | None, Entry | None]
"""Partitions (None: that of a table without days) with what becomes of them; None where one goes."""


class Damaged(ValueError):
    """The text of a generation is not the one that was written."""


@dataclass(frozen=True)
class Generation:
    """A table at one moment. Number 0 is what there is before the first commit.

    `facts` has per partition, by its key, the arguments of its record and whether it is withdrawn; use the methods.
    `old_names` are files that lie elsewhere, because who looks may not adopt them (`lake_adoption`).
    """

    folder: Path
    number: int
    made_at: datetime
    made_by: str
    base: int = 0
    facts: Mapping[str, list[Any]] = field(default_factory=dict)
    since_base: Mapping[str, list[Any] | None] = field(default_factory=dict)
    old_names: Mapping[date | None, Path] = field(default_factory=dict)

    @cached_property
    def days(self) -> list[date]:
        """The days that have a stored partition, in order."""
        return sorted(date.fromisoformat(key) for key in self.facts if key)

    @cached_property
    def partitions(self) -> list[date | None]:
        """All stored partitions in order, also those whose record was withdrawn."""
        return [*map(_day, sorted(self.facts))]

    @cached_property
    def records(self) -> dict[date | None, PartitionRecord]:
        """The record of every partition that has one, in order of days; the key None is a table without days."""
        return {_day(key): PartitionRecord(*said[:6]) for key, said in sorted(self.facts.items()) if len(said) == 7}

    @cached_property
    def filled(self) -> dict[str, str]:
        """The content of every partition that has a record and rows, by its day (YYYY-MM-DD; empty without days)."""
        return {key: said[0] for key, said in sorted(self.facts.items()) if len(said) == 7 and said[2]}

    @cached_property
    def named(self) -> dict[date | None, tuple[str, str]]:
        """The content and the content of the tail of every partition that has a record and rows; the key None is a
        table without days, which says something without rows too."""
        return {
            _day(key): (said[0], said[4]) for key, said in self.facts.items() if len(said) == 7 and (said[2] or not key)
        }

    @cached_property
    def unsound(self) -> list[date]:
        """The days whose record was withdrawn, in order."""
        return sorted(date.fromisoformat(key) for key, said in self.facts.items() if key and len(said) > 7)

    def states(self) -> Iterator[tuple[date | None, str, int, int]]:
        """Of every partition that has a record: its day, its file, its size [bytes] and when it was last changed [ms].

        The days of years are looked at before every build: no object is made of what is found as it was stored.
        """
        folder = f"{self.folder}/{FILES}"
        for key, said in sorted(self.facts.items()):
            if len(said) == 7:
                day = _day(key)
                beside = f"{folder}/date={key}" if key else folder
                file = str(self.old_names.get(day, "")) or f"{beside}/{said[0][:NAME_DIGITS]}"
                yield day, file, said[3], said[6]

    def record(self, day: date | None) -> PartitionRecord | None:
        """The record of one partition; None where there is none, or it was withdrawn."""
        entry = self.entry(day)
        return None if entry is None or entry.is_withdrawn else entry.record

    def entry(self, day: date | None) -> Entry | None:
        said = self.facts.get(_key(day))
        return None if said is None else Entry(PartitionRecord(*said[:6]), len(said) > 7, said[6])

    def file(self, day: date | None) -> Path | None:
        """The file of one partition, which holds these very bytes for as long as the generation is kept."""
        said = self.facts.get(_key(day))
        return None if said is None else self.old_names.get(day) or content_file(self.folder, day, said[0])

    def files(self, days: Iterable[date] | None = None) -> list[Path]:
        """The files of the named days that are stored, in their order; of all partitions in order without `days`."""
        wanted = self.partitions if days is None else days
        return [file for day in wanted if (file := self.file(day)) is not None]

    def changed(self, changes: Changes, number: int, made_by: str) -> Generation:
        """The generation after this one."""
        stated = {_key(day): None if entry is None else _facts(entry) for day, entry in changes.items()}
        facts = {key: said for key, said in {**self.facts, **stated}.items() if said is not None}
        since = {**self.since_base, **stated}
        made_at = datetime.now(UTC)
        if self.base == 0 or number - self.base >= UPON_A_BASE or len(since) > UPON_A_BASE:
            return Generation(self.folder, number, made_at, made_by, number, facts)
        return Generation(self.folder, number, made_at, made_by, self.base, facts, since)

    def without(self, days: Iterable[date | None]) -> Generation:
        """The same generation for another place, which does not have these partitions; it says all others itself."""
        gone = {*map(_key, days)}
        facts = {key: said for key, said in self.facts.items() if key not in gone}
        return Generation(self.folder, self.number, self.made_at, self.made_by, self.number, facts)

    @property
    def text(self) -> bytes:
        stated = self.facts if self.base == self.number else self.since_base
        head = {
            "format": _FORMAT, "generation": self.number, "base": self.base, "made_at": self.made_at.isoformat(),
            "made_by": self.made_by,
        }  # fmt: skip
        body = json.dumps(stated, sort_keys=True, separators=(",", ":"))
        lines = f"{json.dumps(head)}\n{body}\n".encode()
        return lines + _hash(lines) + b"\n"


@dataclass(frozen=True)
class Head:
    """The first line of a generation's text."""

    generation: int
    base: int
    made_at: datetime
    made_by: str

    @classmethod
    def of(cls, line: bytes) -> Head:
        """Raises Damaged for anything else."""
        try:
            said = json.loads(line)
            if said.pop("format") != _FORMAT:
                raise Damaged("of another format")
            return cls(made_at=datetime.fromisoformat(said.pop("made_at")), **said)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Damaged(str(error)) from None


def head_and_facts(text: bytes) -> tuple[Head, dict[str, list[Any] | None]]:
    """Both lines of a text; raises Damaged where it is not whole, and DataError for one that a newer version wrote."""
    lines, _, stated = text.removesuffix(b"\n").rpartition(b"\n")
    if stated != _hash(lines + b"\n"):
        raise Damaged("its bytes are not those that were written")
    first, _, body = lines.partition(b"\n")
    if json.loads(first)["format"] > _FORMAT:
        raise DataError("the lake was written by a newer version of fleet_assets: install that one")
    facts: dict[str, list[Any] | None] = json.loads(body)
    return Head.of(first), facts


def _hash(lines: bytes) -> bytes:
    return hashlib.sha256(lines).hexdigest().encode()


def content_file(folder: Path, day: date | None, content: str) -> Path:
    """Where the bytes of this content lie. The name has no ending: no pattern over `*.parquet` meets what may have been
    replaced since."""
    return files_folder(folder, day) / content[:NAME_DIGITS]


def files_folder(folder: Path, day: date | None) -> Path:
    """Where the files of one partition lie."""
    return folder / FILES if day is None else folder / FILES / f"date={day.isoformat()}"


def _facts(entry: Entry) -> list[Any]:
    record = entry.record
    said: list[Any] = [
        record.content, record.inputs, record.row_count, record.byte_count, record.tail, record.notes, entry.changed_ms,
    ]  # fmt: skip
    return [*said, "withdrawn"] if entry.is_withdrawn else said


def changed_ms(file: Path) -> int:
    """When a file was last changed [ms since 1970], rounded up."""
    return -(-file.stat().st_mtime_ns // 1_000_000)


def _key(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _day(key: str) -> date | None:
    return date.fromisoformat(key) if key else None
