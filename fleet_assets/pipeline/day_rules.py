"""Day rules: what must hold of stored days, made from the contracts, and what only makes sense for one table.

Belongs here: which rules judge which table, over which days, and what they found. Does not belong here: the rules
themselves (`core.checks`); schema, nulls and keys at the moment of writing (`contracts.check_frame`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial

import polars as pl

from fleet_assets.contracts import (
    CHARGING_SESSIONS,
    FUEL_BALANCE,
    FUEL_EVENTS,
    INGEST_DAILY,
    LAKE_TABLES,
    POWER_SESSIONS,
    STOPS,
    TELEMETRY,
    THEFT_CANDIDATES,
    THEFT_SCORES,
    TRIPS,
    Table,
)
from fleet_assets.core.charging.checks import agreement_sentences, plug_in_overlap_sentences, side_sentences
from fleet_assets.core.checks import (
    accounted_sentences,
    closing_sentences,
    contract_sentences,
    duration_sentences,
    fuel_overlap_sentences,
    moved_stop_sentences,
    odometer_sentences,
    overfull_sentences,
    overlap_sentences,
    position_sentences,
    speed_sentences,
)
from fleet_assets.core.clocks import behind_sentences
from fleet_assets.core.theft.checks import order_sentences, sum_sentences
from fleet_assets.installation import Installation
from fleet_assets.pipeline.days import midnight

NEIGHBOURS = timedelta(days=2)
"""How far before its day an event may have become final that a day's first event could overlap."""

Judge = Callable[[pl.LazyFrame], list[str]]


@dataclass(frozen=True)
class DayRule:
    """A rule for the days of one table; `look_back` adds the rows of the days before to what is judged."""

    table: Table
    name: str
    description: str
    judge: Judge
    look_back: timedelta = timedelta(0)
    is_error: bool = True


OWN_RULES = [
    DayRule(TELEMETRY, "positions_are_whole", "Latitude and longitude come together.", position_sentences),
    DayRule(TRIPS, "trips_do_not_overlap", "A vehicle is on one trip at a time.", overlap_sentences, NEIGHBOURS),
    DayRule(STOPS, "stops_do_not_overlap", "A vehicle is at one stop at a time.", overlap_sentences, NEIGHBOURS),
    DayRule(
        TRIPS, "distance_agrees_with_odometer", "The distance of a trip is that of its odometer, within its error.",
        odometer_sentences, is_error=False,
    ),
    DayRule(
        INGEST_DAILY, "no_clock_is_behind", "No vehicle's rows come late all day by one and the same time.",
        behind_sentences, is_error=False,
    ),
    DayRule(TRIPS, "no_mean_above_its_maximum", "No trip is faster on average than at most.", speed_sentences),
    DayRule(
        TRIPS, "times_are_the_duration", "Moving, standing and unknown time of a trip are its duration.",
        duration_sentences,
    ),
    DayRule(
        TRIPS, "trips_add_up_to_the_odometer", "Trips and unobserved drives of a day are what the odometer moved.",
        accounted_sentences, is_error=False,
    ),
    DayRule(
        POWER_SESSIONS, "power_sessions_do_not_overlap", "A vehicle charges once at a time.", overlap_sentences,
        NEIGHBOURS,
    ),
    DayRule(
        CHARGING_SESSIONS, "plug_ins_do_not_overlap", "A vehicle is plugged in once at a time.",
        plug_in_overlap_sentences, NEIGHBOURS,
    ),
    DayRule(
        POWER_SESSIONS, "no_battery_takes_more_than_was_given",
        "No battery takes more than its charger gives, within the error of both.", side_sentences, is_error=False,
    ),
    DayRule(
        POWER_SESSIONS, "energy_agrees_with_charge",
        "The charges of a vehicle agree on the size of its battery.", agreement_sentences, NEIGHBOURS, is_error=False,
    ),
    DayRule(
        FUEL_BALANCE, "changes_are_the_difference_of_levels",
        "Changes between neighbouring plateaus add up to the difference of the first and the last level.",
        closing_sentences,
    ),
    DayRule(
        FUEL_EVENTS, "fuel_events_do_not_overlap", "No two refuels, thefts or unobserved changes at one time.",
        fuel_overlap_sentences, NEIGHBOURS, is_error=False,
    ),
    DayRule(
        FUEL_EVENTS, "no_refuel_above_the_tank", "No refuel after which more than a full tank would be in it.",
        overfull_sentences, is_error=False,
    ),
    DayRule(
        THEFT_CANDIDATES, "candidates_end_before_they_are_final",
        "A candidate begins, ends and becomes final in this order.",
        order_sentences,
    ),
    DayRule(
        THEFT_SCORES, "contributions_add_up", "What features add to a score sums to the log odds of its probability.",
        sum_sentences,
    ),
    DayRule(
        STOPS, "the_odometer_stands_in_stops", "No stop in which the odometer moved.", moved_stop_sentences,
        is_error=False,
    ),
]  # fmt: skip


@cache
def day_rules() -> list[DayRule]:
    """Every rule: of each table that its values lie within the contract, and its own."""
    of_contracts = [
        DayRule(table, "contract", "Values lie within the contract.", partial(contract_sentences, table))
        for table in LAKE_TABLES.values()
    ]
    return of_contracts + OWN_RULES


def rules_of(name: str) -> list[str]:
    """Names of the rules that judge the days of a table."""
    return [rule.name for rule in day_rules() if rule.table.name == name]


def failed_rules(installation: Installation, tables: Collection[str]) -> list[str]:
    """The rules that stored rows of these tables break, one sentence each, whichever run noticed it."""
    sentences = []
    for rule in day_rules():
        if rule.is_error and rule.table.name in tables:
            found = [*installation.check_results.of(rule.table, rule.name)]
            if found:
                on_days = "1 day" if len(found) == 1 else f"{len(found)} days"
                first = f"{found[0].day}: {found[0].sentences[0]}"
                sentences.append(f"{rule.table.name}: {rule.name} (on {on_days}, first {first})")
    return sentences


def judge(installation: Installation, rule: DayRule, days: Collection[date]) -> list[date]:
    """Note what the rule finds on these days and on the later ones that are judged with them; returns the days."""
    generation = installation.lake.generation(rule.table)
    stored = [day for day in _reached(rule, days) if generation.record(day) is not None]
    for day in stored:
        installation.check_results.note(
            rule.table, day, rule.name, _found(rule, installation, day), is_error=rule.is_error
        )
    return stored


def _found(rule: DayRule, installation: Installation, day: date) -> list[str]:
    start = midnight(day)
    return rule.judge(installation.lake.window(rule.table, start - rule.look_back, start + timedelta(days=1)))


def _reached(rule: DayRule, days: Collection[date]) -> list[date]:
    """These days, and the later ones that are judged with them: rows that stayed the same may hold now, or no more."""
    later = range(rule.look_back.days + 1)
    return sorted({day + timedelta(days=number) for day in days for number in later})
