"""Steps of a whole source: many of its vehicles step at one time, by one factor; their levels are told differently.

Belongs here: finding when. Does not belong here: what it makes of events (`events`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.fuel.rules import FuelEventRules

_BUCKET, _OFFSET = "20m", "10m"
_NARROW, NEAR = pl.duration(minutes=30), pl.duration(minutes=10)
_HOUR = pl.col("hour").dt.truncate("1h")


def source_steps(balance: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """Source, instant (`stepped_at`), `factor` (median of after over before) and the `share` of vehicles that says so.

    Of the vehicles that were heard shortly before and after an instant, a `source_share` and `source_vehicles` at least
    stepped there, and by one factor. Fills at a depot at one hour have as many factors as vehicles, unless all of them
    were nearly empty: rises that end at one level, from levels further apart, are fills.
    """
    is_heard = pl.col("source").is_not_null() & (pl.col("ended_at") - pl.col("started_at") <= _NARROW)
    narrow = balance.filter(is_heard).select(
        "source", "vehicle_id", "started_at", "ended_at", "step",
        pl.coalesce("volume_before_l", "level_before_pct").alias("before"),
        pl.coalesce("volume_after_l", "level_after_pct").alias("after"),
    )  # fmt: skip
    instants = _crowded(narrow.filter(pl.col("step").is_not_null()))
    # By the hour in which a pair begins, so that not every pair meets every instant.
    hours = [
        instants.with_columns((pl.col("stepped_at") + away).alias("hour")).with_columns(_HOUR)
        for away in (-_NARROW - NEAR, NEAR)
    ]
    paired = narrow.with_columns(pl.col("started_at").alias("hour")).with_columns(_HOUR)
    near = paired.join(pl.concat(hours).unique(), on=["source", "hour"]).filter(
        pl.col("started_at") <= pl.col("stepped_at") + NEAR, pl.col("ended_at") >= pl.col("stepped_at") - NEAR
    )
    by = ("source", "stepped_at", "vehicle_id")
    vehicles = near.sort("ended_at", "vehicle_id").group_by(by, maintain_order=True).agg(
        (pl.col("after").last() / pl.col("before").first()).log().alias("log_factor"),
        pl.col("step").is_not_null().any().alias("is_stepped"), pl.col("before").first().log().alias("log_before"),
        pl.col("after").last().log().alias("log_after"),
    )  # fmt: skip
    stepped = pl.col("log_factor").filter(pl.col("is_stepped") & pl.col("log_factor").is_finite()).median()
    told = vehicles.with_columns(stepped.over("source", "stepped_at").alias("usual"))
    # Noise hides a small step of single vehicles: what counts is whether they are nearer to it than to none.
    off = (pl.col("log_factor") - pl.col("usual")).abs()
    found = told.group_by("source", "stepped_at", maintain_order=True).agg(
        (off < pl.col("log_factor").abs()).mean().alias("share"), pl.col("usual").first().exp().alias("factor"),
        off.filter("is_stepped").median().alias("spread"), pl.col("is_stepped").sum().alias("count"),
        pl.col("log_before", "log_after").filter("is_stepped").std(),
    )  # fmt: skip
    is_level = pl.col("log_after") < rules.source_filled * pl.col("log_before")
    is_filled = ((pl.col("factor") > 1) & is_level).fill_null(value=False)
    is_one = (pl.col("share") >= rules.source_share) & (pl.col("count") >= rules.source_vehicles) & ~is_filled
    is_tight = pl.col("spread") <= pl.min_horizontal(rules.source_spread, 0.5 * pl.col("factor").log().abs())
    return found.filter(is_one & is_tight).select("source", "stepped_at", "share", "factor")


def _crowded(steps: pl.DataFrame) -> pl.DataFrame:
    """Instants around which two vehicles of a source step within twenty minutes of each other, or more."""
    buckets = [
        steps.with_columns(pl.col("ended_at").dt.offset_by(offset).dt.truncate(_BUCKET).alias("bucket"))
        .group_by("source", "bucket")
        .agg(pl.col("vehicle_id").n_unique().alias("count"), pl.col("ended_at").median().alias("stepped_at"))
        for offset in ("0m", _OFFSET)
    ]
    crowded = pl.concat(buckets).filter(pl.col("count") >= 2)
    return crowded.select("source", "stepped_at").unique()
