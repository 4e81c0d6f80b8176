"""Segmentation: where trips begin and end, decided in order of time and never from later data.

Belongs here: the walk over the rows of each vehicle, and the ignition. Does not belong here: how motion is observed
(`motion`), the verdict on an end (`ends`) and what a trip measures (`measures`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import I64, Mask, helper, kernel
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN
from fleet_assets.core.thresholds import thresholds_of
from fleet_assets.core.track import Track
from fleet_assets.core.trips.ends import (
    DRIVEN_ON,
    ENDED,
    LONG_AGO,
    OPEN,
    Ignition,
    Signals,
    arrives,
    silence_of,
    verdict_on,
)

START_REASONS = ("motion", "ignition", "gap", "truncated", "unobserved")
END_REASONS = ("stop", "ignition", "gap", "unobserved")
_BY_MOTION, _BY_IGNITION, _BY_GAP, TRUNCATED = 0, 1, 2, 3


@dataclass(frozen=True)
class SegmentationRules:
    """What ends a trip, what does not, and which trips are too short."""

    stop_s: float = 300.0
    """s without movement that end a trip (Samsara, Traccar classic)."""
    ignition_off_s: float = 60.0
    """s of ignition off that end a trip; s of movement with the ignition off after which it is not trusted."""
    ignition_memory_s: float = 3600.0
    """s for which an "off", and the distrust in it, count: the end of a trip depends on the last hours only."""
    bridge_above_kmh: float = 10.0
    """km/h of mean speed over a silence from which the odometer shows that the vehicle drove on."""
    odometer_wait_s: float = 60.0
    """s after a silence in which the odometer may come back before the silence counts as an end."""
    town_kmh: float = 20.0
    """km/h at which a vehicle gets on through a town with its lights: what is slower has stood."""
    min_distance_km: float = 0.1
    """km below which it is no trip (VoltTracker 0.1 mi, TeslaMate 10 m)."""
    min_points: int = 2
    """Observed instants below which it is no trip (TeslaMate)."""


@dataclass(frozen=True)
class Candidates:
    """One row per candidate trip: rows `first` to `last` (inclusive) of the points, and when and why it ended."""

    first: I64
    last: I64
    closed_at: I64
    start_reason: I64
    end_reason: I64

    def __len__(self) -> int:
        return len(self.first)

    def where(self, mask: Mask) -> Candidates:
        parts = (self.first, self.last, self.closed_at, self.start_reason, self.end_reason)
        return Candidates(*(part[mask] for part in parts))


def candidate_trips(track: Track, rules: SegmentationRules) -> Candidates:
    """Candidate trips of all vehicles in order of vehicle and start.

    A trip is open from its first movement, and final as soon as a stop, a silence or the ignition decides its end.
    Everything about a trip is decided by observations before `closed_at` (a silence of a vehicle with an odometer ends
    with the next observation, which is then `closed_at`), so cutting the data later changes nothing.
    """
    ignition, rpm = track.column("is_ignition_on"), track.column("engine_speed_rpm")
    table = _cut(Signals(track.witnesses, ignition, rpm, thresholds_of(rules)))
    return Candidates(*np.ascontiguousarray(table.T))


@kernel
def _cut(s: Signals) -> I64:
    trips = np.empty((64, 5), dtype=np.int64)
    count = begin = 0
    vehicle = s.seen.vehicle  # reading it from the tuple row by row would count its references every time
    while begin < len(vehicle):
        end = begin
        while end < len(vehicle) and vehicle[end] == vehicle[begin]:
            end += 1
        trips, count = _cut_vehicle(s, begin, end, trips, count)
        begin = end
    return trips[:count].copy()


@helper
def _cut_vehicle(s: Signals, begin: int, end: int, trips: I64, count: int) -> tuple[I64, int]:
    first = last = seen = -1  # rows: first and last movement of the open trip, last row that observed motion
    key = Ignition(LONG_AGO, LONG_AGO, LONG_AGO, LONG_AGO, LONG_AGO)
    at, states, has_ignition = s.seen.at, s.seen.states, len(s.ignition) > 0
    dense = s.seen.thresholds.dense_us
    soonest = min(s.rules.stop_us, s.seen.thresholds.silence_us)
    if has_ignition:
        soonest = min(soonest, s.rules.ignition_off_us)
    for i in range(begin, end):
        if states[i] == MOVING:
            is_settled = first >= 0 and at[i] - at[last] < soonest
        else:
            is_settled = first < 0 and states[i] == STANDING and seen >= 0 and at[i] - at[seen] <= dense
        if is_settled and not has_ignition:  # most rows: an open trip goes on, or nothing begins
            last = seen = i
            continue
        verdict = OPEN
        if first >= 0 and at[i] - at[last] >= soonest:  # nothing can have ended it before
            closed_at, reason, verdict = verdict_on(s, i, last, seen, key)
            if verdict == ENDED:
                trips, count = _append(trips, count, last, closed_at, reason)
                first = -1
        is_driving = states[i] == MOVING or verdict == DRIVEN_ON
        if not is_driving and states[i] == STANDING and seen >= 0 and at[i] - at[seen] > dense:
            is_driving = arrives(s, seen, i)
        if has_ignition:
            key = _turned(s, i, is_driving, key)
        if is_driving:
            if first < 0:
                first = i
                trips[count, 0], trips[count, 3] = i, _start_reason(s, i, seen, key.on_at)
            last = i
        if states[i] != UNKNOWN or last == i:
            seen = i
    if first >= 0:
        closed_at, reason, verdict = verdict_on(s, -1, last, seen, key)
        trips, count = _append(trips, count, last, closed_at, reason)
    return trips, count


@helper
def _append(trips: I64, count: int, last: int, closed_at: int, reason: int) -> tuple[I64, int]:
    """Completes the open trip, whose first row and start reason are already in place, and makes room for the next."""
    trips[count, 1], trips[count, 2], trips[count, 4] = last, closed_at, reason
    count += 1
    if count == len(trips):
        grown = np.empty((2 * count, 5), dtype=np.int64)
        for row in range(count):  # an assignment of slices takes seconds to compile
            for part in range(5):
                grown[row, part] = trips[row, part]
        trips = grown
    return trips, count


@helper
def _turned(s: Signals, i: int, is_driving: bool, key: Ignition) -> Ignition:
    """The ignition after row i. Nothing older than the limit counts, so that every run agrees, wherever it starts."""
    on_at, on_heard_at, off_at, off_heard_at, refuted_at = key
    if s.seen.at[i] - off_heard_at > s.rules.ignition_memory_us:
        off_at = LONG_AGO
    if s.ignition[i] > 0:
        was_on = off_at == LONG_AGO and s.seen.at[i] - on_heard_at <= s.rules.ignition_memory_us
        on_at = on_at if was_on else s.seen.at[i]
        on_heard_at = s.seen.at[i]
        off_at = off_heard_at = refuted_at = LONG_AGO
    elif s.ignition[i] == 0:
        off_at = s.seen.at[i] if off_at == LONG_AGO else off_at
        off_heard_at = s.seen.at[i]
    if is_driving and off_at != LONG_AGO and s.seen.at[i] - off_at >= s.rules.ignition_off_us:
        refuted_at = s.seen.at[i]  # it drives with the ignition "off": the signal is not to be trusted
    return Ignition(on_at, on_heard_at, off_at, off_heard_at, refuted_at)


@helper
def _start_reason(s: Signals, i: int, seen: int, on_at: int) -> int:
    if seen < 0 or s.seen.at[i] - s.seen.at[seen] >= silence_of(s, seen):
        return _BY_GAP
    return _BY_IGNITION if s.seen.at[i] - on_at <= s.rules.stop_us else _BY_MOTION
