"""Slow losses: what stays of a week lose together, where none of them loses enough to be seen.

Belongs here: sums over weeks. Does not belong here: single stays (`stays`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fleet_assets.core.fuel.rules import FuelEventRules

WEEK = timedelta(days=7)


def weekly_losses(stays: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """Losses of weeks from Monday to Sunday UTC: one row per vehicle and week that loses more than noise and heat do.

    `stays` have vehicle_id, started_at, ended_at, closed_at, change, sd (units), scale (units a point), in_litres, and
    happened (1 where an event was found in them: they do not count). A stay counts in the week in which its level was
    confirmed. The scatter of a vehicle's own stays over the look-back says how much chance there is in a sum.
    """
    scatter = 1.4826 * (pl.col("change") - pl.col("change").median().over("vehicle_id")).abs().median().over(
        "vehicle_id"
    )
    quiet = stays.filter(pl.col("happened") == 0).with_columns(
        pl.col("closed_at").dt.truncate("1w").alias("week"), pl.max_horizontal(scatter, "sd").alias("sd")
    )
    weeks = quiet.group_by("vehicle_id", "week").agg(
        pl.col("change").sum(), (pl.col("sd") ** 2).sum().sqrt().alias("chance"), pl.len().alias("count"),
        (rules.nightly_pct * pl.col("scale")).sum().alias("heat"), pl.col("in_litres").first(),
        pl.col("started_at").min(), pl.col("ended_at").max(), pl.col("scale").median(),
    )  # fmt: skip
    least = pl.when("in_litres").then(rules.min_slow_loss_l).otherwise(rules.min_slow_loss_pct)
    allowed = pl.max_horizontal(least, rules.slow_sigma * pl.col("chance")) + pl.col("heat")
    return weeks.filter(-pl.col("change") >= allowed).with_columns((pl.col("week") + WEEK).alias("closed_at"))
