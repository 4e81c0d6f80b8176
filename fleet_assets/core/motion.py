"""Motion: per instant, whether the vehicle moves, stands, or was not observed.

Belongs here: the choice of evidence (own speed, receiver's speed, odometer, positions).
Does not belong here: engines (`engine`), what ends a trip (`trips.segmentation`) and distances (`distance`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.cadence import silence_after
from fleet_assets.core.compiled import F64, I8, I64, Mask, helper, kernel, read_only
from fleet_assets.core.geo import great_circle_km
from fleet_assets.core.integrals import spacing_of
from fleet_assets.core.points import Points
from fleet_assets.core.position_outliers import may_drift_km
from fleet_assets.core.thresholds import HOUR_US, Thresholds

UNKNOWN, STANDING, MOVING = -1, 0, 1

_LONG_AGO = -(2**62)
_MINUTE = 60_000_000


@dataclass(frozen=True)
class MotionRules:
    """When a vehicle moves, and which witness of it is believed."""

    moving_above_kmh: float = 1.6
    """km/h of the vehicle's own speed: 1 mph, as NREL's fleet data are read."""
    gps_moving_above_kmh: float = 3.0
    """km/h of a receiver's speed: a standing receiver reports up to about 2 km/h."""
    speed_hold_s: float = 30.0
    """s for which a speed silences worse witnesses of motion."""
    stuck_m: float = 500.0
    """m by the speed without a change of odometer and position from which the speed is stuck."""
    arrives_m: float = 300.0
    """m between two rows that stand from which the vehicle drove in between: further than a parked receiver drifts."""
    bridge_s: float = 3600.0
    """s at most over which two readings tell what was in between (Traccar no-data limit), driven or stood."""
    max_speed_kmh: float = 250.0
    """km/h above which no road vehicle moves."""


def motion_states(points: Points, thresholds: Thresholds) -> I8:
    """Per instant MOVING, STANDING or UNKNOWN (nothing said anything about motion).

    The vehicle's own speed decides; the receiver's where the own speed has been silent for the hold time; then the
    odometer, then positions. Each decides from the past alone, so later data never change an earlier state. A speed
    that goes on while odometer and position both stay where they are is stuck: the vehicle stands.
    """
    speed, states = points.column("speed_kmh"), _from_each(points, thresholds)
    odometer, lat, lon = (points.column(name) for name in ("odometer_km", "latitude_deg", "longitude_deg"))
    if len(speed) and len(odometer) and len(lat) and len(lon):
        _overrule_stuck(points.vehicle, points.at, speed, odometer, lat, lon, thresholds, states)
    return read_only(states)


def _from_each(points: Points, thresholds: Thresholds) -> I8:
    """Per instant the state by the best witness that is alive."""
    speed = points.column("speed_kmh")
    if len(speed) and not np.isnan(speed).any():
        moves: Mask = speed > thresholds.moving_above_kmh
        return moves.astype(np.int8)
    states = np.full(len(points), UNKNOWN, dtype=np.int8)
    last = _speed_states(points.vehicle, points.at, speed, points.column("gps_speed_kmh"), thresholds, states)
    if (states == UNKNOWN).any():
        odometer, origin = points.column("odometer_km"), points.origin_of("odometer_km")
        if len(odometer):
            _odometer_states(points.vehicle, points.at, last, odometer, _heard(odometer), origin, thresholds, states)
        if len(points.column("latitude_deg")) and len(points.column("longitude_deg")):
            lat, lon = points.column("latitude_deg"), points.column("longitude_deg")
            _position_states(points.vehicle, points.at, last, lat, lon, _heard(lat + lon), thresholds, states)
    return states


def _heard(values: F64) -> I8:
    """Codes by which the cadence of a quantity is known: 0 where it was observed."""
    return read_only(np.where(np.isnan(values), np.int8(UNKNOWN), np.int8(STANDING)))


def has_stuck_speed(points: Points, states: I8, first: I64, closed_at: I64, thresholds: Thresholds) -> Mask:
    """Per trip, from row `first` up to an instant: whether a row stands although its speed says that it moves."""
    speed = points.column("speed_kmh")
    if not len(speed):
        return np.zeros(len(first), dtype=np.bool_)
    return _has_stuck(points.vehicle, points.at, speed, states, first, closed_at, thresholds)


@kernel
def _speed_states(vehicle: I64, at: I64, speed: F64, gps: F64, thresholds: Thresholds, states: I8) -> I64:
    """Fills `states` from speeds; returns per row the last instant at which any speed was heard."""
    heard = np.full(len(at), _LONG_AGO)
    own_at = gps_at = _LONG_AGO
    for i in range(len(at)):
        if i > 0 and vehicle[i] != vehicle[i - 1]:
            own_at = gps_at = _LONG_AGO
        if len(speed) > 0 and not np.isnan(speed[i]):
            own_at = at[i]
            states[i] = MOVING if speed[i] > thresholds.moving_above_kmh else STANDING
        elif len(gps) > 0 and not np.isnan(gps[i]) and at[i] - own_at > thresholds.speed_hold_us:
            gps_at = at[i]
            states[i] = MOVING if gps[i] > thresholds.gps_moving_above_kmh else STANDING
        heard[i] = max(own_at, gps_at)
    return heard


@kernel
def _odometer_states(
    vehicle: I64, at: I64, heard: I64, odometer: F64, read: I8, origin: I8, thresholds: Thresholds, states: I8
) -> None:
    """Fills UNKNOWN states by odometer where no speed is alive: a plausible step means the vehicle moved.

    It stands once the reading has not changed for the hold time; before that a coarse odometer says nothing. Over a
    silence it is not compared longer than the bound of a bridge, so that every run agrees, wherever it starts.
    """
    before = -1
    unchanged_since = _LONG_AGO
    for i in range(len(at)):
        if np.isnan(odometer[i]):
            continue
        comparable = before >= 0 and vehicle[before] == vehicle[i]
        if comparable and len(origin) > 0:
            comparable = origin[before] == origin[i]
        if not comparable or odometer[i] != odometer[before] or at[i] - at[before] >= thresholds.bridge_us:
            unchanged_since = at[i]
        if states[i] == UNKNOWN and at[i] - heard[i] > thresholds.speed_hold_us:
            if at[i] - unchanged_since >= thresholds.hold_us:
                states[i] = STANDING
            if comparable and _is_recent(vehicle, at, read, before, i, thresholds):
                step, hours = odometer[i] - odometer[before], (at[i] - at[before]) / HOUR_US
                # One whole kilometre may appear at once where the odometer counts in kilometres.
                if step > thresholds.moving_above_kmh * hours and step <= thresholds.max_speed_kmh * hours + 1.0:
                    states[i] = MOVING
        before = i


@kernel
def _position_states(
    vehicle: I64, at: I64, heard: I64, lat: F64, lon: F64, read: I8, thresholds: Thresholds, states: I8
) -> None:
    """Fills states by position where no speed is alive: leaving the last place means the vehicle moved, also where the
    odometer says that it stands (one that is stuck at a value is not rare, and says so for ever).

    It stands once it has been at one place for the hold time; before that it may be on its way. The place is taken anew
    every hour of the clock, so that a state depends on the last hour only and every run agrees, wherever it starts.
    """
    place = before = near = -1  # `near`: where it was a minute ago, or when it last moved
    for i in range(len(at)):
        if np.isnan(lat[i]) or np.isnan(lon[i]):
            continue
        # The first place after a silence is a place, not a movement that was observed.
        if not (before >= 0 and vehicle[before] == vehicle[i] and _is_recent(vehicle, at, read, before, i, thresholds)):
            place = near = i
        elif at[place] // HOUR_US != at[i] // HOUR_US:
            place = before
        drift_km = may_drift_km(at[i] - at[place], thresholds)
        away = great_circle_km(lat[place], lon[place], lat[i], lon[i]) > drift_km
        while at[i] - at[near] > _MINUTE or np.isnan(lat[near]) or np.isnan(lon[near]):
            near += 1
        if not away and near > place:
            away = great_circle_km(lat[near], lon[near], lat[i], lon[i]) > thresholds.leaves_place_km
        if at[i] - heard[i] > thresholds.speed_hold_us:
            if away:
                states[i] = MOVING
            elif states[i] == UNKNOWN and at[i] - at[place] >= thresholds.hold_us:
                states[i] = STANDING
        if away:
            place = near = i
        before = i


@kernel
def _overrule_stuck(
    vehicle: I64, at: I64, speed: F64, odometer: F64, lat: F64, lon: F64, thresholds: Thresholds, states: I8
) -> None:
    """Makes STANDING of the rows in which the speed alone says that the vehicle moves: by it the vehicle should have
    come further than `stuck_km`, and than one and a half steps of the odometer, between the last change of odometer and
    place and a later reading that says the same. One that is not heard does not say that the vehicle stands.
    """
    read = placed = before = -1
    by_odometer_km = by_position_km = same_odometer_km = same_place_km = step_km = 0.0
    for i in range(len(at)):
        if i > 0 and vehicle[i] != vehicle[i - 1]:
            read = placed = before = -1
            by_odometer_km = by_position_km = same_odometer_km = same_place_km = 0.0
        if not np.isnan(speed[i]):
            km = speed[i] * min(at[i] - at[before], thresholds.hold_us) / HOUR_US if before >= 0 else 0.0
            by_odometer_km += km
            by_position_km += km
            before = i
        if not np.isnan(odometer[i]):
            if read < 0 or odometer[i] != odometer[read]:
                by_odometer_km = 0.0
                finer = odometer[read] if read >= 0 else odometer[i]
                step_km = min(spacing_of(odometer[i]), spacing_of(finer))
                read = i
            same_odometer_km = by_odometer_km
        if not (np.isnan(lat[i]) or np.isnan(lon[i])):
            if placed < 0 or _is_apart(lat, lon, placed, i, thresholds.leaves_place_km):
                by_position_km = 0.0
                placed = i
            same_place_km = by_position_km
        if states[i] == MOVING and same_place_km > thresholds.stuck_km:
            states[i] = STANDING if same_odometer_km > max(thresholds.stuck_km, 1.5 * step_km) else MOVING


@helper
def _is_apart(lat: F64, lon: F64, a: int, b: int, km: float) -> bool:
    if lat[a] == lat[b] and lon[a] == lon[b]:
        return False
    return bool(great_circle_km(lat[a], lon[a], lat[b], lon[b]) > km)


@helper
def _is_recent(vehicle: I64, at: I64, read: I8, before: int, i: int, thresholds: Thresholds) -> bool:
    """Whether the reading of row i follows that of row `before` at the quantity's own pace."""
    if at[i] - at[before] < thresholds.silence_us:
        return True
    return bool(at[i] - at[before] < silence_after(vehicle, at, read, before, thresholds))


@kernel
def _has_stuck(
    vehicle: I64, at: I64, speed: F64, states: I8, first: I64, closed_at: I64, thresholds: Thresholds
) -> Mask:  # fmt: skip
    """Whether up to the end of each trip became final a row stands although its speed says that it moves."""
    stuck = np.zeros(len(first), dtype=np.bool_)
    for k in range(len(first)):
        i = first[k]
        while i < len(at) and vehicle[i] == vehicle[first[k]] and at[i] < closed_at[k]:
            if states[i] == STANDING and speed[i] > thresholds.moving_above_kmh:
                stuck[k] = True
                break
            i += 1
    return stuck
