"""Tables of thefts: the falls of tanks that a model judges.

Does not belong here: which falls these are and what is told of them (`core.theft`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import FUEL_BALANCE, INGEST_OUTAGES, THEFT_CANDIDATES, VEHICLES, ZONES, Rows
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import day_table
from fleet_assets.pipeline.tables.reads import ZONES_READ

if TYPE_CHECKING:
    from fleet_assets.core.theft.candidates import theft_candidates as find_candidates
    from fleet_assets.core.theft.rules import TheftRules
else:
    TheftRules = Later("fleet_assets.core.theft.rules", "TheftRules")
    find_candidates = Later("fleet_assets.core.theft.candidates", "theft_candidates")


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
