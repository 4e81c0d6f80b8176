"""The table of alarms: what somebody should look at, once.

Does not belong here: when which source raises one (`core.theft.alarms`), which follow another too soon (`core.alarms`),
sending (`pipeline.alarm_delivery`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import (
    ALARMS,
    FUEL_BALANCE,
    THEFT_CANDIDATES,
    THEFT_MODEL,
    THEFT_SCORES,
    VEHICLES,
    Rows,
)
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import day_table

if TYPE_CHECKING:
    from fleet_assets.core.alarms import AlarmRules
    from fleet_assets.core.theft.alarms import theft_alarms
    from fleet_assets.core.theft.model.stored import model_of
else:
    AlarmRules = Later("fleet_assets.core.alarms", "AlarmRules")
    theft_alarms = Later("fleet_assets.core.theft.alarms", "theft_alarms")
    model_of = Later("fleet_assets.core.theft.model.stored", "model_of")


@day_table(
    ALARMS,
    reads=[THEFT_SCORES, THEFT_CANDIDATES, FUEL_BALANCE, THEFT_MODEL, Rows(VEHICLES, ("vehicle_id", "timezone"))],
    group="insights",
    settings=["timezone", "theft_alarm_budget"],
    rules=AlarmRules,
    days_of=[THEFT_SCORES],  # they have the days of candidates, of which sums of nights make alarms, too
)
def alarms(
    theft_scores: pl.LazyFrame, theft_candidates: pl.LazyFrame, fuel_balance: pl.LazyFrame, theft_model: pl.LazyFrame,
    vehicles: pl.LazyFrame, window: Window, rules: AlarmRules, timezone: str, theft_alarm_budget: float,
) -> pl.LazyFrame:  # fmt: skip
    """Scores above the threshold at the budget of false alarms, and sums of nights: one a day for each kind."""
    model = model_of(theft_model.collect())
    threshold = None if model is None else model.threshold_at(theft_alarm_budget)
    return theft_alarms(
        theft_scores, theft_candidates, fuel_balance, vehicles, window, threshold, timezone, rules
    )  # fmt: skip
