"""Ingest tables: what came in per vehicle and day, per hour, and outages of a source. Small, so that all may read them.

Does not belong here: the counting (`core.ingest`) and what an outage is (`core.outages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import polars as pl

from fleet_assets.contracts import (
    INGEST_DAILY,
    INGEST_HOURLY,
    INGEST_OUTAGES,
    INGEST_QUARANTINED,
    Registry,
)
from fleet_assets.core.ingest import NEEDED, count_quarantined, daily_ingest, hourly_ingest
from fleet_assets.core.outages import find_outages
from fleet_assets.core.window import Window
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DayTable, Outside, day_table
from fleet_assets.pipeline.parts import Compute, Part

ingest_table = partial(day_table, group="ingest")


def counted_daily(rows: pl.LazyFrame, source: str, is_shared: bool) -> pl.LazyFrame:
    """Rows received and expected, lag and silences of one stream."""
    return daily_ingest(_of(rows, source, is_shared), source)


def counted_hourly(rows: pl.LazyFrame, source: str, is_shared: bool) -> pl.LazyFrame:
    """Rows received of one stream by the hour."""
    return hourly_ingest(_of(rows, source, is_shared), source)


def _of(rows: pl.LazyFrame, source: str, is_shared: bool) -> pl.LazyFrame:
    """What counting needs of a stream; of a table that several sources share, the rows of this one."""
    return (rows.filter(pl.col("source") == source) if is_shared else rows).select(NEEDED)


def streams_by_day(parts: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Rows received and expected, lag and silences, per source and vehicle."""
    return pl.concat(parts)


def streams_by_hour(parts: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Rows received per source, vehicle and hour."""
    return pl.concat(parts)


def _counts(sources: Registry, count: Compute) -> list[Part]:
    """The counts of every stream."""
    return [
        Part(count, (raw.table,), given={"source": name, "is_shared": is_shared})
        for name, raw, is_shared in sources.counted()
    ]


def ingest_tables(sources: Registry) -> list[DayTable]:
    """What came in, of every source, and what was set aside."""
    return [
        ingest_table(INGEST_DAILY, parts=_counts(sources, counted_daily))(streams_by_day),
        ingest_table(INGEST_HOURLY, parts=_counts(sources, counted_hourly))(streams_by_hour),
        ingest_quarantined,
        ingest_outages,
    ]


Entry = tuple[str, str | None, str, object, int, int]


def _set_aside(installation: Installation, day: date) -> list[Entry]:
    """Source, vehicle, reason, instant, rows and files of what was set aside on a day."""
    return [
        (item.note.source, vehicle, item.note.reason, item.set_aside_at, count, int(item.is_file))
        for item in installation.quarantine.items(day)
        for vehicle, _, count in item.note.tally or [(None, None, 0 if item.is_file else item.note.count)]
    ]


QUARANTINE = Outside(
    "set_aside",
    days=lambda installation: installation.quarantine.stamps(),
    facts=lambda installation, day: installation.quarantine.stamps().get(day, ()),
    former_facts=lambda installation, day: installation.quarantine.earlier_stamps().get(day, ()),
    read=_set_aside,
)
"""Rows and files that were set aside, by the day on which they were."""


@ingest_table(INGEST_QUARANTINED, outside=QUARANTINE)
def ingest_quarantined(set_aside: list[Entry]) -> pl.LazyFrame:
    """Rows and files set aside on the day, counted by vehicle and reason; what came in by a retry is gone from it."""
    return count_quarantined(set_aside).lazy()


@ingest_table(INGEST_OUTAGES, reads=[INGEST_HOURLY])
def ingest_outages(ingest_hourly: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """Outages that ended on the day: silences of a whole source at hours at which it usually reports."""
    return find_outages(ingest_hourly, window)
