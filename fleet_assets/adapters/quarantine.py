"""The quarantine: rows that could not be accepted, each file with its reason and count: nothing is lost silently.

Belongs here: writing set-aside rows beside a note that says why, and the time bounds of what may land.
Does not belong here: deciding what a value means.

    <root>/<source>/<name>-<reason>.parquet   the rows, in whatever columns they had
    <root>/<source>/<name>-<reason>.json      {"reason", "explanation", "count", "source", "name"}
    <root>/<source>/<name>-refused            a whole file that could not be read, and its note with `.json` behind
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import replace_file, write_durably
from fleet_assets.adapters.parquet import write_parquet
from fleet_assets.contracts import Table

FUTURE_TOLERANCE = timedelta(days=1)
"""How far ahead of our clock a vehicle's may be: a wrong time zone is at most 14 hours, a broken clock is years."""


_ANY_ROWS = Table(name="quarantine", row="One row that was set aside, in whatever columns it had.", columns=(), key=())


@dataclass(frozen=True)
class Reason:
    """Why rows are set aside: `slug` names the file, `explanation` is the sentence for people."""

    slug: str
    explanation: str


@dataclass(frozen=True)
class QuarantineNote:
    """What stands in the JSON file beside quarantined rows."""

    source: str
    name: str
    reason: str
    explanation: str
    count: int


class Quarantine:
    """The quarantine below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, source: str, rows: pl.DataFrame, name: str, reason: Reason) -> Path:
        """Set rows aside, durable on return; the same name and reason again replaces the file by the same content."""
        path = self.root / source / f"{name}-{reason.slug}.parquet"
        write_parquet(rows, path, _ANY_ROWS)
        note = QuarantineNote(source, name, reason.slug, reason.explanation, rows.height)
        replace_file(path.with_suffix(".json"), json.dumps(asdict(note), indent=1, sort_keys=True).encode())
        return path

    def put_file(self, source: str, path: Path, digest: str, explanation: str) -> Path:
        """Copy a file that was refused, durable on return; the same file again changes nothing."""
        target = self.root / source / f"{digest}-{path.name}-refused"
        with path.open("rb") as content:
            write_durably(target, lambda file: shutil.copyfileobj(content, file, 1 << 20))
        note = QuarantineNote(source, path.name, "refused", explanation, 1)
        replace_file(Path(f"{target}.json"), json.dumps(asdict(note), indent=1, sort_keys=True).encode())
        return target

    def notes(self) -> list[QuarantineNote]:
        """All notes, sorted by file."""
        paths = sorted(self.root.glob("*/*.json"))
        return [QuarantineNote(**json.loads(path.read_text(encoding="utf-8"))) for path in paths]


@dataclass(frozen=True)
class TimeBounds:
    """The instants whose rows may land: from the first day partition to a little after now (both UTC)."""

    start_date: date
    now: datetime
    instant: str = "recorded_at"
    """Column that is judged."""

    def split(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[Reason, pl.DataFrame]]]:
        """Rows inside the bounds, and the others grouped by reason (no empty groups)."""
        start = datetime.combine(self.start_date, time(), UTC)
        latest = self.now + FUTURE_TOLERANCE
        early = frame.get_column(self.instant) < start
        late = frame.get_column(self.instant) > latest
        if not (early.any() or late.any()):
            return frame, []
        groups = [
            (Reason("before-start-date", f"recorded before FLEET_START_DATE={self.start_date}"), frame.filter(early)),
            (Reason("in-the-future", "recorded more than a day after it arrived"), frame.filter(late)),
        ]
        return frame.filter(~(early | late)), [(reason, rows) for reason, rows in groups if rows.height]
