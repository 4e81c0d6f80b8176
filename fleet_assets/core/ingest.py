"""What came in, counted: raw rows of a day to one row per vehicle, and to one per vehicle and hour.

Belongs here: counts, rates, lags and silences of raw rows. Does not belong here: what rows mean, outages of a source
(`core.outages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from fleet_assets.contracts import INGEST_DAILY, INGEST_HOURLY, INGEST_QUARANTINED

NEEDED = ("vehicle_id", "recorded_at", "received_at")
"""The columns of raw rows that are read."""


@dataclass(frozen=True)
class IngestRules:
    """When a vehicle counts as silent, and when its usual rate is known."""

    silence_s: float = 60.0
    """Longer without a row is a silence at least [s]; the slowest cyclic messages of J1939 come every 60 s (SAE
    J1939-71)."""
    silence_factor: float = 2.2
    """Multiple of a vehicle's usual step of the day from which it is silent, as for trips."""
    known_steps: int = 20
    """Steps that the usual rate of a vehicle needs that speaks less than once a minute."""
    known_minutes: int = 30
    """Whole minutes of speaking that a rate needs; fewer say little about the usual."""
    rate_spread: float = 0.5
    """(p90 - p10) / median of rows a minute; above it a vehicle sends by occasion and nothing can be expected."""


def daily_ingest(rows: pl.LazyFrame, source: str, rules: IngestRules | None = None) -> pl.LazyFrame:
    """INGEST_DAILY rows from raw rows of one source (each once; any days).

    A silence is longer than the vehicle's own pace of the day, and than a minute. Expected is the median of rows a
    minute, over minutes between two others with rows (of the median step, where a vehicle speaks more seldom), times
    the time in which the vehicle spoke (silences left out). So it shows rows lost here and there, not a collector that
    was away.
    """
    rules = rules or IngestRules()
    lag = (pl.col("received_at") - pl.col("recorded_at")).dt.total_microseconds() / 1e6
    step = pl.col("recorded_at").diff().over("vehicle_id", "date").dt.total_microseconds() / 1e6
    usual_s = pl.col("step_s").filter(pl.col("step_s") > 0).median()
    is_silence = pl.col("step_s") > pl.max_horizontal(pl.lit(rules.silence_s), usual_s * rules.silence_factor)
    spoken = rows.select(*NEEDED, pl.col("recorded_at").dt.date().alias("date")).sort("vehicle_id", "recorded_at")
    counted = spoken.with_columns(lag_s=lag, step_s=step).group_by("vehicle_id", "date").agg(
        pl.col("recorded_at").min().alias("first_seen_at"),
        pl.col("recorded_at").max().alias("last_seen_at"),
        pl.col("received_at").max().alias("last_received_at"),
        pl.len().cast(pl.Int64).alias("received_count"),
        usual_s.alias("cadence_s"),
        (_spread(pl.col("step_s").filter(~is_silence)) <= rules.rate_spread).alias("is_steady"),
        pl.col("lag_s").quantile(0.5, "nearest").alias("lag_p50_s"),
        pl.col("lag_s").quantile(0.95, "nearest").alias("lag_p95_s"),
        is_silence.sum().cast(pl.Int64).alias("silence_count"),
        pl.col("step_s").filter(is_silence).sum().alias("silence_s"),
        pl.col("step_s").filter(~is_silence).sum().alias("spoken_s"),
    )  # fmt: skip
    is_slow = pl.col("is_steady") & (pl.col("cadence_s") >= 60) & (pl.col("received_count") > rules.known_steps)
    rate_per_s = pl.coalesce("rate_per_s", pl.when(is_slow).then(1 / pl.col("cadence_s")))
    expected = counted.join(_usual_rates(spoken, rules), on=["vehicle_id", "date"], how="left").with_columns(
        source=pl.lit(source),
        expected_count=(rate_per_s * pl.col("spoken_s") + pl.col("silence_count") + 1).round().cast(pl.Int64),
    )
    return expected.select(INGEST_DAILY.schema.names()).sort(INGEST_DAILY.order)


def hourly_ingest(rows: pl.LazyFrame, source: str) -> pl.LazyFrame:
    """INGEST_HOURLY rows from raw rows of one source (each once; any days)."""
    hours = rows.group_by("vehicle_id", pl.col("recorded_at").dt.truncate("1h").alias("hour_at")).agg(
        pl.col("recorded_at").min().alias("first_seen_at"),
        pl.col("recorded_at").max().alias("last_seen_at"),
        pl.len().cast(pl.Int64).alias("received_count"),
    )
    return hours.with_columns(source=pl.lit(source)).select(INGEST_HOURLY.schema.names()).sort(INGEST_HOURLY.order)


def count_quarantined(entries: Sequence[Sequence[object]]) -> pl.DataFrame:
    """INGEST_QUARANTINED rows from entries of one day: source, vehicle_id, reason, set_aside_at, rows, files.

    A file that was refused whole counts as a file, whatever rows it may hold.
    """
    names = ("source", "vehicle_id", "reason", "set_aside_at", "row_count", "file_count")
    schema = {name: INGEST_QUARANTINED.schema[name] for name in names}
    counted = (
        pl.DataFrame(entries, schema=schema, orient="row")
        .with_columns(set_aside_date=pl.col("set_aside_at").dt.date())
        .group_by("source", "vehicle_id", "reason", "set_aside_date")
        .agg(pl.col("set_aside_at").max(), pl.col("row_count").sum(), pl.col("file_count").sum())
    )
    return counted.select(INGEST_QUARANTINED.schema.names()).sort(INGEST_QUARANTINED.order)


def _usual_rates(spoken: pl.LazyFrame, rules: IngestRules) -> pl.LazyFrame:
    """Rows a second per vehicle and day, where it is steady enough to be called usual."""
    minute = pl.col("recorded_at").dt.truncate("1m")
    minutes = spoken.group_by("vehicle_id", "date", minute.alias("minute")).len("count").sort("vehicle_id", "minute")
    step = pl.col("minute").diff().over("vehicle_id", "date") == pl.duration(minutes=1)
    whole = minutes.with_columns(follows=step).filter(
        pl.col("follows") & pl.col("follows").shift(-1).over("vehicle_id", "date")
    )
    median, spread = pl.col("count").quantile(0.5, "nearest"), _spread(pl.col("count"))
    rates = whole.group_by("vehicle_id", "date").agg(
        (median / 60).alias("rate_per_s"), spread.alias("spread"), pl.len().alias("minutes")
    )
    is_known = (pl.col("minutes") >= rules.known_minutes) & (pl.col("spread") <= rules.rate_spread)
    return rates.filter(is_known).select("vehicle_id", "date", "rate_per_s")


def _spread(values: pl.Expr) -> pl.Expr:
    """(p90 - p10) / median."""
    low, median, high = (values.quantile(share, "nearest") for share in (0.1, 0.5, 0.9))
    return (high - low) / median
