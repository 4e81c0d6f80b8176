"""Ingest figures as of this moment: the stored ones where they are current, counted from raw or landed rows elsewhere.

Belongs here: choosing what to read for each day, so that the picture is whole before a build and cheap after it.
Does not belong here: the counting (`core.ingest`), and what is stale (`pipeline.plan`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from fleet_assets.adapters.quarantine import Item
from fleet_assets.contracts import INGEST_DAILY, INGEST_GAPS, RawTable, registry
from fleet_assets.contracts.registry import GAPS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.tables.ingest import counted_daily

SHOWN_DAYS = 7

Stale = Mapping[str, list[date]]
"""The stale days of each table."""


def daily_now(installation: Installation, stale: Stale) -> pl.DataFrame:
    """INGEST_DAILY rows of all days that have rows anywhere; `stale` names the stale days of each table."""
    stored = set(installation.lake.days(INGEST_DAILY)) - set(stale.get(INGEST_DAILY.name, ()))
    parts = [installation.lake.scan(INGEST_DAILY, sorted(stored)).collect()]
    for name, raw, is_shared in registry().counted():
        known = [rows for day, rows in _rows_once(installation, raw, stale).items() if day not in stored]
        parts += [counted_daily(rows, name, is_shared).collect() for rows in known]
    return pl.concat(parts)


def _rows_once(installation: Installation, raw: RawTable, stale: Stale) -> dict[date, pl.LazyFrame]:
    """The rows of each day, each once: stored ones where the raw partition is current, else landed ones."""
    table = raw.table
    stored = set(installation.lake.days(table)) - set(stale.get(table.name, ()))
    days = {day: installation.lake.scan(table, [day]) for day in stored}
    for day in set(installation.landing.days(raw.folder)) - stored:
        # As the raw partition will hold them: of an entry that was delivered twice the one known first.
        known_since = "received_at" if "received_at" in table.schema else "noted_at"
        rows = installation.landing.scan(raw.folder, day).sort(known_since)
        days[day] = rows.unique([*table.key, "vehicle_id"], keep="first")
    return days


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
    days = _rows_once(installation, GAPS, stale)
    length = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    counted = (
        pl.concat([INGEST_GAPS.empty().lazy(), *days.values()])
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
