"""Pace: how long a vehicle moved between two rows of which one stands, from the way between them and its speed.

Belongs here: what odometer, position and speed say of one step of a slow tracker. Does not belong here: sums over trips
(`distance`) and what a stop is (`trips.segmentation`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, helper
from fleet_assets.core.geo import great_circle_km
from fleet_assets.core.motion import MOVING
from fleet_assets.core.points import Points
from fleet_assets.core.thresholds import HOUR_US, Thresholds

_PACE_ROWS = 8
"""Moving rows at most whose mean is the pace: a moment's speed says little of the minutes before and after it."""


@dataclass(frozen=True)
class PaceRules:
    """Which rows tell of one drive."""

    halt_s: float = 300.0
    """s of standing up to which the rows before and after it are of one drive."""


class Witnesses(NamedTuple):
    """What every row says of way and speed; an empty array for a quantity that was never observed."""

    vehicle: I64
    at: I64
    states: I8
    odometer: F64
    origin: I8
    lat: F64
    lon: F64
    speed: F64
    gps_speed: F64
    thresholds: Thresholds


def witnesses(points: Points, states: I8, thresholds: Thresholds) -> Witnesses:
    """The witnesses of these points."""
    lat, lon = points.column("latitude_deg"), points.column("longitude_deg")
    if not len(lat) or not len(lon):
        lat = lon = points.column("")  # half a position is none
    return Witnesses(
        points.vehicle, points.at, states, points.column("odometer_km"), points.origin_of("odometer_km"), lat, lon,
        points.column("speed_kmh"), points.column("gps_speed_kmh"), thresholds,
    )  # fmt: skip


@helper
def km_between(w: Witnesses, a: int, b: int) -> float:
    """Kilometres from row a to row b by the odometer, else between their positions; NaN where neither is known.

    A step backwards, or faster than any road vehicle, says nothing.
    """
    km = np.nan
    if len(w.odometer) > 0 and not (np.isnan(w.odometer[a]) or np.isnan(w.odometer[b])):
        if len(w.origin) == 0 or w.origin[a] == w.origin[b]:
            km = w.odometer[b] - w.odometer[a]
    elif len(w.lat) > 0 and not (np.isnan(w.lat[a] + w.lon[a]) or np.isnan(w.lat[b] + w.lon[b])):
        km = great_circle_km(w.lat[a], w.lon[a], w.lat[b], w.lon[b])
    if km < 0 or km > w.thresholds.max_speed_kmh * (w.at[b] - w.at[a]) / HOUR_US + 1.0:
        return np.nan
    return km


@helper
def speed_of(w: Witnesses, row: int) -> float:
    """The vehicle's own speed in a row, else the receiver's; NaN where neither is known."""
    if len(w.speed) > 0 and not np.isnan(w.speed[row]):
        return float(w.speed[row])
    if len(w.gps_speed) > 0:
        return float(w.gps_speed[row])
    return np.nan


@helper
def is_arrival(w: Witnesses, row: int) -> bool:
    """Whether movement in a row is known from the way since the row before: the vehicle may stand now."""
    return bool(np.isnan(speed_of(w, row)))


@helper
def pace_at(w: Witnesses, row: int, forward: bool) -> float:
    """Pace in km/h of the moving rows of a drive from its row `row` on, forward or backward in time, over short halts;
    NaN where none is known.

    The mean of their speeds; without any speed the fastest of the steps that lead to them, because the first and the
    last step of a drive are driven in part only.
    """
    total, fastest, count, seen = 0.0, np.nan, 0, 0
    step = 1 if forward else -1
    i, moving = row, row
    while 0 <= i < len(w.at) and w.vehicle[i] == w.vehicle[row] and seen < _PACE_ROWS:
        if abs(w.at[i] - w.at[moving]) > w.thresholds.silence_most_us:
            break
        if w.states[i] == MOVING:
            speed = speed_of(w, i)
            if not np.isnan(speed):
                total += speed
                count += 1
            elif i > 0 and w.vehicle[i - 1] == w.vehicle[i] and w.at[i] - w.at[i - 1] <= w.thresholds.silence_most_us:
                fastest = np.fmax(fastest, km_between(w, i - 1, i) / (w.at[i] - w.at[i - 1]) * HOUR_US)
            moving = i
            seen += 1
        elif abs(w.at[i] - w.at[moving]) > w.thresholds.halt_us:
            break
        i += step
    return total / count if count > 0 else fastest


@helper
def moved_within(w: Witnesses, a: int, b: int, pace: float) -> int:
    """Microseconds in which the vehicle moved between neighbouring rows a and b, one of which moves and one stands.

    None where the rows are dense. By the way between them and the pace where both are known, else half of the time: the
    change lies anywhere in it.
    """
    step = int(w.at[b] - w.at[a])
    if step <= w.thresholds.dense_us:
        return 0
    km = km_between(w, a, b)
    if np.isnan(km) or np.isnan(pace) or pace <= 0:
        return step // 2
    return min(step, int(km / pace * HOUR_US))
