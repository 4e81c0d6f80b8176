"""Ingest figures as of this moment: the stored ones where they are current, counted from raw or landed rows elsewhere.

Belongs here: choosing what to read for each day, so that the picture is whole before a build and cheap after it.
Does not belong here: the counting (`core.ingest`), and what is stale (`pipeline.plan`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from io import BytesIO

import polars as pl

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.quarantine import Item
from fleet_assets.contracts import INGEST_DAILY, INGEST_GAPS, RawTable, Table, registry
from fleet_assets.contracts.registry import GAPS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.tables.ingest import counted_daily

SHOWN_DAYS = 7

MEMORY = "vehicles_seen.parquet"
"""File of the lake that keeps what all counted days say together."""

Stale = Mapping[str, list[date]]
"""The stale days of each table."""


def daily_now(installation: Installation, stale: Stale) -> pl.DataFrame:
    """INGEST_DAILY rows of all days that have rows anywhere; `stale` names the stale days of each table."""
    counted = _current_days(installation, INGEST_DAILY, stale)
    stored = installation.lake.scan(INGEST_DAILY, sorted(counted)).collect()
    return pl.concat([stored, *_uncounted(installation, stale)])


def _uncounted(installation: Installation, stale: Stale) -> list[pl.DataFrame]:
    """INGEST_DAILY rows of the days for which none are stored, or no current ones."""
    counted = _current_days(installation, INGEST_DAILY, stale)
    parts = []
    for name, raw, is_shared in registry().counted():
        stored = _current_days(installation, raw.table, stale)
        days = [installation.lake.scan(raw.table, [day]) for day in stored - counted]
        landed = set(installation.landing.days(raw.folder)) - stored - counted
        days += [_landed_once(installation, raw, day) for day in landed]
        parts += [counted_daily(rows, name, is_shared).collect() for rows in days]
    return parts


def seen_now(installation: Installation, stale: Stale, today: date) -> pl.DataFrame:
    """`vehicles_now` of all days. Counts of years are small files by the thousand: where every day is counted, the
    answer is kept in the lake with what names them, and may vanish at any time."""
    file, seen = installation.lake.root / MEMORY, _seen(installation, stale, today)
    if not seen:
        return vehicles_now(daily_now(installation, stale), today)
    with suppress(OSError, pl.exceptions.PolarsError):
        if pl.read_parquet_metadata(file).get("seen") == seen:
            return pl.read_parquet(file)
    found = vehicles_now(daily_now(installation, stale), today)
    buffer = BytesIO()
    found.write_parquet(buffer, metadata={"seen": seen})
    with suppress(OSError):
        replace_file(file, buffer.getvalue())
    return found


def _seen(installation: Installation, stale: Stale, today: date) -> str:
    """Names the counted days and this one; empty where there are days to count."""
    filled = installation.lake.generation(INGEST_DAILY).filled
    if not filled or stale.get(INGEST_DAILY.name) or _uncounted(installation, stale):
        return ""
    return hashlib.sha256(json.dumps([str(today), filled]).encode()).hexdigest()


def _current_days(installation: Installation, table: Table, stale: Stale) -> set[date]:
    return set(installation.lake.days(table)) - set(stale.get(table.name, ()))


def _landed_once(installation: Installation, raw: RawTable, day: date) -> pl.LazyFrame:
    """The landed rows of a day as the raw partition will hold them: of an entry that was delivered twice the one known
    first."""
    known_since = "received_at" if "received_at" in raw.table.schema else "noted_at"
    rows = installation.landing.scan(raw.folder, day).sort(known_since)
    return rows.unique([*raw.table.key, "vehicle_id"], keep="first")


def vehicles_now(daily: pl.DataFrame, today: date) -> pl.DataFrame:
    """One row per source and vehicle: last seen, all rows, rows of each of the last days, lag of the newest day.

    Columns: source, vehicle_id, first_seen_at, last_seen_at, last_received_at, row_count, rows_by_day (list, oldest
    day first, 0 where nothing came), lag_p50_s and lag_p95_s (of the vehicle's newest day), clock_behind_s (of its two
    newest days, the later that tells), silence_count and silence_s (of the last days).
    """
    days = [today - timedelta(days=back) for back in range(SHOWN_DAYS - 1, -1, -1)]
    is_recent = pl.col("date") >= days[0]
    counts = [pl.col("received_count").filter(pl.col("date") == day).sum() for day in days]
    return (
        daily.sort("source", "vehicle_id", "date").group_by("source", "vehicle_id", maintain_order=True)
        .agg(
            pl.col("first_seen_at").min(), pl.col("last_seen_at").max(), pl.col("last_received_at").max(),
            pl.col("received_count").sum().alias("row_count"),
            pl.concat_list(counts).first().alias("rows_by_day"),
            pl.col("lag_p50_s").last(), pl.col("lag_p95_s").last(),
            pl.col("clock_behind_s").tail(2).drop_nulls().last(),
            pl.col("silence_count").filter(is_recent).sum(), pl.col("silence_s").filter(is_recent).sum(),
        )
    )  # fmt: skip


def gaps_now(installation: Installation, stale: Stale) -> pl.DataFrame:
    """Gaps of the ledger by source and vehicle: gap_count, missing_count (rows, null where unknown), gap_s."""
    stored = _current_days(installation, INGEST_GAPS, stale)
    landed = sorted(set(installation.landing.days(GAPS.folder)) - stored)
    rows = [
        installation.lake.scan(INGEST_GAPS, sorted(stored)),
        *(_landed_once(installation, GAPS, day) for day in landed),
    ]
    length = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    counted = (
        pl.concat(rows)
        .group_by("source", "vehicle_id")
        .agg(
            pl.len().cast(pl.Int64).alias("gap_count"),
            pl.when(pl.col("missing_count").count() > 0).then(pl.col("missing_count").sum()).cast(pl.Int64),
            length.sum().alias("gap_s"),
        )
    )
    return counted.sort("source", "vehicle_id", nulls_last=True).collect()


def quarantined_now(items: list[Item]) -> dict[tuple[str, str | None], int]:
    """Quarantined rows by source and vehicle (None where a row names none); refused files are not counted."""
    counts: dict[tuple[str, str | None], int] = {}
    for item in items:
        for vehicle, _, count in item.note.tally:
            counts[(item.note.source, vehicle)] = counts.get((item.note.source, vehicle), 0) + count
    return counts
