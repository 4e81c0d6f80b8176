"""What a vehicle's past says of its sender and of its consumption; never what comes later.

Belongs here: noise and consumption learnt from pairs of plateaus of the days before. Does not belong here: what a pair
of today means (`balance`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.core.arithmetic import sum_in_order

MAD_SD = 1.4826
"""Standard deviation over median absolute deviation, of normal noise."""


@dataclass(frozen=True)
class LearntRules:
    """What is taken of the past, and what stands in where there is none."""

    days: int = 14
    """Days before that say what is usual."""
    least_pairs: int = 12
    """Pairs from which their scatter is known."""
    least_km: float = 100.0
    """km from which a consumption is known: a tenth of a tank."""
    consumption_pct_per_km: float = 0.125
    """Points a km while nothing is known: a tank lasts 800 km, between 400 (town car, van) and 1,600 (long haul)."""
    unknown_spread: float = 0.6
    """Relative standard deviation of that."""
    least_spread: float = 0.15
    """Relative standard deviation of a consumption at least: load, wind and hills from one drive to the next."""
    idle_km_per_h: float = 10.0
    """km of driving that burn what an hour of idling does: 3 of 30 l for lorries, 0.8 of 8 l for cars (Argonne: 0.8
    and 0.2 to 0.4 US gal/h)."""
    driving_sd_pct: float = 1.5
    """Points of a level while driving, until it is known."""
    few_sd_pct: float = 4.0
    """The same of one or two readings: a car's single reading in a bend is off by up to 25 points."""
    tilt_sd_pct: float = 1.0
    """Points between a level standing and driving until it is known: slope of the ground."""
    standing_sd_pct: float = 0.8
    """Points of a level standing until its scatter within stays is known: two steps of J1939."""
    rated_km: float = 30.0
    """km of a day from which its consumption says something of the others'."""
    least_stay: int = 3
    """Levels of a stay from which their scatter says something."""
    far_pct: float = 6.0
    """Points beyond what was burned from which a pair is no example of usual noise or burning."""


def learnt(pairs: pl.DataFrame, rules: LearntRules) -> pl.DataFrame:
    """One row per vehicle of pairs of past days: `usual_per_km` (units of `x` a km, idling included by its km),
    `usual_spread` (relative), `driving_sd`, `standing_sd`, `tilt_sd` (points), `driving_count` and `standing_count`
    (readings of a level); null where too little is known.

    `pairs` have `x_change` (units), `pair_scale` (units a point), `effective_km`, `driven_km` (null where none tells),
    `is_moving_before`, `is_moving_after`, `is_moved`, in order of vehicle and time.
    """
    prior = rules.consumption_pct_per_km * pl.col("pair_scale") * pl.col("effective_km")
    off = pl.col("x_change") + prior
    allowed = rules.far_pct * pl.col("pair_scale") + prior
    usual = pairs.filter(off.abs() <= allowed)
    # Where nothing tells of a way, a fall says nothing of a kilometre.
    burned = _consumption(usual.filter(pl.col("driven_km").is_not_null()), rules)
    per_km = pl.coalesce("usual_per_km", rules.consumption_pct_per_km * pl.col("pair_scale"))
    noise = usual.join(burned, on="vehicle_id", how="left", maintain_order="left").with_columns(
        ((pl.col("x_change") + per_km * pl.col("effective_km")) / pl.col("pair_scale")).abs().alias("off")
    )
    found = _noise(noise, rules).join(_rest(pairs, rules), on="vehicle_id", how="left")
    return found.join(burned, on="vehicle_id", how="left")


def _consumption(usual: pl.DataFrame, rules: LearntRules) -> pl.DataFrame:
    """Ratio of sums over the days, and how far single days are from it."""
    fall, km = -sum_in_order(pl.col("x_change")), sum_in_order(pl.col("effective_km"))
    days = usual.group_by("vehicle_id", pl.col("ended_at").dt.date().alias("day"), maintain_order=True).agg(
        fall.alias("fall"), km.alias("km")
    )
    total_fall, total_km = (sum_in_order(pl.col(name)).over("vehicle_id") for name in ("fall", "km"))
    total = total_fall / total_km
    # Weighted by way: noise of the level is a larger part of a short day.
    off = (
        ((pl.col("fall") / pl.col("km") - pl.col("ratio")) / pl.col("ratio"))
        .abs()
        .filter(pl.col("km") >= rules.rated_km)
    )
    rated = days.with_columns(total.alias("ratio")).group_by("vehicle_id", maintain_order=True).agg(
        pl.col("ratio").first(), sum_in_order(pl.col("km")), (MAD_SD * off.median()).alias("usual_spread")
    )  # fmt: skip
    return rated.filter((pl.col("km") >= rules.least_km) & (pl.col("ratio") > 0)).select(
        "vehicle_id", pl.col("ratio").alias("usual_per_km"),
        pl.col("usual_spread").fill_null(rules.unknown_spread).clip(rules.least_spread, 1.0),
    )  # fmt: skip


def _noise(pairs: pl.DataFrame, rules: LearntRules) -> pl.DataFrame:
    drives = pl.col("is_moving_before") & pl.col("is_moving_after")
    meets = pl.col("is_moving_before") != pl.col("is_moving_after")
    scatter = {}
    for name, which in (("driving", drives), ("meeting", meets)):
        of_kind = pl.col("off").filter(which.fill_null(value=False))
        scatter[name] = pl.when(of_kind.len() >= rules.least_pairs).then(MAD_SD * of_kind.median()).alias(name)
    counts = [
        pl.col("sample_count").filter((pl.col("is_moving_after") == moving).fill_null(value=False)).median().alias(name)
        for name, moving in (("driving_count", True), ("standing_count", False))
    ]
    found = pairs.group_by("vehicle_id").agg(*scatter.values(), *counts)
    driving = pl.col("driving") / 2**0.5
    tilt = (pl.col("meeting") ** 2 - pl.coalesce(driving, 0.0) ** 2).clip(0).sqrt()
    return found.select(
        "vehicle_id", driving.alias("driving_sd"), tilt.alias("tilt_sd"), "driving_count", "standing_count"
    )


def _rest(pairs: pl.DataFrame, rules: LearntRules) -> pl.DataFrame:
    """How far levels of one stay are from their median: what a sender does by itself over minutes and hours."""
    is_same = ~pl.col("is_moving_after") & ~pl.col("is_moving_before") & ~pl.col("is_moved")
    stay = (~is_same.fill_null(value=False)).cum_sum().over("vehicle_id").alias("stay")
    rest = pairs.with_columns(stay).filter(~pl.col("is_moving_after"))
    off = ((pl.col("x") - pl.col("x").median().over("vehicle_id", "stay")) / pl.col("pair_scale")).abs()
    # A stay of a single level says nothing.
    known = rest.with_columns(off.alias("off"), pl.len().over("vehicle_id", "stay").alias("count")).filter(
        (pl.col("count") >= rules.least_stay) & (pl.col("off") <= rules.far_pct)
    )
    enough = pl.len() >= rules.least_pairs
    return known.group_by("vehicle_id").agg(pl.when(enough).then(MAD_SD * pl.col("off").median()).alias("standing_sd"))
