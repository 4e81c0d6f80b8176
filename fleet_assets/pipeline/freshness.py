"""Freshness of data: tables that hold rows as they came, whose newest row is older than it should be.

Belongs here: which tables, and the sentence about each. Does not belong here: what a silence is (`core.freshness`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from fleet_assets.contracts import INGEST_HOURLY, TELEMETRY, RawTable, Table, registry
from fleet_assets.contracts.ingest import REGULAR_LOOK_BACK
from fleet_assets.core.freshness import FreshnessRules, Silence, find_silence
from fleet_assets.core.ingest import hourly_ingest
from fleet_assets.installation import Installation
from fleet_assets.pipeline.known_runs import Runs

NAME = "freshness"
SHOWN_VEHICLES = 10


def checked_tables() -> list[Table]:
    """The tables that hold rows as they came: those of every source, and telemetry."""
    return [*(raw.table for raw in registry().raw), TELEMETRY]


def max_age_h(table: Table) -> float:
    """Hours after which its newest row is old whatever was usual: of telemetry the longest of its sources."""
    raw = _raw(table)
    waits = [raw.silent_after] if raw else [one.silent_after for one in registry().raw]
    return max(waits).total_seconds() / 3600


def stale_sentences(installation: Installation, now: datetime) -> dict[str, str]:
    """The tables whose newest rows are older than they should be, with a sentence each; looks and changes nothing."""
    found = {table.name: stale_sentence(installation, table, now) for table in checked_tables()}
    return {name: sentence for name, sentence in found.items() if sentence}


def with_freshness(installation: Installation, runs: Runs) -> Runs:
    """What is known of runs, with this check as it is now: rows age while nothing runs."""
    stale = stale_sentences(installation, datetime.now(UTC))
    fresh = [
        {"table": table, "check": NAME, "severity": "WARN", "run_id": "", "sentence": sentence}
        for table, sentence in stale.items()
    ]
    return replace(runs, failed_checks=[check for check in runs.failed_checks if check["check"] != NAME] + fresh)


def stale_sentence(installation: Installation, table: Table, now: datetime) -> str:
    """The same of one table; empty where it is as new as usual."""
    silence = find_silence(_hours(installation, table, now), now, FreshnessRules(max_age_h=max_age_h(table)))
    return _words(table, silence, now) if silence else ""


def _hours(installation: Installation, table: Table, now: datetime) -> pl.DataFrame:
    """INGEST_HOURLY rows up to the table's newest day: of a raw table far enough back to know what is usual."""
    newest = _newest_day(installation, table)
    if newest is None:
        return INGEST_HOURLY.empty()
    # Of telemetry the newest day says how old it is; what is usual, its raw tables say.
    raw = _raw(table)
    of_newest = hourly_ingest(installation.lake.scan(table, [newest]), raw.folder if raw else table.name)
    if raw is None:
        return of_newest.collect()
    first = newest - REGULAR_LOOK_BACK
    near = [day for day in installation.lake.days(INGEST_HOURLY) if first <= day <= now.date() + timedelta(days=1)]
    hours = installation.lake.scan(INGEST_HOURLY, near).filter(pl.col("source").is_in(_counted(raw))).collect()
    # Of a day whose hours were not counted yet the rows themselves are asked.
    is_counted = newest in hours["hour_at"].dt.date()
    return hours if is_counted else pl.concat([hours, of_newest.collect()])


def _raw(table: Table) -> RawTable | None:
    return next((raw for raw in registry().raw if raw.table.name == table.name), None)


def _counted(raw: RawTable) -> list[str]:
    """The names under which its rows are counted."""
    return [name for name, one, _ in registry().counted() if one == raw]


def _newest_day(installation: Installation, table: Table) -> date | None:
    """The last stored day that has rows."""
    newest = max(installation.lake.generation(table).filled, default=None)
    return None if newest is None else date.fromisoformat(newest)


def _words(table: Table, silence: Silence, now: datetime) -> str:
    age_h = (now - silence.last_seen_at).total_seconds() / 3600
    age = f"{age_h:.0f} h" if age_h < 48 else f"{age_h / 24:,.0f} days"
    usual = f", over {silence.regular_hours} hours at which rows usually come" if silence.regular_hours else ""
    names = ", ".join(silence.vehicles[:SHOWN_VEHICLES])
    more = f" and {len(silence.vehicles) - SHOWN_VEHICLES} more" if len(silence.vehicles) > SHOWN_VEHICLES else ""
    raw = _raw(table)
    source = f" from source {raw.folder}" if raw else ""
    since = f"{silence.last_seen_at:%Y-%m-%d %H:%M} UTC"
    return f"no row of any vehicle{source} since {since}, {age} ago{usual}; silent: {names}{more}"
