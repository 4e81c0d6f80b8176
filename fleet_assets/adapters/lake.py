"""The lake: one folder per table, one Parquet file per day partition, replaced atomically; the system of record.

Belongs here: where a partition is, reading it lazily, replacing it, and the record beside it (`PartitionRecord`) that
says from what it was made. Does not belong here: how a partition is computed (`core`), and the landing zone.

Layout: <root>/<table>/date=YYYY-MM-DD/<table>.parquet, with <table>.json beside it; tables without days (reference)
are <root>/<table>/<table>.parquet; <root>/<table>/empty.parquet has the schema and no row, so that a pattern over
the table's folder can always be read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import polars as pl

from fleet_assets.adapters.durable_file import content_hash, sync_folder, write_durably
from fleet_assets.adapters.file_lock import alone_in
from fleet_assets.adapters.parquet import write_parquet
from fleet_assets.contracts import Table, check_frame
from fleet_assets.contracts.errors import SettingError
from fleet_assets.core.addresses import without_secrets


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
class Written:
    """The outcome of storing one partition; `is_changed` is False when the bytes were already there."""

    record: PartitionRecord
    path: Path
    is_changed: bool


class Lake:
    """A lake below one local folder. Reads are lazy; a write replaces one whole partition or leaves it untouched."""

    def __init__(self, url: str) -> None:
        if "://" in url and not url.startswith("file://"):
            raise SettingError(
                f"FLEET_LAKE_URL={without_secrets(url)}: only a local folder is supported by this version"
            )
        self.root = Path(url.removeprefix("file://"))

    def identity(self, name: str = "") -> str:
        """A name of this lake that moves with its files: given at the first question, here or at random, and kept."""
        file = self.root / "lake_id"
        if not file.exists():
            write_durably(file, lambda stream: stream.write((name or uuid4().hex).encode()))
        return file.read_text().strip()

    def path(self, table: Table, day: date | None) -> Path:
        """The file of one day partition, or of a table without days (`day` None)."""
        folder = self.root / table.name
        return (folder if day is None else folder / f"date={day.isoformat()}") / f"{table.name}.parquet"

    def days(self, table: Table) -> list[date]:
        """The days that have a stored partition, in order."""
        found = (self.root / table.name).glob(f"date=*/{table.name}.parquet")
        return sorted(date.fromisoformat(path.parent.name.removeprefix("date=")) for path in found)

    def record(self, table: Table, day: date | None) -> PartitionRecord | None:
        """What is known of a stored partition; None where there is none, or its record was never finished or is
        damaged."""
        path = self.path(table, day)
        try:
            record = PartitionRecord(**json.loads(path.with_suffix(".json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return record if path.exists() else None

    def scan(self, table: Table, days: Iterable[date] | None = None) -> pl.LazyFrame:
        """The rows of the named days (of the whole table without `days`) in the contract's columns."""
        if table.partition_by is None:
            paths = [self.path(table, None)]
        else:
            paths = [self.path(table, day) for day in (self.days(table) if days is None else days)]
        present = [path for path in paths if path.exists()]
        if not present:
            return table.empty().lazy()
        # Files written before a column was added lack it; with the contract's schema they read as null there.
        return pl.scan_parquet(present, schema=table.schema, missing_columns="insert", glob=False)

    def window(self, table: Table, start: datetime, end: datetime) -> pl.LazyFrame:
        """The rows of a day table whose partition instant lies in [start, end)."""
        assert table.partition_by is not None
        instant = pl.col(table.partition_by)
        rows = self.scan(table, days_between(start, end))
        if start == _midnight(start.date()):
            return rows
        return rows.filter(instant >= start)

    def alone_with(self, table: Table, day: date | None) -> AbstractContextManager[None]:
        """Have a partition for oneself while it is computed and written: another run waits and then finds it done.

        Without it, bytes of one run could end beside the record of another, and the record would call them current.
        """
        return alone_in(self.path(table, day).parent)

    def write(self, table: Table, day: date | None, frame: pl.DataFrame, inputs: str, **notes: object) -> Written:
        """Store a partition: contract checked, rows in the table's order, bytes replaced only where they differ."""
        check_frame(table, frame)
        path = self.path(table, day)
        previous = self.record(table, day)
        self.announce(table)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{table.name}.{os.getpid()}.tmp")
        ordered = frame.sort(table.order)
        write_parquet(ordered, fresh, table)
        tail = _tail_hash(table, day, ordered)
        record = PartitionRecord(content_hash(fresh), inputs, frame.height, fresh.stat().st_size, tail, dict(notes))
        is_changed = not path.exists() or content_hash(path) != record.content
        if is_changed:
            self._put(fresh, path)
        else:
            fresh.unlink()
        if is_changed or record != previous:
            text = json.dumps(asdict(record), sort_keys=True, indent=1)
            write_durably(path.with_suffix(".json"), lambda file: file.write(text.encode()))
        return Written(record, path, is_changed)

    def _put(self, fresh: Path, path: Path) -> None:
        """Put new bytes in place. The old record goes first: killed in between, the partition has none and is stale."""
        path.with_suffix(".json").unlink(missing_ok=True)
        sync_folder(path.parent)
        os.replace(fresh, path)
        sync_folder(path.parent)

    def announce(self, table: Table) -> None:
        """Have the file without rows of a day table."""
        empty = self.root / table.name / "empty.parquet"
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
