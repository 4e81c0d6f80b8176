"""Fleet: whether other vehicles of the same source fell together with one.

Belongs here: simultaneity, and outages of the source. Does not belong here: one vehicle alone (`features`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts.theft import SUMS
from fleet_assets.core.arithmetic import quotient
from fleet_assets.core.theft.rules import FeatureRules
from fleet_assets.core.theft.sums import ONE


def with_fleet(candidates: pl.DataFrame, balance: pl.DataFrame, rules: FeatureRules) -> pl.DataFrame:
    """The candidates with simultaneous_share, is_in_outage and is_of_source.

    Levels count that were there before a candidate was final.
    """
    asked = _asked(candidates, rules)
    others = _meeting(asked, _told(balance, asked, rules), rules)
    counts = others.group_by(ONE).agg(pl.col("fell").sum(), pl.len().alias("heard"))
    share = quotient(*(pl.col(name).cast(pl.Float64) for name in ("fell", "heard")))
    shares = counts.select(ONE, share.alias("simultaneous_share"))
    return candidates.join(shares, on=ONE, how="left", maintain_order="left").with_columns(
        pl.col("in_outage").fill_null(value=False).alias("is_in_outage"),
        pl.col("is_of_source").fill_null(value=False),
    )


def _asked(candidates: pl.DataFrame, rules: FeatureRules) -> pl.DataFrame:
    """Candidates that have an end in time, with the instants around it."""
    reach = pl.duration(seconds=rules.together_s)
    chosen = candidates.filter(~pl.col("kind").is_in(SUMS) & pl.col("source").is_not_null())
    return chosen.select(
        ONE, "source", "vehicle_id", "closed_at", (pl.col("ended_at") - reach).alias("from_at"),
        (pl.col("ended_at") + reach).alias("to_at"),
    )  # fmt: skip


def _told(balance: pl.DataFrame, asked: pl.DataFrame, rules: FeatureRules) -> pl.DataFrame:
    """Levels of the time that is asked about, from when until when they stood (`began`, `ended`), and falls to them
    (`fell`), which have no length, from levels near enough in time to say when it was."""
    near = balance.filter(
        pl.col("source").is_not_null(), pl.col("ended_at") <= pl.lit(asked["to_at"]).max(),
        pl.col("after_ended_at") >= pl.lit(asked["from_at"]).min(),
    )  # fmt: skip
    is_close = pl.col("ended_at") - pl.col("started_at") <= pl.duration(seconds=rules.together_s)
    off = pl.coalesce("unexplained_pct", "unexplained_l")
    sd = pl.coalesce("unexplained_sd_pct", "unexplained_sd_l")
    vehicle, began = pl.col("vehicle_id").alias("other_id"), pl.col("ended_at").alias("began")
    levels = near.select("source", vehicle, began, pl.col("after_ended_at").alias("ended"), fell=pl.lit(value=False))
    falls = near.filter(is_close & (off <= -rules.together_sigma * sd))
    return pl.concat([levels, falls.select("source", vehicle, began, pl.col("ended_at").alias("ended"), fell=True)])


def _meeting(asked: pl.DataFrame, told: pl.DataFrame, rules: FeatureRules) -> pl.DataFrame:
    """Per candidate each other vehicle that was heard around its end, and whether it fell; by buckets of time, so that
    a candidate does not meet every level of its source."""
    wanted = _in_buckets(asked, "from_at", "to_at", rules)
    known = _in_buckets(told, "began", "ended", rules).join(wanted, on=["source", "bucket"], how="semi")
    met = wanted.join(known, on=["source", "bucket"]).filter(
        pl.col("other_id") != pl.col("vehicle_id"), pl.col("began") <= pl.min_horizontal("to_at", "closed_at"),
        pl.col("ended") >= pl.col("from_at"),
    )  # fmt: skip
    return met.group_by(ONE, "other_id").agg(pl.col("fell").any())


def _in_buckets(spans: pl.DataFrame, first: str, last: str, rules: FeatureRules) -> pl.DataFrame:
    """A row per span and bucket of time that it reaches into."""
    number = [pl.col(name).dt.epoch("us") // round(rules.together_s * 1e6) for name in (first, last)]
    return spans.with_columns(pl.int_ranges(number[0], number[1] + 1).alias("bucket")).explode("bucket")
