"""State of charge: readings that a battery cannot have had, told from those that it had.

Belongs here: what makes a reading of the charge nonsense. Does not belong here: what charges, or burns, follow from it.

A battery unit that wakes, or falls asleep, may tell 0 or 100 % for a while, and then what it told before. Taken as it
is said, that is a battery emptied and charged anew.
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.compiled import F64, I64, Mask, helper, kernel, read_only
from fleet_assets.core.thresholds import MICROS

_JUMP_PCT = 10.0
"""Points of charge between two readings that are far apart for one another's neighbours."""
_MOST_PCT_PER_S = 10.0 / 60
"""Points a second that no battery gains or loses: 360 kW charge 60 kWh by 10 points in a minute."""
_NEAR_PCT = 2.0
"""Points within which a charge is back where it was."""
_MOST_US = 900 * MICROS
"""Time for which nonsense may last."""


def believed(vehicle: I64, at: I64, soc: F64) -> F64:
    """The readings of the charge (%), in order of vehicle and time, NaN where one is nonsense: it is far from the one
    before it, and within a quarter of an hour the charge is back where it was, faster than any battery could be."""
    if not len(soc):
        return soc
    return read_only(np.where(_nonsense(vehicle, at, soc), np.nan, soc))


@kernel
def _nonsense(vehicle: I64, at: I64, soc: F64) -> Mask:
    found = np.zeros(len(soc), dtype=np.bool_)
    known = last = int(np.int64(-1))
    for i in range(len(soc)):
        if np.isnan(soc[i]) or i <= last:
            continue
        is_far = known >= 0 and vehicle[known] == vehicle[i] and abs(soc[i] - soc[known]) >= _JUMP_PCT
        last = _last_of(vehicle, at, soc, known, i) if is_far else -1
        if last >= 0:
            found[i : last + 1] = True
        else:
            known = i
    return found


@helper
def _last_of(vehicle: I64, at: I64, soc: F64, known: int, first: int) -> int:
    """The last reading of nonsense that begins at `first`; -1 where it is none."""
    before = first
    for i in range(first + 1, len(soc)):
        if vehicle[i] != vehicle[first] or at[i] - at[first] > _MOST_US:
            break
        if np.isnan(soc[i]):
            continue
        back = abs(soc[i] - soc[before])
        if abs(soc[i] - soc[known]) <= _NEAR_PCT:
            is_sudden = back >= _JUMP_PCT and back > _MOST_PCT_PER_S * (at[i] - at[before]) / MICROS
            return before if is_sudden else int(np.int64(-1))
        before = i
    return int(np.int64(-1))
