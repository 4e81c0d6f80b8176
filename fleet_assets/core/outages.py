"""Outages of a source: silences of all its vehicles at hours at which it usually reports.

Belongs here: finding them in hourly counts. Does not belong here: silences of one vehicle (`core.ingest`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from fleet_assets.contracts import INGEST_OUTAGES
from fleet_assets.core.window import Window

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class OutageRules:
    """When the silence of a source is an outage and not a night."""

    regular_days: int = 5
    """Days of the seven before on which an hour of the day had rows, to call the hour regular: a working week."""
    reference_days: int = 7
    """Days before an hour that say what is usual: one of each weekday, the farthest being the hour's own."""


def find_outages(hours: pl.LazyFrame, window: Window, rules: OutageRules | None = None) -> pl.LazyFrame:
    """INGEST_OUTAGES rows that ended in the window's day, from INGEST_HOURLY rows of the whole window.

    A silence lies between two rows of a source with none of any vehicle in between. It is an outage if it holds a whole
    hour that is regular: heard on enough of the days before the silence began, its own weekday among them. A silence
    that reaches back beyond the window is not seen: such a source reports nothing regularly any more.
    """
    rules = rules or OutageRules()
    silences = _silences(hours, window)
    inside = _hours_inside(silences)
    heard = hours.select("source", "hour_at").unique()
    past = [
        heard.with_columns(pl.col("hour_at") + _DAY * back, back=pl.lit(back))
        for back in range(1, rules.reference_days + 1)
    ]
    # Only days before the silence count: the silent days themselves say nothing of what is usual.
    regular = (
        inside.join(pl.concat(past), on=["source", "hour_at"])
        .filter(pl.col("hour_at") - _DAY * pl.col("back") < pl.col("started_at"))
        .group_by("source", "started_at", "hour_at")
        # Heard on the same weekday too: a Saturday after five working days is no outage.
        .agg(pl.len().alias("days"), (pl.col("back") == rules.reference_days).any().alias("is_of_weekday"))
        .filter(pl.col("is_of_weekday") & (pl.col("days") >= rules.regular_days))
        .group_by("source", "started_at").agg(pl.len().cast(pl.Int64).alias("regular_hours"))
    )  # fmt: skip
    silence = ["source", "started_at"]
    found = silences.join(regular, on=silence).join(_vehicles(hours, silences), on=silence)
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    return found.with_columns(outage_s=seconds).select(INGEST_OUTAGES.schema.names()).sort(INGEST_OUTAGES.order)


def _silences(hours: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """Silences of at least a whole hour that end in the window's day: no finer than hourly first and last rows say."""
    heard = hours.group_by("source", "hour_at").agg(pl.col("first_seen_at").min(), pl.col("last_seen_at").max())
    ordered = heard.sort("source", "hour_at").with_columns(started_at=pl.col("last_seen_at").shift(1).over("source"))
    ended = pl.col("first_seen_at").alias("ended_at")
    is_long = pl.col("ended_at") - pl.col("started_at") >= _HOUR
    of_day = pl.col("ended_at").is_between(window.day_start, window.day_end, closed="left")
    return ordered.select("source", "started_at", ended).filter(is_long & of_day)


def _hours_inside(silences: pl.LazyFrame) -> pl.LazyFrame:
    """The whole hours of each silence."""
    first, last = pl.col("started_at").dt.truncate("1h") + _HOUR, pl.col("ended_at").dt.truncate("1h") - _HOUR
    hours = pl.datetime_ranges(first, last, "1h")
    return silences.with_columns(hour_at=hours).explode("hour_at")


def _vehicles(hours: pl.LazyFrame, silences: pl.LazyFrame) -> pl.LazyFrame:
    """How many vehicles of the source were heard in the week before each silence."""
    pairs = silences.join(hours.select("source", "vehicle_id", "hour_at"), on="source").filter(
        pl.col("hour_at") <= pl.col("started_at"), pl.col("hour_at") > pl.col("started_at") - 7 * _DAY
    )
    vehicles = pl.col("vehicle_id").n_unique().cast(pl.Int64).alias("vehicle_count")
    return pairs.group_by("source", "started_at").agg(vehicles)
