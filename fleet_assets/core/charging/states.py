"""States: per row of a track, whether the vehicle charges, is plugged in, is in use; and the stretches of one state.

Belongs here: the kernels that look at rows. Does not belong here: what a stretch measures (`periods`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, helper, kernel, read_only
from fleet_assets.core.integrals import trapezoid
from fleet_assets.core.motion import MOVING, STANDING
from fleet_assets.core.thresholds import HOUR_US, MICROS, Thresholds
from fleet_assets.core.track import Track

CHARGING, PLUGGED, SEEN, AWAY = 0, 1, 2, 3
"""States of a stretch, as numbers of `contracts.charging.PERIOD_STATES`."""
NOTHING = -1
"""State of a row that says nothing of charging."""

_LONG_AGO = -(2**62)


class Signals(NamedTuple):
    """What every row says; NaN where nothing. Power of the battery is positive into it."""

    vehicle: I64
    at: I64
    motion: I8
    connected: F64
    ac_kw: F64
    battery_kw: F64
    rpm: F64
    soc: F64


def signals_of(track: Track) -> Signals:
    """What the rows of a track say."""
    points = track.points

    def told(name: str) -> F64:
        return _whole(track.column(name), len(track))

    return Signals(
        points.vehicle, points.at, track.states, told("is_charger_connected"), told("charger_power_kw"),
        _whole(-track.battery_kw, len(track)), told("engine_speed_rpm"),
        _whole(track.soc, len(track)),
    )  # fmt: skip


def _whole(values: F64, size: int) -> F64:
    """A quantity with a value for every row, also where it was never observed."""
    return read_only(values if len(values) else np.full(size, np.nan))


@kernel
def row_states(s: Signals, rules: Thresholds) -> I8:
    """Per row its state, decided from the past of the same vehicle alone.

    Power into the battery is charging only where the vehicle has been at rest, with its engine off: without a word of
    a cable or a charger it is braking, or the engine. Where a cable is known not to be there, it does not charge.
    """
    states = np.full(len(s.at), NOTHING, dtype=np.int8)
    moved_at = stood_at = engine_at = cable_at = power_at = ac_at = used_at = _LONG_AGO
    cable, power = -1, 0.0
    for i in range(len(s.at)):
        at = s.at[i]
        if i > 0 and s.vehicle[i] != s.vehicle[i - 1]:
            moved_at = stood_at = engine_at = cable_at = power_at = ac_at = used_at = _LONG_AGO
        if s.motion[i] == MOVING:
            moved_at, stood_at, cable_at, power_at, ac_at = at, _LONG_AGO, _LONG_AGO, _LONG_AGO, _LONG_AGO
        elif s.motion[i] == STANDING:
            stood_at = at
        if not np.isnan(s.rpm[i]):
            engine_at = at if s.rpm[i] > rules.engine_on_rpm else _LONG_AGO
        if not np.isnan(s.connected[i]):
            cable, cable_at = int(s.connected[i] > 0), at
        if not np.isnan(s.ac_kw[i]):
            power, power_at, ac_at = s.ac_kw[i], at, at
        elif not np.isnan(s.battery_kw[i]) and at - ac_at > rules.fresh_us:
            power, power_at = s.battery_kw[i], at
        known_cable = cable if at - cable_at <= rules.hole_us else -1
        is_moving = moved_at > stood_at and at - moved_at <= rules.fresh_us
        if is_moving or (known_cable != 1 and at - engine_at <= rules.fresh_us):
            used_at, states[i] = at, AWAY
        elif known_cable == 0:
            states[i] = AWAY
        elif (
            at - power_at <= rules.fresh_us
            and power >= rules.charging_min_kw
            and (known_cable == 1 or ac_at == power_at or at - moved_at > rules.rolling_out_us)
        ):
            states[i] = CHARGING
        elif known_cable == 1:
            states[i] = PLUGGED
        elif at - used_at <= rules.rest_us:
            states[i] = AWAY
        elif not (np.isnan(s.soc[i]) and np.isnan(s.ac_kw[i]) and np.isnan(s.battery_kw[i])):
            states[i] = SEEN
    return states


@kernel
def stretches_of(s: Signals, states: I8, rules: Thresholds) -> I64:
    """First and last row of every stretch of one state: they end with the vehicle, a silence, and the UTC hour (not in
    use), and where the charge has moved by a point without power."""
    vehicle, at, socs = s.vehicle, s.at, s.soc
    quiet, cut = rules.quiet_us, rules.soc_cut_pct  # a helper for each row would cost more than all the rest
    rows = np.empty((len(at), 2), dtype=np.int64)
    count = 0
    first = last = int(np.int64(-1))
    soc = np.nan
    for i in range(len(at)):
        state = states[i]
        if state == NOTHING:
            continue
        if first >= 0:
            ends = vehicle[i] != vehicle[last] or state != states[last] or at[i] - at[last] > quiet
            if not ends and state != AWAY:
                ends = at[i] // HOUR_US != at[last] // HOUR_US
                ends = ends or (state != CHARGING and abs(socs[i] - soc) >= cut)
            if ends:
                rows[count, 0], rows[count, 1] = first, last
                count += 1
                first = -1
        if first < 0:
            first, soc = i, np.nan
        if np.isnan(soc):
            soc = socs[i]
        last = i
    if first >= 0:
        rows[count, 0], rows[count, 1] = first, last
        count += 1
    return rows[:count].copy()


@kernel
def measured(s: Signals, values: F64, first: I64, last: I64, rules: Thresholds) -> F64:
    """Per stretch of a power: instant and value of its first and its last reading, kWh by trapezoids between readings
    that are at most `hole` apart, seconds at charging power, readings, and the highest of them."""
    table = np.full((len(first), 8), np.nan)
    for k in range(len(first)):
        before = -1
        energy = seconds = 0.0
        count = 0
        highest = np.nan
        for i in range(first[k], last[k] + 1):
            if np.isnan(values[i]):
                continue
            if before < 0:
                table[k, 0], table[k, 1] = i, values[i]
            elif s.at[i] - s.at[before] <= rules.hole_us:
                step = s.at[i] - s.at[before]
                energy += trapezoid(values[before], values[i], step)
                seconds += step / MICROS * charging_share(values[before], values[i], rules)
            highest = np.fmax(highest, values[i])
            count += 1
            before = i
        table[k, 6] = count
        if before >= 0:
            table[k, 2], table[k, 3], table[k, 4], table[k, 5], table[k, 7] = (
                before, values[before], energy, seconds, highest,
            )  # fmt: skip
    return table


@helper
def charging_share(before: float, after: float, rules: Thresholds) -> float:
    """Share of a step at charging power: all of it between two such readings, half between one and none."""
    return float(0.5 * (before >= rules.charging_min_kw) + 0.5 * (after >= rules.charging_min_kw))


@kernel
def highest_of(values: F64, first: I64, last: I64) -> I64:
    """Per stretch the row of the highest reading (the first of them); -1 where there is none."""
    rows = np.full(len(first), -1)
    if len(values) == 0:
        return rows
    for k in range(len(first)):
        for i in range(first[k], last[k] + 1):
            if not np.isnan(values[i]) and (rows[k] < 0 or values[i] > values[rows[k]]):
                rows[k] = i
    return rows


__all__ = ["AWAY", "CHARGING", "PLUGGED", "SEEN", "Signals", "charging_share", "highest_of", "measured",
           "row_states", "signals_of", "stretches_of"]  # fmt: skip
