"""Tables of thefts: the falls of tanks that a model judges, and what it says of each.

Does not belong here: which falls these are, what is told of them, the model (`core.theft`), training it
(`pipeline.theft_model`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import (
    FUEL_BALANCE,
    INGEST_OUTAGES,
    THEFT_CANDIDATES,
    THEFT_MODEL,
    THEFT_SCORES,
    VEHICLES,
    ZONES,
    Rows,
)
from fleet_assets.contracts.theft import SUMS
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import Noted, day_table
from fleet_assets.pipeline.tables.reads import ZONES_READ

if TYPE_CHECKING:
    from fleet_assets.core.theft.candidates import theft_candidates as find_candidates
    from fleet_assets.core.theft.model.scores import scored
    from fleet_assets.core.theft.model.stored import model_of
    from fleet_assets.core.theft.rules import TheftRules
else:
    TheftRules = Later("fleet_assets.core.theft.rules", "TheftRules")
    find_candidates = Later("fleet_assets.core.theft.candidates", "theft_candidates")
    scored = Later("fleet_assets.core.theft.model.scores", "scored")
    model_of = Later("fleet_assets.core.theft.model.stored", "model_of")


@day_table(
    THEFT_CANDIDATES,
    reads=[
        FUEL_BALANCE,
        INGEST_OUTAGES,
        Rows(VEHICLES, ("vehicle_id", "timezone")),
        Rows(ZONES, (*ZONES_READ.columns, "kind")),
    ],
    group="events",
    settings=["timezone"],
    rules=TheftRules,
)
def theft_candidates(
    fuel_balance: pl.LazyFrame, ingest_outages: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame,
    window: Window, rules: TheftRules, timezone: str,
) -> pl.LazyFrame:  # fmt: skip
    """Falls of tanks that may be thefts, with what is known of each by the time it is final."""
    rules = replace(rules, events=replace(rules.events, default_timezone=timezone))
    return find_candidates(fuel_balance, ingest_outages, vehicles, zones, window, rules)


@day_table(THEFT_SCORES, reads=[THEFT_CANDIDATES, THEFT_MODEL], group="insights", days_of=[THEFT_CANDIDATES])
def theft_scores(theft_candidates: pl.LazyFrame, theft_model: pl.LazyFrame) -> Noted:
    """The probability that each fall is a theft, by the promoted model alone, and what it rests on."""
    candidates = theft_candidates.filter(~pl.col("kind").is_in(SUMS)).collect()
    model = model_of(theft_model.collect()) if candidates.height else None
    if model is None:
        # Before a first model is stored; then the day is stale.
        return Noted(THEFT_SCORES.empty().lazy(), {"not_scored": candidates.height} if candidates.height else {})
    return Noted(scored(candidates, model).lazy())
