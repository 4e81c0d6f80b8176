"""Fitting: from labelled candidates to a calibrated model with its thresholds.

Belongs here: which rows are learnt from, scores of vehicles that a model has not seen, calibration, recalibration by a
fleet's own labels. Does not belong here: estimators, terms, thresholds (`limits`), judging (`metrics`).

Nothing is drawn at random but by fixed seeds, and one thread works: equal rows give an equal model, in whatever order
they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from fleet_assets.core.compiled import F64
from fleet_assets.core.theft.calibration import Platt, fit_platt, likeliest
from fleet_assets.core.theft.model.estimators import Learn, additive, additive_trees, scores_of
from fleet_assets.core.theft.model.features import NAMES, numbers
from fleet_assets.core.theft.model.limits import thresholds
from fleet_assets.core.theft.model.terms import Additive, additive_of

FOLDS = 5
"""Parts of the vehicles, each scored by a model of the other parts."""

LEAST_KNOWN = 50
"""Labelled candidates, some of them thefts, below which nothing is learnt."""


@dataclass(frozen=True)
class Recalibration:
    """How far own labels may move log odds: the standard deviations of the offset and of the slope before any label is
    seen. A label at a probability of one half tells a quarter of a unit of information, so that sixteen of these weigh
    as much as what is known before (1 / 0.5 ** 2), and surer candidates tell less."""

    offset_sd: float = 0.5
    slope_sd: float = 0.2


@dataclass(frozen=True)
class Fitted:
    """A model that was learnt: its `terms`, calibrated; the trees that these were read from; the curve of calibration,
    and that of own labels; `thresholds`: log odds from which alarms are raised, by false alarms a vehicle and month."""

    terms: Additive
    trees: Any
    curve: Platt
    own_curve: Platt
    own_labels: int
    thresholds: Mapping[float, float]


def fit(rows: pl.DataFrame, vehicle_months: float, recalibration: Recalibration | None = None) -> Fitted:
    """Learn from the rows of a training set (THEFT_TRAINING_SET) that are not held out.

    `vehicle_months`: of the simulated fleets' vehicles that are not held out, for thresholds. Raises ValueError where
    there is too little to learn from.
    """
    known = rows.filter(~pl.col("is_held")).sort("fleet", "event_id")
    told, labels, weights = arrays(known)
    if len(told) < LEAST_KNOWN or not 0 < labels.sum() < len(labels):
        raise ValueError(f"{len(told)} labelled candidates, {int(labels.sum())} of them thefts, teach nothing")
    with threadpool_limits(limits=1):
        unseen = out_of_fold(known, additive)
        trees = additive_trees(told, labels, np.ones(len(told)))
        terms = additive_of(scores_of(trees), _bounds(trees), NAMES, told, weights)
    is_own = (known["origin"] == "review").to_numpy()
    curve = _rising(fit_platt(unseen[~is_own], labels[~is_own], weights[~is_own]))
    odds = curve.intercept + curve.slope * unseen
    own = recalibrated(odds[is_own], labels[is_own], recalibration or Recalibration())
    moved = own.intercept + own.slope * odds
    limits = thresholds(moved[~is_own], labels[~is_own], vehicle_months)
    return Fitted(terms.calibrated(curve).calibrated(own), trees, curve, own, int(is_own.sum()), limits)


def arrays(rows: pl.DataFrame) -> tuple[F64, F64, F64]:
    """Numbers, labels and weights of rows of a training set."""
    return numbers(rows), rows["is_theft"].cast(pl.Float64).to_numpy(), rows["weight"].to_numpy()


def out_of_fold(rows: pl.DataFrame, learn: Learn) -> F64:
    """Scores of rows, in their order, each by a model that has seen no row of its vehicle."""
    told, labels, _ = arrays(rows)
    vehicles = (rows["fleet"] + "/" + rows["vehicle_id"]).rank("dense").to_numpy()
    found = np.empty(len(told))
    parts = GroupKFold(FOLDS, shuffle=True, random_state=1)
    for seen, new in parts.split(told, labels, vehicles):
        found[new] = learn(told[seen], labels[seen], np.ones(len(seen)))(told[new])
    return found


def recalibrated(odds: F64, labels: F64, known: Recalibration) -> Platt:
    """The line that moves log odds to where a fleet's own labels are, as far as these outweigh that they are right as
    they are: the largest posterior of offset and slope around 0 and 1. Without labels nothing moves."""
    surety = np.array([known.offset_sd**-2, known.slope_sd**-2])
    return _rising(likeliest(odds, labels, np.ones(len(odds)), Platt(slope=1.0, intercept=0.0), surety))


def _bounds(trees: Any) -> list[F64]:
    """Where features may step: the bounds between the bins of which trees are grown."""
    return [np.asarray(one, dtype=np.float64) for one in trees._bin_mapper.bin_thresholds_]


def _rising(curve: Platt) -> Platt:
    """Raises ValueError for a curve that falls: what is learnt would point the wrong way."""
    if curve.slope <= 0:
        raise ValueError("scores and labels point in opposite ways: there is nothing in the features to learn from")
    return curve
