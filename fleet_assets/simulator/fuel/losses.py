"""Losses: how likely one is in a stay, how many litres go, and how long it takes.

Belongs here: sizes that fleets of tanks and of CAN frames share. Does not belong here: where the litres go from.
"""

from __future__ import annotations

import numpy as np

LONG_S = 18_000.0
"""s of a stay from which it is a rest, in which six of ten losses of a day happen."""
REST_SHARE, HALTS_A_DAY = 0.6, 5.0
THEFT_L = (10.0, 150.0)
THEFT_MEDIAN_L, THEFT_SPREAD = 28.0, 0.75
"""Of the litres wanted, whose logarithm is normal."""
SIPHONING_L, SIPHONING_S = (2.0, 5.0), (120.0, 900.0)


def share_of_day(stay_s: float) -> float:
    """What part of a day's chance of a loss a stay of this length holds."""
    return REST_SHARE * max(stay_s / 86_400, 1.0) if stay_s >= LONG_S else (1 - REST_SHARE) / HALTS_A_DAY


def theft_size(rng: np.random.Generator) -> tuple[float, float]:
    """Litres wanted by a thief, and s: at once, within minutes, or up to 40 of them."""
    litres = float(np.clip(np.exp(rng.normal(np.log(THEFT_MEDIAN_L), THEFT_SPREAD)), *THEFT_L))
    way, lasts = rng.random(), rng.random()
    shortest, longest = (2.0, 30.0) if way < 0.15 else (60.0, 300.0) if way < 0.5 else (240.0, 2_400.0)
    return litres, shortest + lasts * (longest - shortest)


def siphoning_size(rng: np.random.Generator) -> tuple[float, float]:
    """Litres of one night of siphoning, and s."""
    return float(rng.uniform(*SIPHONING_L)), float(rng.uniform(*SIPHONING_S))
