"""Asset checks: what must hold of stored partitions, made from the contracts, and what only makes sense for one table.

Does not belong here: the rules themselves (`core.checks`); schema, nulls and keys at the moment of writing (the IO
manager refuses such frames).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import dagster as dg
import polars as pl

from fleet_assets.contracts import INGEST_DAILY, LAKE_TABLES, STOPS, TELEMETRY, TRIPS, Table
from fleet_assets.core.checks import (
    accounted_sentences,
    contract_sentences,
    duration_sentences,
    moved_stop_sentences,
    odometer_sentences,
    overlap_sentences,
    position_sentences,
    speed_sentences,
)
from fleet_assets.core.clocks import behind_sentences
from fleet_assets.defs.partitions import DAYS, midnight, selected_days
from fleet_assets.places import Places
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

    @property
    def is_error(self) -> bool:
        return self.severity == dg.AssetCheckSeverity.ERROR


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
    DayCheck(
        INGEST_DAILY, "no_clock_is_behind", "No vehicle's rows come late all day by one and the same time.",
        behind_sentences, severity=dg.AssetCheckSeverity.WARN,
    ),
    DayCheck(TRIPS, "no_mean_above_its_maximum", "No trip is faster on average than at most.", speed_sentences),
    DayCheck(
        TRIPS, "times_are_the_duration", "Moving, standing and unknown time of a trip are its duration.",
        duration_sentences,
    ),
    DayCheck(
        TRIPS, "trips_add_up_to_the_odometer", "Trips and unobserved drives of a day are what the odometer moved.",
        accounted_sentences, severity=dg.AssetCheckSeverity.WARN,
    ),
    DayCheck(
        STOPS, "the_odometer_stands_in_stops", "No stop in which the odometer moved.", moved_stop_sentences,
        severity=dg.AssetCheckSeverity.WARN,
    ),
]  # fmt: skip


RULES_OF = {table.name: [rule.name for rule in CHECKS if rule.table == table] for table in LAKE_TABLES.values()}
"""Names of the rules that judge each table's days."""

DAY_RULES = {(rule.table.name, rule.name) for rule in CHECKS}
"""Table and name of the rules whose findings are kept beside the partitions."""


def failed_rules(places: Places, tables: Collection[str]) -> list[str]:
    """The rules that stored rows of these tables break, one sentence each, whichever run noticed it."""
    sentences = []
    for rule in CHECKS:
        if rule.is_error and rule.table.name in tables:
            found = [*places.findings.of(rule.table, rule.name)]
            if found:
                on_days = "1 day" if len(found) == 1 else f"{len(found)} days"
                first = f"{found[0].day}: {found[0].sentences[0]}"
                sentences.append(f"{rule.table.name}: {rule.name} (on {on_days}, first {first})")
    return sentences


def _found(rule: DayCheck, places: Places, day: date) -> list[str]:
    start = midnight(day)
    return rule.judge(places.lake.window(rule.table, start - rule.look_back, start + timedelta(days=1)))


def _reached(rule: DayCheck, days: Collection[date]) -> list[date]:
    """These days, and the later ones that are judged with them: rows that stayed the same may hold now, or no more."""
    later = range(rule.look_back.days + 1)
    return sorted({day + timedelta(days=number) for day in days for number in later})


def _asset_check(rule: DayCheck) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=rule.table.name, name=rule.name, description=rule.description, partitions_def=DAYS,
        automation_condition=None,
    )  # fmt: skip
    def check(context: dg.AssetCheckExecutionContext, places: PlacesResource) -> dg.AssetCheckResult:
        here = places.get()
        days = [day for day in _reached(rule, selected_days(context)) if here.lake.record(rule.table, day) is not None]
        for day in days:
            here.findings.note(rule.table, day, rule.name, _found(rule, here, day), is_error=rule.is_error)
        # Of all stored days: a run over other days must not hide what was found before.
        found = [*here.findings.of(rule.table, rule.name)]
        lines = [f"- {one.day}: {sentence}" for one in found for sentence in one.sentences]
        return dg.AssetCheckResult(
            passed=not found,
            severity=rule.severity,
            description=f"{len(days)} days looked at; {len(lines)} findings on {len(found)} of the stored days",
            metadata={"findings": dg.MetadataValue.md("\n".join(lines[:SHOWN]) or "none")},
        )

    return check


@dg.definitions
def checks() -> dg.Definitions:
    """Every rule as a check of its table."""
    return dg.Definitions(asset_checks=[_asset_check(rule) for rule in CHECKS])
