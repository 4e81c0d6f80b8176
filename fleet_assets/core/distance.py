"""Distance driven over stretches of observations, from odometer, own speed or positions, and which of them is believed.

Belongs here: the three measurements, their expected errors and the choice. Does not belong here: cutting into trips.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from fleet_assets.core.cadence import holds
from fleet_assets.core.compiled import F64, I8, I64, Mask, helper, kernel
from fleet_assets.core.geo import great_circle_km
from fleet_assets.core.integrals import Counted, Stretches, at_ends, choose, count, integrate, unseen_share
from fleet_assets.core.position_outliers import NEW_TRACK_AFTER, TRACK_NOISE_KM, can_follow, is_frozen
from fleet_assets.core.track import Track

SOURCES = ("odometer", "speed", "gps")

_SANE_SLACK_KM = 0.2
"""km by which odometer and speed may always differ: the readings are not taken at the same instants."""
STEP_SLACK_KM = 1.0
"""km that may appear at once: one step of an odometer that counts whole kilometres."""
_ON_ITS_WAY_KM = 0.03
"""km from the last position that counted from which one within a trip counts as well: three times the usual noise."""
_MOVING = 1


@dataclass(frozen=True)
class DistanceRules:
    """How far off odometer, speeds and positions are expected to be, and when an odometer is not believed."""

    odometer_error_km: float = 0.005
    """km of resolution at least: J1939 high resolution vehicle distance, 5 m per bit."""
    speed_error_share: float = 0.02
    """Expected error of an integrated speed: tyre wear and calibration, 1-3 %."""
    gps_error_share: float = 0.05
    """Expected error of a chain of positions: noise lengthens it, corners shorten it."""
    gps_speed_error_share: float = 0.08
    """Expected error of an integrated receiver's speed: rounded, and held at zero at a walking pace. It is more than a
    track's, so that a track of equal cover is preferred."""
    sampling_error_share: float = 0.35
    """Expected error of one moment's speed as the mean of the time around it, where rows come seldom."""
    speed_memory_s: float = 60.0
    """s after which a speed says nothing of what it was before: the way from one traffic light to the next."""
    chord_error_share: float = 0.06
    """Share of the way that straight lines of `speed_memory_s` cut off, and each doubling of that time again: they are
    always short, while errors of sampled speeds cancel out over trips."""
    sane_share: float = 0.2
    """Share by which an odometer may differ from a well covered speed integral; more is a fault."""
    sane_gps_share: float = 0.4
    """Share by which an odometer may differ from a well covered track, where no speed judges it; more is a fault."""
    sane_sampling_share: float = 0.1
    """Expected error of sampled speeds above which they do not judge an odometer: fewer than a dozen rows."""
    sane_coverage: float = 0.9
    """Share of the trip that speed or track must cover to judge the odometer."""


@dataclass(frozen=True)
class Distances:
    """Per trip: km and their expected error, index into SOURCES (-1: nothing to measure by), what each source measured
    whether it is believed or not (NaN: nothing), odometer readings at both ends, and whether the odometer was overruled
    by a better covered speed or track that it contradicts."""

    km: F64
    error_km: F64
    source: I64
    odometer_km: F64
    speed_km: F64
    gps_km: F64
    start_odometer_km: F64
    end_odometer_km: F64
    is_overruled: Mask

    def where(self, mask: Mask) -> Distances:
        return Distances(*(getattr(self, one.name)[mask] for one in fields(self)))


@dataclass(frozen=True)
class Driven:
    """Stretches to measure: the rows of each trip, the rows that enclose it, and what it moved between them at the
    speed of its ends (km, s); `closed_at` bounds what may be read (us); whether the own speed is not to be believed."""

    trips: Stretches
    around: Stretches
    edge_km: F64
    edge_s: F64
    closed_at: I64
    is_speed_overruled: Mask

    def duration_s(self, at: I64) -> F64:
        return self.trips.duration_s(at) + self.edge_s

    def step_s(self, at: I64) -> F64:
        """Mean time between rows."""
        steps = np.maximum(self.around.last - self.around.first, 1)
        seconds: F64 = self.around.duration_s(at) / steps
        return seconds

    def where(self, mask: Mask) -> Driven:
        trips, around = (Stretches(part.first[mask], part.last[mask]) for part in (self.trips, self.around))
        edge = self.edge_km[mask], self.edge_s[mask]
        return Driven(trips, around, *edge, self.closed_at[mask], self.is_speed_overruled[mask])


class _Receiver(NamedTuple):
    """Per trip: km by the satellite receiver (NaN: nothing, or no say), seconds covered, expected error."""

    km: F64
    covered_s: F64
    error_share: F64

    def where(self, mask: Mask) -> _Receiver:
        """The same for some trips; in the others it has no say."""
        nothing = np.where(mask, self.km, np.nan), np.where(mask, self.covered_s, 0.0)
        return _Receiver(*nothing, np.where(mask, self.error_share, np.nan))


class _Chain(NamedTuple):
    at: I64
    lat: F64
    lon: F64
    states: I8
    max_kmh: float
    reach: I64


def measure_distances(track: Track, driven: Driven, rules: DistanceRules, *, every: bool = True) -> Distances:
    """Distance of each trip by the source with the smallest expected error; on a tie odometer, speed, positions.

    Expected errors: odometer, its resolution; speed, 2 %; positions, 5 %, or the receiver's speed, 8 %; each plus the
    share of the trip that it did not observe, and plus what happens between rows that come seldom. So an odometer of
    5 m steps always wins, one of 125 m from about 6 km, one of 1 km from about 50 km. An odometer that contradicts a
    well covered speed integral, or without one a well covered receiver, is not used (reset, jumps, stuck). Nothing
    depends on which other trips are measured. Without `every` a track that has no say is not measured.
    """
    duration_s = driven.duration_s(track.at)
    judged_s = rules.sane_coverage * duration_s
    readings = _readings(track, driven)
    own_km, speed_s = _by_speed(track, "speed_kmh", driven)
    speed_km = np.where(driven.is_speed_overruled, np.nan, own_km)
    speed_s = np.where(driven.is_speed_overruled, 0.0, speed_s)
    sampled = _sampling_share(driven, track.at, rules)
    # A speed that hardly misses anything is closer than any track, which then has no say.
    may_win = ~(unseen_share(speed_s, duration_s) + sampled <= rules.gps_error_share - rules.speed_error_share)
    measured = _receiver(track, driven, may_win | every, rules)
    receiver = measured.where(may_win)
    may_differ = sampled * 2  # the judge itself may be off: twice its expected error, as for a bound of 95 %
    is_close = sampled <= rules.sane_sampling_share  # a handful of moments judges nothing
    is_judge = is_close & (speed_s >= judged_s)
    is_insane = _contradicts(readings, speed_km, rules.sane_share + may_differ, is_judge)
    is_judge = is_close & ~is_judge & (receiver.covered_s >= judged_s)
    is_insane |= _contradicts(readings, receiver.km, rules.sane_gps_share + may_differ, is_judge)
    # Shares of one and the same distance: of its own, a speed or a position that is stuck would have no error.
    longest_km = np.fmax(speed_km, receiver.km)
    errors = np.stack([
        np.where(is_insane, np.inf, _odometer_error(readings, duration_s, rules)),
        longest_km * (rules.speed_error_share + unseen_share(speed_s, duration_s) + sampled),
        longest_km * receiver.error_share,
    ])  # fmt: skip
    km, source = choose([readings.total, speed_km, receiver.km], errors)
    chosen = np.take_along_axis(errors, np.maximum(source, 0)[None], axis=0)[0]
    error_km = np.where(source >= 0, chosen, np.nan)
    told = np.where(readings.spanned_s > 0, readings.total, np.nan), own_km, measured.km
    return Distances(km, error_km, source, *told, readings.start, readings.end, is_insane)


def _sampling_share(driven: Driven, at: I64, rules: DistanceRules) -> F64:
    """Expected error of a sum over moments that lie `step_s` apart, as a share: it falls with the root of their number,
    and vanishes where a speed hardly changes from one row to the next."""
    step_s = driven.step_s(at)
    steps = np.maximum(driven.duration_s(at) / np.maximum(step_s, 1e-6), 1.0)
    share: F64 = rules.sampling_error_share * np.minimum(step_s / rules.speed_memory_s, 1.0) / np.sqrt(steps)
    return share


def _by_speed(track: Track, name: str, driven: Driven) -> tuple[F64, F64]:
    """Kilometres by a speed, with those between the rows that enclose each trip, and seconds covered."""
    speed = integrate(track.at, track.column(name), driven.trips, track.thresholds)
    is_known = ~np.isnan(at_ends(track.column(name), driven.trips)[0])
    covered_s = np.where(is_known, speed.covered_s + driven.edge_s, 0.0)
    return np.where(covered_s > 0, speed.net + driven.edge_km, np.nan), covered_s


def _readings(track: Track, driven: Driven) -> Counted:
    odometer = track.column("odometer_km")
    first, last = driven.around.first, driven.around.last
    if len(odometer):
        reach = holds(track.at, odometer, first, last, track.thresholds)
        vehicle = track.points.vehicle
        first, last = _nearby_readings(vehicle, track.at, odometer, first, last, driven.closed_at, reach)
    origin, max_kmh = track.points.origin_of("odometer_km"), track.thresholds.max_speed_kmh
    return count(track.at, odometer, origin, Stretches(first, last), max_kmh, STEP_SLACK_KM)


def _odometer_error(readings: Counted, duration_s: F64, rules: DistanceRules) -> F64:
    resolution = np.maximum(readings.resolution, rules.odometer_error_km)
    error: F64 = resolution + readings.total * unseen_share(readings.spanned_s, duration_s)
    return np.where(readings.spanned_s > 0, error, np.inf)


def _contradicts(readings: Counted, judge_km: F64, share: F64, is_judge: Mask) -> Mask:
    """Whether the odometer is further from a well covered measurement than both errors together explain."""
    resolution = np.where(np.isfinite(readings.resolution), readings.resolution, 0.0)
    may_differ = share * judge_km + resolution + _SANE_SLACK_KM
    return is_judge & (np.abs(readings.total - judge_km) > may_differ)


def _receiver(track: Track, driven: Driven, wanted: Mask, rules: DistanceRules) -> _Receiver:
    """Of each wanted trip the receiver's track, or its speed where the track is expected to be worse."""
    duration_s = driven.duration_s(track.at)
    by_track, track_s = _positions(track, driven, wanted)
    track_error = rules.gps_error_share + unseen_share(track_s, duration_s) + _chord_share(driven, track.at, rules)
    wanted = wanted & ~(track_error <= rules.gps_speed_error_share)  # else no speed can be closer
    by_speed, speed_s = _receiver_speed(track, driven, wanted)
    sampled = _sampling_share(driven, track.at, rules)
    speed_error = rules.gps_speed_error_share + unseen_share(speed_s, duration_s) + sampled
    km, taken = choose([by_track, by_speed], [track_error, speed_error])
    is_speed = taken == 1
    covered_s, error = np.where(is_speed, speed_s, track_s), np.where(is_speed, speed_error, track_error)
    return _Receiver(km, covered_s, error)


def _chord_share(driven: Driven, at: I64, rules: DistanceRules) -> F64:
    """Expected share by which straight lines between positions are shorter than the road."""
    share: F64 = rules.chord_error_share * np.log2(1 + driven.step_s(at) / rules.speed_memory_s)
    return share


def _positions(track: Track, driven: Driven, wanted: Mask) -> tuple[F64, F64]:
    """Kilometres along the positions, and seconds they cover, of wanted trips."""
    km, covered = np.full(len(wanted), np.nan), np.zeros(len(wanted))
    lat, lon = track.column("latitude_deg"), track.column("longitude_deg")
    if len(lat) and len(lon):
        first, last = driven.around.first[wanted], driven.around.last[wanted]
        reach = holds(track.at, lat, first, last, track.thresholds)
        chain = _Chain(track.at, lat, lon, track.states, track.thresholds.max_speed_kmh, reach)
        km[wanted], covered[wanted] = _chain_km(chain, first, last).T
    return np.where(covered > 0, km, np.nan), covered


def _receiver_speed(track: Track, driven: Driven, wanted: Mask) -> tuple[F64, F64]:
    """Kilometres by the receiver's speed, and seconds it covers, of wanted trips."""
    km, covered = np.full(len(wanted), np.nan), np.zeros(len(wanted))
    km[wanted], covered[wanted] = _by_speed(track, "gps_speed_kmh", driven.where(wanted))
    return np.where(covered > 0, km, np.nan), covered


@kernel
def _nearby_readings(
    vehicle: I64, at: I64, odometer: F64, first: I64, last: I64, closed_at: I64, reach: I64
) -> tuple[I64, I64]:
    """Widens each trip to the reading just before its start and the one just after its end, before it was closed."""
    low, high = first.copy(), last.copy()
    for k in range(len(first)):
        row = first[k]
        while row >= 0 and vehicle[row] == vehicle[first[k]] and at[first[k]] - at[row] <= reach[k]:
            if not np.isnan(odometer[row]):
                low[k] = row
                break
            row -= 1
        row = last[k]
        until = max(at[last[k]], min(at[last[k]] + reach[k], closed_at[k] - 1))
        while row < len(at) and vehicle[row] == vehicle[last[k]] and at[row] <= until:
            if not np.isnan(odometer[row]):
                high[k] = row
                break
            row += 1
    return low, high


@kernel
def _chain_km(chain: _Chain, first: I64, last: I64) -> F64:
    """Per trip (km, seconds between positions) along a chain.

    A step counts where the vehicle is known to move, and up to the row that encloses the trip, from the last position
    that counted; a position that no road vehicle could have reached does not count, nor do repeats of one position.
    """
    table = np.zeros((len(first), 2))
    for k in range(len(first)):
        anchor = outlier = seen = -1
        outliers = 0
        for i in range(first[k], last[k] + 1):
            if np.isnan(chain.lat[i]) or np.isnan(chain.lon[i]):
                continue
            if seen >= 0:
                table[k, 1] += min(chain.at[i] - chain.at[seen], chain.reach[k]) / 1e6
            seen = i
            if anchor < 0:
                anchor = i
            elif (chain.states[i] == _MOVING or i == last[k] or _is_on_its_way(chain, anchor, i)) and not is_frozen(
                chain.lat, chain.lon, i, first[k]
            ):
                if _is_reachable(chain, anchor, i):
                    table[k, 0] += great_circle_km(chain.lat[anchor], chain.lon[anchor], chain.lat[i], chain.lon[i])
                    anchor, outliers = i, 0
                else:
                    outliers = outliers + 1 if outliers > 0 and _is_reachable(chain, outlier, i) else 1
                    outlier = i
                    if outliers >= NEW_TRACK_AFTER:
                        anchor, outliers = i, 0
    return table


@helper
def _is_on_its_way(chain: _Chain, anchor: int, i: int) -> bool:
    """Whether a position of which nothing says that it moves or stands is far enough from the last to be on the way."""
    if chain.states[i] >= 0:
        return False
    return bool(great_circle_km(chain.lat[anchor], chain.lon[anchor], chain.lat[i], chain.lon[i]) >= _ON_ITS_WAY_KM)


@helper
def _is_reachable(chain: _Chain, a: int, b: int) -> bool:
    km = great_circle_km(chain.lat[a], chain.lon[a], chain.lat[b], chain.lon[b])
    return can_follow(km, chain.at[b] - chain.at[a], chain.max_kmh, TRACK_NOISE_KM)
