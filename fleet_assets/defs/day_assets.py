"""The one mechanism behind every day-partitioned table: read windows, compute, compare, store, record.

Belongs here: `day_asset`, which turns a pure function of one day's inputs into a partitioned asset that also runs a
range of days in one run, day by day, so that memory stays bounded by a day and a range equals its days one by one.
Does not belong here: any particular table, and the rules by which it is computed.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import dagster as dg
import polars as pl

from fleet_assets.adapters.lake import PartitionRecord
from fleet_assets.contracts import Table
from fleet_assets.contracts.errors import DataError, joined
from fleet_assets.core.window import Window
from fleet_assets.defs import policies
from fleet_assets.defs.checks import RULES_OF
from fleet_assets.defs.code_versions import code_version
from fleet_assets.defs.partitions import DAYS, midnight, reach_days, reaching_back, selected_days
from fleet_assets.places import Places
from fleet_assets.resources import TELLS_ITS_OWN_EVENTS, PlacesResource, StoredDay

DUE_AT = "due_at"
"""Note of a partition of events: when the first of those becomes final that it does not hold yet."""

ONLY_STALE_TAG = "fleet/only_stale"
"""Run tag: partitions whose inputs and code are those of the stored result are kept as they are."""


@dataclass(frozen=True)
class Noted:
    """A result with what a person should know of it (counts of nulled values, of undecoded frames, ...)."""

    frame: pl.LazyFrame
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Day:
    """What one partition may read: its own day and the look-back before it, of the tables it declared."""

    date: date
    maker: "DayTable"
    places: Places

    @property
    def table(self) -> Table:
        return self.maker.table

    @property
    def window(self) -> Window:
        start = midnight(self.date)
        return Window(start=start - self.table.look_back, day_start=start, day_end=start + timedelta(days=1))

    def read(self, table: Table) -> pl.LazyFrame:
        """The rows of an input: the window of a day table, all of a table without days."""
        if table.partition_by is None:
            return self.places.lake.scan(table)
        start = self.window.day_start - self.maker.look_back(table)
        return self.places.lake.window(table, start, self.window.day_end)


@dataclass(frozen=True)
class OwnDay:
    """An input of which a partition reads its own day alone, however far the table looks back into others."""

    table: Table


Compute = Callable[[Day], pl.LazyFrame | Noted]
Sources = Callable[[Places, date], Iterable[str]]
OutsideDays = Callable[[Places], Iterable[date]]


@dataclass(frozen=True)
class DayTable:
    """How one table's partitions are made: its inputs, the names of what it reads outside the lake, its code version.

    `spill_days` says how many days after its newest input day a table may still get rows (a trip that ended at 23:58
    becomes final on the next day, also where no telemetry follows). `outside` names the days of a table that is made of
    something outside the lake; a sensor looks after such a table.
    """

    table: Table
    compute: Compute
    reads: tuple[Table, ...]
    code_version: str
    sources: Sources
    spill_days: int = 0
    is_on_demand: bool = False
    outside: OutsideDays | None = None
    own_day: tuple[Table, ...] = ()
    earlier_sources: Sources | None = None

    def look_back(self, table: Table) -> timedelta:
        """How far before its own day a partition reads this input."""
        return timedelta(0) if table in self.own_day else self.table.look_back

    def fingerprint(self, places: Places, day: date) -> str:
        """Names the exact inputs and code of one partition; equal fingerprints mean an equal result."""
        return self._fingerprint(places, day, self.sources)

    def _fingerprint(self, places: Places, day: date, sources: Sources) -> str:
        facts: list[Any] = [self.table.name, self.code_version, *sources(places, day)]
        for table in self.reads:
            for input_day in self.input_days(table, day):
                content = self._content(places.lake.record(table, input_day), table, is_own=input_day in (day, None))
                if content:
                    facts.append([table.name, str(input_day), content])
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def is_current(self, places: Places, day: date, record: PartitionRecord | None) -> bool:
        """Whether a stored partition is what it would become now: same inputs and code, and nothing of it is due."""
        if record is None or not self.is_made_of(places, day, record):
            return False
        due_at = record.notes.get(DUE_AT)
        return due_at is None or datetime.fromisoformat(str(due_at)) > datetime.now(UTC)

    def is_made_of(self, places: Places, day: date, record: PartitionRecord) -> bool:
        """Whether a record names the inputs and code that there are now, in the words of this version or an earlier."""
        if record.inputs == self.fingerprint(places, day):
            return True
        earlier = self.earlier_sources
        return earlier is not None and record.inputs == self._fingerprint(places, day, earlier)

    def mark(self, places: Places, day: date) -> str:
        """Names one state of being stale: two requests for the same one are one."""
        record = places.lake.record(self.table, day)
        due_at = record.notes.get(DUE_AT, "") if record else ""
        return f"{self.fingerprint(places, day)}{due_at}"

    def _content(self, record: PartitionRecord | None, table: Table, *, is_own: bool) -> str:
        """Names what one partition reads of another; nothing where it finds no rows, stored or not."""
        if record is None or (table.partition_by is not None and not record.row_count):
            return ""
        return record.content if is_own or self.look_back(table) > table.tail else record.tail

    def input_days(self, table: Table, day: date) -> list[date | None]:
        """The partitions of one input that one day reads; [None] for a table without days."""
        if table.partition_by is None:
            return [None]
        return [day - timedelta(days=back) for back in range(reach_days(self.look_back(table)), -1, -1)]


DAY_TABLES: dict[str, DayTable] = {}
"""Every day-partitioned table by name; `fleet build` plans with it."""


@dataclass(frozen=True)
class SelectedDays:
    """What an asset hands to the IO manager: how to compute each selected day, and whether current ones may be kept."""

    maker: DayTable
    days: list[date]
    only_stale: bool

    @property
    def table(self) -> Table:
        return self.maker.table

    def store(self, places: Places) -> Iterator[StoredDay]:
        """Compute and store the days in order, each as one file replaced in one step.

        A day that fails holds up no other: what each failed with is raised at the end, in one DataError.
        """
        failed: dict[date, Exception] = {}
        for day in self.days:
            try:
                with places.lake.alone_with(self.table, day):
                    stored = self._store(places, day)
            except Exception as error:  # noqa: BLE001 - raised below
                failed[day] = error
            else:
                yield stored
        _raise(failed)

    def _store(self, places: Places, day: date) -> StoredDay:
        began = time.perf_counter()
        inputs = self.maker.fingerprint(places, day)
        record = places.lake.record(self.table, day)
        if self.only_stale and record is not None and self.maker.is_current(places, day, record):
            return StoredDay(day, record)
        result = self.maker.compute(Day(day, self.maker, places))
        noted = result if isinstance(result, Noted) else Noted(result)
        frame, due = _final_by_now(self.table, self.table.conform(noted.frame).collect())
        places.findings.owe(self.table, day, RULES_OF.get(self.table.name, ()))
        written = places.lake.write(self.table, day, frame, inputs, **noted.notes, **due)
        return StoredDay(day, written.record, written, frame, time.perf_counter() - began)


def _final_by_now(table: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """The events that are final by now, and when the next of the others will be.

    A trip that is under way ends, for all that is known, when the silence after its last row has lasted long enough:
    until then a row may come that makes it longer. So it is not published, and its day is stale from that moment on.
    """
    if table.partition_by != "closed_at":
        return frame, {}
    is_final = pl.col("closed_at") <= datetime.now(UTC)
    later = frame.filter(~is_final)["closed_at"].min()
    if later is None:
        return frame, {}
    assert isinstance(later, datetime)
    return frame.filter(is_final), {DUE_AT: later.isoformat()}


def _raise(failed: dict[date, Exception]) -> None:
    if failed:
        said = joined([f"{day}: {error}" for day, error in failed.items()])
        raise DataError(said) from next(iter(failed.values()))


def _nothing_outside(_places: Places, _day: date) -> Iterable[str]:
    return ()


def day_asset(
    table: Table,
    *,
    reads: Sequence[Table | OwnDay],
    group: str,
    sources: Sources = _nothing_outside,
    spill_days: int = 0,
    on_demand: bool = False,
    upstream: Sequence[str] = (),
    outside: OutsideDays | None = None,
    earlier_sources: Sources | None = None,
) -> Callable[[Compute], dg.AssetsDefinition]:
    """Make a partitioned asset of `compute(day) -> rows of that day's partition`.

    `sources` names what is read outside the lake (landed files), so that a change there makes the day stale;
    `on_demand` tables are not followed by automation; `outside` says which days there are of what is read there;
    `earlier_sources` is what an earlier version called the same, whose records stay good.
    """

    def decorate(compute: Compute) -> dg.AssetsDefinition:
        version = code_version(compute.__module__)
        inputs = tuple(read.table if isinstance(read, OwnDay) else read for read in reads)
        own_day = tuple(read.table for read in reads if isinstance(read, OwnDay))
        maker = DayTable(
            table, compute, inputs, version, sources, spill_days, on_demand, outside, own_day, earlier_sources
        )  # fmt: skip
        DAY_TABLES[table.name] = maker

        @dg.asset(
            name=table.name,
            description=f"{table.row}\n\n{(compute.__doc__ or '').strip()}",
            deps=[*upstream, *(_dependency(maker, read) for read in inputs)],
            partitions_def=DAYS,
            backfill_policy=dg.BackfillPolicy.single_run(),
            io_manager_key="lake_io",
            code_version=version,
            automation_condition=policies.follow_inputs() if reads and not on_demand else None,
            **policies.common(table, group),
        )
        def materialise(context: dg.AssetExecutionContext, places: PlacesResource) -> dg.Output[SelectedDays]:
            days = selected_days(context)
            for name in upstream:
                for day in days:
                    # What lies outside Dagster shows in its graph what was there when it was read.
                    facts = {"files": len(list(sources(places.get(), day)))}
                    event = dg.AssetMaterialization(name, partition=day.isoformat(), metadata=facts)
                    context.log_event(event)
            only_stale = context.run.tags.get(ONLY_STALE_TAG) == "true"
            return dg.Output(SelectedDays(maker, days, only_stale), metadata=TELLS_ITS_OWN_EVENTS)

        return cast(dg.AssetsDefinition, materialise)

    return decorate


def _dependency(maker: DayTable, read: Table) -> dg.AssetDep:
    if read.partition_by is None:
        return dg.AssetDep(read.name)
    return dg.AssetDep(read.name, partition_mapping=reaching_back(maker.look_back(read)))
