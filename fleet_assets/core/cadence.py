"""Cadence: how often a vehicle speaks in the state it is in, and for how long one row of it speaks.

Belongs here: the silence that is longer than a vehicle's own pace (decided from the past alone), and the time for which
a value stands within a stretch whose rows are all known. Does not belong here: what a silence ends (`trips.segments`).
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, kernel
from fleet_assets.core.trip_rules import Limits

_REACH_ROWS = 64
"""Rows that are looked back at most: cost is bounded also where states alternate."""


@kernel
def silence_after(vehicle: I64, at: I64, states: I8, row: int, limits: Limits) -> int:
    """Microseconds after `row`, whose state is known, from which the vehicle counts as silent: a multiple of its usual
    step, never less than `silence` nor more than `silence_most`; with patience where the usual step is not known."""
    if limits.holes_only:
        return limits.silence
    usual = usual_step(vehicle, at, states, row, limits)
    if usual < 0:
        return max(limits.patience, limits.silence)
    return max(limits.silence, min(limits.silence_most, int(usual * limits.silence_factor)))


@kernel
def usual_step(vehicle: I64, at: I64, states: I8, row: int, limits: Limits) -> int:
    """Microseconds between two rows at `row`: the median of the newest steps that began in the same state (rows without
    a known state do not count), or in any state where those are too few; -1 where they are too few too.

    Only rows up to `row` and within `cadence_memory` count, so that a later row never changes it and every run agrees,
    wherever it starts.
    """
    same, every = np.empty(limits.cadence_steps), np.empty(limits.cadence_steps)
    count = total = visited = 0
    later = row
    earlier = row - 1
    while earlier >= 0 and vehicle[earlier] == vehicle[row] and visited < _REACH_ROWS and count < limits.cadence_steps:
        if at[row] - at[earlier] > limits.cadence_memory:
            break
        if states[earlier] >= 0:
            step = at[later] - at[earlier]
            if total < limits.cadence_steps:
                every[total] = step
                total += 1
            if states[earlier] == states[row]:
                same[count] = step
                count += 1
            later = earlier
            visited += 1
        earlier -= 1
    if count >= limits.cadence_known:
        return int(np.median(same[:count]))
    return int(np.median(every[:total])) if total >= limits.cadence_known else -1


@kernel
def holds(at: I64, values: F64, first: I64, last: I64, limits: Limits) -> I64:
    """Per stretch the microseconds for which a value of this quantity stands for what follows.

    `hold` where most values come closely enough for it; else a multiple of their median step. Steps longer than
    `silence_most` are silences and tell of no cadence.
    """
    table = np.full(len(first), limits.hold)
    if len(values) == 0:
        return table
    slow_step = limits.hold / limits.silence_factor
    for k in range(len(first)):
        before = -1
        slow = steps = 0
        for i in range(first[k], last[k] + 1):
            if np.isnan(values[i]):
                continue
            if before >= 0 and at[i] - at[before] <= limits.silence_most:
                steps += 1
                slow += at[i] - at[before] > slow_step
            before = i
        if 2 * slow >= steps and steps > 0:
            table[k] = slow_hold(at, values, first[k], last[k], steps, limits)
    return table


@kernel
def slow_hold(at: I64, values: F64, first: int, last: int, count: int, limits: Limits) -> int:
    """Microseconds for which a value stands in a stretch whose `count` steps are slow: a multiple of their median."""
    steps = np.empty(count)
    before = -1
    row = 0
    for i in range(first, last + 1):
        if np.isnan(values[i]):
            continue
        if before >= 0 and at[i] - at[before] <= limits.silence_most:
            steps[row] = at[i] - at[before]
            row += 1
        before = i
    return max(limits.hold, min(limits.silence_most, int(np.median(steps) * limits.silence_factor)))


@kernel
def hold_of_states(at: I64, states: I8, first: int, last: int, limits: Limits) -> int:
    """The same as `holds` for one stretch of states, of which negative ones are not observed."""
    slow_step = int(limits.hold / limits.silence_factor)
    before = -1
    slow = steps = 0
    for i in range(first, last + 1):
        if states[i] >= 0:
            if before >= 0 and at[i] - at[before] <= limits.silence_most:
                steps += 1
                slow += at[i] - at[before] > slow_step
            before = i
    if steps == 0 or 2 * slow < steps:
        return limits.hold
    known = np.where(states[first : last + 1] >= 0, 0.0, np.nan)
    return slow_hold(at[first : last + 1], known, 0, last - first, steps, limits)
