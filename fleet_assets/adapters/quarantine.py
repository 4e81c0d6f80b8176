"""The quarantine: rows that could not be accepted, each file with its reason and count: nothing is lost silently.

Belongs here: writing set-aside rows beside a note that says why. Does not belong here: deciding what a value means,
the time bounds of what may land (`time_bounds`).

    <root>/<source>/<name>-<reason>.parquet   the rows, in whatever columns they had
    <root>/<source>/<name>-<reason>.json      a QuarantineNote: reason, explanation, count, whose rows of which days
    <root>/<source>/<name>-refused            a whole file that could not be read, and its note with `.json` behind
    <root>/_dismissed/<source>/...            what somebody looked at and dismissed: counted no more, kept all the same
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from time import time_ns

import polars as pl

from fleet_assets.adapters.durable_file import replace_file, sync_folder, write_durably
from fleet_assets.adapters.parquet import write_parquet
from fleet_assets.contracts import Table

_SETTLED_NS = 2_000_000_000
"""ns without a change, after which a folder's time of change tells its content: file systems tick in up to 2 s."""

_ANY_ROWS = Table(name="quarantine", row="One row that was set aside, in whatever columns it had.", columns=(), key=())


@dataclass(frozen=True)
class Reason:
    """Why rows are set aside: `slug` names the file, `explanation` is the sentence for people."""

    slug: str
    explanation: str


@dataclass(frozen=True)
class Origin:
    """Where imported rows come from: the file's name, and what was answered for it."""

    file: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuarantineNote:
    """What stands in the JSON file beside quarantined rows.

    `tally` counts the rows by vehicle and UTC day of recorded_at, each None where the rows do not say; `file` and
    `answers` are the origin of what was imported; `dismissed` is why nobody needs to look at it again. `set_aside_at`
    is an instant in ISO 8601; notes of earlier versions have none, and their file's time says it.
    """

    source: str
    name: str
    reason: str
    explanation: str
    count: int
    tally: list[tuple[str | None, str | None, int]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    file: str = ""
    dismissed: str = ""
    set_aside_at: str = field(default="", compare=False)

    @property
    def origin(self) -> Origin:
        return Origin(self.file, self.answers)


@dataclass(frozen=True)
class Item:
    """One set-aside file: its note, where its content lies, and when it was set aside (UTC)."""

    note: QuarantineNote
    path: Path
    set_aside_at: datetime

    @property
    def name(self) -> str:
        """What a person calls it: `<source>/<file name>`, the same as long as it is there."""
        return f"{self.note.source}/{self.path.name.removesuffix('.parquet')}"

    @property
    def short(self) -> str:
        """Eight hex digits that stand for the name."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:8]

    @property
    def is_file(self) -> bool:
        """A whole file that was refused, not rows."""
        return self.path.suffix != ".parquet"


class Quarantine:
    """The quarantine below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def dismissed(self) -> Quarantine:
        """What was dismissed, as a quarantine of its own."""
        return Quarantine(self.root / "_dismissed")

    def put(self, source: str, rows: pl.DataFrame, name: str, reason: Reason, origin: Origin | None = None) -> Path:
        """Set rows aside, durable on return; the same name and reason again replaces the file by the same rows."""
        path = self.root / source / f"{name}-{reason.slug}.parquet"
        write_parquet(rows, path, _ANY_ROWS)
        note = QuarantineNote(source, name, reason.slug, reason.explanation, rows.height, _tally(rows))
        origin = origin or Origin()
        note = replace(note, file=origin.file, answers=dict(origin.answers))
        _write_note(path.with_suffix(".json"), note)
        return path

    def put_file(
        self, source: str, path: Path, digest: str, explanation: str, answers: Mapping[str, str] | None = None
    ) -> Path:
        """Copy a file that was refused, durable on return; the same file again changes nothing.

        A link is not followed (OSError): it may lead to what only this process may read.
        """
        target = self.root / source / f"{digest}-{path.name}-refused"
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
            write_durably(target, lambda file: shutil.copyfileobj(content, file, 1 << 20))
        note = QuarantineNote(source, path.name, "refused", explanation, 1, answers=dict(answers or {}), file=path.name)
        _write_note(Path(f"{target}.json"), note)
        return target

    def notes(self) -> list[QuarantineNote]:
        """All notes, sorted by file."""
        return [item.note for item in self.items()]

    def stamps(self) -> dict[date, list[str]]:
        """The UTC days on which something was set aside, each with what names its notes: path, and hash of the text."""
        return {day: [note.stamp for note in notes] for day, notes in self._days().items()}

    def earlier_stamps(self) -> dict[date, list[str]]:
        """The same in the words of earlier versions, whose records stay good: path, size, time."""
        return {day: [note.earlier_stamp for note in notes] for day, notes in self._days().items()}

    def _days(self) -> dict[date, list[_Known]]:
        folders = [(str(folder), folder.stat().st_mtime_ns) for folder in sorted(self.root.glob("*/"))]
        newest = max((changed for _, changed in folders), default=0)
        # A folder's time changes with its names; one that changed just now may do so again within the same tick.
        is_settled = time_ns() - newest > _SETTLED_NS
        return (_known_notes if is_settled else _known_notes.__wrapped__)(tuple(folders))

    def items(self, day: date | None = None) -> list[Item]:
        """All that is set aside (on one UTC day), sorted by file; what was taken out meanwhile is left out."""
        paths = sorted(self.root.glob("*/*.json")) if day is None else [note.path for note in self._days().get(day, ())]
        found = [_item(path) for path in paths]
        return [item for item in found if item is not None]

    def keep(self, item: Item, rows: pl.DataFrame) -> None:
        """Put the rows that are left in the place of the item's; without any the item is taken out."""
        reason = Reason(item.note.reason, item.note.explanation)
        if rows.is_empty():
            self.take_out(item)
        else:
            self.put(item.note.source, rows, item.note.name, reason, item.note.origin)

    def dismiss(self, item: Item, because: str) -> None:
        """Have an item counted no more; it is kept among the dismissed, with the words why."""
        _move(item, self.dismissed.root, replace(item.note, dismissed=because or "no reason given"))

    def restore(self, item: Item) -> None:
        """Take a dismissed item back."""
        _move(item, self.root, replace(item.note, dismissed=""))

    def take_out(self, item: Item) -> None:
        """Remove an item, after its content is durable elsewhere: first what it holds, then the note that names it."""
        item.path.unlink(missing_ok=True)
        sync_folder(item.path.parent)
        _note_path(item.path).unlink(missing_ok=True)


def _move(item: Item, root: Path, note: QuarantineNote) -> None:
    """Durable on return. An item is where its note and its content are, so that at any moment it is in one place."""
    content, old = root / item.note.source / item.path.name, _note_path(item.path)
    _write_note(_note_path(content), replace(note, set_aside_at=item.set_aside_at.isoformat()))
    item.path.replace(content)
    sync_folder(content.parent)
    old.unlink()
    sync_folder(old.parent)


def _write_note(path: Path, note: QuarantineNote) -> None:
    """A note that says the same stays as it is: its instant is when this was set aside first."""
    if _read_note(path) != note:
        stated = note if note.set_aside_at else replace(note, set_aside_at=datetime.now(UTC).isoformat())
        replace_file(path, json.dumps(asdict(stated), indent=1, sort_keys=True).encode())


def _read_note(path: Path) -> QuarantineNote | None:
    """What a note says; None where there is none."""
    try:
        note = QuarantineNote(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    return replace(note, tally=[(vehicle, day, count) for vehicle, day, count in note.tally])


def _note_path(content: Path) -> Path:
    return content.with_suffix(".json") if content.suffix == ".parquet" else Path(f"{content}.json")


@dataclass(frozen=True)
class _Known:
    """One note, and what names it."""

    path: Path
    stamp: str
    earlier_stamp: str


@lru_cache(maxsize=8)
def _known_notes(folders: tuple[tuple[str, int], ...]) -> dict[date, list[_Known]]:
    """The notes in these folders by the UTC day on which they were set aside."""
    found: dict[date, list[_Known]] = {}
    for path in sorted(path for folder, _ in folders for path in Path(folder).glob("*.json")):
        note = _read_note(path)
        if note is None:
            continue
        status, name = path.stat(), f"{path.parent.name}/{path.name}"
        digest = hashlib.sha256(repr(asdict(note)).encode()).hexdigest()
        known = _Known(path, f"{name}:{digest}", f"{name}:{status.st_size}:{status.st_mtime_ns}")
        found.setdefault(_set_aside_at(note, path).date(), []).append(known)
    return found


def _set_aside_at(note: QuarantineNote, path: Path) -> datetime:
    if note.set_aside_at:
        return datetime.fromisoformat(note.set_aside_at)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _item(note_path: Path) -> Item | None:
    """The item of a note; None where it was taken out, or only half put in (whoever put it starts over)."""
    note = _read_note(note_path)
    if note is None:
        return None
    content = next((p for p in (note_path.with_suffix(""), note_path.with_suffix(".parquet")) if p.exists()), None)
    return Item(note, content, _set_aside_at(note, note_path)) if content else None


def _tally(rows: pl.DataFrame) -> list[tuple[str | None, str | None, int]]:
    """Rows by vehicle and day; by what there is of the two columns, and only where they are of the contract's type."""
    vehicle = pl.col("vehicle_id") if rows.schema.get("vehicle_id") == pl.String else pl.lit(None, pl.String)
    has_instant = isinstance(rows.schema.get("recorded_at"), pl.Datetime)
    day = pl.col("recorded_at").dt.date().cast(pl.String) if has_instant else pl.lit(None, pl.String)
    counted = rows.with_columns(vehicle.alias("_vehicle"), day.alias("_day")).group_by("_vehicle", "_day")
    return counted.agg(pl.len().alias("_count")).sort("_vehicle", "_day").rows()
