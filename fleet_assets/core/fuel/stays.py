"""Stays: where a vehicle stands between two drives, and what its tank gained or lost there.

Belongs here: comparing levels within a stay with each other, and those of driving before it with those after it. Does
not belong here: kinds and wording (`events`), levels (`series`).

A slope shifts the level at arrival and gives it back at departure, so a change counts within a stay, or from driving to
driving; what only begins with a stay and ends with it is none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I64, helper, kernel
from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.fuel.series import Series, drift_of, is_weak, mean_after, mean_before
from fleet_assets.core.motion import MOVING, STANDING
from fleet_assets.core.thresholds import Thresholds, thresholds_of

RISE, FALL, SLOW, RETURNED, UNOBSERVED, DRIVING = 1, 2, 3, 4, 5, 6
"""What a change is: a rise; a fall; one in small steps over hours; one that was given back; a fall that nobody saw; a
step while driving."""

WITHIN, AROUND, THROUGH = 1, 2, 3
"""How it was measured: within a stay; by driving before and after it; across a place between two drives."""

_MANY = 1_000
"""Plateaus of a stay's beginning or end, without any bound but time."""


class Found(NamedTuple):
    """Per change: `facts` (plateau before, plateau after, kind, how, when final (us), plateaus before and after that
    were compared) and `values` (change, its sd, and the parts of that: levels, burning, drift). Per stay: `stays`
    (plateau before, after, begin, end, 1 if something happened) and `stay_values` (change, sd)."""

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
    stays, stay_values = np.empty((size + 1, 5), dtype=np.int64), np.empty((size + 1, 2))
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
        stay = _around(s, a, i, t)
        found = _stay(s, stay, in_litres[i] > 0, t, runs, sums, facts, values, count)
        stay_count = _note_stay(s, stay, found > count, t, stays, stay_values, stay_count)
        count = found
        if i + 1 < size and s.series[i + 1] == s.series[i] and s.state[i + 1] != MOVING and s.step[i + 1] != 0:
            count = _through(s, i, i + 1, in_litres[i] > 0, t, facts, values, count)
        i += 1
    return facts[:count].copy(), values[:count].copy(), stays[:stay_count].copy(), stay_values[:stay_count].copy()


@helper
def _least(is_rise: bool, is_litres: bool, t: Thresholds) -> float:
    if is_litres:
        return float(t.min_refuel_l if is_rise else t.min_theft_l)
    return float(t.min_refuel_pct if is_rise else t.min_theft_pct)


@helper
def _put(
    facts: I64, values: F64, k: int, a: int, b: int, kind: int, how: int, closed: int, before: int, after: int,
    change: float, levels: float, burned: float, drift: float,
) -> int:  # fmt: skip
    facts[k, 0], facts[k, 1], facts[k, 2], facts[k, 3] = a, b, kind, how
    facts[k, 4], facts[k, 5], facts[k, 6] = closed, before, after
    values[k, 0], values[k, 1] = change, np.sqrt(levels + burned * burned + drift * drift)
    values[k, 2], values[k, 3], values[k, 4] = np.sqrt(levels), burned, drift
    return k + 1


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
    is_here = (s.level[b] - s.level[a]) * change > 0 and abs(s.level[b] - s.level[a]) >= 0.5 * abs(change)
    if not is_here or abs(change) < max(sigma * sd, _least(change > 0, is_litres, t)):
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
    return _put(facts, values, k, a, b, kind, THROUGH, max(closed, s.end[b]), used_before, used_after, change,
                var_before + var_after + tilt, burned, drift)  # fmt: skip


@helper
def _runs(s: Series, a: int, b: int, is_litres: bool, t: Thresholds, runs: I64, sums: F64) -> int:
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
            if change * direction >= max(t.sigma * sd, _least(change > 0, is_litres, t)):
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
    for j in range(i - 1, lowest - 1, -1):
        if j < i - 1 and s.start[i] - s.end[j] > t.one_fill_us:
            break
        step = s.level[i] - s.level[j]
        if not is_weak(s, j) and abs(step) >= 1.5 * np.sqrt(s.sd[i] ** 2 + s.sd[j] ** 2):
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
        if abs(s.level[i] - total / weights) > max(2.5 * np.sqrt(s.sd[i] ** 2 + 1.0 / weights), s.scale[i]):
            break
        weight = 1.0 / max(s.sd[i] ** 2, 1e-9)
        total, weights = total + weight * s.level[i], weights + weight
    return total / weights, weights


@helper
def _gives_back(s: Series, runs: I64, sums: F64, j: int, t: Thresholds) -> bool:
    """Whether run j + 1 gives back what run j took, or took back what it gave."""
    if runs[j, 2] == runs[j + 1, 2] or s.start[runs[j + 1, 1]] - s.start[runs[j, 1]] > t.patience_us:
        return False
    drift = drift_of(s, runs[j, 0], runs[j + 1, 1], t.drift_pct, t.drift_us)
    doubt = s.doubt[runs[j + 1, 1]] - s.doubt[runs[j, 0]]
    sd = np.sqrt(sums[j, 1] + sums[j + 1, 1] + drift * drift + doubt * doubt)
    left = abs(sums[j, 0] + sums[j + 1, 0])
    return bool(left <= max(t.returns_sigma * sd, 0.1 * abs(sums[j, 0])))


class _Stay(NamedTuple):
    """One stay: plateaus `a` to `b`; whether driving before and after it is known; mean levels of that, their
    variances, doubts and counts; when it is confirmed (us)."""

    a: int
    b: int
    comes: bool
    goes: bool
    before: float
    var_before: float
    doubt_before: float
    used_before: int
    after: float
    var_after: float
    doubt_after: float
    used_after: int
    confirmed: int


@helper
def _around(s: Series, a: int, b: int, t: Thresholds) -> _Stay:
    """The stay of plateaus a to b with the driving around it. A departure later than `patience` is none."""
    comes = a > 0 and s.series[a - 1] == s.series[a] and s.state[a - 1] == MOVING
    goes = b + 1 < len(s.start) and s.series[b + 1] == s.series[b] and s.state[b + 1] == MOVING
    before, var_before, doubt_before, used_before = s.level[a], s.sd[a] ** 2, s.doubt[a], 0
    if comes:
        before, var_before, used_before = mean_before(s, a - 1, t.neighbours, t.before_us)
        doubt_before = s.doubt[a - 1]
    after, var_after, doubt_after, used_after, last = s.level[b], s.sd[b] ** 2, s.doubt[b], 0, b
    confirmed = s.end[b]
    if goes:
        until = s.start[b + 1] + t.confirm_us
        after, var_after, used_after, last = mean_after(s, b + 1, t.neighbours, until)
        goes, doubt_after = used_after > 0, s.doubt[b + 1]
        confirmed = s.end[last] if used_after == t.neighbours else until
    return _Stay(a, b, comes, goes, before, var_before, doubt_before, used_before, after, var_after, doubt_after,
                 used_after, confirmed)  # fmt: skip


@helper
def _stay(
    s: Series, stay: _Stay, is_litres: bool, t: Thresholds, runs: I64, sums: F64, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    """What happened in a stay."""
    a, b = stay.a, stay.b
    count = _runs(s, a, b, is_litres, t, runs, sums)
    # Whether driving on told of the change in time; else it is judged by what the stay itself says.
    is_quick = stay.goes and s.start[b + 1] <= s.start[a] + t.patience_us
    edge = edge_sd = used = 0.0
    is_told = False
    if stay.comes and stay.goes:
        edge, edge_sd = _edge(s, stay)
    large = stay.comes and is_quick and abs(edge) >= max(t.sigma * edge_sd, _least(edge > 0, is_litres, t))
    for j in range(count):
        used += sums[j, 0]
        if j > 0 and _gives_back(s, runs, sums, j - 1, t):
            continue
        first, final, change, variance = runs[j, 0], runs[j, 1], sums[j, 0], sums[j, 1]
        burned, drift = s.doubt[final] - s.doubt[first], drift_of(s, first, final, t.drift_pct, t.drift_us)
        if j + 1 < count and _gives_back(s, runs, sums, j, t):
            end = runs[j + 1, 1]
            k = _put(facts, values, k, first, end, RETURNED, WITHIN, s.start[end] + t.one_fill_us, 1, 1, change,
                     variance, burned, drift)  # fmt: skip
            continue
        deadline = s.start[final] + t.patience_us
        is_confirmed = stay.goes and s.start[b + 1] <= deadline
        closed = max(stay.confirmed, s.start[final] + t.one_fill_us) if is_confirmed else deadline
        left_at, right_at, how = first, final, WITHIN
        if stay.comes and is_confirmed and count == 1 and _is_nothing(s, stay, change, t):
            k = _put(facts, values, k, first, b + 1, RETURNED, AROUND, closed, stay.used_before, stay.used_after,
                     change, variance, burned, drift)  # fmt: skip
            large, is_told = False, True
            continue
        if large and is_confirmed and edge * change > 0 and count == 1:
            # Part of it came before the first level of the stay, or after its last one: it is one and the same.
            change, variance, how = change + edge, stay.var_before + stay.var_after, AROUND
            left_at, right_at, large = a - 1, b + 1, False
        elif stay.comes and is_confirmed and count == 1 and _is_more(s, stay, change, t):
            change, variance, how = stay.after - stay.before, stay.var_before + stay.var_after, AROUND
            left_at, right_at = _bounds(s, stay, change)
        elif stay.comes and is_confirmed and count == 1:
            wide = stay.var_before + stay.var_after + (stay.doubt_after - stay.doubt_before) ** 2
            wide += drift_of(s, a - 1, b + 1, t.drift_pct, t.drift_us) ** 2
            if wide < variance:
                # Levels within the stay are poor (a fill went on in them): driving around it says how much it was.
                change, variance, how = stay.after - stay.before, wide, AROUND
                if abs(change) < max(t.sigma * np.sqrt(wide), _least(change > 0, is_litres, t)):
                    continue
                left_at, right_at = _bounds(s, stay, change)
        kind = RISE if change > 0 else (FALL if s.state[first] == STANDING else UNOBSERVED)
        k = _put(facts, values, k, left_at, right_at, kind, how, closed, max(stay.used_before, 1),
                 max(stay.used_after, 1), change, variance, burned, drift)  # fmt: skip
    found = k
    if stay.goes:
        k = _slow(s, a, b, is_litres, s.level[b] - s.level[a] - used, stay.confirmed, t, facts, values, k)
    if k > found:
        return k
    if count == 0 and stay.comes and is_quick:
        k = _across(s, stay, edge, edge_sd, is_litres, t, facts, values, k)
    elif large:
        k = _put_edge(s, stay, edge, edge_sd, t, facts, values, k)
    elif stay.comes and is_quick and count == 1 and not is_told:
        k = _rest(s, stay, used, is_litres, t, facts, values, k)
    elif stay.comes and not is_quick:
        k = _arrival(s, stay, is_litres, t, facts, values, k)
    return k


@helper
def _edge(s: Series, stay: _Stay) -> tuple[float, float]:
    """What changed between driving and the stay's own levels, at its beginning and its end together, and its deviation:
    a slope that began with the stay has ended with it."""
    a, b = stay.a, stay.b
    own = 0.0 if a == b else s.sd[a] ** 2 + s.sd[b] ** 2
    doubt = stay.doubt_after - s.doubt[b] + s.doubt[a] - stay.doubt_before
    edge = (stay.after - stay.before) - (s.level[b] - s.level[a])
    return edge, np.sqrt(stay.var_before + stay.var_after + own + doubt * doubt)


@helper
def _across(
    s: Series, stay: _Stay, edge: float, edge_sd: float, is_litres: bool, t: Thresholds, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    """A change between driving before and after a stay within which nothing is seen, or not clearly."""
    a, b = stay.a, stay.b
    change, doubt = stay.after - stay.before, stay.doubt_after - stay.doubt_before
    drift = drift_of(s, a - 1, b + 1, t.drift_pct, t.drift_us)
    levels = stay.var_before + stay.var_after
    sd = np.sqrt(levels + doubt * doubt + drift * drift)
    if abs(edge) / edge_sd > abs(change) / sd:
        if abs(edge) < max(t.sigma * edge_sd, _least(edge > 0, is_litres, t)):
            return k
        return _put_edge(s, stay, edge, edge_sd, t, facts, values, k)
    if abs(change) < max(t.sigma * sd, _least(change > 0, is_litres, t)):
        return k
    first, last = _bounds(s, stay, change)
    kind = _kind_at(s, stay, change, t)
    return _put(facts, values, k, first, last, kind, AROUND, max(stay.confirmed, s.start[b + 1]), stay.used_before,
                stay.used_after, change, levels, doubt, drift)  # fmt: skip


@helper
def _around_sd(s: Series, stay: _Stay, t: Thresholds) -> float:
    """Standard deviation of what driving before and after a stay says that it changed."""
    doubt = stay.doubt_after - stay.doubt_before
    drift = drift_of(s, stay.a - 1, stay.b + 1, t.drift_pct, t.drift_us)
    return float(np.sqrt(stay.var_before + stay.var_after + doubt * doubt + drift * drift))


@helper
def _is_more(s: Series, stay: _Stay, change: float, t: Thresholds) -> bool:
    """Whether driving around a stay tells of clearly more in the direction of a change that was seen within it."""
    more = stay.after - stay.before - change
    return bool(more * change > 0 and abs(more) >= t.sigma * _around_sd(s, stay, t))


@helper
def _is_nothing(s: Series, stay: _Stay, change: float, t: Thresholds) -> bool:
    """Whether driving around a stay, which would tell of a change as large, tells that there was none."""
    sd, left = _around_sd(s, stay, t), abs(stay.after - stay.before)
    return bool(abs(change) >= t.sigma * sd and left <= max(t.returns_sigma * sd, 0.1 * abs(change)))


@helper
def _rest(s: Series, stay: _Stay, used: float, is_litres: bool, t: Thresholds, facts: I64, values: F64, k: int) -> int:
    """What driving before and after a stay tells against the change (`used`) that was seen within it: another one."""
    change = stay.after - stay.before - used
    if used * change > 0 or abs(change) < max(t.sigma * _around_sd(s, stay, t), _least(change > 0, is_litres, t)):
        return k
    first, last = _bounds(s, stay, change)
    kind, closed = _kind_at(s, stay, change, t), max(stay.confirmed, s.start[stay.b + 1])
    doubt, drift = stay.doubt_after - stay.doubt_before, drift_of(s, stay.a - 1, stay.b + 1, t.drift_pct, t.drift_us)
    return _put(facts, values, k, first, last, kind, AROUND, closed, stay.used_before, stay.used_after, change,
                stay.var_before + stay.var_after, doubt, drift)  # fmt: skip


@helper
def _bounds(s: Series, stay: _Stay, change: float) -> tuple[int, int]:
    """The plateaus of a stay, and of driving around it, between which most of a change lies."""
    first, last = stay.a - 1, stay.b + 1
    while first + 1 < last and (s.level[first + 1] - stay.before) / change < 0.15:
        first += 1
    while last - 1 > first and (s.level[last - 1] - stay.before) / change > 0.85:
        last -= 1
    return first, last


@helper
def _kind_at(s: Series, stay: _Stay, change: float, t: Thresholds) -> int:
    """Kind of a change that the driving around a stay tells: a fall is unobserved where it drove unseen, too."""
    if change > 0:
        return RISE
    is_cut = s.gap[stay.a] > t.cut_off_us and s.unseen_km[stay.a] > t.unseen_km
    return UNOBSERVED if is_cut or s.state[stay.a] != STANDING else FALL


@helper
def _put_edge(
    s: Series, stay: _Stay, edge: float, edge_sd: float, t: Thresholds, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    a, b = stay.a, stay.b
    doubt = stay.doubt_after - s.doubt[b] + s.doubt[a] - stay.doubt_before
    arrived = s.level[a] - stay.before
    at = a if arrived * edge > 0 and abs(arrived) > 0.5 * abs(edge) else b + 1
    return _put(facts, values, k, at - 1, at, _kind_at(s, stay, edge, t), AROUND, max(stay.confirmed, s.start[b + 1]),
                stay.used_before, stay.used_after, edge, edge_sd**2 - doubt * doubt, doubt, 0.0)  # fmt: skip


@helper
def _arrival(s: Series, stay: _Stay, is_litres: bool, t: Thresholds, facts: I64, values: F64, k: int) -> int:
    """A rise at the beginning of a stay from which the vehicle has not driven on in time. The slope of the place may be
    a part of it, so a fall says nothing."""
    a = stay.a
    after, var_after, used, _ = mean_after(s, a, t.neighbours, s.start[a] + t.level_us)
    if used == 0:
        after, var_after, used = s.level[a], s.sd[a] ** 2, 1
    change, levels = after - stay.before, stay.var_before + var_after + s.tilt[a] ** 2
    doubt = s.doubt[a] - stay.doubt_before
    sd = np.sqrt(levels + doubt * doubt)
    if change < max(t.sigma * sd, _least(True, is_litres, t)):
        return k
    closed = s.start[a] + t.patience_us
    return _put(facts, values, k, a - 1, a, RISE, AROUND, closed, stay.used_before, used, change, levels, doubt, 0.0)


@helper
def _note_stay(
    s: Series, stay: _Stay, happened: bool, t: Thresholds, stays: I64, stay_values: F64, m: int
) -> int:  # fmt: skip
    """Notes what a stay lost, for the sum of its week: by its own levels where they cover it, which is sharper."""
    a, b = stay.a, stay.b
    if not (stay.comes and stay.goes) or s.start[b + 1] - s.end[a - 1] < t.stay_us:
        return m
    covers = s.end[b] - s.start[a] >= 0.8 * (s.start[b + 1] - s.end[a - 1])
    change, variance = stay.after - stay.before, stay.var_before + stay.var_after
    if covers:
        half = (s.end[b] - s.start[a]) // 2
        first, var_first, used, _ = mean_after(s, a, _MANY, s.start[a] + min(half, t.before_us))
        if used == 0:  # a level that stood still for longer
            first, var_first = s.level[a], s.sd[a] ** 2
        last, var_last, _ = mean_before(s, b, _MANY, min(half, t.before_us))
        # Burning is not known well enough to say what a night lost, however quiet the driving around it.
        if not (is_weak(s, a) and used == 0) and not is_weak(s, b):
            change, variance = last - first, var_first + var_last
    stays[m, 0], stays[m, 1], stays[m, 2], stays[m, 3] = a - 1, b + 1, s.end[a - 1], stay.confirmed
    stays[m, 4] = 1 if happened else 0
    stay_values[m, 0] = change
    stay_values[m, 1] = np.sqrt(variance + (s.doubt[b] - s.doubt[a]) ** 2)
    return m + 1


@helper
def _slow(
    s: Series, a: int, b: int, is_litres: bool, left: float, closed: int, t: Thresholds, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    """A fall of a stay in steps too small, or too far apart, to be one."""
    variance = s.sd[a] ** 2 + s.sd[b] ** 2
    burned, drift = s.doubt[b] - s.doubt[a], drift_of(s, a, b, t.drift_pct, t.drift_us)
    sd = np.sqrt(variance + burned * burned + drift * drift)
    if s.state[a] != STANDING or -left < max(t.sigma * sd, _least(False, is_litres, t)):
        return k
    first = last = int(np.int64(-1))
    for i in range(a + 1, b + 1):
        if s.level[i] - s.level[i - 1] < -0.5 * np.sqrt(s.sd[i] ** 2 + s.sd[i - 1] ** 2):
            first = i - 1 if first < 0 else first
            last = i
    if first < 0:
        return k
    kind = SLOW if s.start[last] - s.end[first] >= t.slow_us else FALL
    return _put(facts, values, k, first, last, kind, WITHIN, closed, 1, 1, left, variance, burned, drift)


__all__ = ["AROUND", "DRIVING", "FALL", "RETURNED", "RISE", "SLOW", "THROUGH", "UNOBSERVED", "WITHIN", "Found",
           "find_changes"]  # fmt: skip
