"""Ends: whether and why the open trip has ended when the next row comes.

Belongs here: the verdict on a stop, a silence or the ignition, and what bridges a silence. Does not belong here: the
walk over the rows (`segmentation`), and where between two rows an end lies (`edges`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.cadence import silence_after
from fleet_assets.core.compiled import F64, helper
from fleet_assets.core.motion import STANDING, UNKNOWN
from fleet_assets.core.pace import Witnesses, is_arrival, km_between, moved_within, pace_at
from fleet_assets.core.thresholds import HOUR_US, Thresholds

STOP, IGNITION, GAP = 0, 1, 2
"""Why a trip ended: indices into `segmentation.END_REASONS`."""
OPEN, ENDED, DRIVEN_ON = 0, 1, 2
"""Verdicts on the open trip."""

LONG_AGO = -(2**62)
_FAR = 2**62


class Signals(NamedTuple):
    """What every row says, and the rules of segmentation."""

    seen: Witnesses
    ignition: F64
    rpm: F64
    rules: Thresholds


class Ignition(NamedTuple):
    """When it was switched on, when "on" was last heard, since when it is off, when "off" was last heard, when movement
    last refuted "off"."""

    on_at: int
    on_heard_at: int
    off_at: int
    off_heard_at: int
    refuted_at: int


@helper
def silence_of(s: Signals, row: int) -> int:
    return silence_after(s.seen.vehicle, s.seen.at, s.seen.states, row, s.seen.thresholds)


@helper
def verdict_on(s: Signals, i: int, last: int, seen: int, key: Ignition) -> tuple[int, int, int]:
    """(closed_at, reason, verdict) on the open trip when row i comes next; i = -1 stands for no further data.

    The earliest deadline wins: ignition off, a stop that was seen, a silence.
    """
    now = s.seen.at[i] if i >= 0 else _FAR
    silent_at = s.seen.at[seen] + silence_of(s, seen)
    reason, stop_at, is_sparse = GAP, silent_at, False
    if seen > last:
        stood = _first_standing(s, last, seen)
        is_sparse = s.seen.at[stood] - s.seen.at[last] > s.seen.thresholds.dense_us
        reason, stop_at = STOP, s.seen.at[last] + _moved_on(s, last, stood) + s.rules.stop_us
    ends_at = max(stop_at, silent_at) if is_sparse else stop_at
    if key.off_at != LONG_AGO and s.seen.at[last] - key.refuted_at > s.rules.ignition_memory_us:
        off_for_long_at = max(key.off_at, s.seen.at[last]) + s.rules.ignition_off_us
        if off_for_long_at <= ends_at:
            return off_for_long_at, IGNITION, (ENDED if now >= off_for_long_at else OPEN)
    if now < stop_at:
        return stop_at, reason, OPEN
    if is_sparse and now < ends_at:
        return now, reason, _sparse_stop(s, i, last, stood, seen)
    before = _reading_before(s, seen)
    if before < 0:
        return ends_at, reason, ENDED
    if i >= 0 and seen > last and now < silent_at:
        return now, reason, ENDED
    says_nothing = i >= 0 and s.seen.states[i] == UNKNOWN and not _is_reading(s, i, before)
    if says_nothing and now < _bound(s, seen, before):
        return stop_at, reason, OPEN  # says nothing about motion: the silence goes on
    closed_at, driven_on = _end_of_silence(s, i, seen, before)
    return closed_at, reason, (DRIVEN_ON if driven_on else ENDED)


@helper
def _moved_on(s: Signals, last: int, stood: int) -> int:
    """Microseconds after row `last` in which the vehicle still moved before it was seen standing in row `stood`."""
    if is_arrival(s.seen, last):
        return 0
    return moved_within(s.seen, last, stood, pace_at(s.seen, last, False))


@helper
def _first_standing(s: Signals, last: int, seen: int) -> int:
    """First row after the last movement that was seen standing."""
    row = last + 1
    while row < seen and s.seen.states[row] != STANDING:
        row += 1
    return row


@helper
def _sparse_stop(s: Signals, i: int, last: int, stood: int, seen: int) -> int:
    """Whether rows that come seldom, standing from `stood` to `seen`, were a stop when row i comes at their own pace.

    A second row that stands where the one before it stood says so. One alone may be a traffic light: then the rows
    around it must show that the vehicle stood long enough however slowly it drove, or the engine that it was switched
    off.
    """
    if s.seen.states[i] == UNKNOWN:
        return OPEN
    if s.seen.states[i] == STANDING and not arrives(s, seen, i):
        return ENDED
    slowest = min(pace_at(s.seen, last, False), s.rules.town_kmh)
    moved = moved_within(s.seen, last, stood, slowest) + moved_within(s.seen, seen, i, slowest)
    if s.seen.at[i] - s.seen.at[last] - moved < s.rules.stop_us:
        return OPEN
    if seen > stood and s.seen.at[seen] - s.seen.at[stood] > 0:
        return ENDED
    is_measured = not np.isnan(km_between(s.seen, last, stood)) and not np.isnan(km_between(s.seen, seen, i))
    is_off = (len(s.rpm) > 0 and s.rpm[stood] == 0) or (len(s.ignition) > 0 and s.ignition[stood] == 0)
    return ENDED if is_measured or is_off else OPEN


@helper
def arrives(s: Signals, seen: int, i: int) -> bool:
    """Whether row i, which stands, stands at another place than row `seen`: it drove in between, and halts again."""
    if seen < 0 or s.seen.states[i] != STANDING or s.seen.states[seen] != STANDING:
        return False
    if s.seen.at[i] - s.seen.at[seen] <= s.seen.thresholds.dense_us:
        return False
    if s.seen.at[i] - s.seen.at[seen] >= silence_of(s, seen):
        return False
    least = s.seen.thresholds.arrives_km
    if _is_whole(s.seen.odometer, seen, i):
        least += 1.0
    return bool(km_between(s.seen, seen, i) > least)


@helper
def _end_of_silence(s: Signals, i: int, seen: int, before: int) -> tuple[int, bool]:
    """(closed_at, drove on) for a silence after row `seen`, with a reading in row `before`, that ends with row i
    (-1: not at all). The trip waits for the next reading, up to the bound."""
    bound = _bound(s, seen, before)
    if i < 0 or s.seen.at[i] >= bound:
        return bound, False
    after = _reading_after(s, i, before)
    if after < 0:
        return min(s.seen.at[i] + s.rules.odometer_wait_us, bound), False
    step, hours = km_between(s.seen, before, after), (s.seen.at[after] - s.seen.at[before]) / HOUR_US
    if np.isnan(step):
        return s.seen.at[after], False
    if _is_whole(s.seen.odometer, before, after):
        step -= 1.0  # whole kilometres: one of them may be a step that was due anyway
    driven_on = s.rules.bridge_above_kmh * hours <= step <= s.seen.thresholds.max_speed_kmh * hours
    if driven_on and _stood_slowly(s, seen):
        # It was last seen standing by a tracker that speaks seldom: was there time left for a stop?
        stood = s.seen.at[after] - s.seen.at[before] - moved_within(s.seen, before, after, s.rules.town_kmh)
        driven_on = stood < s.rules.stop_us
    return s.seen.at[after], driven_on


@helper
def _stood_slowly(s: Signals, seen: int) -> bool:
    if s.seen.states[seen] != STANDING or seen == 0 or s.seen.vehicle[seen - 1] != s.seen.vehicle[seen]:
        return False
    return bool(s.seen.at[seen] - s.seen.at[seen - 1] > s.seen.thresholds.dense_us)


@helper
def _bound(s: Signals, seen: int, before: int) -> int:
    """Until when a silence after row `seen` may be bridged: by an odometer long, by positions shortly, since a straight
    line says less the longer it takes."""
    silence = silence_of(s, seen)
    has_odometer = len(s.seen.odometer) > 0 and not np.isnan(s.seen.odometer[before])
    bridge = s.seen.thresholds.bridge_us
    return int(s.seen.at[seen] + (max(bridge, silence) if has_odometer else min(2 * silence, bridge)))


@helper
def _is_whole(odometer: F64, a: int, b: int) -> bool:
    if len(odometer) == 0 or np.isnan(odometer[a]) or np.isnan(odometer[b]):
        return False
    return bool(odometer[a] == np.floor(odometer[a]) and odometer[b] == np.floor(odometer[b]))


@helper
def _is_reading(s: Signals, row: int, before: int) -> bool:
    """Whether a row has a reading that can be compared with that of row `before`: the odometer, else the position."""
    if len(s.seen.odometer) > 0 and not np.isnan(s.seen.odometer[before]):
        return not np.isnan(s.seen.odometer[row])
    return not np.isnan(s.seen.lat[row]) and not np.isnan(s.seen.lon[row])


@helper
def _reading_before(s: Signals, last: int) -> int:
    """Row of the newest odometer reading at or shortly before `last`, else of the newest position; -1 if there is none
    that may bridge a silence."""
    row, position = last, -1
    has_odometer, has_position = len(s.seen.odometer) > 0, len(s.seen.lat) > 0
    while (has_odometer or has_position) and row >= 0 and s.seen.vehicle[row] == s.seen.vehicle[last]:
        if s.seen.at[last] - s.seen.at[row] >= s.seen.thresholds.silence_us:
            break
        if has_odometer and not np.isnan(s.seen.odometer[row]):
            return row
        if has_position and position < 0 and not np.isnan(s.seen.lat[row]) and not np.isnan(s.seen.lon[row]):
            position = row
        row -= 1
    return position


@helper
def _reading_after(s: Signals, i: int, before: int) -> int:
    """Row of the first comparable reading at or shortly after row i; -1 if it does not come in time."""
    row = i
    while (
        row < len(s.seen.at)
        and s.seen.vehicle[row] == s.seen.vehicle[i]
        and s.seen.at[row] - s.seen.at[i] < s.rules.odometer_wait_us
    ):
        if _is_reading(s, row, before):
            return row
        row += 1
    return -1
