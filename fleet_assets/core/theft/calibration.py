"""Calibration: probabilities made of scores, and how far probabilities hold.

Belongs here: Platt's curve, Brier score, calibration error with intervals. Does not belong here: which events there are
(`candidates`), alarms at thresholds (`evaluation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I64

BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Probabilities between the bins over which a calibration error is taken: most events are hardly any, and bins of
equally many would say nothing of those that people look at."""
DRAWS = 500
"""Times that vehicles are drawn anew for an interval."""
_STEPS, _LEAST_STEP = 50, 1e-9


@dataclass(frozen=True)
class Platt:
    """Probability 1 / (1 + exp(-(intercept + slope x))) of a score x."""

    slope: float
    intercept: float

    def of(self, scores: F64) -> F64:
        return sigmoid(self.intercept + self.slope * scores)


@dataclass(frozen=True)
class Calibration:
    """How well probabilities hold: Brier score, that of the base rate told of every event, calibration error (mean
    distance of told and true shares, weighted by events) with the bounds of its interval of 95 %."""

    brier: float
    base_brier: float
    error: float
    error_low: float
    error_high: float


def fit_platt(scores: F64, is_true: F64, weights: F64 | None = None) -> Platt:
    """The curve of the largest likelihood (Newton's method), with targets moved inwards as Platt (1999) did, so that
    scores that part both perfectly give finite numbers. `weights`: how often each event counts, once if not given.

    Raises ValueError where there is no event of one of both kinds.
    """
    counts = np.ones(len(scores)) if weights is None else weights
    right = float((counts * is_true).sum())
    wrong = float(counts.sum()) - right
    if right <= 0 or wrong <= 0:
        raise ValueError("a probability needs events that are thefts, and some that are none")
    target = np.where(is_true > 0, (right + 1) / (right + 2), 1 / (wrong + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    start = Platt(slope=0.0, intercept=float(np.log((right + 1) / (wrong + 1))))
    found = likeliest((scores - centre) / spread, target, counts, start, np.full(2, 1e-9))
    slope = found.slope / spread
    return Platt(slope, found.intercept - slope * centre)


def likeliest(scores: F64, target: F64, counts: F64, start: Platt, surety: F64) -> Platt:
    """The curve of the largest posterior of targets between 0 and 1, by Newton's method, each step halved until it
    leads upwards: undamped it may overshoot and never come back. `surety`: how sure intercept and slope are those of
    `start` before anything is seen (1 / variance)."""
    design = np.column_stack((np.ones(len(scores)), scores))
    first = np.array([start.intercept, start.slope])
    place = first
    for _ in range(_STEPS):
        told = sigmoid(design @ place)
        slope = design.T @ (counts * (target - told)) - surety * (place - first)
        curved = design.T @ (design * (counts * told * (1 - told))[:, None]) + np.diag(surety + 1e-12)
        step = _upwards(design, target, counts, (place, first, surety), np.linalg.solve(curved, slope))
        place = place + step
        if float(np.abs(step).max()) < _LEAST_STEP:
            break
    return Platt(slope=float(place[1]), intercept=float(place[0]))


def _upwards(design: F64, target: F64, counts: F64, where: tuple[F64, F64, F64], step: F64) -> F64:
    """As much of a step as does not lead downwards."""
    place, first, surety = where

    def height(at: F64) -> float:
        odds = design @ at
        return float(
            (counts * (target * odds - np.logaddexp(0.0, odds))).sum() - 0.5 * (surety * (at - first) ** 2).sum()
        )

    here = height(place)
    for _ in range(_STEPS):
        if height(place + step) >= here - 1e-12 * abs(here):
            return step
        step = step / 2
    return np.zeros_like(step)


def sigmoid(values: F64) -> F64:
    """The probability of log odds."""
    sure: F64 = 1 / (1 + np.exp(-np.clip(values, -500, 500)))
    return sure


def brier(told: F64, is_true: F64, weights: F64 | None = None) -> float:
    """Mean square of what was told less what was true (1 or 0)."""
    return float(np.average((told - is_true) ** 2, weights=weights))


def calibration(told: F64, is_true: F64, vehicle: I64, seed: int = 0, weights: F64 | None = None) -> Calibration:
    """How far probabilities hold. The interval comes from drawing vehicles, by their numbers, with their events:
    those of one vehicle resemble each other. `weights`: how often each event counts, once if not given. Raises
    ValueError without any event."""
    if not len(told):
        raise ValueError("there is no event whose probability could be judged")
    counts = np.ones(len(told)) if weights is None else weights
    sums = _sums(told, is_true, vehicle, counts)
    draws = np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=DRAWS)
    errors = _error(np.tensordot(draws, sums, axes=1))
    low, high = np.quantile(errors, (0.025, 0.975))
    base = float(np.average(is_true, weights=counts))
    return Calibration(
        brier(told, is_true, counts), base * (1 - base), float(_error(sums.sum(axis=0))), float(low), float(high)
    )  # fmt: skip


def reliability(told: F64, is_true: F64, weights: F64 | None = None) -> F64:
    """Per bin that holds events: mean of what was told, share that was true, events by their weights."""
    counts = np.ones(len(told)) if weights is None else weights
    sums = _sums(told, is_true, np.zeros(len(told), dtype=np.int64), counts)[0]
    count, expected, happened = np.moveaxis(sums, -1, 0)
    held = count > 0
    rows: F64 = np.column_stack((expected[held] / count[held], happened[held] / count[held], count[held]))
    return rows


def _sums(told: F64, is_true: F64, vehicle: I64, counts: F64) -> F64:
    """Per vehicle and bin: events by their weights, sum of what was told, and how many were true."""
    place = np.searchsorted(np.asarray(BOUNDS), told, side="right")
    number = np.unique(vehicle, return_inverse=True)[1]
    sums = np.zeros((int(number.max()) + 1, len(BOUNDS) + 1, 3))
    for part, values in enumerate((np.ones(len(told)), told, is_true)):
        np.add.at(sums[:, :, part], (number, place), counts * values)
    return sums


def _error(sums: F64) -> F64:
    count, expected, happened = np.moveaxis(sums, -1, 0)
    error: F64 = np.abs(expected - happened).sum(axis=-1) / np.maximum(count.sum(axis=-1), 1)
    return error
