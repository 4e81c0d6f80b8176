"""The lake: per table immutable Parquet files and generations that say which file is which day; the system of record.

Belongs here: reading a table lazily, and storing a partition with the record of what it was made from. Does not belong
here: what a generation says and how it is committed (`lake_generation`, `lake_manifest`), which superseded files go
(`lake_sweep`), how a partition is computed (`core`), and the landing zone.

    <root>/<table>/_files/date=YYYY-MM-DD/<content>     the rows of one day: Parquet, named by their hash, never changed
    <root>/<table>/_generations/<number>.json           which file is which day, and the record of each
    <root>/<table>/date=YYYY-MM-DD/<table>.parquet      the name that people know: a second one of the newest file
    <root>/<table>/empty.parquet                        the schema and no row, so that a pattern can always be read

A table without days (reference) has no `date=` folders. What the platform reads are the files of one generation; the
names are for programs that read a folder by a pattern, and each is replaced in one step. Why it is done so:
docs/decisions/0017-generations-of-the-lake.md.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import polars as pl

from fleet_assets.adapters.durable_file import content_hash, give_name, make_folder, sync_folder, write_durably
from fleet_assets.adapters.file_lock import exclusive_folder_lock, shared_folder_lock
from fleet_assets.adapters.lake_adoption import adopt
from fleet_assets.adapters.lake_generation import (
    Changes,
    Entry,
    Generation,
    PartitionRecord,
    changed_ms,
    content_file,
    files_folder,
)
from fleet_assets.adapters.lake_manifest import Manifest
from fleet_assets.adapters.lake_sweep import Kept, Swept, sweep
from fleet_assets.adapters.parquet import encode_parquet, write_parquet
from fleet_assets.contracts import Table, check_frame
from fleet_assets.contracts.errors import SettingError
from fleet_assets.core.addresses import without_secrets

__all__ = ["Generation", "Lake", "PartitionRecord", "Written", "days_between"]


@dataclass(frozen=True)
class Written:
    """The outcome of storing one partition; `is_changed` is False when the bytes were already there."""

    record: PartitionRecord
    path: Path
    is_changed: bool


class Lake:
    """A lake below one local folder. Reads are lazy and of one generation; a write replaces one whole partition."""

    def __init__(self, url: str, kept: Kept | None = None) -> None:
        self.kept = kept or Kept()
        if "://" in url and not url.startswith("file://"):
            raise SettingError(
                f"FLEET_LAKE_URL={without_secrets(url)}: only a local folder is supported by this version"
            )
        self.root = Path(url.removeprefix("file://"))
        self._manifests: dict[str, Manifest] = {}

    def identity(self, name: str = "") -> str:
        """A name of this lake that moves with its files: given at the first question, here or at random, and kept."""
        file = self.root / "lake_id"
        if not file.exists():
            write_durably(file, lambda stream: stream.write((name or uuid4().hex).encode()))
        return file.read_text().strip()

    def folder(self, table: Table) -> Path:
        """Where all that belongs to a table lies."""
        return self.root / table.name

    def path(self, table: Table, day: date | None) -> Path:
        """The name by which people know the file of one day partition, or of a table without days (`day` None)."""
        return self._day_folder(table, day) / f"{table.name}.parquet"

    def _day_folder(self, table: Table, day: date | None) -> Path:
        folder = self.folder(table)
        return folder if day is None else folder / f"date={day.isoformat()}"

    def manifest(self, table: Table) -> Manifest:
        """The generations of a table."""
        known = self._manifests.get(table.name)
        if known is None:
            known = self._manifests[table.name] = Manifest(self.folder(table))
        return known

    def generation(self, table: Table) -> Generation:
        """What a table is now. It stays so in the hands of its holder, whatever is stored meanwhile: ask for it once
        and use it for all that must belong together. What an earlier version stored is adopted at the first question.
        """
        found = self.manifest(table).newest()
        return found if found.number else adopt(self.manifest(table), table.name)

    def records(self, table: Table) -> dict[date | None, PartitionRecord]:
        """The record of every stored partition, in order of days; the key None is a table without days."""
        return self.generation(table).records

    def days(self, table: Table) -> list[date]:
        """The days that have a stored partition, in order."""
        return [*self.generation(table).days]

    def record(self, table: Table, day: date | None) -> PartitionRecord | None:
        """What is known of a stored partition; None where there is none, or its record was withdrawn."""
        return self.generation(table).record(day)

    def scan(self, table: Table, days: Iterable[date] | None = None) -> pl.LazyFrame:
        """The rows of the named days (of the whole table without `days`) in the contract's columns."""
        files = self.generation(table).files(days if table.partition_by is not None else None)
        if not files:
            return table.empty().lazy()
        # Files written before a column was added lack it; with the contract's schema they read as null there.
        return pl.scan_parquet(files, schema=table.schema, missing_columns="insert", glob=False)

    def window(self, table: Table, start: datetime, end: datetime) -> pl.LazyFrame:
        """The rows of a day table whose partition instant lies in [start, end)."""
        assert table.partition_by is not None
        instant = pl.col(table.partition_by)
        rows = self.scan(table, days_between(start, end))
        if start == _midnight(start.date()):
            return rows
        return rows.filter(instant >= start)

    def partition_lock(self, table: Table, day: date | None) -> AbstractContextManager[None]:
        """Have a partition for oneself while it is computed and written: another run waits and then finds it done.

        Without it, what one run computed from older inputs could be committed over what another made of newer ones.
        """
        return exclusive_folder_lock(self._day_folder(table, day))

    def write(self, table: Table, day: date | None, frame: pl.DataFrame, inputs: str, **notes: object) -> Written:
        """Store a partition: contract checked, rows in the table's order, bytes replaced only where they differ."""
        check_frame(table, frame)
        self.announce(table)
        generation = self.generation(table)
        before = generation.entry(day)
        ordered = frame.sort(table.order)
        with self._storing(table, day, ordered) as (fresh, content):
            tail = _tail_hash(table, day, ordered)
            record = PartitionRecord(content, inputs, frame.height, fresh.stat().st_size, tail, dict(notes))
            is_changed = self._put(table, day, fresh, content)
            is_changed = is_changed or before is None or before.record.content != content
            stored = content_file(self.folder(table), day, content)
            now = self._commit(table, {day: Entry(record, changed_ms=changed_ms(stored))}, "write")
        if now.base == now.number > generation.number:
            self.sweep(table)
        return Written(record, self.path(table, day), is_changed)

    @contextmanager
    def _storing(self, table: Table, day: date | None, rows: pl.DataFrame) -> Iterator[tuple[Path, str]]:
        """A file of these rows beside where it belongs, and its hash; nothing is swept until they are committed."""
        folder = files_folder(self.folder(table), day)
        make_folder(folder)
        with shared_folder_lock(self.manifest(table).folder):
            fresh = folder / f".{os.getpid()}.{uuid4().hex}.tmp"
            try:
                with fresh.open("wb") as file:
                    encode_parquet(rows, file, table)
                    file.flush()
                    os.fsync(file.fileno())
                yield fresh, content_hash(fresh)
            finally:
                fresh.unlink(missing_ok=True)

    def _put(self, table: Table, day: date | None, fresh: Path, content: str) -> bool:
        """Have the bytes under their own name and under the one that people know; whether the first was not there.

        The known name comes before the commit: killed in between, the day is stale and made again, which mends it. So
        it need not survive a power cut either.
        """
        file, name = content_file(self.folder(table), day, content), self.path(table, day)
        is_new = not file.exists() or content_hash(file) != content
        if is_new:
            os.replace(fresh, file)
        # Also of a file that was there: whoever put it there may have been killed before this.
        sync_folder(file.parent)
        if not (name.exists() and name.samefile(file)):
            give_name(file, name)
        return is_new

    def _commit(self, table: Table, changes: Changes, made_by: str) -> Generation:
        """Commit what of the changes is not so already."""

        def differing(now: Generation) -> Changes:
            return {day: entry for day, entry in changes.items() if now.entry(day) != entry}

        manifest = self.manifest(table)
        with shared_folder_lock(manifest.folder):
            return manifest.commit(differing, made_by)

    def restate(self, table: Table, day: date | None, record: PartitionRecord) -> None:
        """Have another record for bytes that are stored; within `partition_lock`."""
        entry = self.generation(table).entry(day)
        assert entry is not None
        assert entry.record.content == record.content
        self._commit(table, {day: replace(entry, record=record)}, "record")

    def withdraw(self, table: Table, day: date | None, because: str = "damage") -> None:
        """Have a partition count as stale for everybody; its rows are read until it is made anew, if its file is there.
        Within `partition_lock`."""
        generation = self.generation(table)
        entry, file = generation.entry(day), generation.file(day)
        if entry is not None and file is not None:
            left = replace(entry, is_withdrawn=True) if file.exists() else None
            self._commit(table, {day: left}, because)

    def remove(self, table: Table, day: date | None) -> None:
        """Have no partition of this day; within `partition_lock`."""
        self.path(table, day).unlink(missing_ok=True)
        self._commit(table, {day: None}, "removal")

    def sweep(self, table: Table, *, is_dry: bool = False) -> Swept:
        """Remove what is superseded and no longer kept; a write does so about every sixty-fourth time."""
        return sweep(self.manifest(table), self.kept, datetime.now(UTC), is_dry=is_dry)

    def pattern(self, table: Table) -> Path:
        """The file without rows of a day table: a pattern over its files can be read before there is a day."""
        return self.root / table.name / "empty.parquet"

    def announce(self, table: Table) -> None:
        """Have the file without rows of a day table."""
        empty = self.pattern(table)
        if table.partition_by is not None and not empty.exists():
            empty.parent.mkdir(parents=True, exist_ok=True)
            write_parquet(table.empty(), empty, table)


def days_between(start: datetime, end: datetime) -> list[date]:
    """The UTC days that [start, end) touches."""
    first, last = start.date(), (end - timedelta(microseconds=1)).date()
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _tail_hash(table: Table, day: date | None, ordered: pl.DataFrame) -> str:
    if day is None or not table.tail:
        return ""
    assert table.partition_by is not None
    rows = ordered.filter(pl.col(table.partition_by) >= _midnight(day) + timedelta(days=1) - table.tail)
    if rows.is_empty():
        return ""
    content = io.BytesIO()
    rows.rechunk().write_ipc(content, compat_level=pl.CompatLevel.oldest())
    return hashlib.sha256(content.getbuffer()).hexdigest()
