"""Changes around a stay: levels of driving before it, compared with those of driving after it.

Belongs here: the stay with what lies around it, and what that alone tells, or tells better. Does not belong here:
levels of the stay compared with each other (`within_stays`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I64, helper
from fleet_assets.core.fuel.changes import AROUND, FALL, HERE_SHARE, LEFT_SHARE, RISE, UNOBSERVED, WITHIN, least, put
from fleet_assets.core.fuel.series import Series, between_levels, drift_of, mean_after, mean_before
from fleet_assets.core.motion import MOVING, STANDING
from fleet_assets.core.thresholds import Thresholds


class Stay(NamedTuple):
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
def driving_around(s: Series, a: int, b: int, t: Thresholds) -> Stay:
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
    return Stay(a, b, comes, goes, before, var_before, doubt_before, used_before, after, var_after, doubt_after,
                 used_after, confirmed)  # fmt: skip


@helper
def _edge_doubt(s: Series, stay: Stay) -> float:
    return float(stay.doubt_after - s.doubt[stay.b] + s.doubt[stay.a] - stay.doubt_before)


@helper
def edge_of(s: Series, stay: Stay) -> tuple[float, float]:
    """What changed between driving and the stay's own levels, at its beginning and its end together, and its deviation:
    a slope that began with the stay has ended with it."""
    a, b, doubt = stay.a, stay.b, _edge_doubt(s, stay)
    own = 0.0 if a == b else s.sd[a] ** 2 + s.sd[b] ** 2
    edge = (stay.after - stay.before) - (s.level[b] - s.level[a])
    return edge, np.sqrt(stay.var_before + stay.var_after + own + doubt * doubt)


@helper
def around_parts(s: Series, stay: Stay, t: Thresholds) -> tuple[float, float, float]:
    """What makes driving before and after a stay unsure: variance of its levels, doubt of burning, drift of heat."""
    drift = drift_of(s, stay.a - 1, stay.b + 1, t.drift_pct, t.drift_us)
    return stay.var_before + stay.var_after, stay.doubt_after - stay.doubt_before, drift


@helper
def _around_sd(s: Series, stay: Stay, t: Thresholds) -> float:
    """Standard deviation of what driving before and after a stay says that it changed."""
    levels, doubt, drift = around_parts(s, stay, t)
    return float(np.sqrt(levels + doubt * doubt + drift * drift))


@helper
def _is_more(s: Series, stay: Stay, first: int, final: int, change: float, t: Thresholds) -> bool:
    """Whether driving around a stay tells of clearly more in the direction of a change that was seen within it, from
    plateau `first` to `final`, and the stay's own levels do not tell that most of it came at another time."""
    more = stay.after - stay.before - change
    if more * change <= 0 or abs(more) < t.sigma * _around_sd(s, stay, t):
        return False
    elsewhere = _elsewhere(s, stay, first, final, t)
    return bool(elsewhere * change <= 0 or abs(elsewhere) < HERE_SHARE * abs(more))


@helper
def _elsewhere(s: Series, stay: Stay, first: int, final: int, t: Thresholds) -> float:
    """What the own levels of a stay changed long before and long after a change within it."""
    begin, end = first, final
    while begin > stay.a and s.end[first] - s.end[begin - 1] <= t.one_fill_us:
        begin -= 1
    while end < stay.b and s.start[end + 1] - s.start[final] <= t.one_fill_us:
        end += 1
    return float(s.level[begin] - s.level[stay.a] + s.level[stay.b] - s.level[end])


@helper
def is_nothing(s: Series, stay: Stay, change: float, t: Thresholds) -> bool:
    """Whether driving around a stay, which would tell of a change as large, tells that there was none: it went again
    between the stay's own levels and driving, not within the stay, as a leak after a refuel does."""
    edge, _ = edge_of(s, stay)
    if edge * change > 0 or abs(edge) < HERE_SHARE * abs(change):
        return False
    sd, left = _around_sd(s, stay, t), abs(stay.after - stay.before)
    return bool(abs(change) >= t.sigma * sd and left <= max(t.returns_sigma * sd, LEFT_SHARE * abs(change)))


@helper
def is_passing(
    s: Series, stay: Stay, first: int, final: int, change: float, is_confirmed: bool, t: Thresholds
) -> bool:  # fmt: skip
    """Whether a change within a stay gives back what arriving brought, or is given back on leaving in time
    (`is_confirmed`): a sender that tells nonsense while it is switched off or on, and is back where it was."""
    if stay.comes and s.start[final] - s.start[stay.a] <= t.level_us:
        sd = np.sqrt(stay.var_before + s.sd[first] ** 2 + s.tilt[stay.a] ** 2)
        if _cancels(s.level[first] - stay.before, sd, change, t):
            return True
    if is_confirmed and s.end[stay.b] - s.end[first] <= t.level_us:
        sd = np.sqrt(stay.var_after + s.sd[final] ** 2 + s.tilt[stay.b + 1] ** 2)
        return _cancels(stay.after - s.level[final], sd, change, t)
    return False


@helper
def _cancels(other: float, sd: float, change: float, t: Thresholds) -> bool:
    return bool(abs(other + change) <= t.passing_share * abs(change) and abs(other) >= t.passing_sigma * sd)


@helper
def by_driving(
    s: Series, stay: Stay, first: int, final: int, change: float, variance: float, is_litres: bool, t: Thresholds
) -> tuple[int, int, int, float, float]:
    """A change within a stay by its own levels, or by driving around it where that tells clearly more, or tells it
    better: plateaus before and after, how (0: it is too small to be one), change, variance of the levels."""
    around, sd = stay.after - stay.before, _around_sd(s, stay, t)
    wide = stay.var_before + stay.var_after
    if not _is_more(s, stay, first, final, change, t):
        if sd * sd >= variance:
            return first, final, WITHIN, change, variance
        # Levels within the stay are poor (a fill went on in them): driving around it says how much it was.
        if abs(around) < max(t.sigma * sd, least(around > 0, is_litres, t)):
            return first, final, 0, around, wide
    left, right = between_levels(s, stay.a - 1, stay.b + 1, stay.before, around)
    return left, right, AROUND, around, wide


@helper
def _kind_at(s: Series, stay: Stay, change: float, t: Thresholds) -> int:
    """Kind of a change that the driving around a stay tells: a fall is unobserved where it drove unseen, too."""
    if change > 0:
        return RISE
    is_cut = s.gap[stay.a] > t.cut_off_us and s.unseen_km[stay.a] > t.unseen_km
    return UNOBSERVED if is_cut or s.state[stay.a] != STANDING else FALL


@helper
def across_stay(
    s: Series, stay: Stay, edge: float, edge_sd: float, is_litres: bool, t: Thresholds, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    """A change between driving before and after a stay within which nothing is seen, or not clearly."""
    b = stay.b
    change, sd = stay.after - stay.before, _around_sd(s, stay, t)
    levels, doubt, drift = around_parts(s, stay, t)
    if abs(edge) / edge_sd > abs(change) / sd:
        if abs(edge) < max(t.sigma * edge_sd, least(edge > 0, is_litres, t)):
            return k
        return put_edge(s, stay, edge, edge_sd, t, facts, values, k)
    if abs(change) < max(t.sigma * sd, least(change > 0, is_litres, t)):
        return k
    first, last = between_levels(s, stay.a - 1, stay.b + 1, stay.before, change)
    kind = _kind_at(s, stay, change, t)
    return put(facts, values, k, first, last, kind, AROUND, max(stay.confirmed, s.start[b + 1]), stay.used_before,
                stay.used_after, change, levels, doubt, drift)  # fmt: skip


@helper
def rest_of(s: Series, stay: Stay, used: float, is_litres: bool, t: Thresholds, facts: I64, values: F64, k: int) -> int:
    """What driving before and after a stay tells against the change (`used`) that was seen within it: another one."""
    change = stay.after - stay.before - used
    if used * change > 0 or abs(change) < max(t.sigma * _around_sd(s, stay, t), least(change > 0, is_litres, t)):
        return k
    first, last = between_levels(s, stay.a - 1, stay.b + 1, stay.before, change)
    kind, closed = _kind_at(s, stay, change, t), max(stay.confirmed, s.start[stay.b + 1])
    levels, doubt, drift = around_parts(s, stay, t)
    return put(facts, values, k, first, last, kind, AROUND, closed, stay.used_before, stay.used_after, change, levels,
               doubt, drift)  # fmt: skip


@helper
def put_edge(
    s: Series, stay: Stay, edge: float, edge_sd: float, t: Thresholds, facts: I64, values: F64, k: int
) -> int:  # fmt: skip
    a, b, doubt = stay.a, stay.b, _edge_doubt(s, stay)
    arrived = s.level[a] - stay.before
    at = a if arrived * edge > 0 and abs(arrived) > HERE_SHARE * abs(edge) else b + 1
    return put(facts, values, k, at - 1, at, _kind_at(s, stay, edge, t), AROUND, max(stay.confirmed, s.start[b + 1]),
                stay.used_before, stay.used_after, edge, edge_sd**2 - doubt * doubt, doubt, 0.0)  # fmt: skip


@helper
def at_arrival(s: Series, stay: Stay, is_litres: bool, t: Thresholds, facts: I64, values: F64, k: int) -> int:
    """A rise at the beginning of a stay from which the vehicle has not driven on in time. The slope of the place may be
    a part of it, so a fall says nothing."""
    a = stay.a
    after, var_after, used, _ = mean_after(s, a, t.neighbours, s.start[a] + t.level_us)
    if used == 0:
        after, var_after, used = s.level[a], s.sd[a] ** 2, 1
    change, levels = after - stay.before, stay.var_before + var_after + s.tilt[a] ** 2
    doubt = s.doubt[a] - stay.doubt_before
    sd = np.sqrt(levels + doubt * doubt)
    if change < max(t.sigma * sd, least(True, is_litres, t)):
        return k
    closed = s.start[a] + t.patience_us
    return put(facts, values, k, a - 1, a, RISE, AROUND, closed, stay.used_before, used, change, levels, doubt, 0.0)
