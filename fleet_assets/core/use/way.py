"""The way by the hour: distance of the drives of a day, found and measured as trips are, and time in motion.

Belongs here: which drives a day holds, and sharing each among the hours it touches by what its own source says.
Does not belong here: how drives are found (`trips`) and measured (`distance`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.cadence import hold_of_states
from fleet_assets.core.compiled import F64, I8, I64, kernel, read_only
from fleet_assets.core.distance import SOURCES, Distances
from fleet_assets.core.geo import great_circle_km
from fleet_assets.core.integrals import Stretches, shared
from fleet_assets.core.motion import MOVING
from fleet_assets.core.thresholds import HOUR_US, MICROS, Thresholds, micros
from fleet_assets.core.track import Track
from fleet_assets.core.trips.detect import are_trips
from fleet_assets.core.trips.edges import Edges, find_edges
from fleet_assets.core.trips.measures import distances_of
from fleet_assets.core.trips.rules import TripRules
from fleet_assets.core.trips.segmentation import Candidates, candidate_trips
from fleet_assets.core.trips.unobserved import Unobserved, find_unobserved
from fleet_assets.core.use.hours import Amounts, Grid, Hours, Shares, no_shares, put, put_each


@dataclass(frozen=True)
class Drives:
    """Drives of a day, those that nobody saw apart."""

    rows: Candidates
    edges: Edges
    distances: Distances
    unseen: Unobserved

    def bounds(self, at: I64) -> tuple[I64, I64]:
        """Start and end of each (us)."""
        return at[self.rows.first] - self.edges.lead, at[self.rows.last] + self.edges.trail


def drives_of(track: Track, hours: Hours, rules: TripRules) -> Drives:
    """The drives of one day by the rules of trips. One that touches midnight may be as short as it likes: it is part of
    one that is longer."""
    found = candidate_trips(track, rules.segmentation)
    edges = find_edges(track, found, micros(rules.segmentation.stop_s))
    is_trip = are_trips(track, found, edges, rules.segmentation)
    trips, around = found.where(is_trip), edges.where(is_trip)
    distances, _ = distances_of(track, trips, around, rules.distance, every=False)
    near = micros(rules.segmentation.stop_s)
    is_cut = (track.at[trips.first] < hours.grid.began + near) | (track.at[trips.last] >= hours.grid.ended - near)
    kept = (distances.source >= 0) & (is_cut | (distances.km >= rules.segmentation.min_distance_km))
    least_km = rules.distance.odometer_error_km
    unseen = find_unobserved(track, found, edges, rules.unobserved, rules.segmentation, least_km)
    return Drives(trips.where(kept), around.where(kept), distances.where(kept), unseen)


def km_by_hour(track: Track, hours: Hours, drives: Drives, over_midnight: Amounts) -> Shares:
    """Kilometres of the drives, and of what was driven over midnight. A drive within an hour counts there; another is
    divided by what the source says by which it is measured, so that its parts sum to its distance."""
    found, points, at = no_shares(hours), track.points, track.at
    began, ended = drives.bounds(at)
    around = drives.edges.around(Stretches(drives.rows.first, drives.rows.last))
    crosses = (began // HOUR_US != (ended - 1) // HOUR_US) & (around.first < around.last)
    vehicle = points.vehicle[drives.rows.first]
    parts = (vehicle, began, ended, drives.distances.km)
    put_each(found, hours, Amounts(*(part[~crosses] for part in parts)))
    put_each(found, hours, over_midnight)
    unseen = drives.unseen
    put_each(found, hours, Amounts(points.vehicle[unseen.before], unseen.started_at, unseen.ended_at, unseen.km))
    for number, name in enumerate(SOURCES):
        is_of = crosses & (drives.distances.source == number)
        if is_of.any():
            first, last = read_only(around.first[is_of]), read_only(around.last[is_of])
            values, counts = _witness(track, name)
            km = drives.distances.km[is_of]
            _divide(found.sums, found.marks, hours.grid, points.vehicle, at, values, counts, first, last, km)
    return found


def _witness(track: Track, source: str) -> tuple[F64, bool]:
    """What says of single steps how far they went, and whether it counts; an empty array where only time does."""
    if source != "gps":
        return track.column("odometer_km" if source == "odometer" else "speed_kmh"), source == "odometer"
    speed, lat, lon = (track.column(name) for name in ("gps_speed_kmh", "latitude_deg", "longitude_deg"))
    if len(speed) or not len(lat) or not len(lon):
        return speed, False
    return read_only(_along(track.points.vehicle, lat, lon)), True


@kernel
def _along(vehicle: I64, lat: F64, lon: F64) -> F64:
    """Kilometres along the positions up to each row that has one."""
    km = np.full(len(lat), np.nan)
    before = -1
    for i in range(len(lat)):
        if not np.isnan(lat[i] + lon[i]):
            km[i] = 0.0
            if before >= 0 and vehicle[before] == vehicle[i]:
                km[i] = km[before] + great_circle_km(lat[before], lon[before], lat[i], lon[i])
            before = i
    return km


@kernel
def _divide(
    sums: F64, marks: I8, grid: Grid, vehicle: I64, at: I64, values: F64, is_counter: bool, first: I64, last: I64,
    km: F64,
) -> None:  # fmt: skip
    """Puts each drive's kilometres by the weights of its steps: rises of a counter, or a speed's trapezoids; by time
    where these say nothing."""
    weights = np.empty(0)
    for k in range(len(first)):
        count = last[k] - first[k] + 1
        if len(weights) < count:
            weights = np.empty(count)
        total, before = 0.0, -1
        for i in range(first[k], last[k] + 1):
            weights[i - first[k]] = 0.0
            if len(values) == 0 or np.isnan(values[i]):
                continue
            if before >= 0:
                rise = max(values[i] - values[before], 0.0)
                weight = rise if is_counter else (values[i] + values[before]) * (at[i] - at[before])
                weights[i - first[k]] = weight
                total += weight
            before = i
        before = -1 if total > 0 else first[k]
        for i in range(first[k], last[k] + 1):
            if (total > 0 and np.isnan(values[i])) or i == before:
                continue
            share = weights[i - first[k]] / total if total > 0 else (at[i] - at[before]) / (at[last[k]] - at[first[k]])
            if before >= 0 and share > 0:
                if at[i] // HOUR_US == at[before] // HOUR_US:
                    row = vehicle[i] * grid.per_vehicle + (at[i] - grid.began) // HOUR_US
                    sums[row, 0] += share * km[k]
                    marks[0, row] = 1
                else:
                    put(sums, marks, 0, grid, vehicle[i], at[before], at[i], share * km[k])
            before = i


def moving_by_hour(track: Track, hours: Hours, drives: Drives) -> Shares:
    """Seconds in motion: within drives as trips count them, with what they moved at their ends; outside them where two
    rows follow each other closely."""
    found, at, vehicle, rows = no_shares(hours), track.at, track.points.vehicle, drives.rows
    bounds = read_only(rows.first), read_only(rows.last)
    _moving(found.sums, found.marks, hours.grid, hours.slot, vehicle, at, track.states, *bounds, track.thresholds)
    began, ended = drives.bounds(at)
    put_each(found, hours, Amounts(vehicle[rows.first], began, at[rows.first], drives.edges.lead / MICROS))
    put_each(found, hours, Amounts(vehicle[rows.last], at[rows.last], ended, drives.edges.trail / MICROS))
    return found


@kernel
def _moving(
    sums: F64, marks: I8, grid: Grid, slot: I64, vehicle: I64, at: I64, states: I8, first: I64, last: I64,
    thresholds: Thresholds,
) -> None:  # fmt: skip
    before, k, reach = -1, 0, thresholds.hold_us
    for i in range(len(at)):
        while k < len(first) and last[k] < i:
            k += 1
        if k < len(first) and i == first[k]:
            reach = hold_of_states(at, states, first[k], last[k], thresholds)
        if states[i] < 0:
            continue
        if before >= 0 and vehicle[before] == vehicle[i] and (states[before] == MOVING or states[i] == MOVING):
            was, is_now, step = states[before] == MOVING, states[i] == MOVING, at[i] - at[before]
            is_driven = k < len(first) and first[k] <= before
            is_at_end = (k < len(first) and first[k] <= i) or (k > 0 and before <= last[k - 1])
            moved = 0.0
            if is_driven and was and is_now and step <= thresholds.bridge_us:
                moved = float(step)
            elif is_driven:
                moved = shared(step, was, is_now, reach, thresholds.bridge_us, thresholds.dense_us)
            elif not is_at_end:
                moved = shared(step, was, is_now, thresholds.hold_us, 0, thresholds.dense_us)
            if slot[before] == slot[i]:
                sums[slot[i], 0] += moved / MICROS
                marks[0, slot[i]] = 1
            else:
                put(sums, marks, 0, grid, vehicle[i], at[before], at[i], moved / MICROS)
        before = i
