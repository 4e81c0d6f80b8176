"""Storing days: each computed, compared, written as one partition with the record of what it was made from.

Belongs here: the order of these steps, and what a failing day does to the others. Does not belong here: how a day is
computed (`day_tables`) and how a partition is written (`adapters.lake`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from fleet_assets.adapters.lake import PartitionRecord, Written
from fleet_assets.contracts import TIMESTAMP, Table
from fleet_assets.contracts.errors import DataError, joined
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_rules import rules_of
from fleet_assets.pipeline.day_tables import (
    DUE_AT,
    REFERENCE,
    SECONDS,
    SINCE,
    DayTable,
    ReferenceSeen,
    with_reference,
)
from fleet_assets.pipeline.days import midnight


@dataclass(frozen=True)
class StoredDay:
    """One partition after a run: `written` is None where the stored one was current and kept."""

    day: date
    record: PartitionRecord
    written: Written | None = None
    frame: pl.DataFrame | None = None


def store_days(
    installation: Installation, maker: DayTable, days: Iterable[date], *, only_stale: bool
) -> Iterator[StoredDay]:
    """Compute and store the days in order, each as one file replaced in one step; current ones are kept if only stale
    ones are wanted. Memory is bounded by a day, and a range of days equals its days one by one.

    A day that fails holds up no other: what each failed with is raised at the end, in one DataError.
    """
    failed: dict[date, Exception] = {}
    for day in days:
        try:
            with installation.lake.partition_lock(maker.table, day):
                stored = _stored(installation, maker, day, only_stale=only_stale)
        except Exception as error:  # noqa: BLE001 - raised below
            failed[day] = error
        else:
            yield stored
    if failed:
        said = joined([f"{day}: {error}" for day, error in failed.items()])
        raise DataError(said) from next(iter(failed.values()))


def _stored(installation: Installation, maker: DayTable, day: date, *, only_stale: bool) -> StoredDay:
    began = time.perf_counter()
    table, record = maker.table, installation.lake.record(maker.table, day)
    if only_stale and record is not None and maker.is_current(installation, day, record):
        return StoredDay(day, record)
    # Before reading: what changes meanwhile makes the day stale, not current.
    inputs, seen = maker.fingerprint(installation, day), maker.reference_seen(installation, day)
    made = maker.made(installation, day)
    frame, notes = _final_by_now(table, table.conform(made.frame).collect())
    inputs, seen, notes = _narrowed(installation, maker, day, frame, (inputs, seen, notes))
    seconds = round(time.perf_counter() - began, 3)
    notes = {**made.notes, **notes, SECONDS: seconds, **({REFERENCE: seen} if seen else {})}
    installation.check_results.owe(table, day, rules_of(table.name))
    written = installation.lake.write(table, day, frame, inputs, **notes)
    return StoredDay(day, written.record, written, frame)


def _narrowed(
    installation: Installation, maker: DayTable, day: date, frame: pl.DataFrame,
    noted: tuple[str, ReferenceSeen, dict[str, object]],
) -> tuple[str, ReferenceSeen, dict[str, object]]:  # fmt: skip
    """Fingerprint, reference rows and notes of a day whose rows begin later than its events could have begun.

    Reference rows that were valid before its rows begin, and before what it learns from, decide none of them: another
    one does not make the day stale. Only where events wait to be final, or reference tables moved meanwhile, all of
    them are named.
    """
    inputs, seen, notes = noted
    if not maker.is_dated or DUE_AT in notes:
        return noted
    since = min(_earliest(maker.table, frame, midnight(day)), midnight(day) - maker.learns)
    narrow = maker.reference_since(installation, day, since)
    if {name: content for name, (content, _) in narrow.items()} != {name: one for name, (one, _) in seen.items()}:
        return noted
    return with_reference(inputs, narrow), narrow, {**notes, SINCE: since.isoformat()}


def _earliest(table: Table, frame: pl.DataFrame, start: datetime) -> datetime:
    """The earliest instant that rows tell of, or the start of their day."""
    instants = [column.name for column in table.columns if column.dtype == TIMESTAMP]
    found = frame.select(pl.min_horizontal(pl.col(instants).min())).item() if instants and frame.height else None
    return min(found, start) if isinstance(found, datetime) else start


def _final_by_now(table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, object]]:
    """The events that are final by now, and when the next of the others will be.

    A trip that is under way ends, for all that is known, when the silence after its last row has lasted long enough:
    until then a row may come that makes it longer. So it is not published, and its day is stale from that moment on.
    """
    if table.partition_by != "closed_at":
        return frame, {}
    is_final = pl.col("closed_at") <= datetime.now(UTC)
    later = frame.filter(~is_final)["closed_at"].min()
    if later is None:
        return frame, {}
    assert isinstance(later, datetime)
    return frame.filter(is_final), {DUE_AT: later.isoformat()}
