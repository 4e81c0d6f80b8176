"""Terms: an additive model as numbers that anybody can add up.

Belongs here: step functions of features, made of a fitted model and moved by calibration; adding them up for
candidates. Does not belong here: fitting (`fit`), the rows that are stored of a score (`scores`).

Boosted trees each of which asks for one feature are a sum of one step function for each feature. The function of a
feature is F(x with that feature) - F(x without any), exactly, whatever x is. Here each is moved so that its mean over
the candidates that were learnt from is 0: what it says of a candidate is by how much that feature sets it apart from
the average one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fleet_assets.core.compiled import F64
from fleet_assets.core.theft.calibration import Platt

DIGITS = 9
"""Digits behind the point of a log odds: sums of such numbers are those of their parts wherever they are added."""


@dataclass(frozen=True)
class Steps:
    """A step function: `values[k]` where a feature lies above `bounds[k - 1]` and at or below `bounds[k]`; `unknown`
    where it is not known."""

    bounds: tuple[float, ...]
    values: tuple[float, ...]
    unknown: float

    def of(self, feature: F64) -> F64:
        found = np.asarray(self.values)[np.searchsorted(np.asarray(self.bounds), feature, side="left")]
        return np.where(np.isnan(feature), self.unknown, found)

    def moved(self, slope: float, offset: float) -> Steps:
        values = tuple(_rounded(slope * (value - offset)) for value in self.values)
        return Steps(self.bounds, values, _rounded(slope * (self.unknown - offset)))


@dataclass(frozen=True)
class Additive:
    """Log odds of a theft: `base`, that of the average candidate, and what each feature adds to it. Features that tell
    nothing have no steps."""

    names: tuple[str, ...]
    base: float
    steps: Mapping[str, Steps]

    def contributions(self, numbers: F64) -> dict[str, F64]:
        """Per feature what it adds for each row of numbers, in the order of `names`."""
        places = {name: place for place, name in enumerate(self.names)}
        return {name: steps.of(numbers[:, places[name]]) for name, steps in self.steps.items()}

    def log_odds(self, numbers: F64) -> F64:
        """One by one in one order: no row's sum depends on the others."""
        total = np.full(len(numbers), self.base)
        for added in self.contributions(numbers).values():
            total = total + added
        return np.round(total, DIGITS)

    def calibrated(self, curve: Platt) -> Additive:
        """The same with log odds moved onto a line: its terms add up as before."""
        steps = {name: one.moved(curve.slope, 0.0) for name, one in self.steps.items()}
        return replace(self, base=_rounded(curve.intercept + curve.slope * self.base), steps=steps)


def additive_of(
    score: Callable[[F64], F64], bounds: Sequence[F64], names: tuple[str, ...], learnt: F64, weights: F64
) -> Additive:
    """The terms of an additive score of rows of numbers, whose features step at `bounds` and nowhere else; `learnt` are
    the rows whose mean is the base, with their weights."""
    nothing = np.full((1, len(names)), np.nan)
    empty = float(score(nothing)[0])
    base, steps = empty, {}
    for place, name in enumerate(names):
        found = _steps(score, bounds[place], nothing, place, empty)
        mean = float(np.average(found.of(learnt[:, place]), weights=weights))
        base += mean
        if len(found.values) > 1 or found.unknown != found.values[0]:
            steps[name] = found.moved(1.0, mean)
    return Additive(names, _rounded(base), steps)


def _steps(score: Callable[[F64], F64], bounds: F64, nothing: F64, place: int, empty: float) -> Steps:
    """The step function of one feature, neighbours of one value as one."""
    ends = np.asarray(bounds, dtype=np.float64)
    inside = np.append(ends, np.inf if not len(ends) else ends[-1] + abs(ends[-1]) + 1.0)
    probes = np.repeat(nothing, len(inside), axis=0)
    probes[:, place] = np.where(np.isfinite(inside), inside, 0.0)
    values = score(probes) - empty
    is_last = np.append(np.diff(values) != 0, True)
    return Steps(tuple(map(float, ends[is_last[:-1]])), tuple(map(float, values[is_last])), 0.0)


def _rounded(value: float) -> float:
    """Without a negative nought, which is another text."""
    return round(value, DIGITS) + 0.0
