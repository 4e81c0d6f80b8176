"""Thresholds of alarms: which log odds keep to a number of false alarms.

Belongs here: learning them, and those between. Does not belong here: which number an operator allows.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fleet_assets.core.compiled import F64

BUDGETS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)
"""False alarms a vehicle and month for which thresholds are kept."""


def thresholds(odds: F64, labels: F64, vehicle_months: float) -> dict[float, float]:
    """Per budget of false alarms a vehicle and month the lowest log odds that keeps to it: that of the last alarm below
    it that is allowed."""
    wrong = np.sort(odds[labels == 0])[::-1]
    found = {}
    for budget in BUDGETS:
        allowed = int(budget * vehicle_months)
        is_all = allowed >= len(wrong)
        found[budget] = float(odds.min() if is_all else np.nextafter(wrong[allowed], np.inf))
    return found


def threshold_at(limits: Mapping[float, float], budget: float) -> float:
    """The log odds of any budget, between those that are kept; beyond them the nearest that is."""
    known = sorted(limits)
    return float(np.interp(np.log(max(budget, known[0])), np.log(known), [limits[one] for one in known]))
