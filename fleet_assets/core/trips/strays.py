"""Strays: trips that a parked receiver draws, told from short drives by the places before and after.

Belongs here: trips of which positions alone tell. Does not belong here: single positions that no vehicle can have
reached (`core.strays`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet_assets.core.compiled import F64, I8, I64, kernel
from fleet_assets.core.geo import great_circle_km
from fleet_assets.core.pace import Witnesses, is_arrival, witnesses
from fleet_assets.core.points import Points
from fleet_assets.core.trip_rules import Limits
from fleet_assets.core.trips.edges import Edges
from fleet_assets.core.trips.segments import Segments

Mask = npt.NDArray[np.bool_]

_SPREADS = 4.0
"""Multiple of the median distance of positions from their place within which the next place may be the same one."""
_STRAIGHT = 0.7
"""Share of the way that a short drive gets on by at least; a walk without aim gets nowhere."""
_HOUR = 3_600_000_000
_STRAYED_ROWS, _STRAYED_LEAST = 120, 10
"""Positions of the hour before at most, evenly in time, and at least, that say how far a receiver strays."""
_FURTHEST = 6.0
"""Multiple of that median distance that two positions of a parked receiver are hardly ever apart: 1 in 260 000 pairs of
independent errors (Rayleigh; the median of one is 1.18 sigma, the difference of two has sigma times the root of 2)."""
_PLACE_ROWS = 20
"""Positions whose median is a place: noise of 30 m to every side leaves 8 m of it."""


def is_stray(points: Points, states: I8, trips: Segments, edges: Edges, limits: Limits) -> Mask:
    """Which candidates are no trips: only positions tell of them, they stay within what a parked receiver strays, and
    the vehicle stands afterwards where it stood before, as far as a receiver that strayed so in the hour before can
    tell. A drive round the yard and back cannot be told from it."""
    first = np.where(edges.before >= 0, edges.before, trips.first)
    return _is_stray(witnesses(points, states, limits), first, trips.first, trips.last, trips.closed_at)


@kernel
def _is_stray(w: Witnesses, begin: I64, first: I64, last: I64, closed_at: I64) -> Mask:
    strays = np.zeros(len(first), dtype=np.bool_)
    if len(w.lat) == 0:
        return strays
    for k in range(len(first)):
        if not is_arrival(w, first[k]) or not is_arrival(w, last[k]) or _has_odometer(w, first[k]):
            continue
        extent_km, path_km = _extent_km(w, begin[k], last[k])
        strayed_km = _strayed_km(w, begin[k])
        if extent_km <= max(w.limits.strays_km, _FURTHEST * strayed_km):
            strays[k] = not _changes_place(w, begin[k], last[k], closed_at[k], path_km, strayed_km)
    return strays


@kernel
def _has_odometer(w: Witnesses, row: int) -> bool:
    return bool(len(w.odometer) > 0 and not np.isnan(w.odometer[row]))


@kernel
def _extent_km(w: Witnesses, begin: int, last: int) -> tuple[float, float]:
    """(furthest from the first position, way along all positions)."""
    extent = path = 0.0
    before = begin
    for i in range(begin, last + 1):
        if not np.isnan(w.lat[i] + w.lon[i] + w.lat[begin] + w.lon[begin]):
            extent = max(extent, great_circle_km(w.lat[begin], w.lon[begin], w.lat[i], w.lon[i]))
            path += great_circle_km(w.lat[before], w.lon[before], w.lat[i], w.lon[i])
            before = i
    return extent, path


@kernel
def _changes_place(w: Witnesses, begin: int, last: int, closed_at: int, path_km: float, strayed_km: float) -> bool:
    """Whether the places before and after are further apart than the positions at either stray; where one of them is
    not known, whether the way was straight."""
    until = min(closed_at, w.at[last] + w.limits.stop)
    before, after = _place(w, begin, -1, w.at[begin] - w.limits.stop), _place(w, last, 1, until)
    if np.isnan(before[0]) or np.isnan(after[0]):
        return bool(great_circle_km(w.lat[begin], w.lon[begin], w.lat[last], w.lon[last]) >= _STRAIGHT * path_km)
    least_km = max(0.8 * w.limits.leaves_place_km, _SPREADS * max(before[2], after[2], strayed_km))
    return bool(great_circle_km(before[0], before[1], after[0], after[1]) >= least_km)


@kernel
def _strayed_km(w: Witnesses, row: int) -> float:
    """Median distance of the positions of the hour before a row from their median, as long as they stay within what a
    parked receiver strays: how far this one does here. 0 where there are few."""
    lat, lon = np.empty(_STRAYED_ROWS), np.empty(_STRAYED_ROWS)
    count = 0
    i, least = row, w.at[row]
    while i >= 0 and w.vehicle[i] == w.vehicle[row] and w.at[i] >= w.at[row] - _HOUR and count < _STRAYED_ROWS:
        if not np.isnan(w.lat[i] + w.lon[i] + w.lat[row] + w.lon[row]) and w.at[i] <= least:
            if great_circle_km(w.lat[row], w.lon[row], w.lat[i], w.lon[i]) > w.limits.strays_km:
                break
            lat[count], lon[count] = w.lat[i], w.lon[i]
            count += 1
            least = w.at[i] - _HOUR // _STRAYED_ROWS
        i -= 1
    return _middle(lat[:count], lon[:count])[2] if count >= _STRAYED_LEAST else 0.0


@kernel
def _place(w: Witnesses, row: int, step: int, until: int) -> tuple[float, float, float]:
    """Median of the positions from a row on, up to an instant, and the median distance (km) of them from it; NaN where
    there are none but its own."""
    lat, lon = np.empty(_PLACE_ROWS), np.empty(_PLACE_ROWS)
    count = 0
    i = row
    while 0 <= i < len(w.at) and w.vehicle[i] == w.vehicle[row] and count < _PLACE_ROWS:
        if (step < 0 and w.at[i] < until) or (step > 0 and w.at[i] > until):
            break
        if not np.isnan(w.lat[i] + w.lon[i]):
            lat[count], lon[count] = w.lat[i], w.lon[i]
            count += 1
        i += step
    if count < 2:
        return np.nan, np.nan, np.nan
    return _middle(lat[:count], lon[:count])


@kernel
def _middle(lat: F64, lon: F64) -> tuple[float, float, float]:
    """The median of positions, and the median distance (km) of them from it."""
    mid_lat, mid_lon, apart = float(np.median(lat)), float(np.median(lon)), np.empty(len(lat))
    for k in range(len(lat)):
        apart[k] = great_circle_km(mid_lat, mid_lon, lat[k], lon[k])
    return mid_lat, mid_lon, float(np.median(apart))
