"""Rows of a telemetry file whose cells could not be read, tried again: how source `telemetry` leaves the quarantine.

Does not belong here: the other doors, and what a retry leaves behind (`quarantine_retry`).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.landed_rows import LandedRows
from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.adapters.quarantine import Item, Origin, Reason
from fleet_assets.adapters.telemetry_files import TYPED_REASONS, typed_rows
from fleet_assets.adapters.time_bounds import TimeBounds
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.quarantine_retry import IMPORTED, Retried, again, answered, as_declared, land, left_there
from fleet_assets.contracts.errors import FileRejected


def retry_cells(item: Item, intake: Intake, answers: LogOptions) -> Retried:
    """Rows of a telemetry file whose cells could not be read: typed again as at first, with new answers where some are
    given. What is set aside for another reason now goes there."""
    raw = pl.read_parquet(item.path)
    options = answered(item, answers)
    zone = str(options.zone or "")
    said = {"vehicle_id": options.vehicle_id or "", "timezone": zone, "unix_time": options.unix_unit}
    origin = Origin(item.note.file, {**item.note.answers, **{name: answer for name, answer in said.items() if answer}})
    try:
        typed = typed_rows(Path(item.note.file), raw.drop("reason", strict=False), options)
    except FileRejected as refusal:
        return left_there(item, refusal.reason)
    numbered = pl.concat_str(pl.lit(f"{item.note.name.removeprefix(IMPORTED)}-again-"), pl.col("row").cast(pl.String))
    rows = typed.rows.with_columns(entry_id=numbered, received_at=pl.coalesce("received_at", pl.lit(intake.clock())))
    with exclusive_lock(intake.landing.root / ".import.lock"):
        declared = as_declared(rows, item.note.source)
        kept, outside = TimeBounds(intake.start_date, intake.clock()).split(declared)
        new = LandedRows(intake.landing, item.note.source).new(kept)
        land(item, intake, new)
        for reason, part in outside:
            intake.reject(item.note.source, part, again(item, part["entry_id"]), reason, origin)
        left = _set_aside_anew(item, intake, typed.rejected, origin)
    why = [f"{part.height:,} set aside: {reason.explanation}" for reason, part in [*outside, *typed.rejected]]
    return Retried(item, new.height, kept.height - new.height, left.height, "; ".join(why))


def _set_aside_anew(
    item: Item, intake: Intake, rejected: list[tuple[Reason, pl.DataFrame]], origin: Origin
) -> pl.DataFrame:
    """Rows that are wrong otherwise now become items of their own; returns those that are wrong as before."""
    left = [rows for reason, rows in rejected if reason.slug == item.note.reason]
    for reason, rows in rejected:
        if reason.slug != item.note.reason:
            intake.reject(item.note.source, rows, again(item, rows["row"]), reason, origin)
    kept = left[0] if left else pl.DataFrame()
    if kept.height < item.note.count:
        intake.quarantine.keep(item, kept)
    return kept


RETRIES = dict.fromkeys(TYPED_REASONS, retry_cells)
