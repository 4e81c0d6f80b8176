"""Labelled candidates of packaged fleets, a model of them, and small training sets, for tests.

Does not belong here: expectations.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from fleet_assets.adapters.theft_prior import read_prior
from fleet_assets.contracts.theft import THEFT_CANDIDATES
from fleet_assets.core.theft.model.fit import Fitted, fit
from fleet_assets.core.theft.model.prior import Prior, held_out, training_rows
from fleet_assets.core.theft.model.stored import StoredModel


@cache
def prior() -> Prior:
    return read_prior()


@cache
def training() -> pl.DataFrame:
    return training_rows(prior())


@cache
def fitted() -> Fitted:
    return fit(training(), prior().months(is_held=False))


def model(version: str = "m1") -> StoredModel:
    return StoredModel(version, fitted().terms, fitted().thresholds)


@cache
def candidates() -> pl.DataFrame:
    """Candidates of the held fleets, as the table has them."""
    # Two fleets may have a vehicle of one name, and a week that ends at one time.
    unique = held_out(prior()).with_columns(pl.format("{}/{}", "fleet", "event_id").alias("event_id"))
    rows = unique.select(list(THEFT_CANDIDATES.schema))
    return THEFT_CANDIDATES.conform(rows.lazy()).collect()


def own(rows: pl.DataFrame, *, is_theft: bool | None = None) -> pl.DataFrame:
    """Training rows as if people had reviewed them; with the opposite or another verdict where one is given."""
    told = rows.with_columns(fleet=pl.lit("own"), origin=pl.lit("review"), weight=pl.lit(1.0))
    return told if is_theft is None else told.with_columns(is_theft=pl.lit(is_theft))
