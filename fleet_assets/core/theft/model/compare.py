"""Comparing: other ways to learn from the same rows, judged on the same held-out vehicles.

Belongs here: fitting and judging an estimator by name. Does not belong here: estimators themselves, the chosen model.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from fleet_assets.contracts.theft import THEFT_MODEL_METRICS
from fleet_assets.core.theft.calibration import brier, fit_platt, sigmoid
from fleet_assets.core.theft.evaluation import Judged
from fleet_assets.core.theft.model.estimators import LEARNERS
from fleet_assets.core.theft.model.features import numbers
from fleet_assets.core.theft.model.fit import arrays, out_of_fold
from fleet_assets.core.theft.model.limits import thresholds
from fleet_assets.core.theft.model.metrics import OWN, Subject, figures, slow_figures
from fleet_assets.core.theft.model.prior import Prior, held_judged, held_out
from fleet_assets.core.theft.model.stored import StoredModel


def model_judged(model: StoredModel, prior: Prior) -> Judged:
    """The held fleets as a model scores them."""
    return held_judged(prior, pl.Series(model.terms.log_odds(numbers(held_out(prior)))))


def model_figures(role: str, model: StoredModel, prior: Prior) -> pl.DataFrame:
    """THEFT_MODEL_METRICS of a model, at its own thresholds."""
    return figures(Subject(role, model.version), model_judged(model, prior), model.limits)


def estimator_figures(name: str, rows: pl.DataFrame, prior: Prior) -> pl.DataFrame:
    """THEFT_MODEL_METRICS of an estimator (of LEARNERS) that learns from the rows of a training set which are not held
    out; its log odds and thresholds come from vehicles that it has not seen."""
    learn = LEARNERS[name]
    known = rows.filter(~pl.col("is_held") & (pl.col("origin") == "benchmark")).sort("fleet", "event_id")
    told, labels, weights = arrays(known)
    with threadpool_limits(limits=1):
        unseen = out_of_fold(known, learn)
        score = learn(told, labels, np.ones(len(told)))
    curve = fit_platt(unseen, labels, weights)
    limits = thresholds(curve.intercept + curve.slope * unseen, labels, prior.months(is_held=False))
    odds = curve.intercept + curve.slope * score(numbers(held_out(prior)))
    return figures(Subject("estimator", name), held_judged(prior, pl.Series(odds)), limits)


def rule_figures(prior: Prior) -> pl.DataFrame:
    """THEFT_MODEL_METRICS of sums of nights, which no model judges: siphoning and leaks that they find."""
    nights = prior.candidates.filter(pl.col("is_held") & (pl.col("kind") == "nights"))
    return slow_figures(Subject("rule", "nights"), nights, prior.losses_held, prior.months(is_held=True))


def own_figures(role: str, model: StoredModel, rows: pl.DataFrame) -> pl.DataFrame:
    """THEFT_MODEL_METRICS (by `own reviews`) of a model on reviewed candidates of this fleet; none of no rows."""
    if rows.is_empty():
        return THEFT_MODEL_METRICS.empty()
    told, labels, _ = arrays(rows)
    odds = sigmoid(model.terms.log_odds(told))
    base = float(labels.mean())
    measures = {"Brier": brier(odds, labels), "Brier of the base rate": base * (1 - base), "thefts": labels.sum()}
    found = [(role, model.version, OWN, "all", name, float(value), None, None, len(labels))
             for name, value in measures.items()]  # fmt: skip
    return pl.DataFrame(found, schema={**THEFT_MODEL_METRICS.schema}, orient="row")
