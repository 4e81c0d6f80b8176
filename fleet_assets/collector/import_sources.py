"""The sources that can be imported, each as a reader of chunks.

Belongs here: bringing the readers to one shape. Does not belong here: formats, landing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleet_assets.adapters.log_files import LOG_SUFFIXES, LogOptions, read_log
from fleet_assets.adapters.quarantine import Reason
from fleet_assets.adapters.telemetry_files import TELEMETRY_SUFFIXES, TelemetryOptions, read_telemetry

CHUNK_ROWS = 200_000

REMOTE = Reason("remote-frame", "a remote frame asks for data and carries none")
NO_FRAME = Reason("no-frame", "no frame can be read from the line, and it is no header, comment or event")


@dataclass(frozen=True)
class Chunk:
    """Rows to land (without entry_id), and rows set aside."""

    rows: pl.DataFrame
    rejected: list[tuple[Reason, pl.DataFrame]]

    @classmethod
    def empty(cls) -> Chunk:
        return cls(pl.DataFrame(), [])

    @property
    def count(self) -> int:
        """All rows, also those set aside."""
        return self.rows.height + sum(rows.height for _, rows in self.rejected)

    def with_more(self, more: Chunk) -> Chunk:
        """Both, one after the other; rows set aside for the same reason are joined."""
        filled = [chunk.rows for chunk in (self, more) if chunk.rows.height]
        rows = pl.concat(filled) if filled else more.rows
        reasons = dict.fromkeys(reason for reason, _ in self.rejected + more.rejected)
        joined = [
            (reason, pl.concat([rows for other, rows in self.rejected + more.rejected if other == reason]))
            for reason in reasons
        ]
        return Chunk(rows, joined)


@dataclass(frozen=True)
class ImportSource:
    """How the files of one source are read, and what their names end in."""

    endings: tuple[str, ...]
    read: Callable[[Path, LogOptions], Iterator[Chunk]]


def _can(path: Path, options: LogOptions) -> Iterator[Chunk]:
    lines: list[str] = []
    for frames in read_log(path, options, CHUNK_ROWS, lines.append):
        is_remote = frames.get_column("is_remote")
        remote = [(REMOTE, frames.filter(is_remote))] if is_remote.any() else []
        yield Chunk(frames.filter(~is_remote).drop("is_remote"), remote + _no_frames(lines))
    if lines:
        yield Chunk(pl.DataFrame(), _no_frames(lines))


def _no_frames(lines: list[str]) -> list[tuple[Reason, pl.DataFrame]]:
    """The lines so far, which are then forgotten here."""
    taken, lines[:] = list(lines), []
    return [(NO_FRAME, pl.DataFrame({"line": taken}, schema={"line": pl.String}))] if taken else []


def _telemetry(path: Path, options: LogOptions) -> Iterator[Chunk]:
    for typed in read_telemetry(path, TelemetryOptions(options.vehicle_id, options.zone), CHUNK_ROWS):
        yield Chunk(typed.rows.drop("row"), typed.rejected)


IMPORT_SOURCES: dict[str, ImportSource] = {
    "can": ImportSource(LOG_SUFFIXES, _can),
    "telemetry": ImportSource(TELEMETRY_SUFFIXES, _telemetry),
}
