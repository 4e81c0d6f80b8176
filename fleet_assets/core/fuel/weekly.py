"""Slow losses: what stays of a week, or of two, lose together, where none of them loses enough to be seen.

Belongs here: sums over weeks. Does not belong here: single stays (`stays`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from fleet_assets.contracts.schema import TIMESTAMP
from fleet_assets.core.arithmetic import sum_in_order
from fleet_assets.core.fuel.learnt import MAD_SD
from fleet_assets.core.fuel.rules import FuelEventRules

WEEK = timedelta(days=7)
USUAL = 2 * WEEK
"""Before a week: the time whose stays, with its own, say what is usual."""

_A_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
"""The first pair of weeks begins with it."""


def weekly_losses(stays: pl.DataFrame, until: datetime, rules: FuelEventRules) -> pl.DataFrame:
    """Losses of the week that ends at `until` (Monday 00:00 UTC); and where it is the second one of a pair, of both
    where neither loses enough by itself: one row per vehicle that loses more than noise and heat do. A week is of one
    pair, so that nothing counts twice.

    `stays` have vehicle_id, started_at, ended_at, closed_at, change, sd (units), scale (units a point), in_litres, and
    happened (1 where an event was found in them: they do not count). A stay counts in the week in which its level was
    confirmed. What a week is compared with begins `USUAL` before it, so that every later build finds the same of it.
    """
    quiet = stays.filter(pl.col("happened") == 0)
    if (until - _A_MONDAY) // WEEK % 2:
        return _closed(_lost(quiet, until - WEEK, until, rules), until)
    last, before = (_lost(quiet, at - WEEK, at, rules) for at in (until, until - WEEK))
    seen = pl.concat([last["vehicle_id"], before["vehicle_id"]])
    both = _lost(quiet.filter(~pl.col("vehicle_id").is_in(seen.implode())), until - 2 * WEEK, until, rules)
    return _closed(pl.concat([last, both]), until)


def _closed(losses: pl.DataFrame, until: datetime) -> pl.DataFrame:
    return losses.with_columns(pl.lit(until, TIMESTAMP).alias("closed_at"))


def _lost(quiet: pl.DataFrame, begin: datetime, until: datetime, rules: FuelEventRules) -> pl.DataFrame:
    """What stays confirmed from `begin` until `until` lost, per vehicle, where that is more than chance and heat."""
    at = pl.col("closed_at")
    stays = _with_usual(quiet.filter((at >= pl.lit(until - WEEK - USUAL)) & (at < pl.lit(until))), rules)
    weeks = stays.filter(at >= pl.lit(begin)).group_by("vehicle_id", maintain_order=True).agg(
        sum_in_order(pl.col("change")), sum_in_order(pl.col("sd") ** 2).sqrt().alias("chance"),
        pl.len().alias("count"), sum_in_order(pl.col("heat")), pl.col("in_litres").first(),
        pl.col("started_at").min(), pl.col("ended_at").max(), pl.col("scale").median(),
    )  # fmt: skip
    least = pl.when("in_litres").then(rules.min_slow_loss_l).otherwise(rules.min_slow_loss_pct)
    return weeks.filter(
        -pl.col("change") >= pl.max_horizontal(least, rules.slow_sigma * pl.col("chance")) + pl.col("heat")
    )


def _with_usual(stays: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """The stays with their `heat` and `sd`: what stays of the vehicle that last as long usually lose, up to what
    cooling can do, and how they scatter around it."""
    kind = ("vehicle_id", "is_rest")
    known = stays.with_columns(
        ((pl.col("ended_at") - pl.col("started_at")) >= pl.duration(seconds=rules.rest_s)).alias("is_rest")
    )
    usual = pl.col("change").median().over(kind)
    scatter = MAD_SD * (pl.col("change") - usual).abs().median().over(kind)
    is_known = pl.len().over(kind) >= rules.usual_stays
    most = rules.nightly_pct * pl.col("scale")
    return known.with_columns(
        pl.when(is_known).then((-usual).clip(0.0, most)).otherwise(most).alias("heat"),
        pl.max_horizontal(scatter, pl.when(is_known).then(0.25 * pl.col("sd")).otherwise("sd")).alias("sd"),
    )
