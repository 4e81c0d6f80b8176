"""Taking over what a version of the platform without generations has stored: it becomes generation 1 of each table.

Belongs here: reading that layout, and giving its files the names by which a generation knows them. Does not belong
here: anything that is written from then on.

    <root>/<table>/date=YYYY-MM-DD/<table>.parquet    the rows; <table>.json beside it is the record
    <root>/<table>/<table>.parquet                    the same of a table without days

Each file gets a second name and keeps its first, which is the one that people know. A kill before the commit leaves the
layout as it was, and the next look does it again; the records go after the commit, when nobody asks for them any more.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from fleet_assets.adapters.durable_file import content_hash, give_name, sync_folder
from fleet_assets.adapters.file_lock import exclusive_folder_lock
from fleet_assets.adapters.lake_generation import Entry, Generation, PartitionRecord, changed_ms, content_file
from fleet_assets.adapters.lake_manifest import Manifest

MADE_BY = "adoption"

_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True)
class _Stored:
    day: date | None
    file: Path
    entry: Entry


def adopt(manifest: Manifest, table: str) -> Generation:
    """Make generation 1 of what there is in the old layout; a table with nothing in it stays without generations.

    Who may not write gets the same generation with the files under their old names, and commits nothing.
    """
    if not any(_files(manifest.table_folder, table)):
        return manifest.newest()
    try:
        with exclusive_folder_lock(manifest.folder):
            if not manifest.newest_number():
                _commit(manifest, table)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        return _as_it_lies(manifest, table)
    return manifest.newest()


def _commit(manifest: Manifest, table: str) -> None:
    stored = [*_stored(manifest.table_folder, table)]
    for one in stored:
        target = content_file(manifest.table_folder, one.day, one.entry.record.content)
        if not target.exists():
            give_name(one.file, target)
            sync_folder(target.parent)
    manifest.commit(lambda _nothing: {one.day: one.entry for one in stored}, MADE_BY)
    for one in stored:
        one.file.with_suffix(".json").unlink(missing_ok=True)


def _as_it_lies(manifest: Manifest, table: str) -> Generation:
    stored = [*_stored(manifest.table_folder, table)]
    made = manifest.nothing().changed({one.day: one.entry for one in stored}, 0, MADE_BY)
    return replace(made, old_names={one.day: one.file for one in stored})


def _files(folder: Path, table: str) -> Iterator[Path]:
    yield from sorted(folder.glob(f"date=*/{table}.parquet"))
    yield from folder.glob(f"{table}.parquet")


def _stored(folder: Path, table: str) -> Iterator[_Stored]:
    for file in _files(folder, table):
        name = file.parent.name
        day = date.fromisoformat(name.removeprefix("date=")) if name.startswith("date=") else None
        with suppress(FileNotFoundError):
            yield _Stored(day, file, _entry(file))


def _entry(file: Path) -> Entry:
    """What the record says; a file without one is read until it is made anew, as ever."""
    try:
        record = PartitionRecord(**json.loads(file.with_suffix(".json").read_text()))
        return Entry(record, changed_ms=changed_ms(file))
    except (FileNotFoundError, ValueError, TypeError):
        return Entry(PartitionRecord(content_hash(file), "", 0, file.stat().st_size), is_withdrawn=True)
