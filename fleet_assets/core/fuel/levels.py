"""Levels: what the readings of each window say, robustly, and what was driven and burned between the windows.

Belongs here: medians, spread and sums per window. Does not belong here: which readings make a window (`windows`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, Mask, helper, kernel
from fleet_assets.core.integrals import trapezoid
from fleet_assets.core.motion import MOVING
from fleet_assets.core.thresholds import MICROS


class Levels(NamedTuple):
    """Per window: median, median distance from it, readings used; and whether all of them are not believed."""

    median: F64
    mad: F64
    used: I64
    is_refused: Mask


def levels_of(values: F64, bad: Mask, rows: I64, bounds: I64) -> Levels:
    """The level of each window over the readings that are believed; over the others where there are none but those.
    NaN where the quantity was not observed."""
    if not len(values):
        nothing = np.full(len(bounds) - 1, np.nan)
        return Levels(nothing, nothing, np.zeros(len(nothing), np.int64), np.zeros(len(nothing), np.bool_))
    table, counts = _levels(values, bad, rows, bounds)
    return Levels(table[:, 0].copy(), table[:, 1].copy(), counts[:, 0].copy(), counts[:, 1] > 0)


@kernel
def _levels(values: F64, bad: Mask, rows: I64, bounds: I64) -> tuple[F64, I64]:
    table, counts = np.full((len(bounds) - 1, 2), np.nan), np.zeros((len(bounds) - 1, 2), dtype=np.int64)
    longest = 0
    for k in range(len(bounds) - 1):
        longest = max(longest, bounds[k + 1] - bounds[k])
    held = np.empty(longest)
    for k in range(len(bounds) - 1):
        count = _fill(values, bad, rows, bounds[k], bounds[k + 1], False, held)
        if count == 0:
            count = _fill(values, bad, rows, bounds[k], bounds[k + 1], True, held)
            counts[k, 1] = 1 if count > 0 else 0
        if count > 0:
            part = held[:count]
            middle = np.median(part)
            for i in range(count):
                part[i] = abs(part[i] - middle)
            table[k, 0], table[k, 1], counts[k, 0] = middle, np.median(part), count
    return table, counts


@helper
def _fill(values: F64, bad: Mask, rows: I64, begin: int, end: int, wanted: bool, held: F64) -> int:
    """Fills `held` with the readings of one window that are bad, or that are not; returns how many."""
    count = 0
    for j in range(begin, end):
        i = rows[j]
        if not np.isnan(values[i]) and bad[i] == wanted:
            held[count] = values[i]
            count += 1
    return count


@kernel
def day_steps(vehicle: I64, values: F64, bad: Mask, least: float) -> F64:
    """Per row's vehicle (in order) the smallest difference of two successive levels of at least `least`; NaN where no
    three differences are about that small: two values of a day are a change as well as a step."""
    steps = np.full(vehicle[-1] + 1 if len(vehicle) > 0 else 0, np.nan)
    if len(values) == 0:
        return steps
    before, seen, smallest = -1, 0, np.inf
    for i in range(len(vehicle)):
        if i > 0 and vehicle[i] != vehicle[i - 1]:
            before, seen, smallest = -1, 0, np.inf
        if np.isnan(values[i]) or bad[i]:
            continue
        step = abs(values[i] - values[before]) if before >= 0 else 0.0
        if step >= least and step < 0.67 * smallest:
            seen, smallest = 1, step
            steps[vehicle[i]] = np.nan
        elif step >= least and step < 1.5 * smallest:
            seen, smallest = seen + 1, min(smallest, step)
            steps[vehicle[i]] = smallest if seen >= 3 else np.nan
        before = i
    return steps


@kernel
def joined_windows(session: I64, state: I8, engine: I8, medians: F64, mads: F64) -> I64:
    """First of the windows that say one and the same without any spread, one after the other within a stretch of
    standing with the engine as it was: they are one plateau. `medians` and `mads` have a column per quantity."""
    starts = np.empty(len(session), dtype=np.int64)
    count = 0
    for k in range(len(session)):
        same = k > 0 and session[k] == session[k - 1] and state[k] != MOVING and engine[k] == engine[k - 1]
        if same:
            for q in range(medians.shape[1]):
                if np.isnan(medians[k, q]) and np.isnan(medians[k - 1, q]):
                    continue
                same = same and medians[k, q] == medians[k - 1, q] and mads[k, q] == 0 and mads[k - 1, q] == 0
        if not same:
            starts[count] = k
            count += 1
    return starts[:count].copy()


@kernel
def sums_between(
    vehicle: I64, at: I64, states: I8, engine: I8, speed: F64, rate: F64, middles: I64, reach: int
) -> F64:  # fmt: skip
    """Per plateau kilometres by speed, litres by rate, seconds moving and idling since the middle of the plateau
    before, or the first row of the vehicle; and, of its last plateau, from its middle to its last row (NaN of others).

    A value stands for `reach` us at most. NaN where nothing was observed that tells: no speed, no two rates, no motion,
    no engine.
    """
    table = np.full((len(middles), 8), np.nan)
    sums, has = np.zeros(4), np.zeros(4, dtype=np.bool_)
    told = rate_at = known = -1
    k = 0
    for i in range(len(at)):
        if i > 0 and vehicle[i] != vehicle[i - 1]:
            if k > 0 and vehicle[middles[k - 1]] == vehicle[i - 1]:
                _put(table, k - 1, 4, sums, has)
            sums[:], has[:] = 0.0, False
            told = rate_at = known = -1
        if len(speed) > 0 and not np.isnan(speed[i]):
            has[0] = True
            if told >= 0:
                sums[0] += trapezoid(speed[told], speed[i], min(at[i] - at[told], reach))
            told = i
        if len(rate) > 0 and not np.isnan(rate[i]):
            if rate_at >= 0:
                sums[1] += trapezoid(rate[rate_at], rate[i], min(at[i] - at[rate_at], reach))
                has[1] = True
            rate_at = i
        if states[i] >= 0:
            has[2] = True
            if known >= 0:
                seconds = min(at[i] - at[known], reach) / MICROS
                if states[known] == MOVING:
                    sums[2] += seconds
                elif len(engine) > 0 and engine[known] == 1:
                    sums[3] += seconds
            known = i
        has[3] |= len(engine) > 0 and engine[i] >= 0
        if k < len(middles) and middles[k] == i:
            _put(table, k, 0, sums, has)
            sums[:], has[:] = 0.0, False
            k += 1
    if k > 0 and len(at) > 0 and vehicle[middles[k - 1]] == vehicle[-1]:
        _put(table, k - 1, 4, sums, has)
    return table


@helper
def _put(table: F64, k: int, at: int, sums: F64, has: Mask) -> None:
    for j in range(4):
        table[k, at + j] = sums[j] if has[j] else np.nan


@kernel
def nearest_within(values: F64, first: I64, middle: I64, last: I64) -> F64:
    """Per window the value observed nearest to its middle row (of two equally near ones the earlier); NaN if none."""
    found = np.full(len(first), np.nan)
    if len(values) == 0:
        return found
    for k in range(len(first)):
        for away in range(max(middle[k] - first[k], last[k] - middle[k]) + 1):
            if middle[k] - away >= first[k] and not np.isnan(values[middle[k] - away]):
                found[k] = values[middle[k] - away]
                break
            if middle[k] + away <= last[k] and not np.isnan(values[middle[k] + away]):
                found[k] = values[middle[k] + away]
                break
    return found


@kernel
def mostly(states: I8, rows: I64, bounds: I64) -> I8:
    """Per window the state of most of its readings of which one is known: 1, 0, or -1 where none is."""
    found = np.full(len(bounds) - 1, np.int8(-1))
    if len(states) == 0:
        return found
    for k in range(len(bounds) - 1):
        on = off = 0
        for j in range(bounds[k], bounds[k + 1]):
            on += states[rows[j]] == 1
            off += states[rows[j]] == 0
        if on + off > 0:
            found[k] = 1 if on >= off else 0
    return found
