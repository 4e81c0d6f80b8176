"""Fuel burned over spans of time by the level of the tank, with its standard deviation.

Belongs here: the difference of levels before and after a span, less what came in or went. Does not belong here: fuel by
counter or rate (`core.fuel_use`), and what of both is believed (`core.trips`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import polars as pl


@dataclass(frozen=True)
class BurnedRules:
    """Which plateaus bound a span."""

    reach_h: float = 12.0
    """h before and after a span within which a plateau bounds it: a night."""


def burned_by_level(balance: pl.DataFrame, spans: pl.DataFrame, rules: BurnedRules | None = None) -> pl.DataFrame:
    """Per row of `spans` (vehicle_id, started_at, ended_at; other columns stay) `burned_l` and `burned_sd_l`: null
    where no level bounds it, or no tank is known.

    Litres of the plateau before the start less those of the one after the end, plus what steps in between brought
    (refuels, thefts: their unexplained part is no burning), so nothing is counted but what was burned; small and
    negative differences count as they are, so that a sum over spans has no bias. What was burned between the
    plateaus' middles and the span is taken off, as the balance tells it. The deviation is that of both levels;
    where a step lies in between, also of what was burned in it.
    """
    chosen = rules or BurnedRules()
    points, numbered = _cumulated(balance), spans.with_row_index("number")
    first = _bound(points, numbered, "started_at", "backward", chosen).select("number", pl.all().name.prefix("first_"))
    last = _bound(points, numbered, "ended_at", "forward", chosen).select("number", pl.all().name.prefix("last_"))
    both = numbered.join(first.drop("first_number"), on="number", how="left").join(
        last.drop("last_number"), on="number", how="left"
    )
    is_one = pl.col("first_chain") == pl.col("last_chain")
    fall = pl.col("first_level") - pl.col("last_level")
    outside = pl.col("first_outside") + pl.col("last_outside")
    variance = pl.col("first_sd") ** 2 + pl.col("last_sd") ** 2 + (pl.col("last_step_sd") - pl.col("first_step_sd"))
    return both.sort("number").with_columns(
        pl.when(is_one).then(fall - outside).alias("burned_l"),
        pl.when(is_one).then(variance.clip(0).sqrt()).alias("burned_sd_l"),
    ).select(*spans.columns, "burned_l", "burned_sd_l")  # fmt: skip


def _bound(
    points: pl.DataFrame, spans: pl.DataFrame, instant: str, side: Literal["backward", "forward"], rules: BurnedRules
) -> pl.DataFrame:  # fmt: skip
    """The plateau that bounds one end of each span, and what was burned between its middle and the span (`outside`)."""
    wanted = spans.select("number", "vehicle_id", pl.col(instant).alias("at")).sort("at")
    given = points.with_columns(pl.col("at").alias("point_at")).sort("at")
    near = wanted.join_asof(
        given, on="at", by="vehicle_id", strategy=side, tolerance=timedelta(hours=rules.reach_h), check_sortedness=False
    )
    other: Literal["backward", "forward"] = "forward" if side == "backward" else "backward"
    beyond = wanted.join_asof(
        given.select("vehicle_id", "at", pl.col("point_at").alias("other_at"), pl.col("burned").alias("burned_other")),
        on="at", by="vehicle_id", strategy=other, check_sortedness=False,
    )  # fmt: skip
    joined = near.join(beyond.select("number", "other_at", "burned_other"), on="number", how="left")
    length = (pl.col("other_at") - pl.col("point_at")).dt.total_microseconds()
    part = (pl.col("at") - pl.col("point_at")).dt.total_microseconds() / length
    burned = (pl.col("burned_other") - pl.col("burned")).abs()
    outside = pl.when(length != 0).then(part * burned).otherwise(0.0).fill_null(0.0)
    return joined.select("number", "chain", "level", "sd", "step_sd", outside.alias("outside"))


def _cumulated(balance: pl.DataFrame) -> pl.DataFrame:
    """Per plateau: instant of its middle, litres with every step before it taken out, its variance and those of the
    steps, and what was burned since the first one; `chain` numbers unbroken series."""
    rows = balance.filter(pl.col("unexplained_l").is_not_null()).sort("vehicle_id", "ended_at")
    is_new = (pl.col("before_started_at") != pl.col("ended_at").shift(1)) | (
        pl.col("vehicle_id") != pl.col("vehicle_id").shift(1)
    )
    chained = rows.with_columns(is_new.fill_null(value=True).cum_sum().alias("chain"))
    is_step = pl.col("step").is_not_null()
    middle = (pl.col("ended_at").dt.epoch("us") + pl.col("after_ended_at").dt.epoch("us")) // 2
    early = (pl.col("before_started_at").dt.epoch("us") + pl.col("started_at").dt.epoch("us")) // 2
    came = pl.when(is_step).then("unexplained_l").otherwise(0.0).cum_sum().over("chain")
    doubt = pl.when(is_step).then(pl.col("burned_sd_l") ** 2).otherwise(0.0).cum_sum().over("chain")
    later = chained.select(
        "vehicle_id", "chain", middle.alias("at"), (pl.col("volume_after_l") - came).alias("level"),
        pl.col("volume_after_sd_l").alias("sd"), doubt.alias("step_sd"),
        pl.col("burned_l").cum_sum().over("chain").alias("burned"),
    )  # fmt: skip
    heads = chained.group_by("chain", maintain_order=True).first().select(
        "vehicle_id", "chain", early.alias("at"), pl.col("volume_before_l").alias("level"),
        pl.col("volume_before_sd_l").alias("sd"), pl.lit(0.0).alias("step_sd"), pl.lit(0.0).alias("burned"),
    )  # fmt: skip
    points = pl.concat([heads, later.select(heads.columns)])
    return points.with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))
