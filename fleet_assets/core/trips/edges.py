"""Edges: where a trip begins and ends between two rows of a slow tracker, and what was driven there.

Belongs here: the rows that enclose a trip and the movement between them and it. Does not belong here: which trips there
are (`segmentation`), drives of which no row tells (`unobserved`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.cadence import silence_after
from fleet_assets.core.compiled import F64, I64, Mask, helper, kernel
from fleet_assets.core.integrals import Stretches
from fleet_assets.core.motion import MOVING, UNKNOWN
from fleet_assets.core.pace import Witnesses, is_arrival, km_between, moved_within, pace_at, speed_of
from fleet_assets.core.thresholds import HOUR_US
from fleet_assets.core.track import Track
from fleet_assets.core.trips.segmentation import Candidates

NOTHING = -1

_NEAR_ROWS = 8
_NOISE_SHARE = 0.3
"""Share of the way that counts as leaving a place within which two positions may be one place."""


@dataclass(frozen=True)
class Edges:
    """Per trip: the row before and the row after it that enclose its ends (NOTHING where rows are dense or the end lies
    in a silence), the time moved between them and the trip (us), and the speed at either end (km/h, 0 if not known)."""

    before: I64
    after: I64
    lead: I64
    trail: I64
    lead_kmh: F64
    trail_kmh: F64

    def where(self, mask: Mask) -> Edges:
        rows, moved = (self.before[mask], self.after[mask]), (self.lead[mask], self.trail[mask])
        return Edges(*rows, *moved, self.lead_kmh[mask], self.trail_kmh[mask])

    def around(self, trips: Stretches) -> Stretches:
        """The trips with the rows that enclose them."""
        first = np.where(self.before >= 0, self.before, trips.first)
        return Stretches(first, np.where(self.after >= 0, self.after, trips.last))

    @property
    def moved_s(self) -> F64:
        seconds: F64 = (self.lead + self.trail) / 1e6
        return seconds

    @property
    def km(self) -> F64:
        """Kilometres at the speed of the ends."""
        km: F64 = (self.lead * self.lead_kmh + self.trail * self.trail_kmh) / HOUR_US
        return km


def find_edges(track: Track, trips: Candidates, stop_us: int) -> Edges:
    """The edges of trips, which a stop of `stop_us` ends. Only rows up to `closed_at` count, as for everything about
    a trip."""
    rows, speeds = _edges(track.witnesses, trips.first, trips.last, trips.closed_at, stop_us)
    return Edges(*np.ascontiguousarray(rows.T), *np.ascontiguousarray(speeds.T))


@kernel
def _edges(w: Witnesses, first: I64, last: I64, closed_at: I64, stop_us: int) -> tuple[I64, F64]:
    rows, speeds = np.zeros((len(first), 4), dtype=np.int64), np.zeros((len(first), 2))
    told = 0  # row up to which the trip before tells
    for k in range(len(first)):
        rows[k, 0], rows[k, 2] = _lead(w, first[k], last[k], told)
        rows[k, 1], rows[k, 3] = _trail(w, first[k], last[k], closed_at[k], stop_us)
        told = max(last[k], rows[k, 1])
        speeds[k, 0] = _speed_at(w, first[k], rows[k, 0], first[k], rows[k, 2])
        speeds[k, 1] = _speed_at(w, last[k], last[k], rows[k, 1], rows[k, 3])
    return rows, speeds


@helper
def _lead(w: Witnesses, first: int, last: int, told: int) -> tuple[int, int]:
    """(row before the first one, us moved between them). Across a silence the way between them where it shows a short
    drive; where nothing shows it, half of a step of the trip's own pace."""
    before = _telling(w, first - 1, -1, first)
    if _is_placed_only(w, first) and _is_dense(w, first - 1, first):
        return _left(w, first, told)
    if before >= 0 and w.at[first] - w.at[before] <= w.thresholds.dense_us:
        return -1, 0
    if before >= 0 and w.at[first] - w.at[before] < silence_after(w.vehicle, w.at, w.states, before, w.thresholds):
        if w.states[before] == MOVING:
            return -1, 0  # another trip ends there, and the change lies between the two
        return before, moved_within(w, before, first, pace_at(w, first, True))
    if before < 0:
        return -1, 0  # the first word of a vehicle, or the edge of what may be seen
    if np.isnan(km_between(w, before, first)):
        return -1, 0 if is_arrival(w, first) else _half_step(w, first, last, -1)
    # Whether a short drive or one of its own is decided by the row that ends the silence alone.
    moved = _short_drive(w, before, first, speed_of(w, first))
    return (before if moved > 0 else -1), moved


@helper
def _left(w: Witnesses, first: int, told: int) -> tuple[int, int]:
    """(row before the first one, us between them) where dense positions alone tell of movement: they are far enough
    apart for it only some time after the vehicle left."""
    row = first - 1
    while row >= told and w.vehicle[row] == w.vehicle[first] and w.at[first] - w.at[row] < w.thresholds.silence_us:
        if km_between(w, row, first) >= 0.9 * w.thresholds.leaves_place_km:
            return row, w.at[first] - w.at[row]
        row -= 1
    return -1, 0


@helper
def _reached(w: Witnesses, last: int, closed_at: int, stop_us: int) -> tuple[int, int]:
    """(row after the last one, us between them) at which the vehicle was where it then stood, where dense positions
    alone tell of movement: the last stretch of its way was too short for that."""
    end, row = last, last + 1
    while row < len(w.at) and w.vehicle[row] == w.vehicle[last] and w.at[row] <= closed_at:
        if w.states[row] == MOVING or w.at[row] - w.at[last] > stop_us:
            break
        end = row if not np.isnan(km_between(w, last, row)) else end
        row += 1
    rest_km = km_between(w, last, end)
    if not rest_km > _NOISE_SHARE * w.thresholds.leaves_place_km:
        return -1, 0
    row = last + 1
    while row < end and not km_between(w, row, end) < _NOISE_SHARE / 2 * w.thresholds.leaves_place_km:
        row += 1
    return row, w.at[row] - w.at[last]


@helper
def _is_dense(w: Witnesses, a: int, b: int) -> bool:
    return bool(
        a >= 0 and b < len(w.at) and w.vehicle[a] == w.vehicle[b] and w.at[b] - w.at[a] <= w.thresholds.dense_us
    )


@kernel
def told_by_positions_only(w: Witnesses, first: I64, last: I64) -> Mask:
    """Of which trips positions alone tell."""
    only = np.empty(len(first), dtype=np.bool_)
    for k in range(len(first)):
        only[k] = _is_placed_only(w, first[k]) and is_arrival(w, last[k])
    return only


@helper
def _is_placed_only(w: Witnesses, row: int) -> bool:
    """Whether positions alone tell of a row's movement."""
    has_odometer = len(w.odometer) > 0 and not np.isnan(w.odometer[row])
    return is_arrival(w, row) and not has_odometer


@helper
def _trail(w: Witnesses, first: int, last: int, closed_at: int, stop_us: int) -> tuple[int, int]:
    """(row after the last one, us moved between them); across a silence as for a lead."""
    after = _telling(w, last + 1, 1, last)
    if _is_placed_only(w, last) and _is_dense(w, last, last + 1):
        return _reached(w, last, closed_at, stop_us)
    is_known = after >= 0 and w.at[after] <= closed_at
    if is_known and (w.states[after] == MOVING or w.at[after] - w.at[last] <= w.thresholds.dense_us):
        return -1, 0
    if is_known and w.at[after] - w.at[last] < silence_after(w.vehicle, w.at, w.states, last, w.thresholds):
        if is_arrival(w, last):
            return after, 0
        return after, moved_within(w, last, after, pace_at(w, last, False))
    if is_known and not np.isnan(km_between(w, last, after)):
        moved = _short_drive(w, last, after, speed_of(w, last))
        return (after if moved > 0 else -1), moved
    has_odometer = len(w.odometer) > 0 and not np.isnan(w.odometer[last])
    if has_odometer or is_arrival(w, last):
        return -1, 0  # the next reading tells what was driven
    half, known = _half_step(w, first, last, 1), closed_at - w.at[last]
    return -1, half if half < known else known // 2  # by then it had ended


@helper
def _short_drive(w: Witnesses, a: int, b: int, speed: float) -> int:
    """Microseconds at a speed for the way between two rows around a silence; 0 where that is a drive of its own."""
    km = km_between(w, a, b)
    if np.isnan(speed) or not 0 < km <= speed * w.thresholds.silence_us / HOUR_US:
        return 0
    return int(km / speed * HOUR_US)


@helper
def _half_step(w: Witnesses, first: int, last: int, side: int) -> int:
    """Half of the mean step of a trip's rows near its end: what is not seen of a movement begins, or ends, anywhere
    between two rows. Nothing where rows are dense."""
    a, b = (first, min(first + _NEAR_ROWS, last)) if side < 0 else (max(last - _NEAR_ROWS, first), last)
    if b == a:
        return 0
    step = (w.at[b] - w.at[a]) // (b - a)
    if step <= w.thresholds.dense_us:
        return 0
    half = int(min(step, w.thresholds.silence_most_us) // 2)
    row, next_row = (first, first - 1) if side < 0 else (last, last + 1)
    if 0 <= next_row < len(w.at) and w.vehicle[next_row] == w.vehicle[row]:
        half = min(half, abs(int(w.at[next_row]) - int(w.at[row])))  # it spoke then, whatever it said
    return half


@helper
def _telling(w: Witnesses, row: int, step: int, near: int) -> int:
    """The nearest row, from `row` on, that says anything of motion or way; -1 if there is none."""
    while 0 <= row < len(w.at) and w.vehicle[row] == w.vehicle[near]:
        has_reading = len(w.odometer) > 0 and not np.isnan(w.odometer[row])
        if w.states[row] != UNKNOWN or has_reading:
            return row
        row += step
    return -1


@helper
def _speed_at(w: Witnesses, row: int, a: int, b: int, moved: int) -> float:
    """km/h over an edge: by the way where it is known, else the speed of the trip's own row."""
    if moved <= 0:
        return 0.0
    km = km_between(w, a, b) if a >= 0 and b >= 0 else np.nan
    speed = km / moved * HOUR_US if not np.isnan(km) else speed_of(w, row)
    return 0.0 if np.isnan(speed) else speed
