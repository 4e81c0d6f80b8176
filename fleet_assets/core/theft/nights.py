"""Nights: rests of one vehicle that lose together what none of them shows: siphoning a few litres a night, a leak.

Belongs here: what is usual for a vehicle's rests, sums over the newest of them, and where such a sum begins to tell.
Does not belong here: what a single stay lost (`core.fuel.stays`), weeks of fuel events (`core.fuel.weekly`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from fleet_assets.contracts.schema import TIMESTAMP
from fleet_assets.core.compiled import F64, I64, helper, kernel, read_only
from fleet_assets.core.fuel.learnt import MAD_SD
from fleet_assets.core.theft.rules import NightRules

_MEDIAN_SD = 1.2533
"""Standard deviation of a median over that of a mean."""
_DAY_US = 86_400_000_000.0


class _Limits(NamedTuple):
    """The rules as a kernel takes them."""

    most_nights: int
    within_us: float
    usual_us: float
    fewest: int
    most_usual: float
    unknown: float
    own_share: float


def nightly_losses(stays: pl.DataFrame, rules: NightRules) -> pl.DataFrame:
    """Sums of rests that have just begun to tell: vehicle_id, started_at of the first rest, ended_at and closed_at of
    the last one, change (units, negative), sd, scale (units a point), in_litres, nights.

    `stays` as of `core.fuel.change_frames.stay_frame`. A sum tells from `sigma` standard deviations on, without the
    night that lost most (a burn, or a fall, of one night is no series), and from the least litres on, with it. It is
    told with the rest that lifts it there, and not again until it has sunk below.
    """
    lasted = pl.col("ended_at") - pl.col("started_at")
    rests = stays.filter((lasted >= pl.duration(seconds=rules.rest_s)) & pl.col("left").is_not_nan()).sort(
        "vehicle_id", "closed_at", "ended_at"
    )
    summed = rests.with_columns(_sums(rests, rules))
    least = pl.when("in_litres").then(rules.least_l).otherwise(rules.least_pct)
    tells = (pl.col("nights") > 0) & (pl.col("sigmas") >= rules.sigma) & (-pl.col("change") >= least)
    told = summed.with_columns(tells.alias("tells"))
    is_new = pl.col("tells") & ~pl.col("tells").shift(1, fill_value=False).over("vehicle_id")
    return told.filter(is_new).select(
        "vehicle_id", pl.col("first_us").cast(TIMESTAMP).alias("started_at"), "ended_at", "closed_at", "change",
        (-pl.col("change") / pl.col("sigmas")).alias("sd"), "scale", "in_litres", "nights",
    )  # fmt: skip


def _sums(rests: pl.DataFrame, rules: NightRules) -> list[pl.Series]:
    """Per rest the sum of the newest rests that tells most: sigmas, its nights, change (units), start of the first."""
    scale = rests["scale"].to_numpy()
    at = [rests[name].dt.epoch("us").to_numpy() for name in ("started_at", "closed_at")]
    vehicle = rests["vehicle_id"].rle_id().cast(pl.Int64).to_numpy()
    change, sd = (rests[name].to_numpy() / scale for name in ("left", "left_sd"))
    limits = _Limits(
        rules.most_nights, rules.within_days * _DAY_US, rules.usual_days * _DAY_US, rules.usual_rests,
        rules.most_usual_pct, rules.unknown_pct, rules.own_share,
    )  # fmt: skip
    sigmas, nights, lost = _newest(
        read_only(vehicle), read_only(at[1]), read_only(change), read_only(sd), limits
    )  # fmt: skip
    first = at[0][np.maximum(np.arange(len(nights)) - np.maximum(nights, 1) + 1, 0)]
    return [
        pl.Series("sigmas", sigmas), pl.Series("nights", nights), pl.Series("change", -lost * scale),
        pl.Series("first_us", first),
    ]  # fmt: skip


@kernel
def _newest(vehicle: I64, at: I64, change: F64, sd: F64, t: _Limits) -> tuple[F64, I64, F64]:
    size = len(at)
    sigmas, nights, lost = np.zeros(size), np.zeros(size, dtype=np.int64), np.zeros(size)
    for i in range(size):
        for count in range(2, t.most_nights + 1):
            a = i - count + 1
            if a < 0 or vehicle[a] != vehicle[i] or at[i] - at[a] > t.within_us:
                break
            usual, scatter, doubt = _usual(vehicle, at, change, a, t)
            told, total = _told(change, sd, a, i, usual, scatter, doubt, t)
            if told > sigmas[i]:
                sigmas[i], nights[i], lost[i] = told, count, total
    return sigmas, nights, lost


@helper
def _usual(vehicle: I64, at: I64, change: F64, a: int, t: _Limits) -> tuple[float, float, float]:
    """What rests before rest `a` usually changed, how they scatter, and how well the former is known."""
    first = a
    while first > 0 and vehicle[first - 1] == vehicle[a] and at[a] - at[first - 1] <= t.usual_us:
        first -= 1
    if a - first < t.fewest:
        return -t.unknown, 0.0, t.unknown
    usual = float(np.median(change[first:a]))
    scatter = MAD_SD * float(np.median(np.abs(change[first:a] - usual)))
    return min(0.0, max(usual, -t.most_usual)), scatter, _MEDIAN_SD * scatter / np.sqrt(a - first)


@helper
def _told(
    change: F64, sd: F64, a: int, b: int, usual: float, scatter: float, doubt: float, t: _Limits
) -> tuple[float, float]:  # fmt: skip
    """Standard deviations by which rests a to b lost more than usual, without the one that lost most; and what they
    lost with it."""
    largest = a
    for i in range(a, b + 1):
        if change[i] < change[largest]:
            largest = i
    total = rest = variance = 0.0
    for i in range(a, b + 1):
        loss = usual - change[i]
        total += loss
        if i != largest:
            rest += loss
            variance += max(scatter, t.own_share * sd[i]) ** 2
    variance += ((b - a) * doubt) ** 2
    return rest / np.sqrt(max(variance, 1e-12)), total
