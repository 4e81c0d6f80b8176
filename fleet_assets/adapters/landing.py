"""The landing zone: what arrived, as it arrived, in append-only Parquet files, one folder per source and UTC day.

Belongs here: where a file lies, how it gets there durably, which days exist. Does not belong here: deduplication and
the meaning of values (raw tables downstream), and rows that no day may hold (quarantine).

    <root>/<source>/date=YYYY-MM-DD/<name>.parquet

A source of several raw tables has a folder for each: what is called `source` here is a folder (`contracts.RawTable`).

Files are never changed. A name stands for its content: writing the same name again writes nothing, so a writer that was
stopped half-way may simply start over. Folders that begin with an underscore are not sources.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import content_hash, make_folder, sync_folder
from fleet_assets.adapters.parquet import write_parquet
from fleet_assets.contracts import Table, registry
from fleet_assets.contracts.errors import ContractViolation, DataError

_DAY = "date="

SEALED = "sealed-"
"""How a file begins that is the raw partition of its day under a second name (docs/decisions/0010-sealed-days.md); the
rest of its name begins the hash of its bytes."""


@dataclass(frozen=True)
class LandedFile:
    """One file of the landing zone; `size` in bytes, `changed_ns` when it was put there (file system's clock)."""

    path: Path
    size: int
    changed_ns: int


class Landing:
    """The landing zone below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def append(self, source: str, frame: pl.DataFrame, name: str) -> list[Path]:
        """Write the rows, split by the UTC day of the table's instant; durable on return; returns the files of `name`.

        `frame` has exactly the columns of the source's table. A file that exists under this name is kept as it is.
        Raises ContractViolation for other columns and UsageError for an unknown source.
        """
        raw = registry().folder(source)
        table = raw.table
        if frame.schema != table.schema:
            raise ContractViolation(table.name, [f"landing file {name} has columns {dict(frame.schema)}"])
        days = frame.get_column(raw.instant).dt.date()
        return [
            self._write(table, self._path(source, day, name), frame.filter(days == day))
            for day in days.unique().sort().to_list()
        ]

    def days(self, source: str) -> dict[date, tuple[LandedFile, ...]]:
        """The days that hold files, in order, each with its files sorted by name."""
        found = {date.fromisoformat(name.removeprefix(_DAY)): _files(folder) for name, folder in self._folders(source)}
        return {day: files for day, files in found.items() if files}

    def _folders(self, source: str) -> list[tuple[str, str]]:
        try:
            names = sorted(os.listdir(self.root / source))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [(name, f"{self.root / source}/{name}") for name in names if name.startswith(_DAY)]

    def files(self, source: str, day: date) -> tuple[LandedFile, ...]:
        """The files of one day, sorted by name; none where nothing landed."""
        return _files(str(self._folder(source, day)))

    def scan(self, source: str, day: date) -> pl.LazyFrame:
        """All rows of all files of the day, duplicates included, files in the order of their names."""
        files = self.files(source, day)
        if not files:
            return registry().folder(source).table.empty().lazy()
        return pl.scan_parquet([file.path for file in files], hive_partitioning=False)

    def read(self, source: str, day: date) -> pl.DataFrame:
        """The same in memory; raises DataError naming files that cannot be read, or are not what their name says."""
        self._refuse_damaged_seals(source, day)
        try:
            return self.scan(source, day).collect()
        except pl.exceptions.PolarsError as error:
            broken = ", ".join(str(file.path) for file in self.files(source, day) if not _is_readable(file.path))
            raise DataError(
                f"{broken or f'landed files of {source}'} cannot be read ({error}): put back a copy, or move it away"
            ) from error

    def _refuse_damaged_seals(self, source: str, day: date) -> None:
        """A sealed file shares its bytes with the raw partition: what damages one damages the other."""
        for file in self.files(source, day):
            hashed = file.path.stem.removeprefix(SEALED)
            if hashed != file.path.stem and not content_hash(file.path).startswith(hashed):
                raise DataError(
                    f"{file.path} is damaged: its bytes are not those that were sealed; put back a copy from a backup"
                )

    def sources(self) -> list[str]:
        """Names of the sources that have a folder."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if entry.is_dir() and not entry.name.startswith("_"))

    def stage(self, name: str) -> Landing:
        """An empty landing zone aside, for rows that shall arrive together or not at all (see `publish`)."""
        staged = Landing(self.root / "_staging" / name)
        staged.discard()
        return staged

    def publish(self, staged: Landing) -> list[Path]:
        """Move every file of a staged zone into this one; a file that exists here under its name is kept."""
        moved = [self._adopt(path, staged.root) for path in sorted(staged.root.glob(f"*/{_DAY}*/*.parquet"))]
        for folder in sorted({path.parent for path in moved}):
            sync_folder(folder)
        staged.discard()
        return moved

    def discard(self) -> None:
        """Remove a staged zone."""
        if self.root.exists():
            shutil.rmtree(self.root)

    def _adopt(self, path: Path, staged_root: Path) -> Path:
        target = self.root / path.relative_to(staged_root)
        make_folder(target.parent)
        if not target.exists():
            path.rename(target)
        return target

    def _folder(self, source: str, day: date) -> Path:
        return self.root / source / f"{_DAY}{day.isoformat()}"

    def _path(self, source: str, day: date, name: str) -> Path:
        return self._folder(source, day) / f"{name}.parquet"

    def _write(self, table: Table, path: Path, rows: pl.DataFrame) -> Path:
        if not path.exists():
            write_parquet(rows, path, table)
        return path


class LandingMoment(Landing):
    """A landing zone of which each source has the files that it had at the first question."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._found: dict[str, dict[date, tuple[LandedFile, ...]]] = {}

    def days(self, source: str) -> dict[date, tuple[LandedFile, ...]]:
        if source not in self._found:
            self._found[source] = super().days(source)
        return self._found[source]

    def files(self, source: str, day: date) -> tuple[LandedFile, ...]:
        return self.days(source).get(day, ())


def _files(folder: str) -> tuple[LandedFile, ...]:
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.path, entry.stat()) for entry in entries if entry.name.endswith(".parquet"))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(LandedFile(Path(path), status.st_size, status.st_mtime_ns) for path, status in found)


def _is_readable(path: Path) -> bool:
    try:
        pl.read_parquet(path)
    except pl.exceptions.PolarsError:
        return False
    return True
