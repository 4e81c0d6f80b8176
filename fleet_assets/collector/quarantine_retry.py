"""Trying set-aside rows and files again, after what kept them out was mended, by the way they came.

Belongs here: which way in, and that nothing leaves the quarantine before it is durable elsewhere. Does not belong here:
what a person sees (`commands.quarantine`), the ways in themselves (intake, importer, and those that sources declare:
retry_entries, retry_cells).

Order: land, fsync, then remove from quarantine. Killed in between, the next retry lands the same rows again under the
same name and with the same entry_id, which adds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from os import link
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

import polars as pl

from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.adapters.quarantine import Item
from fleet_assets.adapters.telemetry_files import TelemetryOptions
from fleet_assets.adapters.time_bounds import CLOCK, TimeBounds
from fleet_assets.collector.importer import import_files
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.typed_times import instant_of, unit_of, zone_of
from fleet_assets.contracts import Source, registry
from fleet_assets.contracts.source import resolved
from fleet_assets.sources.column_map import column_map_of

BY_TIME = ("before-start-date", "in-the-future")
"""Reasons that FLEET_START_DATE or the passing of time may mend; the rows are as they would have landed."""

IMPORTED = "import-"
"""How the names of imported rows begin: for them a row is known by content, as for every import."""


@dataclass(frozen=True)
class Retried:
    """What became of an item: rows landed, rows that had landed before, rows still set aside, and why."""

    item: Item
    landed: int = 0
    known: int = 0
    left: int = 0
    sentence: str = ""


Retry = Callable[[Item, Intake, LogOptions], Retried]
"""How rows that were set aside for one reason come in again; what sources declare as their `retries`."""


def retry(item: Item, intake: Intake, answers: LogOptions | None = None, shift: timedelta | None = None) -> Retried:
    """Try one item again. `answers` say what a refused file or a wrong entry did not; those given at first still hold.
    `shift` is what the clock of rows set aside for it was behind.

    What cannot come in stays where it is, with the sentence why. Raises UsageError for a stored answer that is none.
    """
    source = registry().source_of(item.note.source)
    if source is None:
        return left_there(item, f"source {item.note.source} does not exist in this version")
    if item.is_file:
        return _file(item, source, intake, answers or LogOptions())
    ways: dict[str, Callable[[], Retried]] = dict.fromkeys(BY_TIME, lambda: _rows(item, intake))
    ways[CLOCK.slug] = lambda: _shifted(item, intake, (answers or LogOptions()).vehicle_id, shift)
    own: Mapping[str, Retry] = resolved(source.retries) or {}
    if item.note.reason in own:
        return own[item.note.reason](item, intake, answers or LogOptions())
    way = ways.get(item.note.reason)
    return way() if way else left_there(item, _mend(item))


def left_there(item: Item, sentence: str) -> Retried:
    """Nothing came in, for this reason."""
    return Retried(item, left=item.note.count, sentence=sentence)


def _mend(item: Item) -> str:
    file = item.note.file or "the file"
    return f"{item.note.explanation}: mend {file}, import it again, then `fleet quarantine dismiss {item.short}`"


def _rows(item: Item, intake: Intake) -> Retried:
    """Rows that were out of bounds: those now inside land."""
    rows = pl.read_parquet(item.path)
    if set(rows.columns) != set(registry().folder(item.note.source).table.schema):
        return left_there(item, "it was set aside by another version and lacks columns: import the file again")
    with exclusive_lock(intake.landing.root / ".import.lock"):
        rows = as_declared(rows, item.note.source)
        column = registry().folder(item.note.source).instant
        # What was ahead of its arrival and was set aside to wait lands when its time has come.
        bounds = TimeBounds(intake.start_date, intake.clock(), column, item.note.reason == "in-the-future")
        kept, outside = bounds.split(rows)
        new = LandedRows(intake.landing, item.note.source).new(kept) if item.note.name.startswith(IMPORTED) else kept
        land(item, intake, new)
        left = pl.concat([rows.clear(), *(part for _, part in outside)])
        if left.height < rows.height:
            intake.quarantine.keep(item, left)
    why = f"still {', '.join(reason.explanation for reason, _ in outside)}" if outside else ""
    return Retried(item, new.height, kept.height - new.height, left.height, why)


def _shifted(item: Item, intake: Intake, vehicle_id: str | None, shift: timedelta | None) -> Retried:
    """Rows of a clock that was wrong land with what it was behind added; those of one vehicle where one is named."""
    if shift is None:
        return _rows(item, intake)
    rows = pl.read_parquet(item.path)
    if set(rows.columns) != set(registry().folder(item.note.source).table.schema):
        return left_there(item, "it was set aside by another version and lacks columns: import the file again")
    rows = as_declared(rows, item.note.source)
    is_meant = rows.select(pl.lit(value=True) if vehicle_id is None else pl.col("vehicle_id") == vehicle_id).to_series()
    is_meant = is_meant if len(is_meant) == rows.height else pl.repeat(value=True, n=rows.height, eager=True)
    moved = rows.filter(is_meant).with_columns(pl.col("recorded_at") + shift).with_row_index("_place")
    with exclusive_lock(intake.landing.root / ".import.lock"):
        kept, outside = TimeBounds(intake.start_date, intake.clock(), trusts_clock=True).split(moved)
        ready = kept.drop("_place")
        new = LandedRows(intake.landing, item.note.source).new(ready) if item.note.name.startswith(IMPORTED) else ready
        land(item, intake, new)
        left = pl.concat([rows.filter(~is_meant), *(rows.filter(is_meant)[part["_place"]] for _, part in outside)])
        if left.height < rows.height:
            intake.quarantine.keep(item, left)
    why = [f"{part.height:,} would then be {_OUTSIDE[reason.slug]}" for reason, part in outside]
    return Retried(item, new.height, kept.height - new.height, left.height, "; ".join(why))


_OUTSIDE = {CLOCK.slug: "after now", "before-start-date": "before FLEET_START_DATE", "in-the-future": "after now"}


def again(item: Item, numbers: pl.Series) -> str:
    """The name of rows that leave an item for another reason; it says which rows, since others may follow."""
    return f"{item.note.name}-again-{_digest(numbers.cast(pl.String))}"


def _digest(names: pl.Series) -> str:
    return hashlib.sha256("\n".join(names.sort()).encode()).hexdigest()[:12]


def answered(item: Item, answers: LogOptions) -> TelemetryOptions:
    """Vehicle, zone and unit: as answered now, else as answered when the file was read."""
    given = item.note.answers
    zone = answers.zone or zone_of(given.get("timezone", ""))
    unit = answers.unix_unit or unit_of(given.get("unix_time", ""))
    return TelemetryOptions(answers.vehicle_id or given.get("vehicle_id") or None, zone, unit, answers.budget)


def _file(item: Item, source: Source, intake: Intake, answers: LogOptions) -> Retried:
    """A file that was refused: imported as it was at first, with new answers where some are given."""
    given = item.note.answers
    start: datetime | None = answers.start_at or instant_of(given.get("start_at", ""))
    meant = answered(item, answers)
    bus = answers.bus if answers.bus != LogOptions().bus else given.get("bus", "")
    with TemporaryDirectory(prefix="fleet-retry-") as folder:
        path = Path(folder) / item.note.name
        _place(item.path, path)
        report = import_files(
            [path], source.name, intake.landing, quarantine=intake.quarantine,
            vehicle_id=meant.vehicle_id or "", bus=bus, timezone=str(meant.zone or ""),
            unix_time=meant.unix_unit, logger=answers.logger or given.get("logger", ""),
            columns=answers.columns or column_map_of(given.get("columns", ""), item.note.name),
            start_at=start, start_date=intake.start_date, keeps_refused=False, budget=answers.budget,
        )  # fmt: skip
    result = report.files[0]
    if result.refusal:
        return left_there(item, result.refusal)
    intake.quarantine.take_out(item)
    aside = sum(result.rejected.values())
    why = f"{aside:,} of its rows set aside" if aside else ""
    return Retried(item, result.new_rows, result.known_rows, 0, why)


def _place(source: Path, target: Path) -> None:
    """The file under its own name, by which its format is known."""
    try:
        link(source, target)
    except OSError:
        copyfile(source, target)


def land(item: Item, intake: Intake, rows: pl.DataFrame) -> None:
    """Durable on return. The name says which rows: another retry of the same item may bring others."""
    if rows.height:
        intake.landing.append(item.note.source, rows, f"retry-{item.short}-{_digest(rows['entry_id'])}")


def as_declared(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Parquet brings back the contract's columns; only their order and integer widths need saying."""
    return rows.select(pl.col(name).cast(dtype) for name, dtype in registry().folder(source).table.schema.items())
