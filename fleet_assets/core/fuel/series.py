"""Series: the plateaus of vehicles as arrays, in order, with the pairs between them, as detectors walk them.

Belongs here: arrays made of FUEL_BALANCE, and means of levels around a place in them. Does not belong here: what is an
event (`stays`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.core.compiled import F64, I8, I64, helper, kernel, read_only
from fleet_assets.core.fuel.balance import BalanceRules
from fleet_assets.core.motion import MOVING

WEAK_PCT = 6.0
"""Points of standard deviation from which a level says nothing about its neighbours."""

APART_SIGMA = 2.5
"""Standard deviations from which a step may lie between two levels, so that no mean is taken over both."""

EDGE_SHARE = 0.15
"""Part of a change that lies before, and after, the plateaus between which it is said to have happened, at most."""

COMMON = 0.15
"""Share of a level's variance that its neighbours have too, so that no mean lessens it: what wanders within hours."""


class Series(NamedTuple):
    """Per plateau, in order of series and time. A series is an unbroken chain of pairs of a vehicle in one unit.

    `start`, `end`: instants (us). `level`: level with all that was burned since the series began added to it (litres,
    or points). `sd`: its standard deviation. `state`: MOVING, STANDING, UNKNOWN. Of the pair with the plateau before:
    `tilt`, `scale` (units a point), `moved`, `step` (1 rise, -1 fall), `gap` (us), `unseen_km`. `burned` and `doubt`
    are sums of burned units and of their standard deviations since the series began. `row`: row of the balance whose
    later plateau it is, -1 for the first.
    """

    series: I64
    start: I64
    end: I64
    level: F64
    sd: F64
    state: I8
    moved: I8
    step: I8
    gap: I64
    tilt: F64
    scale: F64
    burned: F64
    doubt: F64
    unseen_km: F64
    row: I64


def series_of(balance: pl.DataFrame) -> Series:
    """Series of a balance in its order."""
    columns = _columns(balance)
    vehicle = balance["vehicle_id"].rle_id().to_numpy().astype(np.int64)
    before_start, start = columns["before_started_at"], columns["ended_at"]
    in_litres = columns["in_litres"]
    is_first = np.ones(len(vehicle), dtype=np.bool_)
    is_first[1:] = (vehicle[1:] != vehicle[:-1]) | (before_start[1:] != start[:-1]) | (in_litres[1:] != in_litres[:-1])
    # A series has one plateau more than pairs: the earlier one of its first pair.
    number = np.cumsum(is_first)
    later = np.arange(len(vehicle), dtype=np.int64) + number
    heads = later[is_first] - 1
    size = len(vehicle) + int(is_first.sum())
    filled = {name: _spread(values, later, size) for name, values in columns.items()}
    for name, source in _HEADS.items():
        filled[name][heads] = columns[source][is_first]
    series = _spread(number, later, size)
    series[heads] = number[is_first]
    row = np.full(size, -1, dtype=np.int64)
    row[later] = np.arange(len(vehicle))
    burned, doubt = (_summed(read_only(filled[name]), read_only(series)) for name in ("burned", "burned_sd"))
    codes = (filled[name].astype(np.int8) for name in ("state", "moved", "step_code"))
    arrays: list[Any] = [
        series, filled["ended_at"], filled["after_ended_at"], filled["after"] + burned, filled["sd"], *codes,
        filled["gap"], filled["tilt"], filled["scale"], burned, doubt, filled["unseen_km"], row,
    ]  # fmt: skip
    return Series(*(read_only(array) for array in arrays))


_HEADS = {
    "ended_at": "before_started_at", "after_ended_at": "started_at", "after": "before", "sd": "before_sd",
    "state": "state_before", "scale": "scale", "tilt": "tilt",
}  # fmt: skip
"""Columns of the earlier plateau of a pair, by those of the later one."""


def _columns(balance: pl.DataFrame) -> dict[str, npt.NDArray[Any]]:
    in_litres = pl.col("unexplained_l").is_not_null()

    def of(litres: str, points: str) -> pl.Expr:
        return pl.when(in_litres).then(litres).otherwise(points)

    micros = [pl.col(name).dt.epoch("us") for name in ("before_started_at", "started_at", "ended_at", "after_ended_at")]
    frame = balance.select(
        *micros, in_litres.alias("in_litres"),
        of("volume_before_l", "level_before_pct").alias("before"),
        of("volume_after_l", "level_after_pct").alias("after"),
        of("volume_before_sd_l", "level_before_sd_pct").alias("before_sd"),
        of("volume_after_sd_l", "level_after_sd_pct").alias("sd"), of("tilt_sd_l", "tilt_sd_pct").alias("tilt"),
        of("burned_l", "burned_pct").alias("burned"),
        # A counter is off by a share of all it counted; its steps do not add up.
        pl.when(pl.col("burned_source") == "counter").then(BalanceRules.counter_share * of("burned_l", "burned_pct"))
        .otherwise(of("burned_sd_l", "burned_sd_pct")).alias("burned_sd"),
        pl.when(in_litres).then("litres_per_pct").otherwise(1.0).alias("scale"),
        _state("is_moving_before").alias("state_before"), _state("is_moving_after").alias("state"),
        _state("is_moved").alias("moved"), pl.col("unseen_km").fill_null(0.0),
        pl.col("step").replace_strict(["rise", "fall"], [1, -1], default=0, return_dtype=pl.Int64).alias("step_code"),
        (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds().alias("gap"),
    )  # fmt: skip
    return {name: frame[name].to_numpy() for name in frame.columns}


def _state(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Int64).fill_null(-1)


def _spread(values: npt.NDArray[Any], at: I64, size: int) -> npt.NDArray[Any]:
    spread: npt.NDArray[Any] = np.zeros(size, dtype=values.dtype)
    spread[at] = values
    return spread


@kernel
def _summed(values: F64, series: I64) -> F64:
    """Running sums that begin anew with every series: what other vehicles burned moves no digit of them."""
    summed = np.empty(len(values))
    total = 0.0
    for i in range(len(values)):
        total = values[i] + (total if i > 0 and series[i] == series[i - 1] else 0.0)
        summed[i] = total
    return summed


@helper
def mean_before(s: Series, at: int, count: int, reach: int) -> tuple[float, float, int]:
    """Mean level of the plateaus up to `at`, its variance, and how many: up to `count` of the state of that at
    `at`, within `reach` us, none before a step. Weighted by their variances, with the doubt of what was burned."""
    mean, variance, used, _ = _mean(s, at, count, s.end[at] - reach, -1)
    return mean, variance, used


@helper
def mean_after(s: Series, at: int, count: int, until: int) -> tuple[float, float, int, int]:
    """The same of the plateaus from `at` on that end by `until`; and the last of them, or -1."""
    return _mean(s, at, count, until, 1)


@helper
def _mean(s: Series, at: int, count: int, bound: int, way: int) -> tuple[float, float, int, int]:
    """Mean of plateaus from `at` on, one way (1: later, -1: earlier), that end by `bound`, or not before it."""
    total = weights = 0.0
    used, latest, i = 0, int(np.int64(-1)), at
    while 0 <= i < len(s.start) and s.series[i] == s.series[at] and used < count and way * (s.end[i] - bound) <= 0:
        if is_weak(s, i):
            i += way
            continue
        # A step between this plateau and the one before it in time.
        is_step = s.step[i] != 0 and not is_weak(s, i - 1)
        if way > 0 and i > at and is_step:
            break
        if s.state[i] == s.state[at]:
            if used > 0 and is_apart(s, min(i, latest), max(i, latest)):
                break
            # What was burned between it and the place is known no better than that.
            weight = 1.0 / max(s.sd[i] ** 2 + (s.doubt[i] - s.doubt[at]) ** 2, 1e-9)
            total += weight * s.level[i]
            weights += weight
            used += 1
            latest = i
        elif s.state[at] != MOVING:
            break
        elif used == 0:
            # A drive too short for a level of its own: what was told next to it, with the slope of the place.
            doubt = s.doubt[i] - s.doubt[at]
            return s.level[i], s.sd[i] ** 2 + s.tilt[max(i, at)] ** 2 + doubt * doubt, 1, i
        if way < 0 and is_step:
            break
        i += way
    if used == 0 and way * (s.end[at] - bound) <= 0:
        return s.level[at], s.sd[at] ** 2, 1, at
    if used == 0:
        return np.nan, np.nan, 0, -1
    return total / weights, (1.0 + COMMON * used) / weights, used, latest


@helper
def is_weak(s: Series, i: int) -> bool:
    """Whether a level is known too poorly to be a witness for, or against, any other."""
    return bool(s.sd[i] > WEAK_PCT * s.scale[i])


@helper
def is_apart(s: Series, a: int, b: int) -> bool:
    """Whether two levels differ by so much that a step may lie between them."""
    noise = np.sqrt(s.sd[a] ** 2 + s.sd[b] ** 2 + (s.doubt[b] - s.doubt[a]) ** 2)
    return bool(abs(s.level[b] - s.level[a]) > max(APART_SIGMA * noise, s.scale[b]))


@helper
def drift_of(s: Series, a: int, b: int, drift_pct: float, drift_us: int) -> float:
    """Units by which heat may move the level between two plateaus."""
    return float(drift_pct * s.scale[b] * min(1.0, (s.start[b] - s.end[a]) / drift_us))


@helper
def between_levels(s: Series, first: int, last: int, before: float, change: float) -> tuple[int, int]:
    """The plateaus from `first` to `last` between which most of a change lies (`EDGE_SHARE`)."""
    while first + 1 < last and (s.level[first + 1] - before) / change < EDGE_SHARE:
        first += 1
    while last - 1 > first and (s.level[last - 1] - before) / change > 1 - EDGE_SHARE:
        last -= 1
    return first, last
