"""Fuel burned over spans of time by the level of the tank, with its standard deviation.

Belongs here: the difference of levels before and after a span, less what came in or went. Does not belong here: fuel by
counter or rate (`core.fuel_use`), and what of both is believed (`core.trips`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import polars as pl

from fleet_assets.contracts.schema import TIMESTAMP
from fleet_assets.core.arithmetic import seconds_of
from fleet_assets.core.fuel.steps import StepRules, level_sd, with_steps


@dataclass(frozen=True)
class BurnedRules:
    """Which plateaus bound a span."""

    steps: StepRules = field(default_factory=StepRules)
    """What between plateaus is no burning."""
    reach_h: float = 12.0
    """h before and after a span within which a plateau bounds it: a night."""
    outside_share: float = 0.25
    """Relative standard deviation of what was burned between a span and the plateau that bounds it."""


Side = Literal["backward", "forward"]
SIDES: tuple[Side, Side] = ("backward", "forward")


def burned_by_level(balance: pl.DataFrame, spans: pl.DataFrame, rules: BurnedRules | None = None) -> pl.DataFrame:
    """Per row of `spans` (vehicle_id, started_at, ended_at; other columns stay) `burned_l`, `burned_sd_l` and
    `expected_l`, what the balance expects to have been burned: null where no level bounds it, or no tank is known.

    Litres of the plateau before the start less those of the one after the end, plus what steps in between brought
    (refuels, thefts: their unexplained part is no burning), so nothing is counted but what was burned; small and
    negative differences count as they are, so that a sum over spans has no bias. What was burned between the middles
    of these plateaus and the span is taken off, as the balance tells it. The deviation is that of both levels, with
    the slope of the place for one at a stand, and of what was taken off; where a step lies in between, also of what
    was burned in it. Where no plateau lies on the far side of an end, the nearest one within the span bounds it. With
    a column `closed_at`, no plateau that began later bounds the end of a span.
    """
    chosen = rules or BurnedRules()
    pairs = with_steps(balance.filter(pl.col("unexplained_l").is_not_null()), chosen.steps)
    points, knots = _points(pairs), _knots(pairs, chosen)
    numbered = spans.with_row_index("number")
    limit = pl.col("closed_at") if "closed_at" in spans.columns else pl.lit(None, TIMESTAMP)
    starts = numbered.select(
        "number", "vehicle_id", pl.col("started_at").alias("at"), pl.lit(None, TIMESTAMP).alias("until")
    )
    ends = numbered.select("number", "vehicle_id", pl.col("ended_at").alias("at"), limit.alias("until"))
    first, last = (_bound(points, knots, at, side, chosen) for at, side in zip((starts, ends), SIDES, strict=True))
    both = numbered.join(first.rename({name: f"first_{name}" for name in _BOUND}), on="number", how="left").join(
        last.rename({name: f"last_{name}" for name in _BOUND}), on="number", how="left"
    )
    fall = pl.col("first_level") - pl.col("last_level")
    outside = (pl.col("first_here") - pl.col("first_burned")), (pl.col("last_burned") - pl.col("last_here"))
    variance = pl.col("first_sd") ** 2 + pl.col("last_sd") ** 2 + (pl.col("last_step_sd") - pl.col("first_step_sd"))
    doubt = sum(((chosen.outside_share * part) ** 2 for part in outside), pl.lit(0.0))
    is_one = (pl.col("first_chain") == pl.col("last_chain")) & (pl.col("first_at") < pl.col("last_at"))
    told = {
        "burned_l": fall - outside[0] - outside[1], "burned_sd_l": (variance.clip(0) + doubt).sqrt(),
        "expected_l": pl.col("last_here") - pl.col("first_here"),
    }  # fmt: skip
    known = [pl.when(is_one).then(value).alias(name) for name, value in told.items()]
    return both.sort("number").with_columns(known).select(*spans.columns, *told)


_POINT = ("chain", "at", "level", "sd", "step_sd", "burned")
_BOUND = (*_POINT, "here")


def _points(pairs: pl.DataFrame) -> pl.DataFrame:
    """Per plateau: instant of its middle, litres with every step before it taken out, its deviation, the variance that
    steps add, and what was burned since the chain began."""
    of_step = pl.col("is_step")
    came = pl.when(of_step).then("unexplained_l").otherwise(0.0).cum_sum().over("chain")
    doubt = pl.when(of_step).then(pl.col("burned_sd_l") ** 2).otherwise(0.0).cum_sum().over("chain")
    later = pairs.select(
        "vehicle_id", "chain", _middle("ended_at", "after_ended_at").alias("at"), pl.col("ended_at").alias("began"),
        (pl.col("volume_after_l") - came).alias("level"), level_sd("after").alias("sd"),
        doubt.alias("step_sd"), pl.col("burned_l").cum_sum().over("chain").alias("burned"),
    )  # fmt: skip
    heads = pairs.group_by("chain", maintain_order=True).first().select(
        "vehicle_id", "chain", _middle("before_started_at", "started_at").alias("at"),
        pl.col("before_started_at").alias("began"), pl.col("volume_before_l").alias("level"),
        level_sd("before").alias("sd"), pl.lit(0.0).alias("step_sd"), pl.lit(0.0).alias("burned"),
    )  # fmt: skip
    return pl.concat([heads, later.select(heads.columns)]).sort("at")


def _knots(pairs: pl.DataFrame, rules: BurnedRules) -> pl.DataFrame:
    """What was burned (`here`) since the chain began, at the middle and the edges of every plateau: in a pair it was
    burned evenly while it drove; between two of driving, or of standing, in the time between them as well, unless the
    sender was silent for longer than while driving: then it stood. The first
    and the last plateau of a chain, of driving, were burned in as the pair beside them."""
    before = seconds_of(pl.col("started_at") - _middle("before_started_at", "started_at"))
    after = seconds_of(_middle("ended_at", "after_ended_at") - pl.col("ended_at"))
    stands = ~(pl.col("is_moving_before").fill_null(value=False) | pl.col("is_moving_after").fill_null(value=False))
    gap_s = seconds_of(pl.col("ended_at") - pl.col("started_at"))
    is_silent = ~stands & (gap_s > rules.steps.silence_s)
    is_edge = (pl.col("is_moving_before") != pl.col("is_moving_after")).fill_null(value=False)
    parts = (
        pl.when(pl.col("is_moving_before") | stands).then(before).otherwise(0.0).fill_null(before),
        pl.when(is_edge | is_silent).then(0.0).otherwise(gap_s),
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
    is_first = pl.col("chain") != pl.col("chain").shift(1, fill_value=-1)
    is_last = pl.col("chain") != pl.col("chain").shift(-1, fill_value=-1)
    edges = (
        (is_first & pl.col("is_moving_before"), pl.col("before_started_at"), since - (each * parts[0]).fill_null(0.0)),
        (is_last & pl.col("is_moving_after"), pl.col("after_ended_at"), until + (each * parts[2]).fill_null(0.0)),
    )
    knots += [
        pairs.select("vehicle_id", at.alias("at"), here.alias("here"), is_outer.alias("is_outer"))
        .filter("is_outer")
        .drop("is_outer")
        for is_outer, at, here in edges
    ]
    return pl.concat(knots).sort("at", "here")


def _middle(first: str, last: str) -> pl.Expr:
    return pl.col(first) + (pl.col(last) - pl.col(first)) / 2


def _bound(
    points: pl.DataFrame, knots: pl.DataFrame, ends: pl.DataFrame, side: Side, rules: BurnedRules
) -> pl.DataFrame:  # fmt: skip
    """The plateau that bounds each instant `at`: the nearest on this side of it that began by `until`, else the nearest
    on the other side; and what was burned up to the instant itself (`here`)."""
    wanted = ends.sort("at")
    near = {way: _nearest(points, wanted, way, rules) for way in SIDES}
    other = near[SIDES[side == "backward"]].drop("until")
    both = near[side].join(other, on="number", how="left", suffix="_other")
    in_time = (pl.col("began") <= pl.col("until")).fill_null(value=True)
    is_here = pl.col("chain").is_not_null() & in_time
    chosen = [pl.when(is_here).then(name).otherwise(f"{name}_other").alias(name) for name in _POINT]
    return both.select("number", *chosen).join(_burned_until(knots, wanted), on="number", how="left")


def _nearest(points: pl.DataFrame, wanted: pl.DataFrame, side: Side, rules: BurnedRules) -> pl.DataFrame:
    """The nearest plateau on one side of each instant, within reach."""
    reach = timedelta(hours=rules.reach_h)
    told = points.with_columns(pl.col("at").alias("point_at"))
    near = wanted.join_asof(told, on="at", by="vehicle_id", strategy=side, tolerance=reach, check_sortedness=False)
    return near.drop("vehicle_id", "at").rename({"point_at": "at"})


def _burned_until(knots: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """What was burned since its chain began up to each instant."""
    told = knots.with_columns(pl.col("at").alias("knot_at"))
    early, late = (
        wanted.join_asof(told, on="at", by="vehicle_id", strategy=way, check_sortedness=False).select(
            "number", "at", pl.col("knot_at").alias(f"{way}_at"), pl.col("here").alias(way)
        )
        for way in SIDES
    )
    both = early.join(late.drop("at"), on="number", how="left")
    length = seconds_of(pl.col("forward_at") - pl.col("backward_at"))
    part = seconds_of(pl.col("at") - pl.col("backward_at")) / pl.when(length > 0).then(length)
    between = pl.col("backward") + (pl.col("forward") - pl.col("backward")) * part
    return both.select("number", pl.coalesce(between, "backward", "forward").alias("here"))
