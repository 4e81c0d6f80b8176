"""Windows: the stretches of one day over which a level is taken, and the readings that lie in each.

Belongs here: where a window begins and ends. Does not belong here: the level (`plateaus`), and which readings are no
levels (`fillers`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, Mask, kernel
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN
from fleet_assets.core.thresholds import micros

_LONG_AGO = -(2**62)


@dataclass(frozen=True)
class WindowRules:
    """Which readings make one level."""

    settle_s: float = 60.0
    """s after the last movement, and after the ignition was switched on, in which a tank sloshes and a sender wakes:
    a car's level swings by 15 to 25 points in bends and is still within a minute."""
    driving_s: float = 600.0
    """s of driving that make one level: slosh averages out, and a tank loses 1 % of its range."""
    standing_s: float = 300.0
    """s of standing that make one level: as short as a fill at a pump."""
    driving_gap_s: float = 600.0
    """s without a reading that part two stretches of driving."""
    standing_gap_s: float = 3900.0
    """s without a reading that part two stretches of standing: an hourly word, and some lateness of it."""
    known_s: float = 900.0
    """s for which a vehicle counts as driving, or standing, after the last row that told so."""


@dataclass(frozen=True)
class Windows:
    """`rows`: rows of the readings, in order; window k has rows[bounds[k]:bounds[k + 1]]. `session` numbers stretches
    of one kind; `state` is MOVING, STANDING or UNKNOWN; `ignition` 1 on, 0 off, UNKNOWN."""

    rows: I64
    bounds: I64
    session: I64
    state: I8
    ignition: I8

    def __len__(self) -> int:
        return len(self.session)

    @property
    def first(self) -> I64:
        return self.rows[self.bounds[:-1]]

    @property
    def last(self) -> I64:
        return self.rows[self.bounds[1:] - 1]

    @property
    def middle(self) -> I64:
        """The row in the middle of the readings."""
        middles: I64 = self.rows[(self.bounds[:-1] + self.bounds[1:] - 1) // 2]
        return middles


def find_windows(vehicle: I64, at: I64, states: I8, ignition: F64, has_level: Mask, rules: WindowRules) -> Windows:
    """The windows of rows in order; `vehicle` changes with the day, so that none passes midnight.

    Windows are counted from the start of a stretch of driving, of standing or of unknown motion. A stretch ends with
    another kind of motion, a silence, midnight, and, standing, where the ignition changes. Readings in the first
    `settle_s` of a stand are in no window.
    """
    lengths = np.array([micros(rules.standing_s), micros(rules.driving_s)])
    gaps = np.array([micros(rules.standing_gap_s), micros(rules.driving_gap_s)])
    rows, starts, facts = _find(
        vehicle, at, states, ignition, has_level, lengths, gaps, micros(rules.settle_s), micros(rules.known_s)
    )
    kinds = facts[:, 1].astype(np.int8)
    return Windows(rows, np.append(starts, len(rows)), facts[:, 0].copy(), kinds, facts[:, 2].astype(np.int8))


@kernel
def _find(
    vehicle: I64, at: I64, states: I8, ignition: F64, has_level: Mask, lengths: I64, gaps: I64, settle: int, known: int
) -> tuple[I64, I64, I64]:  # fmt: skip
    rows = np.empty(len(at), dtype=np.int64)  # memory that is not written to is not taken
    starts = np.empty(len(at), dtype=np.int64)
    facts = np.empty((len(at), 3), dtype=np.int64)
    count = windows = 0
    session = number = int(np.int64(-1))
    began = previous = moved_at = stood_at = told_at = lit_at = _LONG_AGO
    kind = is_lit = last_kind = last_lit = UNKNOWN
    is_new = True
    for i in range(len(at)):
        if i == 0 or vehicle[i] != vehicle[i - 1]:
            moved_at = stood_at = told_at = lit_at = previous = _LONG_AGO
            kind = is_lit = UNKNOWN
            is_new = True
        if states[i] == MOVING:
            is_new |= kind == STANDING and moved_at > _LONG_AGO and at[i] - stood_at > settle
            kind, moved_at, told_at = MOVING, at[i], at[i]
        elif states[i] == STANDING:
            stood_at = at[i] if kind != STANDING else stood_at
            kind, told_at = STANDING, at[i]
        elif at[i] - told_at > known:
            kind = UNKNOWN
        if len(ignition) > 0 and not np.isnan(ignition[i]):
            lit_at = at[i] if ignition[i] > 0 and is_lit == 0 else lit_at
            is_lit = 1 if ignition[i] > 0 else 0
        if not has_level[i]:
            continue
        if kind == STANDING and (at[i] - moved_at < settle or at[i] - lit_at < settle):
            continue
        side = 1 if kind == MOVING else 0
        is_new |= kind != last_kind or at[i] - previous > gaps[side] or (kind == STANDING and is_lit != last_lit)
        if is_new:
            session += 1
            began = at[i]
        window = (at[i] - began) // lengths[side]
        if is_new or window != number:
            starts[windows] = count
            facts[windows, 0], facts[windows, 1], facts[windows, 2] = session, kind, is_lit
            windows += 1
            number = window
        rows[count] = i
        count += 1
        previous, last_kind, last_lit, is_new = at[i], kind, is_lit, False
    return rows[:count].copy(), starts[:windows].copy(), facts[:windows].copy()
