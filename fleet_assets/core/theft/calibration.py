"""Calibration: probabilities made of scores, and how far probabilities hold.

Belongs here: Platt's curve, Brier score, calibration error with intervals. Does not belong here: which events there are
(`candidates`), alarms at thresholds (`evaluation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I64

BINS = 10
"""Bins of equally many events over which a calibration error is taken."""
DRAWS = 500
"""Times that vehicles are drawn anew for an interval."""
_STEPS, _LEAST_STEP = 50, 1e-9


@dataclass(frozen=True)
class Platt:
    """Probability 1 / (1 + exp(-(intercept + slope x))) of a score x."""

    slope: float
    intercept: float

    def of(self, scores: F64) -> F64:
        return _sigmoid(self.intercept + self.slope * scores)


@dataclass(frozen=True)
class Calibration:
    """How well probabilities hold: Brier score, that of the base rate told of every event, calibration error (mean
    distance of told and true shares, weighted by events) with the bounds of its interval of 95 %."""

    brier: float
    base_brier: float
    error: float
    error_low: float
    error_high: float


def fit_platt(scores: F64, is_true: F64) -> Platt:
    """The curve of the largest likelihood (Newton's method), with targets moved inwards as Platt (1999) did, so that
    scores that part both perfectly give finite numbers.

    Raises ValueError where there is no event of one of both kinds.
    """
    right = float(is_true.sum())
    wrong = len(is_true) - right
    if not right or not wrong:
        raise ValueError("a probability needs events that are thefts, and some that are none")
    target = np.where(is_true > 0, (right + 1) / (right + 2), 1 / (wrong + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    design = np.column_stack((np.ones(len(scores)), (scores - centre) / spread))
    weights = np.array([np.log((right + 1) / (wrong + 1)), 0.0])
    for _ in range(_STEPS):
        step = _newton(design, weights, target)
        weights = weights + step
        if float(np.abs(step).max()) < _LEAST_STEP:
            break
    slope = float(weights[1]) / spread
    return Platt(slope, float(weights[0]) - slope * centre)


def _newton(design: F64, weights: F64, target: F64) -> F64:
    told = _sigmoid(design @ weights)
    curved = design.T @ (design * (told * (1 - told))[:, None]) + 1e-9 * np.eye(2)
    step: F64 = np.clip(np.linalg.solve(curved, design.T @ (target - told)), -5.0, 5.0).astype(np.float64)
    return step


def _sigmoid(values: F64) -> F64:
    sure: F64 = 1 / (1 + np.exp(-np.clip(values, -500, 500)))
    return sure


def brier(told: F64, is_true: F64) -> float:
    """Mean square of what was told less what was true (1 or 0)."""
    return float(np.mean((told - is_true) ** 2))


def calibration(told: F64, is_true: F64, vehicle: I64, seed: int = 0) -> Calibration:
    """How far probabilities hold. The interval comes from drawing vehicles, by their numbers, with their events:
    those of one vehicle resemble each other. Raises ValueError without any event."""
    if not len(told):
        raise ValueError("there is no event whose probability could be judged")
    sums = _sums(told, is_true, vehicle)
    draws = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=DRAWS)
    errors = _error(np.tensordot(draws, sums, axes=1))
    low, high = np.quantile(errors, (0.025, 0.975))
    base = float(is_true.mean())
    return Calibration(
        brier(told, is_true), base * (1 - base), float(_error(sums.sum(axis=0))), float(low), float(high)
    )  # fmt: skip


def reliability(told: F64, is_true: F64) -> F64:
    """Per bin that holds events: mean of what was told, share that was true, events."""
    count, expected, happened = np.moveaxis(_sums(told, is_true, np.zeros(len(told), dtype=np.int64))[0], -1, 0)
    held = count > 0
    rows: F64 = np.column_stack((expected[held] / count[held], happened[held] / count[held], count[held]))
    return rows


def _sums(told: F64, is_true: F64, vehicle: I64) -> F64:
    """Per vehicle and bin: events, sum of what was told, and how many were true."""
    rank = np.argsort(np.argsort(told, kind="stable"), kind="stable")
    # What is told alike lies in one bin, that of its first.
    first = np.unique(told, return_inverse=True)
    lowest = np.full(len(first[0]), len(told))
    np.minimum.at(lowest, first[1], rank)
    place = lowest[first[1]] * BINS // max(len(told), 1)
    number = np.unique(vehicle, return_inverse=True)[1]
    sums = np.zeros((int(number.max()) + 1, BINS, 3))
    for part, values in enumerate((np.ones(len(told)), told, is_true)):
        np.add.at(sums[:, :, part], (number, place), values)
    return sums


def _error(sums: F64) -> F64:
    count, expected, happened = np.moveaxis(sums, -1, 0)
    error: F64 = np.abs(expected - happened).sum(axis=-1) / np.maximum(count.sum(axis=-1), 1)
    return error
