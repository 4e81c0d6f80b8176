"""Asset checks: what must hold of stored partitions, made from the contracts, and what only makes sense for one table.

Does not belong here: the rules themselves (`core.checks`); schema, nulls and keys at the moment of writing (the IO
manager refuses such frames).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import dagster as dg
import polars as pl

from fleet_assets.contracts import LAKE_TABLES, STOPS, TELEMETRY, TRIPS, Table
from fleet_assets.core.checks import contract_sentences, odometer_sentences, overlap_sentences, position_sentences
from fleet_assets.defs.partitions import DAYS, midnight, selected_days
from fleet_assets.resources import PlacesResource

SHOWN = 20
NEIGHBOURS = timedelta(days=2)
"""How far before its day an event may lie that a day's first event could overlap."""

Judge = Callable[[pl.LazyFrame], list[str]]


@dataclass(frozen=True)
class DayCheck:
    """A rule for the days of one table; `look_back` adds the rows of the days before to what is judged."""

    table: Table
    name: str
    description: str
    judge: Judge
    look_back: timedelta = timedelta(0)
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR


CHECKS = [
    *(
        DayCheck(table, "contract", "Values lie within the contract.", partial(contract_sentences, table))
        for table in LAKE_TABLES.values()
    ),
    DayCheck(TELEMETRY, "positions_are_whole", "Latitude and longitude come together.", position_sentences),
    DayCheck(TRIPS, "trips_do_not_overlap", "A vehicle is on one trip at a time.", overlap_sentences, NEIGHBOURS),
    DayCheck(STOPS, "stops_do_not_overlap", "A vehicle is at one stop at a time.", overlap_sentences, NEIGHBOURS),
    DayCheck(
        TRIPS, "distance_agrees_with_odometer", "The distance of a trip is that of its odometer, within its error.",
        odometer_sentences, severity=dg.AssetCheckSeverity.WARN,
    ),
]  # fmt: skip


def _asset_check(rule: DayCheck) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=rule.table.name, name=rule.name, description=rule.description, partitions_def=DAYS,
        automation_condition=None,
    )  # fmt: skip
    def check(context: dg.AssetCheckExecutionContext, places: PlacesResource) -> dg.AssetCheckResult:
        lake = places.get().lake
        days = [day for day in selected_days(context) if lake.record(rule.table, day) is not None]
        found: list[str] = []
        for day in days:
            start = midnight(day)
            rows = lake.window(rule.table, start - rule.look_back, start + timedelta(days=1))
            found += [f"{day}: {sentence}" for sentence in rule.judge(rows)]
        return dg.AssetCheckResult(
            passed=not found,
            severity=rule.severity,
            description=f"{len(days)} days looked at, {len(found)} findings",
            metadata={"findings": dg.MetadataValue.md("\n".join(f"- {one}" for one in found[:SHOWN]) or "none")},
        )

    return check


@dg.definitions
def checks() -> dg.Definitions:
    """Every rule as a check of its table."""
    return dg.Definitions(asset_checks=[_asset_check(rule) for rule in CHECKS])
