"""Segments: where trips begin and end, decided in order of time and never from later data.

Belongs here: the automaton over motion, silence, ignition and odometer. Does not belong here: how motion is observed
(`motion`) and what a trip measures (`measures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fleet_assets.core.compiled import F64, I8, I64, kernel
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN
from fleet_assets.core.points import Points
from fleet_assets.core.trip_rules import Limits

START_REASONS = ("motion", "ignition", "gap", "truncated")
END_REASONS = ("stop", "ignition", "gap")
_BY_MOTION, _BY_IGNITION, _BY_GAP, TRUNCATED = 0, 1, 2, 3
_STOP, _IGNITION, _GAP = 0, 1, 2
_OPEN, _ENDED, _DRIVEN_ON = 0, 1, 2

_LONG_AGO = -(2**62)
_FAR = 2**62
_MICROS_PER_HOUR = 3.6e9


class _Signals(NamedTuple):
    vehicle: I64
    at: I64
    states: I8
    ignition: F64
    odometer: F64
    origin: I8
    limits: Limits


class _Ignition(NamedTuple):
    """When it was switched on, when "on" was last heard, since when it is off, when "off" was last heard, when movement
    last refuted "off"."""

    on_at: int
    on_heard_at: int
    off_at: int
    off_heard_at: int
    refuted_at: int


@dataclass(frozen=True)
class Segments:
    """One row per candidate trip: rows `first` to `last` (inclusive) of the points, and when and why it ended."""

    first: I64
    last: I64
    closed_at: I64
    start_reason: I64
    end_reason: I64

    def __len__(self) -> int:
        return len(self.first)

    def where(self, mask: npt.NDArray[np.bool_]) -> Segments:
        parts = (self.first, self.last, self.closed_at, self.start_reason, self.end_reason)
        return Segments(*(part[mask] for part in parts))


def cut_segments(points: Points, states: I8, limits: Limits) -> Segments:
    """Candidate trips of all vehicles in order of vehicle and start.

    A trip is open from its first movement, and final as soon as a stop, a silence or the ignition decides its end.
    Everything about a trip is decided by observations before `closed_at` (a silence of a vehicle with an odometer ends
    with the next observation, which is then `closed_at`), so cutting the data later changes nothing.
    """
    ignition, odometer = points.column("is_ignition_on"), points.column("odometer_km")
    origin = points.origin_of("odometer_km")
    table = _cut(_Signals(points.vehicle, points.at, states, ignition, odometer, origin, limits))
    return Segments(*np.ascontiguousarray(table.T))


@kernel
def _cut(s: _Signals) -> I64:
    trips = np.empty((64, 5), dtype=np.int64)
    count = begin = 0
    vehicle = s.vehicle  # reading it from the tuple row by row would count its references every time
    while begin < len(vehicle):
        end = begin
        while end < len(vehicle) and vehicle[end] == vehicle[begin]:
            end += 1
        trips, count = _cut_vehicle(s, begin, end, trips, count)
        begin = end
    return trips[:count].copy()


@kernel
def _cut_vehicle(s: _Signals, begin: int, end: int, trips: I64, count: int) -> tuple[I64, int]:
    none = int(np.int64(-1))  # a literal would make versions of the kernels below of its own
    first = last = seen = none  # rows: first and last movement of the open trip, last row that observed motion
    key = _Ignition(_LONG_AGO, _LONG_AGO, _LONG_AGO, _LONG_AGO, _LONG_AGO)
    at, states, holes_only, has_ignition = s.at, s.states, s.limits.holes_only, len(s.ignition) > 0
    soonest = min(s.limits.stop, s.limits.silence, s.limits.ignition_off if has_ignition else s.limits.stop)
    for i in range(begin, end):
        is_settled = states[i] == MOVING and at[i] - at[last] < soonest if first >= 0 else states[i] == STANDING
        if is_settled and not has_ignition:  # most rows: an open trip goes on, or nothing begins
            last = seen = i
            continue
        verdict = _OPEN
        if first >= 0 and at[i] - at[last] >= soonest:  # nothing can have ended it before
            closed_at, reason, verdict = _verdict(s, i, last, seen, key)
            if verdict == _ENDED:
                trips, count = _append(trips, count, last, closed_at, reason)
                first = none
        is_driving = states[i] == MOVING or verdict == _DRIVEN_ON
        if has_ignition:
            key = _turned(s, i, is_driving, key)
        if is_driving or (first >= 0 and holes_only and states[i] != UNKNOWN):
            if first < 0:
                first = i
                trips[count, 0], trips[count, 3] = i, _start_reason(s, i, seen, key.on_at)
            last = i
        if states[i] != UNKNOWN or last == i:
            seen = i
    if first >= 0:
        closed_at, reason, verdict = _verdict(s, none, last, seen, key)
        trips, count = _append(trips, count, last, closed_at, reason)
    return trips, count


@kernel
def _append(trips: I64, count: int, last: int, closed_at: int, reason: int) -> tuple[I64, int]:
    """Completes the open trip, whose first row and start reason are already in place, and makes room for the next."""
    trips[count, 1], trips[count, 2], trips[count, 4] = last, closed_at, reason
    count += 1
    if count == len(trips):
        grown = np.empty((2 * count, 5), dtype=np.int64)
        grown[:count] = trips
        trips = grown
    return trips, count


@kernel
def _turned(s: _Signals, i: int, is_driving: bool, key: _Ignition) -> _Ignition:
    """The ignition after row i. Nothing older than the limit counts, so that every run agrees, wherever it starts."""
    on_at, on_heard_at, off_at, off_heard_at, refuted_at = key
    if s.at[i] - off_heard_at > s.limits.ignition_memory:
        off_at = _LONG_AGO
    if s.ignition[i] > 0:
        was_on = off_at == _LONG_AGO and s.at[i] - on_heard_at <= s.limits.ignition_memory
        on_at = on_at if was_on else s.at[i]
        on_heard_at = s.at[i]
        off_at = off_heard_at = refuted_at = _LONG_AGO
    elif s.ignition[i] == 0:
        off_at = s.at[i] if off_at == _LONG_AGO else off_at
        off_heard_at = s.at[i]
    if is_driving and off_at != _LONG_AGO and s.at[i] - off_at >= s.limits.ignition_off:
        refuted_at = s.at[i]  # it drives with the ignition "off": the signal is not to be trusted
    return _Ignition(on_at, on_heard_at, off_at, off_heard_at, refuted_at)


@kernel
def _start_reason(s: _Signals, i: int, seen: int, on_at: int) -> int:
    if seen < 0 or s.at[i] - s.at[seen] >= s.limits.silence:
        return _BY_GAP
    return _BY_IGNITION if s.at[i] - on_at <= s.limits.stop else _BY_MOTION


@kernel
def _verdict(s: _Signals, i: int, last: int, seen: int, key: _Ignition) -> tuple[int, int, int]:
    """(closed_at, reason, verdict) on the open trip when row i comes next; i = -1 stands for no further data.

    The earliest deadline wins: ignition off, a stop that was seen, a silence.
    """
    now = s.at[i] if i >= 0 else _FAR
    stop_at = s.at[last] + (s.limits.silence if seen == last else s.limits.stop)
    if key.off_at != _LONG_AGO and s.at[last] - key.refuted_at > s.limits.ignition_memory:
        off_for_long_at = max(key.off_at, s.at[last]) + s.limits.ignition_off
        if off_for_long_at <= stop_at:
            return off_for_long_at, _IGNITION, (_ENDED if now >= off_for_long_at else _OPEN)
    reason = _GAP if seen == last else _STOP
    if now < stop_at:
        return stop_at, reason, _OPEN
    before = _reading_before(s, seen)
    if before < 0:
        return stop_at, reason, _ENDED
    if i >= 0 and seen > last and now - s.at[seen] < s.limits.silence:
        return now, reason, _ENDED
    if i >= 0 and s.states[i] == UNKNOWN and np.isnan(s.odometer[i]) and now < s.at[seen] + s.limits.bridge:
        return stop_at, reason, _OPEN  # says nothing about motion: the silence goes on
    closed_at, driven_on = _end_of_silence(s, i, seen, before)
    return closed_at, reason, (_DRIVEN_ON if driven_on else _ENDED)


@kernel
def _end_of_silence(s: _Signals, i: int, seen: int, before: int) -> tuple[int, bool]:
    """(closed_at, drove on) for a silence after row `seen`, with an odometer read in row `before`, that ends with row i
    (-1: not at all). The trip waits for the next reading, up to the bound."""
    bound = s.at[seen] + s.limits.bridge
    if i < 0 or s.at[i] >= bound:
        return bound, False
    after = _reading_after(s, i)
    if after < 0:
        return min(s.at[i] + s.limits.odometer_wait, bound), False
    if len(s.origin) > 0 and s.origin[before] != s.origin[after]:
        return s.at[after], False
    step, hours = s.odometer[after] - s.odometer[before], (s.at[after] - s.at[before]) / _MICROS_PER_HOUR
    if s.odometer[after] == np.floor(s.odometer[after]) and s.odometer[before] == np.floor(s.odometer[before]):
        step -= 1.0  # whole kilometres: one of them may be a step that was due anyway
    driven_on = s.limits.bridge_above_kmh * hours <= step <= s.limits.max_speed_kmh * hours
    return s.at[after], driven_on


@kernel
def _reading_before(s: _Signals, last: int) -> int:
    """Row of the newest odometer reading at or shortly before `last`; -1 if there is none that may bridge a silence."""
    if s.limits.holes_only:
        return -1
    row = last
    while len(s.odometer) > 0 and row >= 0 and s.vehicle[row] == s.vehicle[last]:
        if s.at[last] - s.at[row] >= s.limits.silence:
            return -1
        if not np.isnan(s.odometer[row]):
            return row
        row -= 1
    return -1


@kernel
def _reading_after(s: _Signals, i: int) -> int:
    """Row of the first odometer reading at or shortly after row i; -1 if it does not come in time."""
    row = i
    while row < len(s.at) and s.vehicle[row] == s.vehicle[i] and s.at[row] - s.at[i] < s.limits.odometer_wait:
        if not np.isnan(s.odometer[row]):
            return row
        row += 1
    return -1
