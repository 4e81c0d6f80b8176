"""Scores: the probability of each candidate, and what it rests on.

Belongs here: from candidates and a model to rows of THEFT_SCORES. Does not belong here: what is done about a high one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.contracts.theft import THEFT_SCORES
from fleet_assets.core.theft.calibration import sigmoid
from fleet_assets.core.theft.model.features import numbers
from fleet_assets.core.theft.model.stored import StoredModel

BASE = "base"
"""The log odds of the average candidate among the contributions."""

SHOWN_DIGITS = 6
"""Digits behind the point of a contribution in its text; the last one of their sum may differ from the log odds."""

PROBABILITY_DIGITS = 12
"""Digits behind the point of a probability: processors differ beyond."""


def scored(candidates: pl.DataFrame, model: StoredModel) -> pl.DataFrame:
    """THEFT_SCORES of candidates (THEFT_CANDIDATES), in its order. A row depends on its candidate alone."""
    told = numbers(candidates)
    odds = model.terms.log_odds(told)
    added = {BASE: np.full(len(told), model.terms.base), **model.terms.contributions(told)}
    texts = pl.DataFrame({name: np.round(values, SHOWN_DIGITS) + 0.0 for name, values in added.items()})
    rows = candidates.select(
        "event_id", "vehicle_id", "kind", "started_at", "ended_at", pl.col("closed_at").alias("scored_at"),
        "local_date", pl.Series("probability", np.round(sigmoid(odds), PROBABILITY_DIGITS)),
        pl.lit(model.version).alias("model_version"),
        texts.select(pl.struct(pl.all()).struct.json_encode()).to_series().alias("contributions"), "rules_version",
    )  # fmt: skip
    return THEFT_SCORES.conform(rows.lazy()).collect().sort(THEFT_SCORES.order)
