"""The import: files of people and loggers to the landing zone, each wholly or not at all, each row once.

Belongs here: the order of steps, identity of rows, the report. Does not belong here: formats (the readers that sources
declare), what has landed (adapters/landed_rows).

Identity. A row's `entry_id` is a hash of the file's bytes and of the answers given for it, and the row's ordinal in the
file. A row whose content has landed already is passed over, so that a file imported twice, under another name, in
another format or overlapping an earlier one adds only what is new. A file is read into a staged zone first; it is moved
into the landing zone when its last row was read. Imports take turns (a lock beside the landing zone).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import structlog

from fleet_assets.adapters.chunks import Chunk
from fleet_assets.adapters.entry_ids import entry_ids
from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.log_files import AnswerMissing, LogOptions
from fleet_assets.adapters.quarantine import Origin, Quarantine, Reason
from fleet_assets.adapters.reading_budget import USUAL_BUDGET, ReadingBudget
from fleet_assets.collector.bus_spans import BusSpans, SharedBus
from fleet_assets.collector.file_identity import file_digest
from fleet_assets.collector.file_list import expand, has_ending
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.typed_times import unit_of, zone_of
from fleet_assets.contracts import FileReader, RawTable, Source, registry
from fleet_assets.contracts.errors import DataError, FileRejected, UsageError
from fleet_assets.settings import Settings
from fleet_assets.sources.column_map import AS_THEY_ARE, ColumnMap

log = structlog.get_logger(__name__)

Progress = Callable[[Path, int], None]
"""Called with a file and the rows of it read so far."""

FILE_ROWS = 200_000
"""Rows of a landing file: below, thousands of small files would slow every reader; above, memory grows."""

_ORDINAL_DIGITS = 10

_SHOWN_LETTERS = 80

_NO_START_DATE = date(1, 1, 1)


@dataclass
class FileResult:
    """What became of one file; `refusal` says why nothing of it landed."""

    path: Path
    rows: int = 0
    new_rows: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    days: set[date] = field(default_factory=set)
    refusal: str = ""
    examples: dict[str, str] = field(default_factory=dict, compare=False)
    """For each reason the first row that was set aside, as place and text, or what the reason means."""

    @property
    def gave_nothing(self) -> bool:
        """Whether no row of it is in the landing zone, now or from before."""
        return not self.refusal and not self.new_rows and not self.known_rows

    @property
    def known_rows(self) -> int:
        """Rows that had landed before."""
        return self.rows - self.new_rows - sum(self.rejected.values())


@dataclass(frozen=True)
class ImportReport:
    """The files in the order in which they were read."""

    files: list[FileResult]
    shared: list[SharedBus] = field(default_factory=list)
    """Buses of which two files, or a file and the landing zone, have different frames at the same time."""

    @property
    def refused(self) -> list[FileResult]:
        return [file for file in self.files if file.refusal]

    @property
    def barren(self) -> list[FileResult]:
        """Files that were read and of which no row could land."""
        return [file for file in self.files if file.gave_nothing]


class NothingInIt(FileRejected):
    """The file holds no row at all: there is nothing to keep of it."""


def import_files(
    paths: Sequence[Path],
    source: str,
    landing: Landing,
    *,
    quarantine: Quarantine,
    vehicle_id: str = "",
    bus: str = "",
    timezone: str = "",
    start_at: datetime | None = None,
    unix_time: str = "",
    logger: str = "",
    columns: ColumnMap = AS_THEY_ARE,
    start_date: date = _NO_START_DATE,
    keeps_refused: bool = True,
    budget: ReadingBudget = USUAL_BUDGET,
    progress: Progress = lambda _path, _rows: None,
) -> ImportReport:
    """Import files and folders in the order given (folders sorted by name); durable on return.

    `source` names one that has a reader of files. `vehicle_id`, `bus`, `timezone` (IANA), `start_at`, `unix_time` (the
    unit of bare numbers: s, ms, us), `logger` (put before the names of buses) and `columns` (of tables with names of
    their own) answer for files that do not say themselves. A file that cannot be accepted is in the report with its
    refusal, and (with `keeps_refused`) a copy of it in the quarantine unless only an answer was missing; the others are
    imported. Reading one may cost `budget`.
    Raises UsageError for an unknown source or zone and a path that does not exist.
    """
    declared, reader = reader_of(source)
    zone, unit = zone_of(timezone), unit_of(unix_time)
    options = LogOptions(vehicle_id or None, bus or "can0", zone, start_at, logger, unit, budget, columns)
    intake = Intake(landing, quarantine, start_date)
    run = _Run(declared, reader, options, intake, progress, keeps_refused)
    files = expand(paths, reader.endings)
    with turn(landing):
        return ImportReport([run.file(path) for path in files], run.spans.shared())


def reader_of(source: str) -> tuple[Source, FileReader]:
    """The source of this name with its reader of files; raises UsageError for one that has none."""
    known = registry().importable()
    reader = known[source].files if source in known else None
    if reader is None:
        raise UsageError(f"--source {source!r} does not exist; there are {', '.join(sorted(known))}")
    return known[source], reader


def budget_of(settings: Settings) -> ReadingBudget:
    """What reading one file may cost, as the settings say."""
    return ReadingBudget(settings.import_seconds, settings.import_memory_mb, settings.import_unpacked_gb)


@contextmanager
def turn(landing: Landing) -> Iterator[None]:
    """Wait for other imports of this landing zone; what one that was killed had staged is removed."""
    with exclusive_lock(landing.root / ".import.lock"):
        Landing(landing.root / "_staging").discard()
        yield


@dataclass(frozen=True)
class _Run:
    """One call of `import_files`."""

    source: Source
    reader: FileReader
    options: LogOptions
    intake: Intake
    progress: Progress
    keeps_refused: bool
    spans: BusSpans = field(default_factory=BusSpans)

    def file(self, path: Path) -> FileResult:
        """Import one file."""
        result, digest = FileResult(path), ""
        try:
            _refuse_irregular(path)
            digest = file_digest(path, self.options)
            staged = self.intake.landing.stage(digest)
            self._stage(result, digest, staged)
            self.intake.landing.publish(staged)
        except DataError as refusal:
            return self._refuse(path, digest, refusal)
        # A value that no column, day or file name can hold is this file's own fault: the others are imported.
        except (ArithmeticError, ValueError, TypeError, pl.exceptions.PolarsError):
            log.exception("import_failed", file=str(path))
            return self._refuse(path, digest, FileRejected(path, "it holds a value that cannot be stored; see the log"))
        return result

    def _stage(self, result: FileResult, digest: str, staged: Landing) -> None:
        intake = self.intake.into(staged)
        ordinal, origin = 0, Origin(result.path.name, _answers(self.options))
        for number, chunk in enumerate(self._chunks(result)):
            raw, name = self._raw(chunk), f"import-{digest}-{number:06d}"
            landed = LandedRows(self.intake.landing, raw.folder)
            for reason, rows in chunk.rejected:
                result.examples.setdefault(reason.slug, _example(reason, rows))
                _count(result.rejected, reason.slug, intake.reject(raw.folder, rows, name, reason, origin))
            rows = self._identified(raw, chunk.rows, digest, ordinal)
            beside = landed.beside(rows)
            new = landed.new(rows, beside)
            kept = intake.land(raw.folder, new, name, origin)
            for slug, count in kept.rejected.items():
                _count(result.rejected, slug, count)
                result.examples.setdefault(slug, kept.examples[slug])
            result.new_rows += kept.kept
            result.days.update(_days(kept.files))
            if raw.has_buses and kept.kept:
                self.spans.add(result.path, new)
            if raw.has_buses and beside.height:
                self.spans.add_landed(result.path, beside, rows, new)
            ordinal += chunk.rows.height
        if not result.rows:
            raise NothingInIt(result.path, f"it holds no {self.source.raw[0].unit}")

    def _raw(self, chunk: Chunk) -> RawTable:
        """The raw table that a chunk's rows are of."""
        return next(raw for raw in self.source.raw if chunk.folder in ("", raw.folder))

    def _chunks(self, result: FileResult) -> Iterator[Chunk]:
        """The file's chunks, small ones of one raw table joined; the result counts along."""
        waiting: dict[str, Chunk] = {}
        for chunk in self.reader.read(result.path, self.options):
            result.rows += chunk.count
            self.progress(result.path, result.rows)
            held = waiting.pop(chunk.folder, Chunk.empty(chunk.folder)).with_more(chunk)
            if held.rows.height >= FILE_ROWS:
                yield held
            else:
                waiting[chunk.folder] = held
        yield from (held for held in waiting.values() if held.count)

    def _identified(self, raw: RawTable, rows: pl.DataFrame, digest: str, first: int) -> pl.DataFrame:
        """The rows as they land: with their entry_id, and the instant of the import where they state none."""
        table = raw.table
        if rows.is_empty():
            return table.empty()
        ids = entry_ids(digest, (np.arange(first, first + rows.height), _ORDINAL_DIGITS))
        received = pl.lit(self.intake.clock()).cast(table.schema["received_at"])
        stated = [pl.col("received_at")] if "received_at" in rows.columns else []
        return rows.with_columns(
            entry_id=ids, received_at=pl.coalesce(*stated, received) if stated else received
        ).select(table.schema.names())

    def _refuse(self, path: Path, digest: str, refusal: DataError) -> FileResult:
        if digest:
            self.intake.landing.stage(digest).discard()
        reason = refusal.reason if isinstance(refusal, FileRejected) else str(refusal)
        is_named = has_ending(path, self.reader.endings) and not path.is_symlink()
        is_worth_keeping = is_named and not isinstance(refusal, AnswerMissing | NothingInIt)
        if self.keeps_refused and digest and is_worth_keeping:
            self.intake.quarantine.put_file(self.source.name, path, digest, reason, _answers(self.options))
        return FileResult(path, refusal=reason)


def _refuse_irregular(path: Path) -> None:
    """Raise FileRejected for what is no file: reading a pipe or a device may never end."""
    if not path.is_file():
        raise FileRejected(path, "is no regular file but a pipe, device or socket: copy its content to a file first")


def _example(reason: Reason, rows: pl.DataFrame) -> str:
    if "line" in rows.columns:
        place, line = rows.item(0, "place") if "place" in rows.columns else "line", rows.item(0, "line")
    elif "row" in rows.columns:
        first = rows.drop("row", "reason", strict=False).row(0)
        place, line = f"row {rows.item(0, 'row')}", ", ".join(str(cell) for cell in first if cell is not None)
    else:
        return reason.explanation
    shown = line if len(line) <= _SHOWN_LETTERS else f"{line[:_SHOWN_LETTERS]}…"
    return f"{place}: {shown!r}" if shown.isprintable() and "'" not in shown else f"{place}: {shown!a}"


def _answers(options: LogOptions) -> dict[str, str]:
    """The answers given for a file, by the names that `import_files` has for them."""
    start = options.start_at.isoformat() if options.start_at else ""
    zone = str(options.zone) if options.zone else ""
    given = {"vehicle_id": options.vehicle_id or "", "bus": options.bus, "timezone": zone, "start_at": start,
             "unix_time": options.unix_unit, "logger": options.logger,
             "columns": options.columns.as_text() if options.columns else ""}  # fmt: skip
    return {name: answer for name, answer in given.items() if answer}


def _count(counts: dict[str, int], slug: str, more: int) -> None:
    counts[slug] = counts.get(slug, 0) + more


def _days(files: Sequence[Path]) -> set[date]:
    return {date.fromisoformat(path.parent.name.removeprefix("date=")) for path in files}
