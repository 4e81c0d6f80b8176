"""Retention: landed files whose rows are durable in their raw partition give way to one sealed file of the day.

Belongs here: which files may go, and in which order so that a kill at any moment loses nothing. Does not belong here:
options and wording (`commands.landing`). Why it is done so: docs/decisions/0010-sealed-days.md.

    landing/<source>/date=D/sealed-<content>.parquet    the raw partition of the day, as a second name of the same file

A sealed file is a landed file like any other: raw partitions stay a function of what has landed, imports find the rows
they know, and a row that arrives again or late is merged by its key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import content_hash, give_name, sync_folder
from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.lake import PartitionRecord
from fleet_assets.adapters.landing import SEALED, LandedFile
from fleet_assets.contracts import RawTable, Table, registry
from fleet_assets.installation import Installation
from fleet_assets.pipeline.tables import DAY_TABLES


@dataclass(frozen=True)
class Pruned:
    """What became of one day of a source: files that went (or would), their bytes, and why others stay."""

    source: str
    day: date
    files: int = 0
    byte_count: int = 0
    kept_because: str = ""


def prune(
    installation: Installation, older_than: timedelta | None, now: datetime, *, is_dry: bool = False
) -> Iterator[Pruned]:
    """Remove landed files that came `older_than` before `now`, or as long as their source says, and are in their raw
    partition.

    Of a day whose raw partition is not current, or does not hold every row of a file, nothing is removed.
    """
    with exclusive_lock(installation.landing.root / ".import.lock"):
        for raw in registry().landed:
            age = _age(installation, raw) if older_than is None else older_than
            before_ns = int((now - age).timestamp() * 1_000_000_000)
            for day, files in installation.landing.days(raw.folder).items():
                old = [file for file in files if file.changed_ns < before_ns]
                # A day that is one sealed file already has nothing to give.
                if old and not (len(files) == 1 and files[0].path.name.startswith(SEALED)):
                    yield _prune_day(installation, raw, day, old, is_dry=is_dry)


def _age(installation: Installation, raw: RawTable) -> timedelta:
    """How long landed files stay: what the source says, else FLEET_LANDING_KEEP_DAYS."""
    return timedelta(days=installation.settings.landing_keep_days if raw.keep_days is None else raw.keep_days)


def _prune_day(
    installation: Installation, raw: RawTable, day: date, old: Sequence[LandedFile], *, is_dry: bool
) -> Pruned:
    source, table = raw.folder, raw.table
    with installation.lake.partition_lock(table, day):
        record = installation.lake.record(table, day)
        if record is None or not DAY_TABLES[table.name].is_made_of(installation, day, record):
            return Pruned(source, day, kept_because="not built yet")
        content = installation.lake.generation(table).file(day)
        if content is None or content_hash(content) != record.content:
            return Pruned(source, day, kept_because="the raw partition is not what its record says")
        sealed = old[0].path.parent / f"{SEALED}{record.content[:16]}.parquet"
        going = [file for file in old if file.path != sealed]
        missing = _missing_rows(table, content, [file.path for file in going])
        if missing:
            return Pruned(source, day, kept_because=f"{missing} rows are not in the raw partition")
        if going and not is_dry:
            _seal(content, sealed, record)
            _remove(going)
            _restamp(installation, table, day, record)
        return Pruned(source, day, len(going), sum(file.size for file in going))


def _fingerprint(installation: Installation, table: Table, day: date) -> str:
    return DAY_TABLES[table.name].fingerprint(installation, day)


def _missing_rows(table: Table, content: Path, files: list[Path]) -> int:
    """Rows of the files that the partition does not hold, by vehicle and key."""
    if not files:
        return 0
    keys = ["vehicle_id", *table.key]
    landed = pl.scan_parquet(files, hive_partitioning=False).select(keys)
    stored = pl.scan_parquet(content, hive_partitioning=False).select(keys)
    return int(landed.join(stored, on=keys, how="anti", nulls_equal=True).select(pl.len()).collect().item())


def _seal(content: Path, sealed: Path, record: PartitionRecord) -> None:
    """Give the partition's file a second name in the landing zone, durable on return; a copy on another disk."""
    if not sealed.exists():
        give_name(content, sealed)
        sync_folder(sealed.parent)
    assert content_hash(sealed) == record.content


def _remove(files: Sequence[LandedFile]) -> None:
    for file in files:
        file.path.unlink(missing_ok=True)
    sync_folder(files[0].path.parent)


def _restamp(installation: Installation, table: Table, day: date, record: PartitionRecord) -> None:
    """Say that the partition is made of the files that are there now. Killed before, the day is merely built again."""
    installation.lake.restate(table, day, replace(record, inputs=_fingerprint(installation, table, day)))


def prune_now(installation: Installation, older_than: timedelta | None = None, *, is_dry: bool = False) -> list[Pruned]:
    """`prune` as of this moment, by default of files older than their source or FLEET_LANDING_KEEP_DAYS says."""
    return list(prune(installation, older_than, datetime.now(UTC), is_dry=is_dry))
