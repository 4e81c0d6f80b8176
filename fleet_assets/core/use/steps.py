"""Steps: what rates, counters and states tell between two rows, in the hours that it touches.

Belongs here: sums by hour that know nothing of their unit. Does not belong here: the sharing itself (`hours`), and what
the amounts are (`fuel`, `battery`, `way`).
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.cadence import hold_of_states, holds
from fleet_assets.core.compiled import F64, I8, I64, kernel, read_only
from fleet_assets.core.integrals import is_plausible, shared, trapezoid
from fleet_assets.core.thresholds import HOUR_US, MICROS, Thresholds
from fleet_assets.core.track import Track
from fleet_assets.core.use.hours import SECONDS, STOOD, UNSEEN, Grid, Hours, Shares, no_shares, put


def rate_by_hour(track: Track, hours: Hours, values: F64, left_out: I8 | None = None) -> Shares:
    """Integral of a rate per hour in trapezoids, none longer than a value stands for on that day (`cadence.holds`).
    Rows marked in `left_out` begin and end none."""
    found, days = no_shares(hours, 4), track.by_vehicle
    reach = holds(track.at, values, days.first, days.last, track.thresholds)
    marks = read_only(np.zeros(len(track), dtype=np.int8)) if left_out is None else left_out
    _rates(
        found.sums, found.marks, hours.grid, hours.slot, track.points.vehicle, track.at, values, track.states, marks,
        reach,
    )  # fmt: skip
    return found


@kernel
def _rates(
    sums: F64, marks: I8, grid: Grid, slot: I64, vehicle: I64, at: I64, values: F64, states: I8, left_out: I8,
    reach: I64,
) -> None:  # fmt: skip
    before = -1
    for i in range(len(values)):
        if np.isnan(values[i]):
            continue
        if before >= 0 and vehicle[before] == vehicle[i] and left_out[before] == 0 and left_out[i] == 0:
            step = min(at[i] - at[before], reach[vehicle[i]])
            area = trapezoid(values[before], values[i], step)
            until = at[before] + step
            part = STOOD - states[before] if states[before] >= 0 else UNSEEN
            if slot[before] == slot[i]:
                sums[slot[i], SECONDS] += step / MICROS
                sums[slot[i], part] += area
                marks[0, slot[i]] = 1
            else:
                put(sums, marks, SECONDS, grid, vehicle[i], at[before], until, step / MICROS)
                put(sums, marks, part, grid, vehicle[i], at[before], until, area)
        before = i


def counter_by_hour(track: Track, hours: Hours, name: str, max_per_hour: float, slack: float) -> Shares:
    """Plausible increments of a counter, as `integrals.count` adds them up."""
    found, points = no_shares(hours, 3), track.points
    values, origin = track.column(name), points.origin_of(name)
    _counters(
        found.sums, found.marks, hours.grid, hours.slot, points.vehicle, track.at, values, origin, track.states,
        max_per_hour, slack,
    )  # fmt: skip
    return found


@kernel
def _counters(
    sums: F64, marks: I8, grid: Grid, slot: I64, vehicle: I64, at: I64, values: F64, origin: I8, states: I8,
    max_per_hour: float, slack: float,
) -> None:  # fmt: skip
    before, changed_at = -1, 0
    for i in range(len(values)):
        if np.isnan(values[i]):
            continue
        if before < 0 or vehicle[before] != vehicle[i]:
            changed_at = at[i]
        elif len(origin) == 0 or origin[before] == origin[i]:
            step = values[i] - values[before]
            if is_plausible(step, at[i] - changed_at, max_per_hour, slack):
                is_seen = states[before] >= 0 and at[i] - at[before] <= HOUR_US
                part = STOOD - states[before] if is_seen else UNSEEN
                if slot[before] == slot[i]:
                    sums[slot[i], part] += step
                    marks[0, slot[i]] = 1
                else:
                    put(sums, marks, part, grid, vehicle[i], at[before], at[i], step)
            if step != 0:
                changed_at = at[before]
        before = i


def time_by_hour(track: Track, hours: Hours, states: I8) -> Shares:
    """Seconds in state 1 (negative states are not observed), as `integrals.time_in_state` counts them."""
    found, days = no_shares(hours), track.by_vehicle
    _times(found.sums, found.marks, hours.grid, hours.slot, track.at, states, days.first, days.last, track.thresholds)
    return found


@kernel
def _times(
    sums: F64, marks: I8, grid: Grid, slot: I64, at: I64, states: I8, first: I64, last: I64, thresholds: Thresholds
) -> None:
    for k in range(len(first) if len(states) > 0 else 0):
        reach, before = hold_of_states(at, states, first[k], last[k], thresholds), -1
        for i in range(first[k], last[k] + 1):
            if states[i] < 0:
                continue
            was, is_now = before >= 0 and states[before] == 1, states[i] == 1
            if before >= 0 and (was or is_now):
                spent = shared(at[i] - at[before], was, is_now, reach, thresholds.silence_us, thresholds.dense_us)
                begin = at[before] if was else at[i] - int(spent)
                if slot[before] == slot[i]:
                    sums[slot[i], 0] += spent / MICROS
                    marks[0, slot[i]] = 1
                else:
                    put(sums, marks, 0, grid, k, begin, begin + int(spent), spent / MICROS)
            before = i


def spoken_by_hour(track: Track, hours: Hours, left_out: I8) -> Shares:
    """Seconds within reach of a row: between rows that are not marked, and between others."""
    found, days = no_shares(hours, 2), track.by_vehicle
    every = read_only(np.zeros(len(track), dtype=np.int8))
    _spoken(
        found.sums, found.marks, hours.grid, hours.slot, track.at, every, left_out, days.first, days.last,
        track.thresholds,
    )  # fmt: skip
    return found


@kernel
def _spoken(
    sums: F64, marks: I8, grid: Grid, slot: I64, at: I64, every: I8, left_out: I8, first: I64, last: I64,
    thresholds: Thresholds,
) -> None:  # fmt: skip
    for k in range(len(first)):
        reach = hold_of_states(at, every, first[k], last[k], thresholds)
        for i in range(first[k] + 1, last[k] + 1):
            step = min(at[i] - at[i - 1], reach)
            column = 1 if left_out[i - 1] == 1 or left_out[i] == 1 else 0
            if slot[i - 1] == slot[i]:
                sums[slot[i], column] += step / MICROS
            else:
                put(sums, marks, column, grid, k, at[i - 1], at[i - 1] + step, step / MICROS)
