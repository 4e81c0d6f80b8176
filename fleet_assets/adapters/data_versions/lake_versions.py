"""Versions of lake tables: the content hashes of their partition records, at the cost of one stat a partition.

Belongs here: remembering what a folder holds until it changes. Does not belong here: writing partitions (`lake`).

A partition's folder changes with every rename into it, so its record is read again only then. A folder that holds
anything but the partition and its record (a partition that is being replaced, a file of somebody else) has no version.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from fleet_assets.adapters.data_versions.version import SETTLE_NS, DataVersions, FileState, file_state, now_ns
from fleet_assets.contracts import Table


@dataclass
class _Folder:
    """What a folder held when it was looked at: the content hash of its partition, or None where that is unclear."""

    state: FileState
    content: str | None
    was_settled: bool


@dataclass
class LakeVersions:
    """The versions of the tables below one lake folder; remembers folders, so keep one for the life of a process."""

    root: Path
    settle_ns: int = SETTLE_NS
    _known: dict[str, _Folder] = field(default_factory=dict)

    def version(self, table: Table) -> DataVersions | None:
        """What the table's files hold now; None while a partition is being replaced or a file does not belong there."""
        folders = self._partitions(table)
        if folders is None:
            return None
        contents, states, is_settled, now = [], [], True, now_ns()
        for name in folders:
            found = self._look(name, table.name, now)
            if found is None or found.content is None:
                return None
            contents.append((name[-15:], found.content))
            states.append(found.state)
            is_settled = is_settled and found.was_settled
        mark = hashlib.sha256(repr(contents if table.partition_by else contents[:1]).encode()).hexdigest()
        state = hashlib.sha256(repr(states).encode()).hexdigest()
        return DataVersions(((table.name, mark),), state, is_settled)

    def _partitions(self, table: Table) -> list[str] | None:
        """The folders of the table's partitions, in order; the table's own where it has no days."""
        folder = str(self.root / table.name)
        if not os.path.isdir(folder):
            return []
        if table.partition_by is None:
            return [folder]
        names = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
        if any(not name.startswith("date=") and name != "empty.parquet" for name in names):
            return None
        return [f"{folder}/{name}" for name in names if name != "empty.parquet"]

    def _look(self, folder: str, table: str, now: int) -> _Folder | None:
        state = file_state(folder)
        if state is None:
            return None
        known = self._known.get(folder)
        if known is None or known.state != state or not known.was_settled:
            known = _Folder(state, _content(folder, table), state.is_settled(now, self.settle_ns))
            self._known[folder] = known
        return known


def _content(folder: str, table: str) -> str | None:
    """The content hash of the one partition in a folder, "" where there is none, None where it is unclear."""
    try:
        names = {name for name in os.listdir(folder) if not name.startswith(".")}
        if not names:
            return ""
        if names != {f"{table}.parquet", f"{table}.json"}:
            return None
        return str(json.loads(Path(folder, f"{table}.json").read_text())["content"])
    except (FileNotFoundError, json.JSONDecodeError):
        return None
