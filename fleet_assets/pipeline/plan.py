"""Builds, planned: what is asked for, what is stale and why, and what came of it.

Stale are the partitions whose stored result was not made from the inputs and code that are there now, and those that
were stored and not judged, because their run was killed in between.

Belongs here: comparing records in the lake with their inputs, for all tables in order. Does not belong here: running.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from graphlib import TopologicalSorter

from fleet_assets.adapters.held_vehicles import held_vehicles
from fleet_assets.contracts import MODEL_TABLES, THEFT_MODEL, THEFT_MODEL_METRICS, THEFT_SCORES, Table
from fleet_assets.contracts.schema import whole_days
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import DayTable
from fleet_assets.pipeline.planned import Reasons, StaleDays, recalled, remember_stale, what_decides
from fleet_assets.pipeline.reference import pending_rows, reference_tables, stale_reference
from fleet_assets.pipeline.reference_reads import ReferenceRows
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.pipeline.theft_promoted import are_metrics_stale, is_model_stale, usable


@dataclass(frozen=True)
class BuildRequest:
    """What to build: a span of days, Dagster asset selections, whether current partitions are rebuilt too, and whether
    the model of thefts is trained anew."""

    first: date | None = None
    last: date | None = None
    select: str = ""
    full: bool = False
    trains: bool = False


@dataclass(frozen=True)
class Plan:
    """Stale reference tables and tables of models, and the stale days of each day table with the reasons (tables
    without stale days are left out)."""

    reference: list[str]
    reasons: StaleDays

    @cached_property
    def days(self) -> dict[str, list[date]]:
        return {name: sorted(days) for name, days in self.reasons.items()}

    @property
    def all_days(self) -> list[date]:
        return sorted({day for days in self.days.values() for day in days})

    def of(self, names: Collection[str]) -> Plan:
        """What of it is about these tables."""
        reasons = {name: days for name, days in self.reasons.items() if name in names}
        return Plan([name for name in self.reference if name in names], reasons)

    @property
    def is_empty(self) -> bool:
        return not self.reference and not self.reasons


@dataclass
class BuildReport:
    """What was built, what it is made of that is stale and was not selected, and which checks did not hold (as
    sentences)."""

    days: list[date]
    tables: list[str]
    left_stale: Plan
    run_ids: list[str] = field(default_factory=list)
    failed_checks: list[str] = field(default_factory=list)


def plan_build(installation: Installation, request: BuildRequest, names: Collection[str]) -> Plan:
    """Compare every table with its inputs, upstream first; a stale input makes what reads it stale too.

    Of that the tables called `names` are planned, and no days outside the request, before FLEET_START_DATE or after
    today. A full request takes every day that has inputs, current or not.
    """
    here = installation.at_this_moment()
    # Before anything else is read: what changes meanwhile is seen by the next look.
    seen = "" if request.full else what_decides(here)
    changed = [*stale_reference(here), *([THEFT_MODEL.name] if is_model_stale(here) else [])]
    stale = (recalled(here, seen) if seen else None) or _looked_for(here, changed, seen)
    reference = [table.name for table in reference_tables() if request.full or table.name in changed]
    first, last = _bounds(here, request)
    within = {name: {day: why for day, why in days.items() if first <= day <= last} for name, days in stale.items()}
    # Days to come, which follow from those that are there, are scored when they are.
    reference += _models(here, request, has_days=bool(within.get(THEFT_SCORES.name)))
    return Plan(reference, {name: days for name, days in within.items() if days}).of(names)


def _models(here: Installation, request: BuildRequest, *, has_days: bool) -> list[str]:
    """The tables of models that are to be made: all that a training needs where one is asked for, or no model can be
    used; else those that are not of the promoted one."""
    name = usable(here)
    if request.trains or (not name and is_model_stale(here, has_days=has_days)):
        return [*MODEL_TABLES]
    is_stale = is_model_stale(here) or (request.full and bool(name))
    found = [THEFT_MODEL.name] if is_stale else []
    return [*found, THEFT_MODEL_METRICS.name] if is_stale or are_metrics_stale(here) else found


def _looked_for(here: Installation, changed: Collection[str], seen: str) -> StaleDays:
    """The stale days of all tables with the reasons, remembered where nothing has moved meanwhile; without `seen` all
    days are asked for."""
    look = _Look(here, changed, is_full=not seen)
    days: dict[str, set[date]] = {}
    for maker in ordered_tables():
        days[maker.table.name] = _candidate_days(here, maker, days)
        look.at(maker, days[maker.table.name])
    held_vehicles(here.lake).remember()
    if seen and what_decides(here) == seen:
        remember_stale(here, seen, look.stale)
    return look.stale


class _Look:
    """What was found stale so far, table by table."""

    def __init__(self, installation: Installation, changed: Collection[str], *, is_full: bool) -> None:
        self.stale: StaleDays = {}
        self._installation, self._is_full, self._changed = installation, is_full, changed
        self._reference = ReferenceRows(installation.lake, pending_rows(installation, changed))

    def at(self, maker: DayTable, days: Collection[date]) -> None:
        """Look at the days of a table whose inputs were looked at."""
        unjudged = self._installation.check_results.owed(maker.table)
        # A table that is read whole is read otherwise once its files are stored.
        whole = {read.name for read in maker.reads if isinstance(read, Table)}
        is_touched = not whole.isdisjoint(self._changed)
        stale = [table for table in maker.inputs if self.stale.get(table.name)]
        found = {day: self._why(maker, day, stale, is_touched=is_touched, is_unjudged=day in unjudged) for day in days}
        self.stale[maker.table.name] = {day: why for day, why in found.items() if why}

    def _why(self, maker: DayTable, day: date, stale: list[Table], *, is_touched: bool, is_unjudged: bool) -> Reasons:
        record = self._installation.lake.record(maker.table, day)
        why = list(maker.why_stale(self._installation, day, record, self._reference))
        if is_touched and record is not None:
            why.append("reference rows")
        if any(one in self.stale[table.name] for table in stale for one in maker.input_days(table, day)):
            why.append("inputs" if record else "new")
        why += ["not judged yet"] * is_unjudged + ["all asked for"] * (self._is_full and not why)
        return tuple(dict.fromkeys(why))


def ordered_tables() -> list[DayTable]:
    """The day tables, inputs before what reads them."""
    graph = {name: [t.name for t in maker.inputs if t.name in DAY_TABLES] for name, maker in DAY_TABLES.items()}
    return [DAY_TABLES[name] for name in TopologicalSorter(graph).static_order()]


def sources_of(names: Collection[str]) -> set[str]:
    """The other tables that these are made of, directly or by way of others."""
    found: set[str] = set()
    for maker in reversed(ordered_tables()):
        if maker.table.name in names or maker.table.name in found:
            found |= {table.name for table in maker.inputs}
    return found - set(names)


def followed_tables() -> set[str]:
    """All tables that a build makes unasked: those made on demand only are left out."""
    followed = {name for name, maker in DAY_TABLES.items() if not maker.is_on_demand}
    return followed | {table.name for table in reference_tables()} | {*MODEL_TABLES}


def followers(names: Collection[str]) -> set[str]:
    """The day tables that are made of these, directly or by way of others; not those made on demand only."""
    found: set[str] = set()
    for maker in ordered_tables():
        if not maker.is_on_demand and any(table.name in names or table.name in found for table in maker.inputs):
            found.add(maker.table.name)
    return found


def _bounds(installation: Installation, request: BuildRequest) -> tuple[date, date]:
    today = datetime.now(UTC).date()
    start = installation.settings.start_date
    return max(request.first or start, start), min(request.last or today, today)


def _candidate_days(installation: Installation, maker: DayTable, known: dict[str, set[date]]) -> set[date]:
    """The days in which a table can have rows: those of its inputs, its spill after them, and where it has some now."""
    if maker.outside is not None:
        return outside_days(installation, maker)
    inputs = {day for table in maker.leading for day in known.get(table.name, ())}
    spilled = {
        day + timedelta(days=later) for day in inputs for later in range(whole_days(maker.table.final_within) + 1)
    }
    return spilled | _filled_days(installation, maker.table)


def outside_days(installation: Installation, maker: DayTable) -> set[date]:
    """The days of a table made of files outside the lake: those with files, and those whose rows outlived them."""
    assert maker.outside is not None
    return set(maker.outside.days(installation)) | _filled_days(installation, maker.table)


def _filled_days(installation: Installation, table: Table) -> set[date]:
    """The stored days that hold rows, or are damaged: a run over a range also stores the empty days between them."""
    generation = installation.lake.generation(table)
    return {*map(date.fromisoformat, generation.filled), *generation.unsound}
