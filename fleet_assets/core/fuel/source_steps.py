"""Steps of a whole source: many of its vehicles step at one time, by one factor; their levels are told differently.

Belongs here: finding when. Does not belong here: what it makes of events (`events`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.fuel.rules import FuelEventRules

_BUCKET = "10m"
_NARROW = pl.duration(minutes=30)


def source_steps(balance: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """Source, instant (`stepped_at`), `factor` (median of after over before) and the shares that say so.

    Of the vehicles that were heard shortly before and after an instant, a `source_share` and `source_vehicles` at least
    stepped there, all in one direction and by one factor. Fills at a depot at one hour have as many factors as
    vehicles.
    """
    after, before = (pl.coalesce(f"volume_{side}_l", f"level_{side}_pct") for side in ("after", "before"))
    narrow = balance.filter(pl.col("ended_at") - pl.col("started_at") <= _NARROW).select(
        "source", "vehicle_id", "started_at", "ended_at", "step", (after / before).alias("factor")
    )
    steps = narrow.filter(pl.col("step").is_not_null() & pl.col("factor").is_finite() & pl.col("source").is_not_null())
    instants = _crowded(steps, rules)
    if instants.is_empty():
        return instants
    touching = pl.col("started_at") <= pl.col("stepped_at"), pl.col("ended_at") >= pl.col("stepped_at")
    near = narrow.join(instants.select("source", "stepped_at"), on="source").filter(*touching)
    share = pl.col("step").is_not_null().sum() / pl.len()
    heard = near.group_by("source", "stepped_at").agg(
        share.alias("share"), pl.col("factor").filter(pl.col("step").is_not_null()).median().alias("factor"),
        pl.col("factor").filter(pl.col("step").is_not_null()).alias("factors"),
    )  # fmt: skip
    off = (pl.col("factors").list.eval(pl.element().log()) - pl.col("factor").log()).list.eval(pl.element().abs())
    spread = off.list.median()
    return heard.filter((pl.col("share") >= rules.source_share) & (spread <= rules.source_spread)).select(
        "source", "stepped_at", "share", "factor"
    )


def _crowded(steps: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """Instants at which steps of enough vehicles of a source lie within ten minutes of each other."""
    bucket = pl.col("ended_at").dt.truncate(_BUCKET)
    counted = steps.with_columns(bucket.alias("bucket")).group_by("source", "bucket").agg(
        pl.col("vehicle_id").n_unique().alias("count"), pl.col("ended_at").median().alias("stepped_at")
    )  # fmt: skip
    return counted.filter(pl.col("count") >= rules.source_vehicles).select("source", "stepped_at")
