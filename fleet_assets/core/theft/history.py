"""History: how a vehicle's sender behaved in the days before a fall, and never after.

Belongs here: noise, bias, faults and earlier falls. Does not belong here: the fall itself (`features`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.arithmetic import quotient
from fleet_assets.core.theft.rules import FeatureRules
from fleet_assets.core.theft.sums import Timeline


def with_history(
    candidates: pl.DataFrame, balance: pl.DataFrame, falls: pl.DataFrame, stays: pl.DataFrame, rules: FeatureRules
) -> pl.DataFrame:
    """The candidates with noise_pct, noise_ratio, bias_share, fault_count, returned_per_stay and falls_per_stay.

    Only rows that were complete by the start of a candidate count: pairs whose later level was over, falls and stays
    that were final.
    """
    start = pl.col("started_at")
    begin = start - pl.duration(days=rules.history_days)
    pairs = Timeline(
        _pairs(balance, rules), "after_ended_at", ("squares", "ratios", "pairs", "off", "burned", "faults")
    )
    is_returned = pl.col("kind") == "returned"
    told = falls.select(
        "vehicle_id", "closed_at", is_returned.cast(pl.Float64).alias("returned"),
        (~is_returned).cast(pl.Float64).alias("falls"),
    )  # fmt: skip
    of_pairs = pairs.sums(candidates, begin, start)
    of_falls = Timeline(told, "closed_at", ("returned", "falls")).sums(candidates, begin, start)
    rested = stays.select("vehicle_id", "closed_at", pl.lit(1.0).alias("stays"))
    of_stays = Timeline(rested, "closed_at", ("stays",)).sums(candidates, begin, start)
    sums = pl.concat([of_pairs, of_falls, of_stays], how="horizontal")
    return pl.concat([candidates, sums.select(_features())], how="horizontal")


def _pairs(balance: pl.DataFrame, rules: FeatureRules) -> pl.DataFrame:
    """Per pair of neighbouring levels: the square of what burning did not explain, in points and in deviations."""
    by_litres = pl.col("litres_per_pct")
    off = pl.coalesce("unexplained_pct", quotient(pl.col("unexplained_l"), by_litres))
    sd = pl.coalesce("unexplained_sd_pct", quotient(pl.col("unexplained_sd_l"), by_litres))
    burned = pl.coalesce("burned_pct", quotient(pl.col("burned_l"), by_litres))
    sigmas = quotient(off, sd).clip(-rules.most_sigmas, rules.most_sigmas).fill_nan(0.0)
    is_quiet = pl.col("step").is_null()
    return balance.select(
        "vehicle_id", "after_ended_at", ((sigmas * sd) ** 2).alias("squares"), (sigmas**2).alias("ratios"),
        pl.lit(1.0).alias("pairs"), pl.when(is_quiet).then(off).alias("off"),
        pl.when(is_quiet).then(burned).alias("burned"), (pl.col("skipped_count") > 0).cast(pl.Float64).alias("faults"),
    )  # fmt: skip


def _features() -> list[pl.Expr]:
    def over(sums: str, count: str) -> pl.Expr:
        return pl.when(pl.col(count) > 0).then(quotient(pl.col(sums), pl.col(count)))

    is_burned = pl.col("burned") > _LEAST_BURNED_PCT
    return [
        over("squares", "pairs").clip(0.0).sqrt().alias("noise_pct"),
        over("ratios", "pairs").clip(0.0).sqrt().alias("noise_ratio"),
        pl.when(is_burned).then(quotient(pl.col("off"), pl.col("burned"))).alias("bias_share"),
        pl.col("faults").cast(pl.Int64).alias("fault_count"),
        over("returned", "stays").alias("returned_per_stay"), over("falls", "stays").alias("falls_per_stay"),
    ]  # fmt: skip


_LEAST_BURNED_PCT = 20.0
"""Points of a tank that have to be burned before a bias of it says something."""
