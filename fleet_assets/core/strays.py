"""Strays: positions that no road vehicle can have reached, between stretches of a track that goes on without them.

Belongs here: the rule and its kernel. Does not belong here: other faults of a receiver (`cleaning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fleet_assets.core.compiled import F64, I64, kernel
from fleet_assets.core.geo import great_circle_km

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class StrayRules:
    """When one position cannot follow another, and how many in a row can be wrong."""

    max_speed_kmh: float = 250.0
    """km/h between two positions above which no road vehicle moves."""
    position_noise_m: float = 100.0
    """m that two positions may always be apart: noise of a receiver among buildings."""
    repeated_fix_s: float = 60.0
    """s for which a receiver may repeat an old fix while the vehicle moves on (one repeats its fix for 10-25 s)."""
    stray_count: int = 5
    """Positions in a row at most that count as strays; more are a track of their own (a ferry, a corrected clock)."""


class _Track(NamedTuple):
    at: I64
    held_since: I64
    lat: F64
    lon: F64
    max_kmh: float
    noise_km: float
    most: int


class Fixes(NamedTuple):
    """Positions sorted by group (one vehicle and source) and instant (us), without nulls; and whether the vehicle may
    be moving then (its own speed does not say that it stands)."""

    group: I64
    at: I64
    lat: F64
    lon: F64
    may_move: Mask


def stray_positions(fixes: Fixes, rules: StrayRules) -> Mask:
    """Which positions are strays.

    Positions that cannot follow the track so far are strays if the track goes on without them soon after; at the
    beginning and the end, where only one side is known, the shorter stretch is the stray.
    """
    held_since = _held_since(fixes, round(rules.repeated_fix_s * 1e6))
    noise_km = rules.position_noise_m / 1000
    track = _Track(fixes.at, held_since, fixes.lat, fixes.lon, rules.max_speed_kmh, noise_km, rules.stray_count)
    return _strays(fixes.group, track)


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
def _strays(group: I64, track: _Track) -> Mask:
    strays = np.zeros(len(group), dtype=np.bool_)
    begin = 0
    while begin < len(group):
        end = begin
        while end < len(group) and group[end] == group[begin]:
            end += 1
        _mark(track, begin, end, strays)
        begin = end
    return strays


@kernel
def _mark(track: _Track, begin: int, end: int, strays: Mask) -> None:
    since = begin  # first position of the stretch that ends at i - 1
    i = begin + 1
    while i < end:
        if _reachable(track, i - 1, i):
            i += 1
            continue
        back = _back_on_track(track, i - 1, i, end)
        if back < 0 and since == begin and i - begin <= track.most < _stretch_end(track, i, end) - i:
            strays[begin:i] = True  # the first positions are stale: the track proper begins here
        elif back < 0 and end - i <= track.most < i - since:
            strays[i:end] = True
            break
        elif back >= 0:
            strays[i:back] = True
            i = back + 1
            continue
        since = i
        i += 1


@kernel
def _back_on_track(track: _Track, before: int, i: int, end: int) -> int:
    """First position soon after i that can follow `before`; -1 if there is none."""
    for row in range(i + 1, min(i + track.most + 1, end)):
        if _reachable(track, before, row):
            return row
    return -1


@kernel
def _stretch_end(track: _Track, i: int, end: int) -> int:
    row = i + 1
    while row < end and row - i <= track.most and _reachable(track, row - 1, row):
        row += 1
    return row


@kernel
def _reachable(track: _Track, a: int, b: int) -> bool:
    km = great_circle_km(track.lat[a], track.lon[a], track.lat[b], track.lon[b])
    return bool(km <= track.max_kmh * (track.at[b] - track.held_since[a]) / 3.6e9 + track.noise_km)
