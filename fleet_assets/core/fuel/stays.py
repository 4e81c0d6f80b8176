"""Stays: where a vehicle stands between two drives, and what its tank gained or lost there.

Belongs here: the walk over a series, and which of what is seen within a stay and around it is a change. Does not belong
here: comparing levels (`within_stays`, `around_stays`), kinds and wording (`events`), levels (`series`).

A slope shifts the level at arrival and gives it back at departure, so a change counts within a stay, or from driving to
driving; what only begins with a stay and ends with it is none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I64, helper, kernel
from fleet_assets.core.fuel.around_stays import (
    Stay,
    across_stay,
    around_parts,
    at_arrival,
    by_driving,
    driving_around,
    edge_of,
    is_nothing,
    is_passing,
    put_edge,
    rest_of,
)
from fleet_assets.core.fuel.changes import (
    AROUND,
    DRIVING,
    FALL,
    HERE_SHARE,
    RETURNED,
    RISE,
    THROUGH,
    UNOBSERVED,
    WITHIN,
    least,
    put,
)
from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.fuel.series import Series, drift_of, is_weak, mean_after, mean_before
from fleet_assets.core.fuel.within_stays import returns_at, runs_within, slow_fall
from fleet_assets.core.motion import MOVING, STANDING
from fleet_assets.core.thresholds import Thresholds, thresholds_of

COVERS_SHARE = 0.8
"""Part of a stay that its own levels span to tell what it lost, rather than driving around it."""

_MANY = 1_000
"""Plateaus of a stay's beginning or end, without any bound but time."""


class Found(NamedTuple):
    """Per change: `facts` (plateau before, plateau after, kind, how, when final (us), plateaus before and after that
    were compared) and `values` (change, its sd, and the parts of that: levels, burning, drift). Per stay: `stays`
    (plateau before, plateau after, when confirmed (us), 1 if something happened) and `stay_values` (change, sd; both
    again besides what was found within the stay, NaN where what was found is not within it)."""

    facts: I64
    values: F64
    stays: I64
    stay_values: F64


def find_changes(series: Series, rules: FuelEventRules, in_litres: F64) -> Found:
    """Changes in order of the series. `in_litres`: per plateau 1 where its unit is litres, 0 where points."""
    return Found(*_find(series, in_litres, thresholds_of(rules)))


@kernel
def _find(s: Series, in_litres: F64, t: Thresholds) -> tuple[I64, F64, I64, F64]:
    size = len(s.start)
    facts, values = np.empty((2 * size + 1, 7), dtype=np.int64), np.empty((2 * size + 1, 5))
    stays, stay_values = np.empty((size + 1, 4), dtype=np.int64), np.empty((size + 1, 4))
    runs, sums = np.empty((size + 1, 3), dtype=np.int64), np.empty((size + 1, 2))
    count = stay_count = i = 0
    while i < size:
        if s.state[i] == MOVING:
            goes_on = i + 1 < size and s.series[i + 1] == s.series[i] and s.state[i + 1] == MOVING
            if goes_on and (s.step[i + 1] != 0 or s.gap[i + 1] > t.short_stop_us):
                count = _through(s, i, i + 1, in_litres[i] > 0, t, facts, values, count)
            i += 1
            continue
        a = i
        while i + 1 < size and s.series[i + 1] == s.series[i] and s.state[i + 1] != MOVING and s.moved[i + 1] != 1:
            i += 1
        stay = driving_around(s, a, i, t)
        found = _stay(s, stay, in_litres[i] > 0, t, runs, sums, facts, values, count)
        stay_count = _note_stay(s, stay, facts[count:found], values[count:found], t, stays, stay_values, stay_count)
        count = found
        if i + 1 < size and s.series[i + 1] == s.series[i] and s.state[i + 1] != MOVING and s.step[i + 1] != 0:
            count = _through(s, i, i + 1, in_litres[i] > 0, t, facts, values, count)
        i += 1
    return facts[:count].copy(), values[:count].copy(), stays[:stay_count].copy(), stay_values[:stay_count].copy()


@helper
def _through(s: Series, a: int, b: int, is_litres: bool, t: Thresholds, facts: I64, values: F64, k: int) -> int:
    """A step between two neighbouring plateaus of driving, or of standing in two places."""
    while is_weak(s, a) and a > 0 and s.series[a - 1] == s.series[a] and s.state[a - 1] == s.state[a]:
        a -= 1
    if is_weak(s, a) or is_weak(s, b):
        return k
    before, var_before, used_before = mean_before(s, a, t.neighbours, t.before_us)
    until = s.start[b] + t.confirm_us
    after, var_after, used_after, last = mean_after(s, b, t.neighbours, until)
    if used_after == 0:
        after, var_after, used_after, last = s.level[b], s.sd[b] ** 2, 1, b
    change = after - before
    tilt = 0.0 if s.state[a] == MOVING else s.tilt[b] ** 2
    burned, drift = s.doubt[b] - s.doubt[a], drift_of(s, a, b, t.drift_pct, t.drift_us)
    sd = np.sqrt(var_before + var_after + tilt + burned * burned + drift * drift)
    is_driving = s.state[a] == MOVING and s.gap[b] <= t.short_stop_us
    sigma = t.driving_sigma if is_driving else t.sigma
    # Most of it lies here, not between plateaus beside.
    is_here = (s.level[b] - s.level[a]) * change > 0 and abs(s.level[b] - s.level[a]) >= HERE_SHARE * abs(change)
    if not is_here or abs(change) < max(sigma * sd, least(change > 0, is_litres, t)):
        return k
    if is_driving:
        kind = DRIVING
    elif change > 0:
        kind = RISE
    elif s.state[a] == MOVING and s.gap[b] > t.cut_off_us and s.unseen_km[b] <= t.unseen_km:
        kind = FALL  # a sender that is silent while the vehicle is off: it stood in between
    else:
        kind = UNOBSERVED
    closed = s.end[last] if used_after == t.neighbours else until
    return put(facts, values, k, a, b, kind, THROUGH, max(closed, s.end[b]), used_before, used_after, change,
                var_before + var_after + tilt, burned, drift)  # fmt: skip


@helper
def _stay(
    s: Series, stay: Stay, is_litres: bool, t: Thresholds, runs: I64, sums: F64, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    """What happened in a stay."""
    a, b = stay.a, stay.b
    count = runs_within(s, a, b, is_litres, t, runs, sums)
    # Whether driving on told of the change in time; else it is judged by what the stay itself says.
    is_quick = stay.goes and s.start[b + 1] <= s.start[a] + t.patience_us
    edge = edge_sd = used = 0.0
    is_told = is_whole = False
    if stay.comes and stay.goes:
        edge, edge_sd = edge_of(s, stay)
    large = stay.comes and is_quick and abs(edge) >= max(t.sigma * edge_sd, least(edge > 0, is_litres, t))
    j = 0
    while j < count:
        last = returns_at(s, runs, sums, j, count, t)
        if last > j:
            k = _put_returned(s, runs, sums, j, last, t, facts, values, k)
        else:
            taken = edge if large else 0.0
            k, is_taken, is_none, is_around = _seen(
                s, stay, is_litres, t, runs, sums, j, count, taken, facts, values, k
            )  # fmt: skip
            large, is_told, is_whole = large and not is_taken and not is_none, is_told or is_none, is_whole or is_around
        while j <= last:
            used += sums[j, 0]
            j += 1
    found = k
    # What driving around the stay tells is all of it.
    if stay.goes and not is_whole:
        k = slow_fall(s, a, b, is_litres, runs, sums, count, stay.confirmed, t, facts, values, k)
    if k > found or is_whole:
        return k
    if count == 0 and stay.comes and is_quick:
        k = across_stay(s, stay, edge, edge_sd, is_litres, t, facts, values, k)
    elif large:
        k = put_edge(s, stay, edge, edge_sd, t, facts, values, k)
    elif stay.comes and is_quick and count == 1 and not is_told:
        k = rest_of(s, stay, used, is_litres, t, facts, values, k)
    elif stay.comes and not is_quick:
        k = at_arrival(s, stay, is_litres, t, facts, values, k)
    return k


@helper
def _put_returned(
    s: Series, runs: I64, sums: F64, j: int, last: int, t: Thresholds, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    """Puts run j of a stay, which the runs up to `last` take back."""
    first, final, end = runs[j, 0], runs[j, 1], runs[last, 1]
    burned, drift = s.doubt[final] - s.doubt[first], drift_of(s, first, final, t.drift_pct, t.drift_us)
    return put(facts, values, k, first, end, RETURNED, WITHIN, s.start[end] + t.one_fill_us, 1, 1, sums[j, 0],
               sums[j, 1], burned, drift)  # fmt: skip


@helper
def _seen(
    s: Series, stay: Stay, is_litres: bool, t: Thresholds, runs: I64, sums: F64, j: int, count: int, edge: float,
    facts: I64, values: F64, k: int,
) -> tuple[int, bool, bool, bool]:  # fmt: skip
    """Puts run j of a stay as the change that it is; whether `edge` (0: there is none) was a part of it; whether
    driving around the stay tells that it was none; and whether that told how much it was."""
    first, final, change, variance = runs[j, 0], runs[j, 1], sums[j, 0], sums[j, 1]
    burned, drift = s.doubt[final] - s.doubt[first], drift_of(s, first, final, t.drift_pct, t.drift_us)
    deadline = s.start[final] + t.patience_us
    is_confirmed = stay.goes and s.start[stay.b + 1] <= deadline
    closed = max(stay.confirmed, s.start[final] + t.one_fill_us) if is_confirmed else deadline
    # Driving around a stay in which more than one thing happened says nothing of each.
    is_lone = is_confirmed and stay.comes and count == 1
    if is_passing(s, stay, first, final, change, is_confirmed, t):
        k = put(facts, values, k, first, final, RETURNED, AROUND, closed, max(stay.used_before, 1),
                max(stay.used_after, 1), change, variance, burned, drift)  # fmt: skip
        return k, False, True, False
    if is_lone and is_nothing(s, stay, change, t):
        k = put(facts, values, k, first, stay.b + 1, RETURNED, AROUND, closed, stay.used_before, stay.used_after,
                change, variance, burned, drift)  # fmt: skip
        return k, False, True, False
    left, right, how = first, final, WITHIN
    is_taken = is_lone and edge * change > 0
    if is_taken:
        # Part of it came before the first level of the stay, or after its last one: it is one and the same.
        change, variance, how = change + edge, stay.var_before + stay.var_after, AROUND
        left, right = stay.a - 1, stay.b + 1
    elif is_lone:
        left, right, how, change, variance = by_driving(s, stay, first, final, change, variance, is_litres, t)
    if how == AROUND:
        _, burned, drift = around_parts(s, stay, t)
    if how > 0:
        kind = RISE if change > 0 else (FALL if s.state[first] == STANDING else UNOBSERVED)
        k = put(facts, values, k, left, right, kind, how, closed, max(stay.used_before, 1), max(stay.used_after, 1),
                 change, variance, burned, drift)  # fmt: skip
    return k, is_taken, False, how == AROUND


@helper
def _note_stay(
    s: Series, stay: Stay, facts: I64, values: F64, t: Thresholds, stays: I64, stay_values: F64, m: int
) -> int:  # fmt: skip
    """Notes what a stay lost, for the sum of its week: by its own levels where they cover it, which is sharper.
    `facts` and `values` are of the changes that were found in it."""
    a, b = stay.a, stay.b
    if not (stay.comes and stay.goes) or s.start[b + 1] - s.end[a - 1] < t.stay_us:
        return m
    covers = s.end[b] - s.start[a] >= COVERS_SHARE * (s.start[b + 1] - s.end[a - 1])
    change, variance = stay.after - stay.before, stay.var_before + stay.var_after
    doubt = stay.doubt_after - stay.doubt_before
    if covers:
        half = (s.end[b] - s.start[a]) // 2
        first, var_first, used, _ = mean_after(s, a, _MANY, s.start[a] + min(half, t.before_us))
        if used == 0:  # a level that stood still for longer
            first, var_first = s.level[a], s.sd[a] ** 2
        last, var_last, _ = mean_before(s, b, _MANY, min(half, t.before_us))
        # Burning is not known well enough to say what a night lost, however quiet the driving around it.
        if not (is_weak(s, a) and used == 0) and not is_weak(s, b):
            change, variance, doubt = last - first, var_first + var_last, s.doubt[b] - s.doubt[a]
    stays[m, 0], stays[m, 1], stays[m, 2], stays[m, 3] = a - 1, b + 1, stay.confirmed, 1 if len(facts) else 0
    stay_values[m, 0] = change
    stay_values[m, 1] = np.sqrt(variance + doubt * doubt)
    taken, taken_variance = _within(facts, values)
    stay_values[m, 2] = change - taken
    stay_values[m, 3] = np.sqrt(variance + doubt * doubt + taken_variance)
    return m + 1


@helper
def _within(facts: I64, values: F64) -> tuple[float, float]:
    """What changes of a stay explain of it, and the variance of their levels; NaN where one is not within the stay."""
    total = variance = 0.0
    for k in range(len(facts)):
        if facts[k, 3] != WITHIN:
            return np.nan, np.nan
        if facts[k, 2] != RETURNED:
            total += values[k, 0]
            variance += values[k, 2] ** 2
    return total, variance
