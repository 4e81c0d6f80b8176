"""Freshness of data: whether the newest row of a whole fleet is as new as it usually is.

Belongs here: the verdict at one instant, from hourly counts. Does not belong here: silences that have ended
(`core.outages`) and those of one vehicle (`core.ingest`): a vehicle may rest while its fleet reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from fleet_assets.contracts.ingest import REGULAR_LOOK_BACK
from fleet_assets.core.outages import OutageRules, find_outages
from fleet_assets.core.window import Window

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class FreshnessRules:
    """When the silence of all vehicles is more than a night or a weekend."""

    max_age_h: float = 72.0
    """Older than this the newest row is stale whatever was usual [h]; Friday 18:00 to Monday 8:00 are 62 h."""
    heard_days: float = 7.0
    """A vehicle belongs to the fleet that fell silent if it was heard so long before the last row [d]."""
    outage: OutageRules = field(default_factory=OutageRules)
    """Which hours are regular; silence over one whole regular hour is stale."""


@dataclass(frozen=True)
class Silence:
    """A fleet that fell silent: its last row, whole hours since at which it usually reports, and its vehicles."""

    last_seen_at: datetime
    regular_hours: int
    vehicles: tuple[str, ...]


def find_silence(hours: pl.DataFrame, now: datetime, rules: FreshnessRules | None = None) -> Silence | None:
    """The silence that holds at `now`, from INGEST_HOURLY rows of one source; None where it is fresh or never spoke.

    Rows of clocks ahead of `now` say nothing about it and are left out.
    """
    rules = rules or FreshnessRules()
    heard = hours.filter(pl.col("first_seen_at") <= now)
    if heard.is_empty():
        return None
    seen = heard.group_by("vehicle_id").agg(pl.col("last_seen_at").max().clip(upper_bound=now))
    last = seen["last_seen_at"].max()
    assert isinstance(last, datetime)
    regular = _regular_hours(heard, now, rules.outage)
    if not regular and now - last <= timedelta(hours=rules.max_age_h):
        return None
    fleet = seen.filter(pl.col("last_seen_at") >= last - rules.heard_days * _DAY)
    return Silence(last, regular, tuple(sorted(fleet["vehicle_id"])))


def _regular_hours(heard: pl.DataFrame, now: datetime, rules: OutageRules) -> int:
    """Regular hours of the outage that would be known if a row came now."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    coming = heard.head(1).with_columns(
        pl.lit(hour).cast(heard.schema["hour_at"]).alias("hour_at"),
        pl.lit(now).cast(heard.schema["hour_at"]).alias("first_seen_at"),
        pl.lit(now).cast(heard.schema["hour_at"]).alias("last_seen_at"),
    )
    midnight = hour.replace(hour=0)
    window = Window(midnight - REGULAR_LOOK_BACK, midnight, midnight + _DAY)
    recent = heard.filter(pl.col("hour_at") >= window.start)
    outages = find_outages(pl.concat([recent, coming]).lazy(), window, rules).collect()
    return int(outages.filter(pl.col("ended_at") == now)["regular_hours"].sum())
