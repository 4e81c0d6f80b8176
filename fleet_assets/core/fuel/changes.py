"""Changes of a tank, as kernels note them: kinds, how they were measured, and the least that is one.

Does not belong here: finding them (`within_stays`, `around_stays`, `stays`).
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.compiled import F64, I64, helper
from fleet_assets.core.thresholds import Thresholds

RISE, FALL, SLOW, RETURNED, UNOBSERVED, DRIVING = 1, 2, 3, 4, 5, 6
"""What a change is: a rise; a fall; one in small steps over hours; one that was given back; a fall that nobody saw; a
step while driving."""

WITHIN, AROUND, THROUGH = 1, 2, 3
"""How it was measured: within a stay; by driving before and after it; across a place between two drives."""

LEFT_SHARE = 0.1
"""Part of a change that may be left of it where the level is back."""

HERE_SHARE = 0.5
"""Part of a change that lies between two plateaus, at least, where it is said to have happened there."""


@helper
def least(is_rise: bool, is_litres: bool, t: Thresholds) -> float:
    if is_litres:
        return float(t.min_refuel_l if is_rise else t.min_theft_l)
    return float(t.min_refuel_pct if is_rise else t.min_theft_pct)


@helper
def put(
    facts: I64, values: F64, k: int, a: int, b: int, kind: int, how: int, closed: int, before: int, after: int,
    change: float, levels: float, burned: float, drift: float,
) -> int:  # fmt: skip
    facts[k, 0], facts[k, 1], facts[k, 2], facts[k, 3] = a, b, kind, how
    facts[k, 4], facts[k, 5], facts[k, 6] = closed, before, after
    values[k, 0], values[k, 1] = change, np.sqrt(levels + burned * burned + drift * drift)
    values[k, 2], values[k, 3], values[k, 4] = np.sqrt(levels), burned, drift
    return k + 1
