"""Cadence: how often a vehicle speaks in the state it is in, and for how long one row of it speaks.

Belongs here: the silence that is longer than a vehicle's own pace (decided from the past alone), and the time for which
a value stands within a stretch whose rows are all known. Does not belong here: what a silence ends
(`trips.segmentation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, helper, kernel
from fleet_assets.core.thresholds import Thresholds

_REACH_ROWS = 64
"""Rows that are looked back at most: cost is bounded also where states alternate."""


@dataclass(frozen=True)
class CadenceRules:
    """How long a vehicle may say nothing before it is silent, and for how long a value stands."""

    silence_s: float = 300.0
    """s without data that make a silence (NREL: smallest hole between trips 317 s, largest within one 296 s)."""
    silence_factor: float = 2.2
    """Multiple of a vehicle's usual step from which it is silent: one lost row is no silence."""
    silence_most_s: float = 1800.0
    """s that are a silence whatever the cadence: what comes half an hour apart is not observed driving."""
    patience_s: float = 1320.0
    """s that are a silence while the cadence is not known yet: a tracker may speak every ten minutes."""
    newest_steps: int = 8
    """Newest steps in a state that its cadence is the median of: three lost rows in a row change nothing."""
    known_steps: int = 4
    """Steps from which the cadence is known: the burst of rows when the ignition is switched on is shorter."""
    memory_s: float = 14_400.0
    """s that a cadence is remembered: a night of hourly words is forgotten before the next one."""
    dense_s: float = 10.0
    """s between rows up to which a row itself bounds an event; where they are further apart, a bound is estimated
    between them."""
    hold_s: float = 60.0
    """s for which an observed value stands for what follows at least; `silence_factor` usual steps where it comes more
    seldom."""


@helper
def silence_after(vehicle: I64, at: I64, states: I8, row: int, thresholds: Thresholds) -> int:
    """Microseconds after `row`, whose state is known, from which the vehicle counts as silent: a multiple of its usual
    step, never less than `silence` nor more than `silence_most`; with patience where the usual step is not known."""
    usual = usual_step(vehicle, at, states, row, thresholds)
    if usual < 0:
        return int(max(thresholds.patience_us, thresholds.silence_us))
    return int(max(thresholds.silence_us, min(thresholds.silence_most_us, int(usual * thresholds.silence_factor))))


@helper
def usual_step(vehicle: I64, at: I64, states: I8, row: int, thresholds: Thresholds) -> int:
    """Microseconds between two rows at `row`: the median of the newest steps that began in the same state (rows without
    a known state do not count), or in any state where those are too few; -1 where they are too few too.

    Only rows up to `row` and within `cadence_memory` count, so that a later row never changes it and every run agrees,
    wherever it starts.
    """
    same, every = np.empty(thresholds.newest_steps), np.empty(thresholds.newest_steps)
    count = total = visited = 0
    later = row
    earlier = row - 1
    while (
        earlier >= 0 and vehicle[earlier] == vehicle[row] and visited < _REACH_ROWS and count < thresholds.newest_steps
    ):
        if at[row] - at[earlier] > thresholds.memory_us:
            break
        if states[earlier] >= 0:
            step = at[later] - at[earlier]
            if total < thresholds.newest_steps:
                every[total] = step
                total += 1
            if states[earlier] == states[row]:
                same[count] = step
                count += 1
            later = earlier
            visited += 1
        earlier -= 1
    if count >= thresholds.known_steps:
        return int(np.median(same[:count]))
    return int(np.median(every[:total])) if total >= thresholds.known_steps else -1


@kernel
def holds(at: I64, values: F64, first: I64, last: I64, thresholds: Thresholds) -> I64:
    """Per stretch the microseconds for which a value of this quantity stands for what follows.

    `hold` where most values come closely enough for it; else a multiple of their median step. Steps longer than
    `silence_most` are silences and tell of no cadence.
    """
    table = np.full(len(first), thresholds.hold_us)
    if len(values) == 0:
        return table
    slow_step = thresholds.hold_us / thresholds.silence_factor
    for k in range(len(first)):
        before = -1
        slow = steps = 0
        for i in range(first[k], last[k] + 1):
            if np.isnan(values[i]):
                continue
            if before >= 0 and at[i] - at[before] <= thresholds.silence_most_us:
                steps += 1
                slow += at[i] - at[before] > slow_step
            before = i
        if 2 * slow >= steps and steps > 0:
            table[k] = slow_hold(at, values, first[k], last[k], steps, thresholds)
    return table


@helper
def slow_hold(at: I64, values: F64, first: int, last: int, count: int, thresholds: Thresholds) -> int:
    """Microseconds for which a value stands in a stretch whose `count` steps are slow: a multiple of their median."""
    steps = np.empty(count)
    before = -1
    row = 0
    for i in range(first, last + 1):
        if np.isnan(values[i]):
            continue
        if before >= 0 and at[i] - at[before] <= thresholds.silence_most_us:
            steps[row] = at[i] - at[before]
            row += 1
        before = i
    return _hold_at(steps, thresholds)


@helper
def _hold_at(steps: F64, thresholds: Thresholds) -> int:
    usual = int(np.median(steps) * thresholds.silence_factor)
    return int(max(thresholds.hold_us, min(thresholds.silence_most_us, usual)))


@helper
def hold_of_states(at: I64, states: I8, first: int, last: int, thresholds: Thresholds) -> int:
    """The same as `holds` for one stretch of states, of which negative ones are not observed."""
    slow_step = int(thresholds.hold_us / thresholds.silence_factor)
    apart = np.empty(last - first + 1)
    before = -1
    slow = steps = 0
    for i in range(first, last + 1):
        if states[i] >= 0:
            if before >= 0 and at[i] - at[before] <= thresholds.silence_most_us:
                apart[steps] = at[i] - at[before]
                steps += 1
                slow += at[i] - at[before] > slow_step
            before = i
    if steps == 0 or 2 * slow < steps:
        return int(thresholds.hold_us)
    return _hold_at(apart[:steps], thresholds)
