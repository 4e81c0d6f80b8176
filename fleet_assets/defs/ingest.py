"""Ingest assets: what came in per vehicle and day, per hour, and outages of a source. Small, so that all may read them.

Does not belong here: the counting (`core.ingest`) and what an outage is (`core.outages`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from fleet_assets.contracts import (
    INGEST_DAILY,
    INGEST_HOURLY,
    INGEST_OUTAGES,
    INGEST_QUARANTINED,
    RAW_CAN,
    RAW_TELEMETRY,
    Table,
)
from fleet_assets.core.ingest import NEEDED, count_quarantined, daily_ingest, hourly_ingest
from fleet_assets.core.outages import find_outages
from fleet_assets.defs.day_assets import Day, day_asset
from fleet_assets.defs.raw import LANDED
from fleet_assets.places import Places

RAW_TABLES = (RAW_CAN, RAW_TELEMETRY)
"""Each raw table is one source, called like its folder in the landing zone."""


def _raw_rows(day: Day, table: Table) -> pl.LazyFrame:
    return day.read(table).select(NEEDED)


@day_asset(INGEST_DAILY, reads=RAW_TABLES, group="ingest")
def ingest_daily(day: Day) -> pl.LazyFrame:
    """Rows received and expected, lag and silences, per source and vehicle."""
    return pl.concat([daily_ingest(_raw_rows(day, table), LANDED[table.name]) for table in RAW_TABLES])


@day_asset(INGEST_HOURLY, reads=RAW_TABLES, group="ingest")
def ingest_hourly(day: Day) -> pl.LazyFrame:
    """Rows received per source, vehicle and hour."""
    return pl.concat([hourly_ingest(_raw_rows(day, table), LANDED[table.name]) for table in RAW_TABLES])


def _notes(places: Places, day: date) -> Iterable[str]:
    return places.quarantine.stamps().get(day, ())


def _notes_by_time(places: Places, day: date) -> Iterable[str]:
    return places.quarantine.earlier_stamps().get(day, ())


def _days_of_notes(places: Places) -> Iterable[date]:
    return places.quarantine.stamps()


@day_asset(
    INGEST_QUARANTINED, reads=(), group="ingest", sources=_notes, earlier_sources=_notes_by_time, outside=_days_of_notes
)  # fmt: skip
def ingest_quarantined(day: Day) -> pl.LazyFrame:
    """Rows and files set aside on the day, counted by vehicle and reason; what came in by a retry is gone from it."""
    entries = [
        (item.note.source, vehicle, item.note.reason, item.set_aside_at, count, int(item.is_file))
        for item in day.places.quarantine.items(day.date)
        for vehicle, _, count in item.note.tally or [(None, None, 0 if item.is_file else item.note.count)]
    ]
    return count_quarantined(entries).lazy()


@day_asset(INGEST_OUTAGES, reads=(INGEST_HOURLY,), group="ingest")
def ingest_outages(day: Day) -> pl.LazyFrame:
    """Outages that ended on the day: silences of a whole source at hours at which it usually reports."""
    return find_outages(day.read(INGEST_HOURLY), day.window)
