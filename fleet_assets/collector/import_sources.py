"""The sources that can be imported, each as a reader of chunks.

Belongs here: bringing the readers to one shape. Does not belong here: formats, landing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleet_assets.adapters.log_files import LOG_SUFFIXES, LogOptions, Unread, read_log
from fleet_assets.adapters.quarantine import Reason
from fleet_assets.adapters.telemetry_files import TELEMETRY_SUFFIXES, TelemetryOptions, read_telemetry

CHUNK_ROWS = 200_000

REMOTE = Reason("remote-frame", "a remote frame asks for data and carries none")


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
    told: list[Unread] = []
    for frames in read_log(path, options, CHUNK_ROWS, told.append):
        is_remote = frames.get_column("is_remote")
        remote = [(REMOTE, frames.filter(is_remote))] if is_remote.any() else []
        data = frames.filter(~is_remote) if remote else frames
        yield Chunk(data.drop("is_remote"), remote + _taken(told))
    if told:
        yield Chunk(pl.DataFrame(), _taken(told))


def _taken(told: list[Unread]) -> list[tuple[Reason, pl.DataFrame]]:
    """What was told so far, joined by reason, which is then forgotten here."""
    taken, told[:] = list(told), []
    reasons = dict.fromkeys(unread.reason for unread in taken)
    return [(reason, pl.concat([one.rows for one in taken if one.reason == reason])) for reason in reasons]


def _telemetry(path: Path, options: LogOptions) -> Iterator[Chunk]:
    answers = TelemetryOptions(options.vehicle_id, options.zone, options.unix_unit, options.budget)
    for typed in read_telemetry(path, answers, CHUNK_ROWS):
        yield Chunk(typed.rows.drop("row"), typed.rejected)


IMPORT_SOURCES: dict[str, ImportSource] = {
    "can": ImportSource(LOG_SUFFIXES, _can),
    "telemetry": ImportSource(TELEMETRY_SUFFIXES, _telemetry),
}
