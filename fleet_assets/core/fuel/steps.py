"""Steps between plateaus where fuel is summed: what came in or went there is no burning.

Belongs here: which pairs of a balance are steps for a sum of what was burned. Does not belong here: what a step was
(`stays`, `events`), and the sums (`burned`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from fleet_assets.core.arithmetic import seconds_of, sum_in_order
from fleet_assets.core.fuel.balance import BalanceRules
from fleet_assets.core.fuel.changes import HERE_SHARE
from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.fuel.series import COMMON
from fleet_assets.core.fuel.windows import WindowRules


@dataclass(frozen=True)
class StepRules:
    """What is a step besides those that the balance of a pair alone tells."""

    silence_s: float = WindowRules.driving_gap_s
    """s between two plateaus of driving from which the vehicle stood meanwhile."""
    within_s: float = 300.0
    """s up to which a stop lies within a trip: what comes after a longer one has no part in its litres."""
    mixed: float = 2.5
    """Standard deviation of a level over the vehicle's usual one from which something went on in it."""
    beside_sigma: float = 1.5
    """Standard deviations from which a pair beside a step is a part of it."""
    step_sigma: float = BalanceRules.step_sigma
    """Standard deviations from which what changed over more than a pair is a step (as in the balance)."""
    neighbours: int = FuelEventRules.neighbours
    """Plateaus of driving on either side whose mean is compared (as in events)."""


def with_steps(balance: pl.DataFrame, rules: StepRules) -> pl.DataFrame:
    """The pairs in order, numbered by unbroken `chain`, with `is_step`; those on both sides of a plateau that is far
    less sure than the vehicle's others (a fill goes on in it) are one pair, and judged anew. All pairs that are given
    decide, also those after a span: the same span may be told otherwise before they came."""
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
    last = ("ended_at", "after_ended_at", "is_moving_after", "volume_after_l", "volume_after_sd_l", "tilt_sd_l")
    sums = grouped.group_by("pair", maintain_order=True).agg(
        pl.col(first).first(), pl.col(last).last(),
        *(sum_in_order(pl.col(name)) for name in ("burned_l", "unexplained_l")),
        sum_in_order(pl.col("burned_sd_l").pow(2)).sqrt(), pl.col("step").is_not_null().any().alias("is_step"),
        pl.len().alias("pairs"),
    )  # fmt: skip
    noise = (level_sd("before") ** 2 + level_sd("after") ** 2 + pl.col("burned_sd_l") ** 2).sqrt()
    sigmas = pl.col("unexplained_l") / noise
    is_step = pl.col("is_step") | ((pl.col("pairs") > 1) & (sigmas.abs() >= rules.step_sigma))
    marked = sums.with_columns(is_step.alias("is_step"), sigmas.alias("sigmas")).with_columns(
        pl.when("is_step").then(pl.col("sigmas").sign()).fill_null(0.0).alias("way")
    )
    # What comes right before or after a step in its direction is a part of it.
    beside = [pl.col("way").shift(by).over("chain").fill_null(0.0) for by in (1, -1)]
    is_part = pl.any_horizontal(pl.col("sigmas") * way > rules.beside_sigma for way in beside)
    is_around = _with_drives(marked, rules).select(_is_around(rules)).to_series()
    return marked.with_columns((pl.col("is_step") | is_part | is_around).alias("is_step"))


def _with_drives(pairs: pl.DataFrame, rules: StepRules) -> pl.DataFrame:
    """The pairs with `place`, the same for all that lie between two plateaus of driving; and with the mean level of the
    unbroken drive up to each (`before`) and from it on (`after`), all that was burned since the chain began added, and
    the variances of both."""
    drives, arrives = (pl.col(name).fill_null(value=False) for name in ("is_moving_before", "is_moving_after"))
    is_head = (pl.col("chain") != pl.col("chain").shift(1)).fill_null(value=True)
    is_silent = seconds_of(pl.col("ended_at") - pl.col("started_at")) > rules.silence_s
    until = pl.col("burned_l").cum_sum().over("chain")
    told = pairs.with_columns(
        is_head.alias("is_head"), (pl.col("is_step") | ~drives | ~arrives | is_silent).alias("is_broken"),
        (pl.col("volume_before_l") + until - pl.col("burned_l")).alias("before"),
        (pl.col("volume_after_l") + until).alias("after"), (drives | is_head).cum_sum().cast(pl.Int64).alias("place"),
    ).with_columns((pl.col("is_broken") | pl.col("is_head")).cum_sum().cast(pl.Int64).alias("drive_after"))  # fmt: skip
    of_head = pl.when("is_broken").then(-pl.col("drive_after")).otherwise("drive_after")
    drive_before = pl.when("is_head").then(of_head).otherwise(pl.col("drive_after").shift(1))
    named = told.with_columns(drive_before.alias("drive_before"))
    return named.with_columns(*_means("before", rules), *_means("after", rules))


def _means(side: str, rules: StepRules) -> Iterator[pl.Expr]:
    """Mean of the nearest levels of the drive on one side and its variance: neighbours have a part of their noise in
    common."""

    def rolled(values: pl.Expr) -> pl.Expr:
        ordered = values.reverse() if side == "after" else values
        mean = ordered.rolling_mean(rules.neighbours, min_samples=1)
        return (mean.reverse() if side == "after" else mean).over(f"drive_{side}")

    ordinal = pl.int_range(1, pl.len() + 1)
    used = (ordinal.reverse() if side == "after" else ordinal).clip(1, rules.neighbours).over(f"drive_{side}")
    yield rolled(pl.col(side)).alias(side)
    yield (rolled(pl.col(f"volume_{side}_sd_l") ** 2) * (1 + COMMON * used) / used).alias(f"{side}_variance")


def _is_around(rules: StepRules) -> pl.Expr:
    """Whether something came in or went in a short stop, or between two plateaus of driving, that no pair tells by
    itself: the drives before it and after it tell, and most of it lies there."""
    drives = pl.col("is_moving_before").first() & pl.col("is_moving_after").last()
    change, here = pl.col("after").last() - pl.col("before").first(), sum_in_order(pl.col("unexplained_l"))
    burned = sum_in_order(pl.col("burned_sd_l").pow(2))
    variance = pl.col("before_variance").first() + pl.col("after_variance").last() + burned
    is_short = seconds_of(pl.col("ended_at").last() - pl.col("started_at").first()) < rules.within_s
    is_here = (here * change > 0) & (here.abs() >= HERE_SHARE * change.abs())
    is_large = change.abs() >= rules.step_sigma * variance.sqrt()
    found = drives & ~pl.col("is_step").any() & is_short & is_here & is_large
    return found.fill_null(value=False).over("place")


def level_sd(side: str) -> pl.Expr:
    """Deviation of a level for a comparison with one elsewhere: a slope shifts it at a stand."""
    tilt = pl.when(pl.col(f"is_moving_{side}").fill_null(value=False)).then(0.0).otherwise(pl.col("tilt_sd_l"))
    return (pl.col(f"volume_{side}_sd_l") ** 2 + tilt.fill_null(0.0) ** 2).sqrt()
