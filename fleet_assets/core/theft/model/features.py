"""What a model is told of a candidate, as numbers, and which way each may push.

Belongs here: the choice among features, their order, directions and units. Does not belong here: how a feature is
computed (`core.theft.features`), learning from them (`estimators`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from fleet_assets.contracts.theft import CANDIDATE_KINDS, FEATURES, SUMS
from fleet_assets.core.compiled import F64

LEFT_OUT = ("volume_l", "rate_lph", "local_hour", "local_weekday")
"""Litres are null where the tank is not known; the clock is what a model of night thefts would learn."""

DIRECTIONS: Mapping[str, int] = {
    "size_over_noise": 1, "share_pct": 1, "remaining_share": 1,
    "simultaneous_share": -1, "is_in_outage": -1, "is_of_source": -1,
}  # fmt: skip
"""Features with which a probability of theft may only rise (1), or only fall (-1): a larger fall, one that stayed, one
of this vehicle alone."""

KINDS = {f"is_{kind}": kind for kind in CANDIDATE_KINDS if kind not in SUMS}
"""Features that say how the tank fell, with the kind that each stands for."""

NAMES: tuple[str, ...] = (*(column.name for column in FEATURES if column.name not in LEFT_OUT), *KINDS)
"""Every feature of a model, in the order of its numbers."""

UNITS: Mapping[str, str] = {column.name: column.unit for column in FEATURES if column.name in NAMES}


def numbers(candidates: pl.DataFrame) -> F64:
    """A row per candidate, a column per feature of NAMES; booleans are 0 and 1, what is not known is not a number."""
    kinds = [(pl.col("kind") == kind).alias(name) for name, kind in KINDS.items()]
    told = candidates.with_columns(kinds).select(pl.col(name).cast(pl.Float64) for name in NAMES)
    return told.fill_null(float("nan")).to_numpy()


def directions() -> list[int]:
    """The direction of each feature of NAMES; 0 where either is possible."""
    return [DIRECTIONS.get(name, 0) for name in NAMES]
