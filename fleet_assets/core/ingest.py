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
    behind_s: float = 900.0
    """Lag above which a clock may be behind [s]: as for clocks that are ahead (`core.clocks`)."""
    constant_s: float = 300.0
    """Spread (p95 - p05) up to which a lag is constant [s]; networks delay by seconds, buffers by minutes."""
    constant_minutes: int = 20
    """Minutes of rows that a constant lag needs."""


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
    days = ["vehicle_id", "date"]
    known = counted.join(_clocks_behind(spoken.with_columns(lag_s=lag), rules), on=days, how="left")
    expected = known.join(_usual_rates(spoken, rules), on=days, how="left").with_columns(
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


def _clocks_behind(spoken: pl.LazyFrame, rules: IngestRules) -> pl.LazyFrame:
    """`clock_behind_s` per vehicle and day on which the lag of every minute was the same, but for delays.

    An upload of eight minutes or more at once cannot look so: its rows arrive together, so that the lag falls by a
    minute each minute, and five minutes of lag (`constant_s`) hold at most six of its minutes, three quarters, where
    nine tenths of a day's minutes are asked for. Each minute counts once, by the row that came fastest: a thousand
    rows of one minute say no more about a clock than one.
    """
    minute = pl.col("recorded_at").dt.truncate("1m").alias("minute")
    fastest = spoken.group_by("vehicle_id", "date", minute).agg(pl.col("lag_s").min())
    low, high = (pl.col("lag_s").quantile(share, "nearest") for share in (0.05, 0.95))
    lags = fastest.group_by("vehicle_id", "date").agg(
        low.alias("clock_behind_s"), (high - low).alias("spread_s"), pl.len().alias("minutes")
    )
    is_constant = (pl.col("minutes") >= rules.constant_minutes) & (pl.col("spread_s") <= rules.constant_s)
    is_behind = is_constant & (pl.col("clock_behind_s") > rules.behind_s)
    return lags.filter(is_behind).select("vehicle_id", "date", "clock_behind_s")


def _spread(values: pl.Expr) -> pl.Expr:
    """(p90 - p10) / median."""
    low, median, high = (values.quantile(share, "nearest") for share in (0.1, 0.5, 0.9))
    return (high - low) / median
