"""The promoted model as rows of a table, and back.

Belongs here: both ways. Does not belong here: which model is promoted (`pipeline.theft_model`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleet_assets.contracts.theft import THEFT_MODEL
from fleet_assets.core.theft.calibration import sigmoid
from fleet_assets.core.theft.model.features import NAMES
from fleet_assets.core.theft.model.limits import threshold_at
from fleet_assets.core.theft.model.terms import Additive, Steps


@dataclass(frozen=True)
class StoredModel:
    """A model as it is stored: its version, its terms, and log odds from which alarms are raised by false alarms a
    vehicle and month."""

    version: str
    terms: Additive
    limits: Mapping[float, float]

    def threshold_at(self, budget: float) -> float:
        """The probability from which an alarm keeps to so many false alarms a vehicle and month."""
        return float(sigmoid(np.array([threshold_at(self.limits, budget)]))[0])


def model_rows(model: StoredModel) -> pl.DataFrame:
    """The model as rows of THEFT_MODEL."""
    found = [*_rows(model)]
    rows = pl.DataFrame(found, schema={**THEFT_MODEL.schema}, orient="row")
    return rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("position"))


def _rows(model: StoredModel) -> Iterator[tuple[Any, ...]]:
    version = model.version
    yield 0, version, "base", None, None, None, False, model.terms.base
    for name, steps in model.terms.steps.items():
        ends = [None, *steps.bounds, None]
        for low, high, value in zip(ends[:-1], ends[1:], steps.values, strict=True):
            yield 0, version, "term", name, low, high, False, value
        yield 0, version, "term", name, None, None, True, steps.unknown
    for budget, limit in sorted(model.limits.items()):
        yield 0, version, "threshold", None, budget, None, False, limit


def model_of(rows: pl.DataFrame) -> StoredModel | None:
    """The model of rows of THEFT_MODEL; None of none."""
    if rows.is_empty():
        return None
    ordered = rows.sort("position")
    parts = {name: ordered.filter(pl.col("part") == name) for name in ("base", "term", "threshold")}
    steps = {
        str(name): _steps(own) for (name,), own in parts["term"].group_by("feature", maintain_order=True)
    }  # fmt: skip
    limits = dict(zip(parts["threshold"]["low"], parts["threshold"]["log_odds"], strict=True))
    terms = Additive(NAMES, float(parts["base"]["log_odds"].item()), steps)
    return StoredModel(str(ordered["model_version"][0]), terms, limits)


def _steps(rows: pl.DataFrame) -> Steps:
    known, unknown = rows.filter(~pl.col("is_unknown")), rows.filter("is_unknown")
    return Steps(
        tuple(known["high"].drop_nulls().to_list()), tuple(known["log_odds"].to_list()),
        float(unknown["log_odds"].item()),
    )  # fmt: skip
