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
    hysteresis_m: float = 6.5
    """m between a valley and a peak that are more than noise: a receiver's height wanders by 3 m either way."""


def climbs(at: I64, altitude: F64, trips: Stretches, rules: ClimbRules) -> tuple[F64, F64]:
    """Metres climbed and descended per trip (both positive; NaN without an altitude).

    Altitudes pass an exponential mean over time; what counts are the ways between valleys and peaks that lie further
    apart than the hysteresis, each from end to end, so that the noise of a receiver adds nothing on a flat road and a
    real climb loses nothing.
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
        smooth = low = high = 0.0
        ways = np.zeros(2)  # up, down
        going = -1  # index into `ways` of the way it is on; -1: it has not left the height of the start
        for i in range(first[k], last[k] + 1):
            if np.isnan(altitude[i]):
                continue
            if before < 0:
                smooth = low = high = altitude[i]
            else:
                smooth += (altitude[i] - smooth) * (1 - np.exp(-(at[i] - at[before]) / smoothing))
            before = i
            if smooth - low > hysteresis and going != 0:
                ways[1] += high - low if going == 1 else 0.0
                going, high = 0, smooth
            elif high - smooth > hysteresis and going != 1:
                ways[0] += high - low if going == 0 else 0.0
                going, low = 1, smooth
            high = max(high, smooth) if going != 1 else high
            low = min(low, smooth) if going != 0 else low
        if before >= 0:
            if going >= 0:
                ways[going] += high - low
            table[k, 0], table[k, 1] = ways[0], ways[1]
    return table
