"""Ingest tables: what came in per vehicle and day, per hour, and outages of a source. Small, so that all may read them.

Does not belong here: the counting (`core.ingest`) and what an outage is (`core.outages`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import polars as pl

from fleet_assets.contracts import (
    INGEST_DAILY,
    INGEST_HOURLY,
    INGEST_OUTAGES,
    INGEST_QUARANTINED,
    RAW_CAN,
    RAW_TELEMETRY,
)
from fleet_assets.core.ingest import NEEDED, count_quarantined, daily_ingest, hourly_ingest
from fleet_assets.core.outages import find_outages
from fleet_assets.core.window import Window
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import Outside, day_table
from fleet_assets.pipeline.tables.raw import LANDED

RAW_TABLES = (RAW_CAN, RAW_TELEMETRY)
"""Each raw table is one source, called like its folder in the landing zone."""

ingest_table = partial(day_table, group="ingest")

Count = Callable[[pl.LazyFrame, str], pl.LazyFrame]


def _counted(count: Count, *raw: pl.LazyFrame) -> pl.LazyFrame:
    """The counts of every source, one below the other."""
    sources = [LANDED[table.name] for table in RAW_TABLES]
    return pl.concat([count(rows.select(NEEDED), source) for rows, source in zip(raw, sources, strict=True)])


@ingest_table(INGEST_DAILY, reads=RAW_TABLES)
def ingest_daily(raw_can: pl.LazyFrame, raw_telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """Rows received and expected, lag and silences, per source and vehicle."""
    return _counted(daily_ingest, raw_can, raw_telemetry)


@ingest_table(INGEST_HOURLY, reads=RAW_TABLES)
def ingest_hourly(raw_can: pl.LazyFrame, raw_telemetry: pl.LazyFrame) -> pl.LazyFrame:
    """Rows received per source, vehicle and hour."""
    return _counted(hourly_ingest, raw_can, raw_telemetry)


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
