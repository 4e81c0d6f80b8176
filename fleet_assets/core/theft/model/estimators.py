"""Estimators that were compared: numbers of candidates in, scores out; a higher score is a likelier theft.

Belongs here: each as a function that learns. Does not belong here: making probabilities of scores (`fit`), choosing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fleet_assets.core.compiled import F64
from fleet_assets.core.theft.model.features import DIRECTIONS, NAMES, directions

Score = Callable[[F64], F64]
"""Log odds, before calibration, of rows of numbers."""

Learn = Callable[[F64, F64, F64], Score]
"""Learns from numbers, labels (1 a theft, 0 none) and weights."""

LOGS = ("size_over_noise", "share_pct", "duration_s", "gap_s", "rate_pct_h", "driven_km", "driven_before_km",
        "driven_after_km", "idle_s", "noise_pct")  # fmt: skip
"""Features that span powers of ten: a linear model takes their logarithms."""

_LEAST = 1e-3

_NO_THEFT = ("is_in_outage", "is_of_source", "is_returned", "is_unobserved")
"""What the rule of signal to noise takes for no theft."""


def signal_to_noise(numbers: F64, labels: F64, weights: F64) -> Score:
    """Learns nothing: the logarithm of the fall over its standard deviation; of what was given back, what nobody saw,
    what fell together with its source nothing."""
    del numbers, labels, weights
    place = NAMES.index("size_over_noise")
    others = [NAMES.index(name) for name in _NO_THEFT]
    return lambda rows: np.log(np.where(rows[:, others].any(axis=1), _LEAST, np.maximum(rows[:, place], _LEAST)))


def logistic(numbers: F64, labels: F64, weights: F64) -> Score:
    """A regularised logistic model of standardised features; a mark for what is not known."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3_000))
    model.fit(_prepared(numbers), labels, logisticregression__sample_weight=weights)
    return lambda rows: np.asarray(model.decision_function(_prepared(rows)), dtype=np.float64)


def boosted(numbers: F64, labels: F64, weights: F64) -> Score:
    """Boosted trees that are monotone where physics says so."""
    return scores_of(_trees(interactions=None).fit(numbers, labels, sample_weight=weights))


def additive(numbers: F64, labels: F64, weights: F64) -> Score:
    """The same without interactions: a sum of one step function for each feature."""
    return scores_of(additive_trees(numbers, labels, weights))


def additive_trees(numbers: F64, labels: F64, weights: F64) -> HistGradientBoostingClassifier:
    """Boosted trees each of which asks for one feature alone."""
    return _trees(interactions="no_interactions").fit(numbers, labels, sample_weight=weights)


def scores_of(model: HistGradientBoostingClassifier) -> Score:
    """Its log odds."""
    return lambda rows: np.asarray(model.decision_function(rows), dtype=np.float64)


LEARNERS: Mapping[str, Learn] = {
    "signal to noise": signal_to_noise, "logistic": logistic, "boosting": boosted, "boosting, additive": additive,
}  # fmt: skip


def _trees(interactions: Any) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        monotonic_cst=directions(), interaction_cst=interactions, max_iter=200, learning_rate=0.05, max_leaf_nodes=8,
        min_samples_leaf=20, l2_regularization=1.0, early_stopping=False, random_state=1,
    )  # fmt: skip


def _prepared(numbers: F64) -> F64:
    """Logarithms, and nought with a mark for what is not known."""
    told = numbers.copy()
    for name in LOGS:
        place = NAMES.index(name)
        offset = 0.0 if DIRECTIONS.get(name) == 1 else 1.0
        told[:, place] = np.log(np.maximum(told[:, place], _LEAST) + offset)
    return np.hstack((np.nan_to_num(told, nan=0.0), np.isnan(numbers)))
