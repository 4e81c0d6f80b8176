"""Position outliers: positions that a receiver made up, told from those to which a vehicle went.

Two kinds: a position that no road vehicle can have reached, and the drift of a receiver that is parked. Each is a rule
with its kernels here, whoever asks: cleaning of telemetry, motion, the distance along a track, and trips.

Belongs here: what makes a position an outlier. Does not belong here: what becomes of it (`cleaning`, `distance`,
`trips.detect`), and other faults of a receiver (`cleaning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, I64, Mask, helper, kernel, read_only
from fleet_assets.core.geo import great_circle_km
from fleet_assets.core.thresholds import HOUR_US, Thresholds

TRACK_NOISE_KM = 0.05
"""km that two positions of a cleaned track may always be apart: noise of a receiver among buildings."""
NEW_TRACK_AFTER = 3
"""Positions in a row that agree with each other and not with the track from which a cleaned track starts anew."""
_FROZEN = 3
"""Equal positions in a row from which a moving vehicle's position is frozen."""
_SPREADS = 4.0
"""Multiple of the median distance of positions from their place within which the next place may be the same one."""
_STRAIGHT = 0.7
"""Share of the way that a short drive gets on by at least; a walk without aim gets nowhere."""
_DRIFTED_ROWS, _DRIFTED_LEAST = 120, 10
"""Positions of the hour before at most, evenly in time, and at least, that say how far a receiver drifts."""
_FURTHEST = 6.0
"""Multiple of that median distance that two positions of a parked receiver are hardly ever apart: 1 in 260 000 pairs of
independent errors (Rayleigh; the median of one is 1.18 sigma, the difference of two has sigma times the root of 2)."""
_PLACE_ROWS = 20
"""Positions whose median is a place: noise of 30 m to every side leaves 8 m of it."""
_MINUTE = 60_000_000


@dataclass(frozen=True)
class JumpRules:
    """When one position cannot follow another, and how many in a row can be wrong."""

    max_speed_kmh: float = 250.0
    """km/h between two positions above which no road vehicle moves."""
    noise_m: float = 100.0
    """m that two positions may always be apart: noise of a receiver among buildings."""
    repeated_fix_s: float = 60.0
    """s for which a receiver may repeat an old fix while the vehicle moves on (one repeats its fix for 10-25 s)."""
    most_in_a_row: int = 5
    """Positions in a row at most that are outliers; more are a track of their own (a ferry, a corrected clock)."""


@dataclass(frozen=True)
class DriftRules:
    """How far the positions of a parked vehicle walk."""

    leaves_place_m: float = 100.0
    """m from where it was up to a minute ago that count as movement, with positions only (trackintel 100); more after a
    longer time, by its root, as a parked receiver drifts."""
    drift_m: float = 300.0
    """m from where it was that count as movement however long ago that was (Traccar 200-500): a receiver in a garage,
    with errors of 45 m to every side, drifts that far once in hundreds of days."""


class Fixes(NamedTuple):
    """Positions sorted by group (one vehicle and source) and instant (us), without nulls; and whether the vehicle may
    be moving then (its own speed does not say that it stands)."""

    group: I64
    at: I64
    lat: F64
    lon: F64
    may_move: Mask


class Placed(NamedTuple):
    """Rows sorted by vehicle and instant (us) with their positions (NaN: none)."""

    vehicle: I64
    at: I64
    lat: F64
    lon: F64


class _Jumps(NamedTuple):
    at: I64
    held_since: I64
    lat: F64
    lon: F64
    max_kmh: float
    noise_km: float
    most: int


def unreachable_rows(telemetry: pl.DataFrame, rules: JumpRules) -> pl.Series:
    """Per row of telemetry (vehicle_id, source, recorded_at, position, `may_move`): whether its position is an outlier
    of the track of its vehicle and source."""
    frame = telemetry.with_row_index("row").filter(pl.col("latitude_deg").is_not_null())
    frame = frame.sort("vehicle_id", "source", "recorded_at")
    group = frame.select(pl.struct("vehicle_id", "source").rle_id()).to_series().to_numpy().astype(np.int64)
    names = ("recorded_at", "latitude_deg", "longitude_deg", "may_move")
    at, lat, lon, may_move = (read_only(frame[name].to_physical().to_numpy()) for name in names)
    mask = np.zeros(len(telemetry), dtype=np.bool_)
    mask[frame["row"].to_numpy()[unreachable(Fixes(group, at, lat, lon, may_move), rules)]] = True
    return pl.Series(mask)


def unreachable(fixes: Fixes, rules: JumpRules) -> Mask:
    """Which positions are outliers.

    Positions that cannot follow the track so far are outliers if the track goes on without them soon after; at the
    beginning and the end, where only one side is known, the shorter stretch is the outlier.
    """
    held_since = _held_since(fixes, round(rules.repeated_fix_s * 1e6))
    noise_km = rules.noise_m / 1000
    jumps = _Jumps(fixes.at, held_since, fixes.lat, fixes.lon, rules.max_speed_kmh, noise_km, rules.most_in_a_row)
    return _unreachable(fixes.group, jumps)


def are_drift(placed: Placed, first: I64, last: I64, closed_at: I64, stop_us: int, thresholds: Thresholds) -> Mask:
    """Which movements, from rows `first` to `last` and told by positions alone, a parked receiver drew: they stay
    within its drift, and the vehicle stands afterwards where it stood before, as far as a receiver that drifted so in
    the hour before can tell. A drive round the yard and back cannot be told from it.

    The places are those of `stop_us` before and after; no row after `closed_at` (us) is looked at.
    """
    if not len(placed.lat):
        return np.zeros(len(first), dtype=np.bool_)
    return _are_drift(placed, first, last, closed_at, stop_us, thresholds)


@helper
def may_drift_km(elapsed: int, thresholds: Thresholds) -> float:
    """km that a parked receiver drifts in so many microseconds: like a walk without aim, with the root of time, up to a
    bound."""
    minutes = max(elapsed, _MINUTE) / _MINUTE
    return float(min(thresholds.leaves_place_km * np.sqrt(minutes), thresholds.drift_km))


@helper
def can_follow(km: float, elapsed: int, max_kmh: float, noise_km: float) -> bool:
    """Whether a road vehicle gets so far in so many microseconds."""
    return bool(km <= max_kmh * elapsed / HOUR_US + noise_km)


@helper
def is_frozen(lat: F64, lon: F64, i: int, first: int) -> bool:
    """Whether the position of row i is one that a receiver goes on repeating, not looking before row `first`."""
    if i - first < _FROZEN:
        return False
    row = i - _FROZEN + 1
    while row < i and lat[row] == lat[i] and lon[row] == lon[i]:
        row += 1
    return row == i


@kernel
def _held_since(fixes: Fixes, longest: int) -> I64:
    """Per position the instant it was really taken: a moving vehicle's repeated position is as old as its first."""
    since = fixes.at.copy()
    for i in range(1, len(since)):
        repeats = fixes.lat[i] == fixes.lat[i - 1] and fixes.lon[i] == fixes.lon[i - 1]
        if repeats and fixes.may_move[i] and fixes.group[i] == fixes.group[i - 1]:
            since[i] = max(since[i - 1], fixes.at[i] - longest)
    return since


@kernel
def _unreachable(group: I64, jumps: _Jumps) -> Mask:
    outliers = np.zeros(len(group), dtype=np.bool_)
    begin = 0
    while begin < len(group):
        end = begin
        while end < len(group) and group[end] == group[begin]:
            end += 1
        _mark(jumps, begin, end, outliers)
        begin = end
    return outliers


@helper
def _mark(jumps: _Jumps, begin: int, end: int, outliers: Mask) -> None:
    since = begin  # first position of the stretch that ends at i - 1
    i = begin + 1
    while i < end:
        if _reachable(jumps, i - 1, i):
            i += 1
            continue
        back = _back_on_track(jumps, i - 1, i, end)
        if back < 0 and since == begin and i - begin <= jumps.most < _stretch_end(jumps, i, end) - i:
            outliers[begin:i] = True  # the first positions are stale: the track proper begins here
        elif back < 0 and end - i <= jumps.most < i - since:
            outliers[i:end] = True
            break
        elif back >= 0:
            outliers[i:back] = True
            i = back + 1
            continue
        since = i
        i += 1


@helper
def _back_on_track(jumps: _Jumps, before: int, i: int, end: int) -> int:
    """First position soon after i that can follow `before`; -1 if there is none."""
    for row in range(i + 1, min(i + jumps.most + 1, end)):
        if _reachable(jumps, before, row):
            return row
    return -1


@helper
def _stretch_end(jumps: _Jumps, i: int, end: int) -> int:
    row = i + 1
    while row < end and row - i <= jumps.most and _reachable(jumps, row - 1, row):
        row += 1
    return row


@helper
def _reachable(jumps: _Jumps, a: int, b: int) -> bool:
    km = great_circle_km(jumps.lat[a], jumps.lon[a], jumps.lat[b], jumps.lon[b])
    return can_follow(km, jumps.at[b] - jumps.held_since[a], jumps.max_kmh, jumps.noise_km)


@kernel
def _are_drift(p: Placed, first: I64, last: I64, closed_at: I64, stop_us: int, thresholds: Thresholds) -> Mask:
    drift = np.zeros(len(first), dtype=np.bool_)
    for k in range(len(first)):
        extent_km, path_km = _extent_km(p, first[k], last[k])
        drifted_km = _drifted_km(p, first[k], thresholds)
        if extent_km <= max(thresholds.drift_km, _FURTHEST * drifted_km):
            places = _places(p, first[k], last[k], closed_at[k], stop_us)
            drift[k] = not _changes_place(p, first[k], last[k], places, path_km, drifted_km, thresholds)
    return drift


@helper
def _extent_km(p: Placed, begin: int, last: int) -> tuple[float, float]:
    """(furthest from the first position, way along all positions)."""
    extent = path = 0.0
    before = begin
    for i in range(begin, last + 1):
        if not np.isnan(p.lat[i] + p.lon[i] + p.lat[begin] + p.lon[begin]):
            extent = max(extent, great_circle_km(p.lat[begin], p.lon[begin], p.lat[i], p.lon[i]))
            path += great_circle_km(p.lat[before], p.lon[before], p.lat[i], p.lon[i])
            before = i
    return extent, path


Place = tuple[float, float, float]


@helper
def _places(p: Placed, begin: int, last: int, closed_at: int, stop_us: int) -> tuple[Place, Place]:
    """The places before and after a movement."""
    until = min(closed_at, p.at[last] + stop_us)
    return _place(p, begin, -1, p.at[begin] - stop_us), _place(p, last, 1, until)


@helper
def _changes_place(
    p: Placed, begin: int, last: int, places: tuple[Place, Place], path_km: float, drifted_km: float,
    thresholds: Thresholds,
) -> bool:  # fmt: skip
    """Whether the places before and after are further apart than the positions at either drift; where one of them is
    not known, whether the way was straight."""
    before, after = places
    if np.isnan(before[0]) or np.isnan(after[0]):
        return bool(great_circle_km(p.lat[begin], p.lon[begin], p.lat[last], p.lon[last]) >= _STRAIGHT * path_km)
    least_km = max(0.8 * thresholds.leaves_place_km, _SPREADS * max(before[2], after[2], drifted_km))
    return bool(great_circle_km(before[0], before[1], after[0], after[1]) >= least_km)


@helper
def _drifted_km(p: Placed, row: int, thresholds: Thresholds) -> float:
    """Median distance of the positions of the hour before a row from their median, as long as they stay within what a
    parked receiver drifts: how far this one does here. 0 where there are few."""
    lat, lon = np.empty(_DRIFTED_ROWS), np.empty(_DRIFTED_ROWS)
    count = 0
    i, least = row, p.at[row]
    while i >= 0 and p.vehicle[i] == p.vehicle[row] and p.at[i] >= p.at[row] - HOUR_US and count < _DRIFTED_ROWS:
        if not np.isnan(p.lat[i] + p.lon[i] + p.lat[row] + p.lon[row]) and p.at[i] <= least:
            if great_circle_km(p.lat[row], p.lon[row], p.lat[i], p.lon[i]) > thresholds.drift_km:
                break
            lat[count], lon[count] = p.lat[i], p.lon[i]
            count += 1
            least = p.at[i] - HOUR_US // _DRIFTED_ROWS
        i -= 1
    return _middle(lat[:count], lon[:count])[2] if count >= _DRIFTED_LEAST else 0.0


@helper
def _place(p: Placed, row: int, step: int, until: int) -> Place:
    """Median of the positions from a row on, up to an instant, and the median distance (km) of them from it; NaN where
    there are none but its own."""
    lat, lon = np.empty(_PLACE_ROWS), np.empty(_PLACE_ROWS)
    count = 0
    i = row
    while 0 <= i < len(p.at) and p.vehicle[i] == p.vehicle[row] and count < _PLACE_ROWS:
        if (step < 0 and p.at[i] < until) or (step > 0 and p.at[i] > until):
            break
        if not np.isnan(p.lat[i] + p.lon[i]):
            lat[count], lon[count] = p.lat[i], p.lon[i]
            count += 1
        i += step
    if count < 2:
        return np.nan, np.nan, np.nan
    return _middle(lat[:count], lon[:count])


@helper
def _middle(lat: F64, lon: F64) -> Place:
    """The median of positions, and the median distance (km) of them from it."""
    mid_lat, mid_lon, apart = float(np.median(lat)), float(np.median(lon)), np.empty(len(lat))
    for k in range(len(lat)):
        apart[k] = great_circle_km(mid_lat, mid_lon, lat[k], lon[k])
    return mid_lat, mid_lon, float(np.median(apart))
