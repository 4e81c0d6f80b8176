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
    `answers` are the origin of what was imported; `dismissed` is why nobody needs to look at it again.
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

    @property
    def origin(self) -> Origin:
        return Origin(self.file, self.answers)


@dataclass(frozen=True)
class Item:
    """One set-aside file: its note, where its content lies, and when it was set aside (file system's clock, UTC)."""

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
        """The UTC days on which something was set aside, each with what names its notes: path, size, time."""
        folders = [(str(folder), folder.stat().st_mtime_ns) for folder in sorted(self.root.glob("*/"))]
        newest = max((changed for _, changed in folders), default=0)
        # A folder's time changes with its names; one that changed just now may do so again within the same tick.
        is_settled = time_ns() - newest > _SETTLED_NS
        return (_stamps if is_settled else _stamps.__wrapped__)(tuple(folders))

    def items(self, day: date | None = None) -> list[Item]:
        """All that is set aside (on one UTC day), sorted by file; what was taken out meanwhile is left out."""
        paths = sorted(self.root.glob("*/*.json"))
        found = [_item(path) for path in paths if day is None or _written_on(path, day)]
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
    _write_note(_note_path(content), note)
    set_aside_ns = round(item.set_aside_at.timestamp() * 1e6) * 1_000
    os.utime(_note_path(content), ns=(set_aside_ns, set_aside_ns))
    item.path.replace(content)
    sync_folder(content.parent)
    old.unlink()
    sync_folder(old.parent)


def _write_note(path: Path, note: QuarantineNote) -> None:
    """A note that says the same stays as it is: its time is when this was set aside first."""
    text = json.dumps(asdict(note), indent=1, sort_keys=True).encode()
    if not path.exists() or path.read_bytes() != text:
        replace_file(path, text)


def _note_path(content: Path) -> Path:
    return content.with_suffix(".json") if content.suffix == ".parquet" else Path(f"{content}.json")


@lru_cache(maxsize=8)
def _stamps(folders: tuple[tuple[str, int], ...]) -> dict[date, list[str]]:
    found: dict[date, list[str]] = {}
    for path in sorted(path for folder, _ in folders for path in Path(folder).glob("*.json")):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        stamp = f"{path.parent.name}/{path.name}:{status.st_size}:{status.st_mtime_ns}"
        found.setdefault(_utc(status.st_mtime).date(), []).append(stamp)
    return found


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _written_on(path: Path, day: date) -> bool:
    try:
        return _utc(path.stat().st_mtime).date() == day
    except FileNotFoundError:
        return False


def _item(note_path: Path) -> Item | None:
    """The item of a note; None where it was taken out, or only half put in (whoever put it starts over)."""
    try:
        note = QuarantineNote(**json.loads(note_path.read_text(encoding="utf-8")))
        written = _utc(note_path.stat().st_mtime)
    except FileNotFoundError:
        return None
    note = replace(note, tally=[(vehicle, day, count) for vehicle, day, count in note.tally])
    content = next((p for p in (note_path.with_suffix(""), note_path.with_suffix(".parquet")) if p.exists()), None)
    return Item(note, content, written) if content else None


def _tally(rows: pl.DataFrame) -> list[tuple[str | None, str | None, int]]:
    """Rows by vehicle and day; by what there is of the two columns, and only where they are of the contract's type."""
    vehicle = pl.col("vehicle_id") if rows.schema.get("vehicle_id") == pl.String else pl.lit(None, pl.String)
    has_instant = isinstance(rows.schema.get("recorded_at"), pl.Datetime)
    day = pl.col("recorded_at").dt.date().cast(pl.String) if has_instant else pl.lit(None, pl.String)
    counted = rows.with_columns(vehicle.alias("_vehicle"), day.alias("_day")).group_by("_vehicle", "_day")
    return counted.agg(pl.len().alias("_count")).sort("_vehicle", "_day").rows()
