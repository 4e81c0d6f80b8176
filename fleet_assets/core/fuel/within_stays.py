"""Changes within a stay: levels of one and the same place, compared with each other.

Belongs here: runs of steps, and a fall in steps too small to be seen. Does not belong here: driving before and after
the stay (`around_stays`).
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.compiled import F64, I64, helper
from fleet_assets.core.fuel.changes import FALL, LEFT_SHARE, SLOW, WITHIN, least, put
from fleet_assets.core.fuel.series import APART_SIGMA, EDGE_SHARE, Series, drift_of, is_weak
from fleet_assets.core.motion import STANDING
from fleet_assets.core.thresholds import Thresholds

STEP_SIGMA = 1.5
"""Standard deviations by which a plateau differs from one shortly before it to belong to a run of steps."""


@helper
def runs_within(s: Series, a: int, b: int, is_litres: bool, t: Thresholds, runs: I64, sums: F64) -> int:
    """Fills runs of steps in one direction within a stay (plateau before, plateau after, direction) and their changes
    with variances of the levels; those that are large enough."""
    count = 0
    first = last = int(np.int64(-1))
    direction = 0
    for i in range(a + 1, b + 2):
        way = origin = 0
        if i <= b and not is_weak(s, i):
            way, origin = _way(s, i, a if direction == 0 else max(a, last), t)
        if direction != 0 and (
            i > b or (way != 0 and (way != direction or s.end[i - 1] - s.start[last] > t.one_fill_us))
        ):
            change, variance = _between(s, first, last, a, b, t)
            burned, drift = s.doubt[last] - s.doubt[first], drift_of(s, first, last, t.drift_pct, t.drift_us)
            sd = np.sqrt(variance + burned * burned + drift * drift)
            if change * direction >= max(t.sigma * sd, least(change > 0, is_litres, t)):
                runs[count, 0], runs[count, 1], runs[count, 2] = first, last, direction
                sums[count, 0], sums[count, 1] = change, variance
                count += 1
            direction = 0
        if way != 0:
            if direction == 0:
                first, direction = origin, way
            last = i
    return count


@helper
def _way(s: Series, i: int, lowest: int, t: Thresholds) -> tuple[int, int]:
    """Direction in which the level of plateau i differs from one of those shortly before it, none before `lowest`, and
    from which: 0 where it does not."""
    is_first = True
    for j in range(i - 1, lowest - 1, -1):
        if is_weak(s, j):
            continue
        if not is_first and s.start[i] - s.end[j] > t.one_fill_us:
            break
        is_first = False
        step = s.level[i] - s.level[j]
        if abs(step) >= STEP_SIGMA * np.sqrt(s.sd[i] ** 2 + s.sd[j] ** 2):
            return (1 if step > 0 else -1), j
    return 0, i


@helper
def _between(s: Series, first: int, last: int, a: int, b: int, t: Thresholds) -> tuple[float, float]:
    """Change from the plateaus up to `first` to those from `last` on, within the stay of a to b, and its variance."""
    before, weight_before = _level_of(s, first, max(a, first - t.neighbours + 1), -1, t)
    after, weight_after = _level_of(s, last, min(b, last + t.neighbours - 1), 1, t)
    return after - before, 1.0 / weight_before + 1.0 / weight_after


@helper
def _level_of(s: Series, at: int, end: int, way: int, t: Thresholds) -> tuple[float, float]:
    """Mean level of the plateaus from `at` to `end`, going one way, up to one that differs from it; and its weight."""
    weight = 1.0 / max(s.sd[at] ** 2, 1e-9)
    total, weights = weight * s.level[at], weight
    for i in range(at + way, end + way, way):
        apart = s.end[at] - s.end[i] if way < 0 else s.start[i] - s.start[at]
        if apart > t.level_us:
            break
        if is_weak(s, i):
            continue
        if abs(s.level[i] - total / weights) > max(APART_SIGMA * np.sqrt(s.sd[i] ** 2 + 1.0 / weights), s.scale[i]):
            break
        weight = 1.0 / max(s.sd[i] ** 2, 1e-9)
        total, weights = total + weight * s.level[i], weights + weight
    return total / weights, weights


@helper
def returns_at(s: Series, runs: I64, sums: F64, j: int, count: int, t: Thresholds) -> int:
    """The run with which the level is back where it was before run j, in time; j itself where none is. Two tanks may
    come back one after the other."""
    total, variance, most = sums[j, 0], sums[j, 1], abs(sums[j, 0])
    for m in range(j + 1, count):
        if s.start[runs[m, 1]] - s.start[runs[j, 1]] > t.patience_us:
            break
        total, variance, most = total + sums[m, 0], variance + sums[m, 1], max(most, abs(total + sums[m, 0]))
        drift = drift_of(s, runs[j, 0], runs[m, 1], t.drift_pct, t.drift_us)
        doubt = s.doubt[runs[m, 1]] - s.doubt[runs[j, 0]]
        sd = np.sqrt(variance + drift * drift + doubt * doubt)
        if abs(total) <= max(t.returns_sigma * sd, LEFT_SHARE * most):
            return m
    return j


@helper
def slow_fall(
    s: Series, a: int, b: int, is_litres: bool, runs: I64, sums: F64, count: int, closed: int, t: Thresholds,
    facts: I64, values: F64, k: int,
) -> int:  # fmt: skip
    """A fall of a stay in steps too small, or too far apart, to be one, besides what its runs explain."""
    while a < b and is_weak(s, a):
        a += 1
    while a < b and is_weak(s, b):
        b -= 1
    left = _without_runs(s, b, runs, sums, count) - s.level[a]
    variance = s.sd[a] ** 2 + s.sd[b] ** 2
    burned, drift = s.doubt[b] - s.doubt[a], drift_of(s, a, b, t.drift_pct, t.drift_us)
    sd = np.sqrt(variance + burned * burned + drift * drift)
    if s.state[a] != STANDING or -left < max(t.sigma * sd, least(False, is_litres, t)):
        return k
    first, last = a, b
    while first + 1 < last and (_without_runs(s, first + 1, runs, sums, count) - s.level[a]) / left < EDGE_SHARE:
        first += 1
    while last - 1 > first and (_without_runs(s, last - 1, runs, sums, count) - s.level[a]) / left > 1 - EDGE_SHARE:
        last -= 1
    kind = SLOW if s.start[last] - s.end[first] >= t.slow_us else FALL
    return put(facts, values, k, first, last, kind, WITHIN, closed, 1, 1, left, variance, burned, drift)


@helper
def _without_runs(s: Series, i: int, runs: I64, sums: F64, count: int) -> float:
    """Level of plateau i of a stay less what runs up to there changed; within a run the level before it."""
    taken = 0.0
    for j in range(count):
        if runs[j, 1] <= i:
            taken += sums[j, 0]
        elif runs[j, 0] < i:
            return float(s.level[runs[j, 0]] - taken)
    return float(s.level[i] - taken)
