"""Entries to durable rows, once: the steps between reading a batch and acknowledging it.

Belongs here: their order. Does not belong here: when to flush (worker), Redis, finding losses (losses).

Order: entries that have landed already are passed over; rows to landing files, fsynced; wrong entries to the
quarantine; what scanners stated to the gap ledger; last the sink's own checkpoint. Only then may the worker
acknowledge. Stopped in between, by a kill or a full disk, all of it may be done again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import structlog

from fleet_assets.adapters.can_entries import DecodedEntries, decode_entries, entries_as_rows
from fleet_assets.adapters.can_stream import Entry, padded_id
from fleet_assets.adapters.entry_bounds import EntryError
from fleet_assets.adapters.entry_numbers import known_places, numbers_of, runs
from fleet_assets.adapters.gap_ledger import SOURCE as GAPS
from fleet_assets.adapters.gap_ledger import Gap, gap_rows
from fleet_assets.adapters.log_files.chunks import REMOTE
from fleet_assets.adapters.quarantine import Reason
from fleet_assets.adapters.sink_progress import EXPLAINED, LANDED, SinkProgress
from fleet_assets.adapters.stream_notices import NOTICE, Notice, unpack_notice
from fleet_assets.adapters.unix_time import unix_us
from fleet_assets.collector.intake import Intake, Landed
from fleet_assets.sources.can_frames import CAN

log = structlog.get_logger(__name__)

SOURCE = CAN.raw[0].folder

WRONG = Reason("wrong-entry", "not of the wire format; each row says why")


@dataclass
class WorkReport:
    """What a worker has done so far."""

    frames: int = 0
    entries: int = 0
    known_entries: int = 0
    wrong_entries: int = 0
    gaps: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    files: int = 0


class LandingWriter:
    """Lands entries of one stream; its report counts along."""

    def __init__(self, intake: Intake, progress: SinkProgress, default_vehicle: str | None) -> None:
        self._intake, self._progress, self._default_vehicle = intake, progress, default_vehicle
        self.report = WorkReport()

    def land(self, entries: Sequence[Entry], origin: str) -> None:
        """Make the entries durable. Raises OSError when a disk refuses; then nothing of them counts as done."""
        frames = [entry for entry in entries if NOTICE not in entry[1]]
        fresh, numbers = self._fresh(frames)
        notices, wrong = _notices([entry for entry in entries if NOTICE in entry[1]])
        decoded = decode_entries(fresh, self._default_vehicle, origin)
        decoded.rejected.extend(wrong)
        landed = self._store(f"{origin}-{_name(fresh or entries)}", decoded)
        self.note_gaps([notice.gap for notice in notices if notice.gap])
        with self._progress.exclusively():
            self._progress.add(runs(numbers), LANDED)
            self._progress.add(_explained(notices), EXPLAINED)
            for notice in notices:
                if notice.ended:
                    self._progress.end(notice.ended)
        self.report.known_entries += len(frames) - len(fresh)
        self._count(len(entries), landed, len(decoded.rejected))

    def note_gaps(self, gaps: Sequence[Gap]) -> None:
        """Write gaps to the ledger, durable on return."""
        if gaps:
            digest = hashlib.sha256(" ".join(sorted(gap.gap_id for gap in gaps)).encode()).hexdigest()[:16]
            self._intake.land(GAPS, gap_rows(gaps, self._intake.clock()), f"gaps-{digest}")
            self.report.gaps += len(gaps)
            for gap in gaps:
                log.warning("gap_noted", reason=gap.reason, frames=gap.missing_count, vehicle=gap.vehicle_id,
                            bus=gap.bus, started=str(gap.started_at), ended=str(gap.ended_at))  # fmt: skip

    def _fresh(self, entries: Sequence[Entry]) -> tuple[list[Entry], pl.DataFrame]:
        """The entries that the checkpoint does not know, and the numbers of all."""
        numbers = numbers_of(entries)
        if numbers.is_empty():
            return list(entries), numbers
        known = set(known_places(numbers, self._progress.landed(numbers.get_column("producer").unique().to_list())))
        if known:
            log.info("already_landed", entries=len(known))
        return [entry for place, entry in enumerate(entries) if place not in known], numbers

    def _store(self, name: str, decoded: DecodedEntries) -> Landed:
        started = time.monotonic()
        landed = self._intake.land(SOURCE, decoded.frames, name)
        if decoded.remote.height:
            landed.rejected[REMOTE.slug] = self._intake.reject(SOURCE, decoded.remote, name, REMOTE)
        if decoded.rejected:
            self._intake.reject(SOURCE, entries_as_rows(decoded.rejected), name, WRONG)
            log.warning("entries_quarantined", count=len(decoded.rejected), first=decoded.rejected[0][1])
        log.info("landed", frames=landed.kept, files=len(landed.files), rejected=landed.rejected,
                 seconds=round(time.monotonic() - started, 3))  # fmt: skip
        return landed

    def _count(self, entries: int, landed: Landed, wrong: int) -> None:
        for slug, count in landed.rejected.items():
            self.report.rejected[slug] = self.report.rejected.get(slug, 0) + count
        self.report.entries += entries
        self.report.frames += landed.kept
        self.report.files += len(landed.files)
        self.report.wrong_entries += wrong


def _notices(entries: Sequence[Entry]) -> tuple[list[Notice], list[tuple[Entry, str]]]:
    notices: list[Notice] = []
    wrong: list[tuple[Entry, str]] = []
    for entry in entries:
        try:
            notices.append(unpack_notice(entry[1]))
        except EntryError as error:
            wrong.append((entry, str(error)))
    return notices, wrong


def _explained(notices: Sequence[Notice]) -> pl.DataFrame:
    """The numbers that notices explain, as rows of entry_numbers.runs."""
    explained = [(one.numbers, one.gap) for one in notices if one.numbers and one.gap]
    rows = [
        {
            "producer": numbers.producer, "first": numbers.first, "stop": numbers.stop, "vehicle": gap.vehicle_id,
            "bus": gap.bus, "first_us": unix_us(gap.started_at), "last_us": unix_us(gap.ended_at),
        }
        for numbers, gap in explained
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=numbers_of([]).drop("place").schema)


def _name(entries: Sequence[Entry]) -> str:
    """First and last stream id, and a hash of all: the same entries always give the same file name, others never do."""
    ids = sorted(padded_id(stream_id) for stream_id, _ in entries)
    return f"{ids[0]}-{ids[-1]}-{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:8]}"
