"""The import: files of people and loggers to the landing zone, each wholly or not at all, each row once.

Belongs here: the order of steps, identity of rows, the report. Does not belong here: formats (adapters/log_files,
adapters/telemetry_files), what has landed (adapters/landed_rows).

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

import polars as pl

from fleet_assets.adapters.file_lock import alone
from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.adapters.landing import Landing, source_table
from fleet_assets.adapters.log_files import AnswerMissing, LogOptions
from fleet_assets.adapters.quarantine import Origin, Quarantine
from fleet_assets.collector.file_identity import file_digest
from fleet_assets.collector.file_list import expand, has_ending
from fleet_assets.collector.import_sources import IMPORT_SOURCES, Chunk, ImportSource
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.typed_times import zone_of
from fleet_assets.contracts.errors import FileRejected, UsageError

Progress = Callable[[Path, int], None]
"""Called with a file and the rows of it read so far."""

FILE_ROWS = 200_000
"""Rows of a landing file: below, thousands of small files would slow every reader; above, memory grows."""

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

    @property
    def known_rows(self) -> int:
        """Rows that had landed before."""
        return self.rows - self.new_rows - sum(self.rejected.values())


@dataclass(frozen=True)
class ImportReport:
    """The files in the order in which they were read."""

    files: list[FileResult]

    @property
    def refused(self) -> list[FileResult]:
        return [file for file in self.files if file.refusal]


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
    start_date: date = _NO_START_DATE,
    keeps_refused: bool = True,
    progress: Progress = lambda _path, _rows: None,
) -> ImportReport:
    """Import files and folders in the order given (folders sorted by name); durable on return.

    `source` is `can` or `telemetry`. `vehicle_id`, `bus`, `timezone` (IANA) and `start_at` answer for files that do not
    say themselves. A file that cannot be accepted is in the report with its refusal, and (with `keeps_refused`) a copy
    of it in the quarantine unless only an answer was missing; the others are imported. Raises UsageError for an
    unknown source or zone and a path that does not exist.
    """
    if source not in IMPORT_SOURCES:
        raise UsageError(f"--source {source!r} does not exist; there are {', '.join(sorted(IMPORT_SOURCES))}")
    options = LogOptions(vehicle_id or None, bus or "can0", zone_of(timezone), start_at)
    intake = Intake(landing, quarantine, start_date)
    run = _Run(source, IMPORT_SOURCES[source], options, intake, progress, keeps_refused)
    files = expand(paths, run.kind.endings)
    with turn(landing):
        return ImportReport([run.file(path) for path in files])


@contextmanager
def turn(landing: Landing) -> Iterator[None]:
    """Wait for other imports of this landing zone; what one that was killed had staged is removed."""
    with alone(landing.root / ".import.lock"):
        Landing(landing.root / "_staging").discard()
        yield


@dataclass(frozen=True)
class _Run:
    """One call of `import_files`."""

    source: str
    kind: ImportSource
    options: LogOptions
    intake: Intake
    progress: Progress
    keeps_refused: bool

    def file(self, path: Path) -> FileResult:
        """Import one file."""
        result, digest = FileResult(path), ""
        try:
            digest = file_digest(path, self.options)
            staged = self.intake.landing.stage(digest)
            self._stage(result, digest, staged)
            self.intake.landing.publish(staged)
        except FileRejected as refusal:
            return self._refuse(path, digest, refusal)
        return result

    def _stage(self, result: FileResult, digest: str, staged: Landing) -> None:
        intake, landed = self.intake.into(staged), LandedRows(self.intake.landing, self.source)
        ordinal, origin = 0, Origin(result.path.name, _answers(self.options))
        for number, chunk in enumerate(self._chunks(result)):
            name = f"import-{digest}-{number:06d}"
            for reason, rows in chunk.rejected:
                _count(result.rejected, reason.slug, intake.reject(self.source, rows, name, reason, origin))
            new = landed.new(self._identified(chunk.rows, digest, ordinal))
            kept = intake.land(self.source, new, name, origin)
            for slug, count in kept.rejected.items():
                _count(result.rejected, slug, count)
            result.new_rows += kept.kept
            result.days.update(_days(kept.files))
            ordinal += chunk.rows.height

    def _chunks(self, result: FileResult) -> Iterator[Chunk]:
        """The file's chunks, small ones joined; the result counts along."""
        held = Chunk.empty()
        for chunk in self.kind.read(result.path, self.options):
            result.rows += chunk.count
            self.progress(result.path, result.rows)
            held = held.with_more(chunk)
            if held.rows.height >= FILE_ROWS:
                yield held
                held = Chunk.empty()
        if held.count:
            yield held

    def _identified(self, rows: pl.DataFrame, digest: str, first: int) -> pl.DataFrame:
        """The rows as they land: with their entry_id, and the instant of the import where they state none."""
        table = source_table(self.source)
        if rows.is_empty():
            return table.empty()
        ordinal = pl.int_range(first, first + rows.height).cast(pl.String).str.zfill(10)
        received = pl.lit(self.intake.clock()).cast(table.schema["received_at"])
        stated = [pl.col("received_at")] if "received_at" in rows.columns else []
        return rows.with_columns(
            entry_id=pl.concat_str(pl.lit(f"{digest}-"), ordinal), received_at=pl.coalesce(*stated, received)
        ).select(table.schema.names())

    def _refuse(self, path: Path, digest: str, refusal: FileRejected) -> FileResult:
        if digest:
            self.intake.landing.stage(digest).discard()
        is_named = has_ending(path, self.kind.endings) and not path.is_symlink()
        is_worth_keeping = is_named and not isinstance(refusal, AnswerMissing)
        if self.keeps_refused and digest and is_worth_keeping:
            self.intake.quarantine.put_file(self.source, path, digest, refusal.reason, _answers(self.options))
        return FileResult(path, refusal=refusal.reason)


def _answers(options: LogOptions) -> dict[str, str]:
    """The answers given for a file, by the names that `import_files` has for them."""
    start = options.start_at.isoformat() if options.start_at else ""
    zone = str(options.zone) if options.zone else ""
    given = {"vehicle_id": options.vehicle_id or "", "bus": options.bus, "timezone": zone, "start_at": start}
    return {name: answer for name, answer in given.items() if answer}


def _count(counts: dict[str, int], slug: str, more: int) -> None:
    counts[slug] = counts.get(slug, 0) + more


def _days(files: Sequence[Path]) -> set[date]:
    return {date.fromisoformat(path.parent.name.removeprefix("date=")) for path in files}
