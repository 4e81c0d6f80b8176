"""Segments: where trips begin and end, decided in order of time and never from later data.

Belongs here: the automaton over motion, silence, ignition and odometer. Does not belong here: how motion is observed
(`motion`) and what a trip measures (`measures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fleet_assets.core.cadence import silence_after
from fleet_assets.core.compiled import F64, I8, I64, kernel
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN
from fleet_assets.core.pace import Witnesses, is_arrival, km_between, moved_within, pace_at, witnesses
from fleet_assets.core.points import Points
from fleet_assets.core.trip_rules import Limits

START_REASONS = ("motion", "ignition", "gap", "truncated", "unobserved")
END_REASONS = ("stop", "ignition", "gap", "unobserved")
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
    rpm: F64
    seen: Witnesses
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
    ignition, rpm = points.column("is_ignition_on"), points.column("engine_speed_rpm")
    table = _cut(_Signals(points.vehicle, points.at, states, ignition, rpm, witnesses(points, states, limits), limits))
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
    dense = s.limits.dense
    soonest = min(s.limits.stop, s.limits.silence, s.limits.ignition_off if has_ignition else s.limits.stop)
    for i in range(begin, end):
        if states[i] == MOVING:
            is_settled = first >= 0 and at[i] - at[last] < soonest
        else:
            is_settled = first < 0 and states[i] == STANDING and seen >= 0 and at[i] - at[seen] <= dense
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
        if not is_driving and states[i] == STANDING and seen >= 0 and at[i] - at[seen] > dense:
            is_driving = _arrives(s, seen, i)
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
    if seen < 0 or s.at[i] - s.at[seen] >= _silence_after(s, seen):
        return _BY_GAP
    return _BY_IGNITION if s.at[i] - on_at <= s.limits.stop else _BY_MOTION


@kernel
def _silence_after(s: _Signals, row: int) -> int:
    return silence_after(s.vehicle, s.at, s.states, row, s.limits)


@kernel
def _verdict(s: _Signals, i: int, last: int, seen: int, key: _Ignition) -> tuple[int, int, int]:
    """(closed_at, reason, verdict) on the open trip when row i comes next; i = -1 stands for no further data.

    The earliest deadline wins: ignition off, a stop that was seen, a silence.
    """
    now = s.at[i] if i >= 0 else _FAR
    silent_at = s.at[seen] + _silence_after(s, seen)
    reason, stop_at, is_sparse = _GAP, silent_at, False
    if seen > last:
        stood = _first_standing(s, last, seen)
        is_sparse = s.at[stood] - s.at[last] > s.limits.dense
        reason, stop_at = _STOP, s.at[last] + _moved_on(s, last, stood) + s.limits.stop
    ends_at = max(stop_at, silent_at) if is_sparse else stop_at
    if key.off_at != _LONG_AGO and s.at[last] - key.refuted_at > s.limits.ignition_memory:
        off_for_long_at = max(key.off_at, s.at[last]) + s.limits.ignition_off
        if off_for_long_at <= ends_at:
            return off_for_long_at, _IGNITION, (_ENDED if now >= off_for_long_at else _OPEN)
    if now < stop_at:
        return stop_at, reason, _OPEN
    if is_sparse and now < ends_at:
        return now, reason, _sparse_stop(s, i, last, stood, seen)
    before = _reading_before(s, seen)
    if before < 0:
        return ends_at, reason, _ENDED
    if i >= 0 and seen > last and now < silent_at:
        return now, reason, _ENDED
    says_nothing = i >= 0 and s.states[i] == UNKNOWN and not _is_reading(s, i, before)
    if says_nothing and now < _bound(s, seen, before):
        return stop_at, reason, _OPEN  # says nothing about motion: the silence goes on
    closed_at, driven_on = _end_of_silence(s, i, seen, before)
    return closed_at, reason, (_DRIVEN_ON if driven_on else _ENDED)


@kernel
def _moved_on(s: _Signals, last: int, stood: int) -> int:
    """Microseconds after row `last` in which the vehicle still moved before it was seen standing in row `stood`."""
    if is_arrival(s.seen, last):
        return 0
    return moved_within(s.seen, last, stood, pace_at(s.seen, last, False))


@kernel
def _first_standing(s: _Signals, last: int, seen: int) -> int:
    """First row after the last movement that was seen standing."""
    row = last + 1
    while row < seen and s.states[row] != STANDING:
        row += 1
    return row


@kernel
def _sparse_stop(s: _Signals, i: int, last: int, stood: int, seen: int) -> int:
    """Whether rows that come seldom, standing from `stood` to `seen`, were a stop when row i comes at their own pace.

    A second row that stands where the one before it stood says so. One alone may be a traffic light: then the rows
    around it must show that the vehicle stood long enough however slowly it drove, or the engine that it was switched
    off.
    """
    if s.states[i] == UNKNOWN:
        return _OPEN
    if s.states[i] == STANDING and not _arrives(s, seen, i):
        return _ENDED
    slowest = min(pace_at(s.seen, last, False), s.limits.town_kmh)
    moved = moved_within(s.seen, last, stood, slowest) + moved_within(s.seen, seen, i, slowest)
    if s.at[i] - s.at[last] - moved < s.limits.stop:
        return _OPEN
    if seen > stood and s.at[seen] - s.at[stood] > 0:
        return _ENDED
    is_measured = not np.isnan(km_between(s.seen, last, stood)) and not np.isnan(km_between(s.seen, seen, i))
    is_off = (len(s.rpm) > 0 and s.rpm[stood] == 0) or (len(s.ignition) > 0 and s.ignition[stood] == 0)
    return _ENDED if is_measured or is_off else _OPEN


@kernel
def _arrives(s: _Signals, seen: int, i: int) -> bool:
    """Whether row i, which stands, stands at another place than row `seen`: it drove in between, and halts again."""
    if seen < 0 or s.states[i] != STANDING or s.states[seen] != STANDING or s.limits.holes_only:
        return False
    if s.at[i] - s.at[seen] <= s.limits.dense:
        return False
    if s.at[i] - s.at[seen] >= _silence_after(s, seen):
        return False
    least = s.limits.arrives_km
    if _is_whole(s.seen.odometer, seen, i):
        least += 1.0
    return bool(km_between(s.seen, seen, i) > least)


@kernel
def _end_of_silence(s: _Signals, i: int, seen: int, before: int) -> tuple[int, bool]:
    """(closed_at, drove on) for a silence after row `seen`, with a reading in row `before`, that ends with row i
    (-1: not at all). The trip waits for the next reading, up to the bound."""
    bound = _bound(s, seen, before)
    if i < 0 or s.at[i] >= bound:
        return bound, False
    after = _reading_after(s, i, before)
    if after < 0:
        return min(s.at[i] + s.limits.odometer_wait, bound), False
    step, hours = km_between(s.seen, before, after), (s.at[after] - s.at[before]) / _MICROS_PER_HOUR
    if np.isnan(step):
        return s.at[after], False
    if _is_whole(s.seen.odometer, before, after):
        step -= 1.0  # whole kilometres: one of them may be a step that was due anyway
    driven_on = s.limits.bridge_above_kmh * hours <= step <= s.limits.max_speed_kmh * hours
    if driven_on and _stood_slowly(s, seen):
        # It was last seen standing by a tracker that speaks seldom: was there time left for a stop?
        stood = s.at[after] - s.at[before] - moved_within(s.seen, before, after, s.limits.town_kmh)
        driven_on = stood < s.limits.stop
    return s.at[after], driven_on


@kernel
def _stood_slowly(s: _Signals, seen: int) -> bool:
    is_slow = seen > 0 and s.vehicle[seen - 1] == s.vehicle[seen] and s.at[seen] - s.at[seen - 1] > s.limits.dense
    return bool(s.states[seen] == STANDING and is_slow)


@kernel
def _bound(s: _Signals, seen: int, before: int) -> int:
    """Until when a silence after row `seen` may be bridged: by an odometer long, by positions shortly, since a straight
    line says less the longer it takes."""
    silence = _silence_after(s, seen)
    has_odometer = len(s.seen.odometer) > 0 and not np.isnan(s.seen.odometer[before])
    return int(s.at[seen] + (max(s.limits.bridge, silence) if has_odometer else min(2 * silence, s.limits.bridge)))


@kernel
def _is_whole(odometer: F64, a: int, b: int) -> bool:
    if len(odometer) == 0 or np.isnan(odometer[a]) or np.isnan(odometer[b]):
        return False
    return bool(odometer[a] == np.floor(odometer[a]) and odometer[b] == np.floor(odometer[b]))


@kernel
def _is_reading(s: _Signals, row: int, before: int) -> bool:
    """Whether a row has a reading that can be compared with that of row `before`: the odometer, else the position."""
    if len(s.seen.odometer) > 0 and not np.isnan(s.seen.odometer[before]):
        return not np.isnan(s.seen.odometer[row])
    return not np.isnan(s.seen.lat[row]) and not np.isnan(s.seen.lon[row])


@kernel
def _reading_before(s: _Signals, last: int) -> int:
    """Row of the newest odometer reading at or shortly before `last`, else of the newest position; -1 if there is none
    that may bridge a silence."""
    if s.limits.holes_only:
        return -1
    row, position = last, -1
    has_odometer, has_position = len(s.seen.odometer) > 0, len(s.seen.lat) > 0
    while (has_odometer or has_position) and row >= 0 and s.vehicle[row] == s.vehicle[last]:
        if s.at[last] - s.at[row] >= s.limits.silence:
            break
        if has_odometer and not np.isnan(s.seen.odometer[row]):
            return row
        if has_position and position < 0 and not np.isnan(s.seen.lat[row]) and not np.isnan(s.seen.lon[row]):
            position = row
        row -= 1
    return position


@kernel
def _reading_after(s: _Signals, i: int, before: int) -> int:
    """Row of the first comparable reading at or shortly after row i; -1 if it does not come in time."""
    row = i
    while row < len(s.at) and s.vehicle[row] == s.vehicle[i] and s.at[row] - s.at[i] < s.limits.odometer_wait:
        if _is_reading(s, row, before):
            return row
        row += 1
    return -1
