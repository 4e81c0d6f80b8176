"""Entries of the stream that could not be read, tried again: how source `can` leaves the quarantine.

Does not belong here: the other doors, and what a retry leaves behind (`quarantine_retry`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.adapters.can_entries import decode_entries, entries_as_rows
from fleet_assets.adapters.can_stream import Entry
from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.adapters.log_files.chunks import REMOTE
from fleet_assets.adapters.quarantine import Item
from fleet_assets.adapters.time_bounds import TimeBounds
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.landing_writer import WRONG
from fleet_assets.collector.quarantine_retry import Retried, again, land


def retry_entries(item: Item, intake: Intake, answers: LogOptions) -> Retried:
    """Entries of the stream that could not be read: those that can be read now land, with the ids they always had."""
    rows = pl.read_parquet(item.path)
    columns = rows.select("entry_id", "field_names", "field_values").iter_rows()
    entries: list[Entry] = [
        (stream_id.encode(), {name.encode(): value for name, value in zip(names, values, strict=True)})
        for stream_id, names, values in columns
    ]
    decoded = decode_entries(entries, answers.vehicle_id, item.note.name.partition("-")[0])
    kept, outside = TimeBounds(intake.start_date, intake.clock()).split(decoded.frames)
    land(item, intake, kept)
    aside = [*outside, *([(REMOTE, decoded.remote)] if decoded.remote.height else [])]
    for reason, part in aside:
        intake.reject(item.note.source, part, again(item, part["entry_id"]), reason)
    if len(decoded.rejected) < rows.height:
        intake.quarantine.keep(item, entries_as_rows(decoded.rejected))
    reasons = [f"{part.height:,} set aside: {reason.explanation}" for reason, part in aside]
    reasons += sorted({reason for _, reason in decoded.rejected})
    return Retried(item, landed=kept.height, left=len(decoded.rejected), sentence="; ".join(reasons))


RETRIES = {WRONG.slug: retry_entries}
