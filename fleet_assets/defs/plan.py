"""What is stale: the partitions whose stored result was not made from the inputs and code that are there now, and those
that were stored and not judged, because their run was killed in between.

Belongs here: comparing records in the lake with their inputs, for all tables in order. Does not belong here: running.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter

from fleet_assets.contracts import DECODING_TABLES, REFERENCE_TABLES, Table
from fleet_assets.defs.day_assets import DAY_TABLES, DayTable
from fleet_assets.defs.reference import reference_inputs
from fleet_assets.places import Places


@dataclass(frozen=True)
class BuildRequest:
    """What to build: a span of days, Dagster asset selections, and whether current partitions are rebuilt too."""

    first: date | None = None
    last: date | None = None
    select: str = ""
    full: bool = False


@dataclass(frozen=True)
class Plan:
    """Stale reference tables, and the stale days of each day table (tables without stale days are left out)."""

    reference: list[str]
    days: dict[str, list[date]]

    @property
    def all_days(self) -> list[date]:
        return sorted({day for days in self.days.values() for day in days})

    def of(self, names: Collection[str]) -> Plan:
        """What of it is about these tables."""
        return Plan(
            [name for name in self.reference if name in names],
            {name: days for name, days in self.days.items() if name in names},
        )

    @property
    def is_empty(self) -> bool:
        return not self.reference and not self.days


def plan_build(places: Places, request: BuildRequest, names: Collection[str]) -> Plan:
    """Compare every table with its inputs, upstream first; a stale input makes what reads it stale too.

    Of that the tables called `names` are planned, and no days outside the request, before FLEET_START_DATE or after
    today. A full request takes every day that has inputs, current or not.
    """
    changed = stale_reference(places)
    reference = [table.name for table in _reference_tables() if request.full or table.name in changed]
    known: dict[str, set[date]] = {}
    stale: dict[str, set[date]] = {}
    for maker in ordered_tables():
        name = maker.table.name
        known[name] = _candidate_days(places, maker, known)
        touched = request.full or any(table.name in reference for table in maker.reads)
        unjudged = places.findings.owed(maker.table)
        stale[name] = {day for day in known[name] if touched or day in unjudged or _is_stale(places, maker, day, stale)}
    first, last = _bounds(places, request)
    within = {name: sorted(day for day in stale[name] if first <= day <= last) for name in stale}
    return Plan(reference, {name: days for name, days in within.items() if days}).of(names)


def ordered_tables() -> list[DayTable]:
    """The day tables, inputs before what reads them."""
    graph = {name: [t.name for t in maker.reads if t.name in DAY_TABLES] for name, maker in DAY_TABLES.items()}
    return [DAY_TABLES[name] for name in TopologicalSorter(graph).static_order()]


def followers(names: Collection[str]) -> set[str]:
    """The day tables that are made of these, directly or by way of others; not those made on demand only."""
    found: set[str] = set()
    for maker in ordered_tables():
        if not maker.is_on_demand and any(table.name in names or table.name in found for table in maker.reads):
            found.add(maker.table.name)
    return found


def sources_of(names: Collection[str]) -> set[str]:
    """The other tables that these are made of, directly or by way of others."""
    found: set[str] = set()
    for maker in reversed(ordered_tables()):
        if maker.table.name in names or maker.table.name in found:
            found |= {table.name for table in maker.reads}
    return found - set(names)


def _reference_tables() -> list[Table]:
    return [*REFERENCE_TABLES.values(), *DECODING_TABLES.values()]


def stale_reference(places: Places) -> dict[str, str]:
    """The reference tables that are not what their files say, with the fingerprint of those files."""
    marks = {table: reference_inputs(places, table) for table in _reference_tables()}
    records = {table: places.lake.record(table, None) for table in marks}
    current = {table for table, record in records.items() if record and record.inputs == marks[table]}
    return {table.name: mark for table, mark in marks.items() if table not in current}


def _bounds(places: Places, request: BuildRequest) -> tuple[date, date]:
    today = datetime.now(UTC).date()
    start = places.settings.start_date
    return max(request.first or start, start), min(request.last or today, today)


def _candidate_days(places: Places, maker: DayTable, known: dict[str, set[date]]) -> set[date]:
    """The days in which a table can have rows: those of its inputs, its spill after them, and where it has some now."""
    if maker.outside is not None:
        return outside_days(places, maker)
    inputs = {day for table in maker.reads for day in known.get(table.name, ())}
    spilled = {day + timedelta(days=later) for day in inputs for later in range(maker.spill_days + 1)}
    return spilled | _filled_days(places, maker.table)


def outside_days(places: Places, maker: DayTable) -> set[date]:
    """The days of a table made of files outside the lake: those with files, and those whose rows outlived them."""
    assert maker.outside is not None
    return set(maker.outside(places)) | _filled_days(places, maker.table)


def _filled_days(places: Places, table: Table) -> set[date]:
    """The stored days that hold rows: a run over a range also stores the empty days between them."""
    records = {day: places.lake.record(table, day) for day in places.lake.days(table)}
    return {day for day, record in records.items() if record and record.row_count}


def _is_stale(places: Places, maker: DayTable, day: date, stale: dict[str, set[date]]) -> bool:
    record = places.lake.record(maker.table, day)
    if record is None:
        return True
    for table in maker.reads:
        if any(input_day in stale.get(table.name, ()) for input_day in maker.input_days(table, day)):
            return True
    return not maker.is_current(places, day, record)
