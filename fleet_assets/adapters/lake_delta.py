"""Lake tables as Delta tables in a folder of their own, for Spark, Trino and all that read Delta, without copying rows.

Belongs here: the Delta log, the types that Delta has for ours, and the names of the files. Does not belong here: which
generation is published (`lake`), and what a person is told (`commands`).

    DIR/<table>/_delta_log/                               written by the deltalake package
    DIR/<table>/partition_date=YYYY-MM-DD/<content>.parquet    a hard link to the immutable file of the lake

The protocol allows a log to name files elsewhere, but delta-rs looks for every name below the table (deltalake 1.6.6),
so the files get a name there. Publishing again commits the days that differ as one Delta version; what it takes out
stays until somebody vacuums, as Delta does with its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from deltalake import DeltaTable, Field, Schema
from deltalake.schema import ArrayType, PrimitiveType
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from fleet_assets.adapters.durable_file import give_name
from fleet_assets.adapters.lake import Generation, Lake
from fleet_assets.adapters.lake_generation import NAME_DIGITS
from fleet_assets.contracts import Table
from fleet_assets.contracts.errors import DataError, UsageError, joined

PARTITION = "partition_date"
"""The column that Delta readers choose files by: the UTC day of the partition."""

_TYPES = {
    "str": "string", "f64": "double", "i64": "long", "u8": "short", "u32": "long", "bool": "boolean",
    "date": "date", "ts": "timestamp", "bin": "binary", "json": "string",
}  # fmt: skip
"""Delta has no unsigned numbers: each goes into the next that holds all of its values."""


@dataclass(frozen=True)
class Published:
    """What a table is in the folder now: its generation and Delta version, files that came in and went out, and how
    many of those that came in had to be copied, since the folder lies on another disk."""

    table: str
    generation: int
    version: int
    added: int
    removed: int
    copied: int


def publish(lake: Lake, table: Table, folder: Path) -> Published:
    """Have the newest generation of a table as a Delta table below a folder.

    Raises UsageError where there lies a Delta table with other columns than can become the contract's, and DataError
    for a partition whose record was withdrawn.
    """
    generation, place = lake.generation(table), folder / table.name
    _require_records(table, generation)
    wanted = _wanted(generation)
    known = _existing(place, table)
    there = set() if known is None else _paths(known)
    adds = [path for path in wanted if path not in there]
    gone = sorted(there - wanted.keys())
    copied = sum(not _link(wanted[path][0], place / path) for path in adds)
    actions = [_add(place, path, *wanted[path][1:]) for path in adds]
    if known is None:
        create_table_with_add_actions(
            str(place), _schema(table), actions, mode="error", partition_by=_partition_by(table), name=table.name,
            description=table.row,
        )  # fmt: skip
    elif actions or gone:
        known.create_write_transaction(
            [*actions, *map(_remove, gone)], "append", known.schema(), _partition_by(table)
        )  # fmt: skip
    version = DeltaTable(str(place)).version()
    return Published(table.name, generation.number, version, len(adds), len(gone), copied)


def _require_records(table: Table, generation: Generation) -> None:
    stale = [str(day) for day in generation.partitions if day not in generation.records]
    if stale:
        raise DataError(f"{table.name}: {joined(stale)} damaged or unfinished; `fleet build`, then publish again")


def _wanted(generation: Generation) -> dict[str, tuple[Path, date | None, int]]:
    """Every file of a generation by its name in the Delta table: where it lies, its day, its rows."""
    found: dict[str, tuple[Path, date | None, int]] = {}
    for day in generation.partitions:
        entry, file = generation.entry(day), generation.file(day)
        assert entry is not None
        assert file is not None
        name = f"{entry.record.content[:NAME_DIGITS]}.parquet"
        found[name if day is None else f"{PARTITION}={day}/{name}"] = (file, day, entry.record.row_count)
    return found


def _existing(place: Path, table: Table) -> DeltaTable | None:
    """The Delta table that is there, with the columns added that the contract got since."""
    if not DeltaTable.is_deltatable(str(place)):
        return None
    known = DeltaTable(str(place))
    there = {field.name: field for field in known.schema().fields}
    wanted = {field.name: field for field in _fields(table)}
    if any(name not in wanted or wanted[name].type != field.type for name, field in there.items()):
        raise UsageError(f"{place} is a Delta table of other columns: publish into an empty folder")
    if fresh := [field for name, field in wanted.items() if name not in there]:
        known.alter.add_columns(fresh)
    return known


def _paths(known: DeltaTable) -> set[str]:
    return {str(path) for path in known.get_add_actions(flatten=True).column("path").to_pylist()}


def _link(file: Path, name: Path) -> bool:
    """Give a file its name there; False where that took a copy."""
    return (name.exists() and name.stat().st_size == file.stat().st_size) or give_name(file, name)


def _add(place: Path, path: str, day: date | None, rows: int) -> AddAction:
    status = (place / path).stat()
    partition = {} if day is None else {PARTITION: day.isoformat()}
    stats = json.dumps({"numRecords": rows})
    return AddAction(path, status.st_size, partition, int(status.st_mtime * 1000), data_change=True, stats=stats)


def _remove(path: str) -> RemoveAction:
    folder, _, _ = path.rpartition("/")
    partition: dict[str, str | None] = {PARTITION: folder.removeprefix(f"{PARTITION}=")} if folder else {}
    return RemoveAction(path, True, int(time.time() * 1000), None, partition)


def _partition_by(table: Table) -> list[str] | None:
    return None if table.partition_by is None else [PARTITION]


def _schema(table: Table) -> Schema:
    return Schema([*_fields(table)])


def _fields(table: Table) -> Iterator[Field]:
    for column in table.columns:
        text = PrimitiveType("string")
        kind = ArrayType(text) if column.kind == "list[str]" else PrimitiveType(_TYPES[column.kind])
        yield Field(column.name, kind, nullable=True, metadata={"comment": column.doc})
    if table.partition_by is not None:
        yield Field(PARTITION, PrimitiveType("date"), nullable=True)
