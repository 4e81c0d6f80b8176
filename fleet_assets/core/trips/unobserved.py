"""Unobserved drives: movement that no row tells of, but that two readings of the odometer, or two positions, show.

Belongs here: finding them between observed trips. Does not belong here: silences that an observed trip bridges
(`segmentation`) and movement at its ends (`edges`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I64, Mask, helper, kernel
from fleet_assets.core.integrals import Stretches, spacing_of
from fleet_assets.core.motion import MOVING
from fleet_assets.core.pace import Witnesses, km_between, pace_at
from fleet_assets.core.thresholds import HOUR_US, micros
from fleet_assets.core.track import Track
from fleet_assets.core.trips.edges import Edges
from fleet_assets.core.trips.segmentation import Candidates, SegmentationRules

BY_ODOMETER, BY_POSITION = 0, 2
"""Indices into `distance.SOURCES`."""

MORE_THAN_A_STEP = 1.001
"""Steps of an odometer from which it rose by more than one, whatever was lost in rounding."""


@dataclass(frozen=True)
class UnobservedRules:
    """What shows a drive that no row tells of."""

    place_km: float = 0.5
    """km between two positions from which a vehicle drove unseen: more than a parked receiver drifts."""
    error_share: float = 0.3
    """Expected error of a straight line as the way of a drive that nobody saw: roads are 1.2 to 1.4 times as long."""


class _Told(NamedTuple):
    """Per trip: the rows that enclose it, its end (us) and the way after its last row that it counts already (km)."""

    first: I64
    last: I64
    ended_at: I64
    trail_km: F64


@dataclass(frozen=True)
class Unobserved:
    """Per drive: rows of the readings before and after it, its bounds and when it became known (us), kilometres, what
    they were taken from, and their uncertainty."""

    before: I64
    after: I64
    started_at: I64
    ended_at: I64
    closed_at: I64
    source: I64
    km: F64
    error_km: F64

    def __len__(self) -> int:
        return len(self.before)

    def where(self, mask: Mask) -> Unobserved:
        rows, bounds = (self.before[mask], self.after[mask]), (self.started_at[mask], self.ended_at[mask])
        facts = self.closed_at[mask], self.source[mask]
        return Unobserved(*rows, *bounds, *facts, self.km[mask], self.error_km[mask])


def find_unobserved(
    track: Track,
    trips: Candidates,
    edges: Edges,
    rules: UnobservedRules,
    ends: SegmentationRules,
    least_error_km: float,
) -> Unobserved:
    """Drives between two readings with no trip in between, in order. What an edge of a trip tells is not told again.

    The odometer must have moved by more than its own step and than the least distance of a trip, a position by more
    than `place_km`; a step faster than any road vehicle is a fault. A drive is known as soon as the reading
    after it was waited for (`odometer_wait_s`), and no later row changes it. Its error is `least_error_km` at least.
    """
    seen = track.witnesses
    steps = _compared(seen.vehicle, seen.at, seen.odometer, seen.lat, seen.lon, track.thresholds.dense_us)
    covered = edges.around(Stretches(trips.first, trips.last))
    # A trail that ends between two rows is told up to the later one; one into a silence by its estimate.
    is_enclosed = edges.after >= 0
    trail_km = np.where(is_enclosed, 0.0, edges.trail * edges.trail_kmh / HOUR_US)
    ended_at = track.at[covered.last] + np.where(is_enclosed, 0, edges.trail)
    told = _Told(covered.first, covered.last, ended_at, trail_km)
    rows, km = _driven(seen, steps, told, ends.min_distance_km, rules.place_km, micros(ends.odometer_wait_s))
    error = np.where(rows[:, 5] == BY_ODOMETER, km[:, 1], rules.error_share * km[:, 0])
    before, after, started_at, ended_at, closed_at, source = np.ascontiguousarray(rows.T)
    error = np.maximum(error, least_error_km)
    return Unobserved(before, after, started_at, ended_at, closed_at, source, km[:, 0].copy(), error)


@kernel
def _compared(vehicle: I64, at: I64, odometer: F64, lat: F64, lon: F64, dense: int) -> I64:
    """Pairs of rows whose readings can be compared and that are not dense, in order of the later one. Places are
    compared where the odometer cannot be."""
    pairs = np.empty((len(at), 2), dtype=np.int64)  # memory that is not written to is not taken
    count = 0
    read = placed = int(np.int64(-1))
    has_odometer, has_position = len(odometer) > 0, len(lat) > 0
    for i in range(len(at)):
        if i > 0 and vehicle[i] != vehicle[i - 1]:
            read = placed = -1
        reads = has_odometer and not np.isnan(odometer[i])
        is_placed = has_position and not (np.isnan(lat[i]) or np.isnan(lon[i]))
        if reads or is_placed:
            before = read if reads and read >= 0 else (placed if placed > read else -1)
            if before >= 0 and at[i] - at[before] > dense:
                pairs[count, 0], pairs[count, 1] = before, i
                count += 1
            read = i if reads else read
            placed = i if is_placed else placed
    return pairs[:count].copy()


@kernel
def _driven(w: Witnesses, steps: I64, told: _Told, least_km: float, place_km: float, wait: int) -> tuple[I64, F64]:
    rows, km = np.empty((len(steps), 6), dtype=np.int64), np.empty((len(steps), 2))
    count = known = 0  # `known`: row up to which all drives are told
    for k in range(len(steps)):
        before, i = steps[k]
        driven = km_between(w, before, i)
        if before < known or not driven > least_km:
            continue
        by_odometer = len(w.odometer) > 0 and not (np.isnan(w.odometer[before]) or np.isnan(w.odometer[i]))
        resolution = min(spacing_of(w.odometer[before]), spacing_of(w.odometer[i])) if by_odometer else 0.0
        least = max(least_km, resolution * MORE_THAN_A_STEP) if by_odometer else place_km
        trip = np.searchsorted(told.last, before)
        started_at = w.at[before]
        if trip < len(told.last) and told.last[trip] == before:
            started_at = min(told.ended_at[trip], w.at[i])
            driven -= told.trail_km[trip]
            trip += 1
        is_told = trip < len(told.first) and told.first[trip] < i
        if driven <= least or is_told:
            continue
        rows[count, 0], rows[count, 1], rows[count, 2] = before, i, started_at
        rows[count, 3] = _ended_at(w, before, i, started_at, driven)
        rows[count, 4] = w.at[i] + wait
        rows[count, 5] = BY_ODOMETER if by_odometer else BY_POSITION
        km[count, 0], km[count, 1] = driven, resolution
        count += 1
        known = i
    return rows[:count].copy(), km[:count].copy()


@helper
def _ended_at(w: Witnesses, before: int, i: int, started_at: int, km: float) -> int:
    """The end of the time in which it was driven. Right after a row that moved, where the way is short enough for it;
    else anywhere in the silence."""
    if w.states[before] == MOVING:
        pace = pace_at(w, before, False)
        if pace > 0 and km <= pace * w.thresholds.silence_us / HOUR_US:
            return min(int(w.at[i]), started_at + int(km / pace * HOUR_US))
    return int(w.at[i])
