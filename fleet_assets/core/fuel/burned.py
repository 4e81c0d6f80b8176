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
    mixed: float = 2.5
    """Standard deviation of a level over the vehicle's usual one from which something went on in it."""
    beside_sigma: float = 1.5
    """Standard deviations from which a pair beside a step is a part of it."""


Side = Literal["backward", "forward"]
SIDES: tuple[Side, Side] = ("backward", "forward")


def burned_by_level(balance: pl.DataFrame, spans: pl.DataFrame, rules: BurnedRules | None = None) -> pl.DataFrame:
    """Per row of `spans` (vehicle_id, started_at, ended_at; other columns stay) `burned_l` and `burned_sd_l`: null
    where no level bounds it, or no tank is known.

    Litres of the plateau before the start less those of the one after the end, plus what steps in between brought
    (refuels, thefts: their unexplained part is no burning), so nothing is counted but what was burned; small and
    negative differences count as they are, so that a sum over spans has no bias. What was burned between the middles
    of these plateaus and the span is taken off, as the balance tells it. The deviation is that of both levels;
    where a step lies in between, also of what was burned in it.
    """
    chosen = rules or BurnedRules()
    pairs = _sharp(balance.filter(pl.col("unexplained_l").is_not_null()), chosen)
    points, knots = _points(pairs), _knots(pairs)
    numbered = spans.with_row_index("number")
    first = _bound(points, knots, numbered, "started_at", "backward", chosen)
    last = _bound(points, knots, numbered, "ended_at", "forward", chosen)
    both = numbered.join(first.rename({name: f"first_{name}" for name in _BOUND}), on="number", how="left").join(
        last.rename({name: f"last_{name}" for name in _BOUND}), on="number", how="left"
    )
    fall = pl.col("first_level") - pl.col("last_level")
    outside = (pl.col("first_here") - pl.col("first_burned")) + (pl.col("last_burned") - pl.col("last_here"))
    variance = pl.col("first_sd") ** 2 + pl.col("last_sd") ** 2 + (pl.col("last_step_sd") - pl.col("first_step_sd"))
    is_one = pl.col("first_chain") == pl.col("last_chain")
    return both.sort("number").with_columns(
        pl.when(is_one).then(fall - outside).alias("burned_l"),
        pl.when(is_one).then(variance.clip(0).sqrt()).alias("burned_sd_l"),
    ).select(*spans.columns, "burned_l", "burned_sd_l")  # fmt: skip


_BOUND = ("chain", "level", "sd", "step_sd", "burned", "here")


def _sharp(balance: pl.DataFrame, rules: BurnedRules) -> pl.DataFrame:
    """The pairs in order, numbered by unbroken `chain`; those on both sides of a plateau that is far less sure than the
    vehicle's others (a fill goes on in it) are one pair."""
    rows = balance.sort("vehicle_id", "ended_at")
    is_other = pl.col("vehicle_id") != pl.col("vehicle_id").shift(1)
    is_new = (is_other | (pl.col("before_started_at") != pl.col("ended_at").shift(1))).fill_null(value=True)
    usual = pl.col("volume_after_sd_l").median().over("vehicle_id")
    is_mixed = pl.col("volume_after_sd_l") > rules.mixed * usual
    chained = rows.with_columns(is_new.cum_sum().alias("chain"), is_mixed.alias("is_mixed"))
    is_joined = pl.col("is_mixed").shift(1).over("chain").fill_null(value=False)
    grouped = chained.with_columns((~is_joined).cum_sum().alias("pair"))
    first = ("vehicle_id", "chain", "before_started_at", "started_at", "is_moving_before", "volume_before_l",
             "volume_before_sd_l")  # fmt: skip
    last = ("ended_at", "after_ended_at", "is_moving_after", "volume_after_l", "volume_after_sd_l")
    sums = grouped.group_by("pair", maintain_order=True).agg(
        pl.col(first).first(), pl.col(last).last(), pl.col("burned_l", "unexplained_l").sum(),
        pl.col("burned_sd_l").pow(2).sum().sqrt(), pl.col("step").is_not_null().any().alias("is_step"),
    )  # fmt: skip
    noise = (pl.col("volume_before_sd_l") ** 2 + pl.col("volume_after_sd_l") ** 2 + pl.col("burned_sd_l") ** 2).sqrt()
    sigmas = pl.col("unexplained_l") / noise
    marked = sums.with_columns(
        pl.when("is_step").then(sigmas.clip(-1, 1).round()).fill_null(0.0).alias("way"), sigmas.alias("sigmas")
    )
    # What comes right before or after a step in its direction is a part of it.
    beside = [pl.col("way").shift(by).over("chain").fill_null(0.0) for by in (1, -1)]
    is_part = pl.any_horizontal(pl.col("sigmas") * way > rules.beside_sigma for way in beside)
    return marked.with_columns((pl.col("is_step") | is_part).alias("is_step"))


def _points(pairs: pl.DataFrame) -> pl.DataFrame:
    """Per plateau: instant of its middle, litres with every step before it taken out, its deviation, the variance that
    steps add, and what was burned since the chain began."""
    of_step = pl.col("is_step")
    came = pl.when(of_step).then("unexplained_l").otherwise(0.0).cum_sum().over("chain")
    doubt = pl.when(of_step).then(pl.col("burned_sd_l") ** 2).otherwise(0.0).cum_sum().over("chain")
    later = pairs.select(
        "vehicle_id", "chain", _middle("ended_at", "after_ended_at").alias("at"),
        (pl.col("volume_after_l") - came).alias("level"), pl.col("volume_after_sd_l").alias("sd"),
        doubt.alias("step_sd"), pl.col("burned_l").cum_sum().over("chain").alias("burned"),
    )  # fmt: skip
    heads = pairs.group_by("chain", maintain_order=True).first().select(
        "vehicle_id", "chain", _middle("before_started_at", "started_at").alias("at"),
        pl.col("volume_before_l").alias("level"), pl.col("volume_before_sd_l").alias("sd"),
        pl.lit(0.0).alias("step_sd"), pl.lit(0.0).alias("burned"),
    )  # fmt: skip
    return pl.concat([heads, later.select(heads.columns)]).sort("at")


def _knots(pairs: pl.DataFrame) -> pl.DataFrame:
    """What was burned (`here`) since the chain began, at the middle and the edges of every plateau: in a pair it was
    burned evenly while it drove; between two of driving, or of standing, in the time between them as well."""
    before = _seconds(_middle("before_started_at", "started_at"), pl.col("started_at"))
    after = _seconds(pl.col("ended_at"), _middle("ended_at", "after_ended_at"))
    stands = ~(pl.col("is_moving_before").fill_null(value=False) | pl.col("is_moving_after").fill_null(value=False))
    is_edge = (pl.col("is_moving_before") != pl.col("is_moving_after")).fill_null(value=False)
    parts = (
        pl.when(pl.col("is_moving_before") | stands).then(before).otherwise(0.0).fill_null(before),
        pl.when(is_edge).then(0.0).otherwise(_seconds(pl.col("started_at"), pl.col("ended_at"))),
        pl.when(pl.col("is_moving_after") | stands).then(after).otherwise(0.0).fill_null(after),
    )
    total = parts[0] + parts[1] + parts[2]
    until = pl.col("burned_l").cum_sum().over("chain")
    since, each = until - pl.col("burned_l"), pl.col("burned_l") / pl.when(total > 0).then(total)
    of_pair = (
        (_middle("before_started_at", "started_at"), since),
        (pl.col("started_at"), since + (each * parts[0]).fill_null(0.0)),
        (pl.col("ended_at"), until - (each * parts[2]).fill_null(0.0)),
        (_middle("ended_at", "after_ended_at"), until),
    )
    knots = [pairs.select("vehicle_id", at.alias("at"), here.alias("here")) for at, here in of_pair]
    return pl.concat(knots).sort("at", "here")


def _middle(first: str, last: str) -> pl.Expr:
    return pl.col(first) + (pl.col(last) - pl.col(first)) / 2


def _seconds(begin: pl.Expr, end: pl.Expr) -> pl.Expr:
    return (end - begin).dt.total_microseconds() / 1e6


def _bound(
    points: pl.DataFrame, knots: pl.DataFrame, spans: pl.DataFrame, instant: str, side: Side, rules: BurnedRules
) -> pl.DataFrame:  # fmt: skip
    """The plateau that bounds one end of each span, and what was burned up to that end itself (`here`)."""
    wanted = spans.select("number", "vehicle_id", pl.col(instant).alias("at")).sort("at")
    reach = timedelta(hours=rules.reach_h)
    near = wanted.join_asof(points, on="at", by="vehicle_id", strategy=side, tolerance=reach, check_sortedness=False)
    told = knots.with_columns(pl.col("at").alias("knot_at"))
    early, late = (
        wanted.join_asof(told, on="at", by="vehicle_id", strategy=way, check_sortedness=False).select(
            "number", pl.col("knot_at").alias(f"{way}_at"), pl.col("here").alias(way)
        )
        for way in SIDES
    )
    both = near.join(early, on="number", how="left").join(late, on="number", how="left")
    length = _seconds(pl.col("backward_at"), pl.col("forward_at"))
    part = _seconds(pl.col("backward_at"), pl.col("at")) / pl.when(length > 0).then(length)
    between = pl.col("backward") + (pl.col("forward") - pl.col("backward")) * part
    return both.select("number", *_BOUND[:-1], pl.coalesce(between, "backward", "forward").alias("here"))
