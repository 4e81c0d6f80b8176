"""Climbs and descents along stretches of observations.

Belongs here: smoothing of altitudes and their sums. Does not belong here: validity of an altitude (`cleaning`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I64, kernel
from fleet_assets.core.integrals import Stretches


@dataclass(frozen=True)
class ClimbRules:
    """What of a receiver's height is a climb."""

    smoothing_s: float = 15.0
    """s of the exponential mean over altitudes."""
    hysteresis_m: float = 5.0
    """m of climb or descent that are more than the noise of a receiver's height."""


def climbs(at: I64, altitude: F64, trips: Stretches, rules: ClimbRules) -> tuple[F64, F64]:
    """Metres climbed and descended per trip (both positive; NaN without an altitude).

    Altitudes pass an exponential mean over time; a change counts once it exceeds the hysteresis from the last turn, so
    the noise of a receiver adds nothing on a flat road.
    """
    if not len(altitude):
        nothing = np.full(len(trips), np.nan)
        return nothing, nothing
    table = _climbs(at, altitude, trips.first, trips.last, rules.smoothing_s * 1e6, rules.hysteresis_m)
    return table[:, 0], table[:, 1]


@kernel
def _climbs(at: I64, altitude: F64, first: I64, last: I64, smoothing: float, hysteresis: float) -> F64:
    table = np.full((len(first), 2), np.nan)
    for k in range(len(first)):
        before = -1
        smooth = turn = 0.0
        gain = loss = 0.0
        for i in range(first[k], last[k] + 1):
            if np.isnan(altitude[i]):
                continue
            if before < 0:
                smooth = turn = altitude[i]
            else:
                smooth += (altitude[i] - smooth) * (1 - np.exp(-(at[i] - at[before]) / smoothing))
            before = i
            if smooth - turn > hysteresis:
                gain += smooth - turn
                turn = smooth
            elif turn - smooth > hysteresis:
                loss += turn - smooth
                turn = smooth
        if before >= 0:
            table[k, 0], table[k, 1] = gain, loss
    return table
