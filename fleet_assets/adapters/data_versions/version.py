"""What is known of the data at one moment: marks of content, and whether anything was written meanwhile.

Belongs here: the value itself and the one rule about file times. Does not belong here: any table.

File times are never trusted to say that data is the same; they only say that a file was not touched since its content
was looked at. A file system keeps times in steps, so two writes within one step look like one: a file is `settled` once
its last change is longer ago than any step. Of what is not settled everything is looked at anew, and nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SETTLE_NS = 2_000_000_000
"""ns; the coarsest steps of file times in use are the two seconds of FAT; ext4, XFS and APFS need ten milliseconds."""


@dataclass(frozen=True)
class DataVersions:
    """The data of some tables at one moment.

    `marks` names the content of each table: equal marks, equal rows, in every process. `state` changes with every
    write, also with one that puts earlier content back. What is computed between two looks with equal `state`, the
    first of them settled, was computed from exactly `marks`.
    """

    marks: tuple[tuple[str, str], ...]
    state: str
    is_settled: bool

    @classmethod
    def joined(cls, parts: Iterable[DataVersions]) -> DataVersions:
        found = list(parts)
        marks = sorted({mark for part in found for mark in part.marks})
        state = hashlib.sha256("\n".join(part.state for part in found).encode()).hexdigest()
        return cls(tuple(marks), state, all(part.is_settled for part in found))


@dataclass(frozen=True)
class Source:
    """What the result of one SELECT is a function of: its text (equal for equal statements) and the data it reads."""

    text: str
    versions: DataVersions

    @cached_property
    def fingerprint(self) -> str:
        """Equal where the result is equal, on one engine."""
        parts = (self.text, *(part for mark in self.versions.marks for part in mark))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class FileState:
    """A file or folder as it was last changed; `changed_ns` by the file system's clock, renames included."""

    identity: tuple[int, int]
    size: int
    modified_ns: int
    changed_ns: int

    def is_settled(self, now_ns: int, settle_ns: int) -> bool:
        return max(self.modified_ns, self.changed_ns) + settle_ns < now_ns


def file_state(path: str | Path) -> FileState | None:
    """The state of a file or folder; None where there is none."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return FileState((status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def now_ns() -> int:
    """The clock that file times are compared with."""
    return time.time_ns()
