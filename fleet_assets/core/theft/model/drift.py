"""Drift: whether falls of a fleet have become others than those that a model learnt from.

Belongs here: the population stability index of each feature, and the rate of alarms beside the one that was allowed.
Does not belong here: what is done about it.

Features are compared with this fleet's own months before, not with simulated fleets: every fleet differs from those,
and a difference that was there from the start is no drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64
from fleet_assets.core.theft.model.features import NAMES, numbers
from fleet_assets.core.theft.model.limits import threshold_at
from fleet_assets.core.theft.model.stored import StoredModel

BINS = 10
"""Parts of the earlier falls, equally many in each, between which the later ones are counted."""


@dataclass(frozen=True)
class DriftRules:
    """From when on a model is trained anew."""

    psi: float = 0.25
    """Population stability index of a feature of the model; 0.25 is commonly called a major shift."""
    least_falls: int = 200
    """Falls before and after, below which an index is chance: with 10 bins and 200 falls each, chance alone gives 0.09
    on average."""
    alarms_sd: float = 4.0
    """Standard deviations (of a Poisson count) by which alarms may exceed what the budget allows."""


@dataclass(frozen=True)
class Drift:
    """`psi` by feature, none where there are too few falls; `alarms` raised and `allowed` by the budget; `reasons` in
    words, none without drift."""

    psi: dict[str, float]
    alarms: int
    allowed: float
    reasons: tuple[str, ...]


def drift(
    before: pl.DataFrame, after: pl.DataFrame, model: StoredModel, budget: float, vehicle_months: float,
    rules: DriftRules | None = None,
) -> Drift:  # fmt: skip
    """Compare falls (THEFT_CANDIDATES) of a fleet before and after some time. `budget`: false alarms that are allowed a
    vehicle and month; `vehicle_months`: of the time after."""
    used = rules or DriftRules()
    indices = {}
    if min(before.height, after.height) >= used.least_falls:
        earlier, later = numbers(before), numbers(after)
        places = {name: NAMES.index(name) for name in model.terms.steps}
        indices = {name: psi(earlier[:, place], later[:, place]) for name, place in places.items()}
    odds = model.terms.log_odds(numbers(after)) if after.height else np.empty(0)
    alarms = int((odds >= threshold_at(model.limits, budget)).sum())
    allowed = budget * vehicle_months
    reasons = [f"{name} shifted (index {value:.2f})" for name, value in indices.items() if value > used.psi]
    if alarms > allowed + used.alarms_sd * np.sqrt(max(allowed, 1.0)):
        reasons.append(f"{alarms} alarms where {allowed:.1f} false ones are allowed")
    return Drift(indices, alarms, allowed, tuple(reasons))


def psi(before: F64, after: F64) -> float:
    """Population stability index: the sum over bins of (after - before) ln(after / before), of shares. What is not
    known is a bin of its own; half an event is added to each, so that an empty one is no infinite surprise."""
    known = before[~np.isnan(before)]
    bounds = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.empty(0)
    first, second = (_shares(values, bounds) for values in (before, after))
    return float(((second - first) * np.log(second / first)).sum())


def _shares(values: F64, bounds: F64) -> F64:
    place = np.where(np.isnan(values), len(bounds) + 1, np.searchsorted(bounds, values, side="left"))
    counts = np.bincount(place, minlength=len(bounds) + 2) + 0.5
    shares: F64 = counts / counts.sum()
    return shares
