"""Day tables: what one day of a table is made of, declared once, and the one way to make it.

Belongs here: the declaration (inputs, settings, what lies outside the lake), the fingerprint of a day's inputs, and the
computing of a day from exactly what is declared. Does not belong here: any particular table (`tables`), which days are
stale (`plan`).
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from fleet_assets.adapters.lake import PartitionRecord
from fleet_assets.contracts import Table
from fleet_assets.contracts.schema import whole_days
from fleet_assets.core.window import Window
from fleet_assets.installation import Installation
from fleet_assets.pipeline.code_versions import table_version
from fleet_assets.pipeline.days import midnight
from fleet_assets.pipeline.former_versions import former_fingerprint
from fleet_assets.pipeline.reference_reads import PENDING, ReferenceRows, Rows, stored_reference

DUE_AT = "due_at"
"""Note of a partition of events: when the first of those becomes final that it does not hold yet."""

REFERENCE = "reference"
"""Note of a partition: per reference table its content when the day was made, and what names the rows that it read."""

SECONDS = "seconds"
"""Note of a partition: how long its day took to compute [s]."""

KINDS = {
    "code:": "code or rules",
    "settings:": "settings",
    "outside:": "what landed",
    "data:": "inputs",
    "reference:": "reference rows",
}
"""The kinds of what a partition is made of, as its fingerprint and as people call them."""

WINDOW = "window"
"""Parameter that receives the `Window` of the day: its look-back, its start, its end."""


@dataclass(frozen=True)
class Noted:
    """A result with what a person should know of it (counts of nulled values, of undecoded frames, ...)."""

    frame: pl.LazyFrame
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnDay:
    """An input of which a partition reads its own day alone, however far the table looks back into others."""

    table: Table


@dataclass(frozen=True)
class Outside:
    """What a table is made of that lies outside the lake: the days there are of it, what names those of one day, and
    the reading of one day. `name` is the parameter that receives it; `former_facts` are the names of the release before
    (`former_versions`)."""

    name: str
    days: Callable[[Installation], Iterable[date]]
    facts: Callable[[Installation, date], Iterable[str]]
    former_facts: Callable[[Installation, date], Iterable[str]]
    read: Callable[[Installation, date], Any]


Read = Table | OwnDay | Rows
Compute = Callable[..., "pl.LazyFrame | Noted"]


@dataclass(frozen=True)
class DayTable:
    """How the days of one table are made. `compute` gets what its parameters name: inputs by the name of their table,
    settings by theirs, `window`, and what lies outside; nothing else is within its reach."""

    table: Table
    compute: Compute
    reads: tuple[Read, ...]
    settings: tuple[str, ...] = ()
    group: str = ""
    is_on_demand: bool = False
    outside: Outside | None = None
    upstream: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = {WINDOW, *self.settings, *(table.name for table in self.inputs)}
        known |= {self.outside.name} if self.outside else set()
        undeclared = [name for name in self.parameters if name not in known]
        if undeclared:
            raise TypeError(f"{self.table.name}: {', '.join(undeclared)} is read and not declared")

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.compute).parameters)

    @cached_property
    def inputs(self) -> tuple[Table, ...]:
        return tuple(read if isinstance(read, Table) else read.table for read in self.reads)

    @cached_property
    def code_version(self) -> str:
        """Names the code, the rules and the schemas that decide a day's rows."""
        read = [(read.table, read.columns) if isinstance(read, Rows) else (table, tuple(table.schema))
                for read, table in zip(self.reads, self.inputs, strict=True)]  # fmt: skip
        return table_version(self.compute, self.table, read)

    def look_back(self, table: Table) -> timedelta:
        """How far before its own day a partition reads this input."""
        is_own = any(isinstance(read, OwnDay) and read.table == table for read in self.reads)
        return timedelta(0) if is_own else self.table.look_back

    def window(self, day: date) -> Window:
        """The day, and the look-back before it."""
        start = midnight(day)
        return Window(start=start - self.table.look_back, day_start=start, day_end=start + timedelta(days=1))

    def made(self, installation: Installation, day: date) -> Noted:
        """One day, computed from its declared inputs."""
        given = {name: self._argument(installation, day, name) for name in self.parameters}
        result = self.compute(**given)
        return result if isinstance(result, Noted) else Noted(result)

    def _argument(self, installation: Installation, day: date, name: str) -> Any:
        if name == WINDOW:
            return self.window(day)
        if self.outside is not None and name == self.outside.name:
            return self.outside.read(installation, day)
        if name in self.settings:
            return getattr(installation.settings, name)
        read = next(one for one, table in zip(self.reads, self.inputs, strict=True) if table.name == name)
        return self._rows(installation, day, read)

    def _rows(self, installation: Installation, day: date, read: Read) -> pl.LazyFrame:
        """The rows of an input: the window of a day table, of a reference table what is declared of it."""
        if isinstance(read, Rows):
            return read.of(installation.lake.scan(read.table))
        table = read.table if isinstance(read, OwnDay) else read
        if table.partition_by is None:
            return installation.lake.scan(table)
        window = self.window(day)
        return installation.lake.window(table, window.day_start - self.look_back(table), window.day_end)

    def fingerprint(
        self,
        installation: Installation,
        day: date,
        stored: PartitionRecord | None = None,
        reference: ReferenceRows | None = None,
    ) -> str:
        """Names the exact inputs and code of one partition; equal fingerprints mean an equal result.

        A word for each kind of input, so that a record says which of them moved. `stored` saves looking for the
        vehicles of a day whose reference tables are those it was made from; `reference` are other
        reference tables than the stored ones.
        """
        seen = self.reference_seen(installation, day, stored, reference)
        facts: dict[str, list[Any]] = {
            "settings": [f"{name}={getattr(installation.settings, name)}" for name in self.settings],
            "outside": list(self.outside.facts(installation, day)) if self.outside else [],
            "data": self._data_facts(installation, day),
            "reference": [[name, digest] for name, (_, digest) in seen.items()],
        }
        words = [f"{kind}:{_short_hash(found)}" for kind, found in facts.items() if found]
        return " ".join([f"code:{self.code_version}", *words])

    def _data_facts(self, installation: Installation, day: date) -> list[list[str]]:
        """The content of every partition that one day reads, and of the tables that it reads whole."""
        reads = zip(self.reads, self.inputs, strict=True)
        return [fact for read, table in reads if not isinstance(read, Rows)
                for fact in self.contents_read(installation, day, table)]  # fmt: skip

    def contents_read(self, installation: Installation, day: date, table: Table) -> list[list[str]]:
        """Name, day and content of the partitions of one input that one day reads, those without rows left out."""
        generation = installation.lake.generation(table)
        records = [(one, generation.record(one)) for one in self.input_days(table, day)]
        contents = [(one, self._content(record, table, is_own=one in (day, None))) for one, record in records]
        return [[table.name, str(one), content] for one, content in contents if content]

    def reference_seen(
        self,
        installation: Installation,
        day: date,
        stored: PartitionRecord | None = None,
        reference: ReferenceRows | None = None,
    ) -> dict[str, tuple[str, str]]:
        """Per reference table its content now, and what names the rows of it that one day reads."""
        reference = reference or stored_reference(installation.lake)
        known = (stored.notes.get(REFERENCE) if stored else None) or {}
        assert isinstance(known, dict)
        seen = {}
        for read in self.reads:
            if isinstance(read, Rows):
                content = reference.content(read.table)
                before, digest = known.get(read.table.name, ("", ""))
                # Of the same inputs and the same reference table a day reads the same rows.
                seen[read.table.name] = (content, digest if before == content else self._digest(day, read, reference))
        return seen

    def _digest(self, day: date, read: Rows, reference: ReferenceRows) -> str:
        since, until = midnight(day) - self.table.reach, midnight(day) + timedelta(days=1)
        data = [(t, d) for t in self.inputs if t.partition_by for d in self.input_days(t, day) if d is not None]
        return reference.digest(read, data, since, until)

    def is_made_of(
        self, installation: Installation, day: date, record: PartitionRecord, reference: ReferenceRows | None = None
    ) -> bool:
        """Whether a record names the inputs and code that there are now, in the words of this release or the last."""
        if record.inputs == self.fingerprint(installation, day, record, reference):
            return True
        # The last release named reference tables whole: it says nothing of rows that are not stored yet.
        is_pending = reference is not None and any(reference.content(table) == PENDING for table in self.inputs)
        return not is_pending and record.inputs == former_fingerprint(self, installation, day)

    def is_current(self, installation: Installation, day: date, record: PartitionRecord | None) -> bool:
        """Whether a stored partition is what it would become now: same inputs and code, and nothing of it is due."""
        return not self.why_stale(installation, day, record)

    def why_stale(
        self,
        installation: Installation,
        day: date,
        record: PartitionRecord | None,
        reference: ReferenceRows | None = None,
    ) -> tuple[str, ...]:
        """Which kinds of inputs of a stored partition moved (`KINDS`), in words; none where it is current."""
        if record is None:
            return ("new",)
        if not self.is_made_of(installation, day, record, reference):
            moved = {*self.fingerprint(installation, day, record, reference).split()} ^ {*record.inputs.split()}
            return tuple(words for kind, words in KINDS.items() if any(one.startswith(kind) for one in moved))
        due_at = record.notes.get(DUE_AT)
        is_due = due_at is not None and datetime.fromisoformat(str(due_at)) <= datetime.now(UTC)
        return ("events became final",) if is_due else ()

    def mark(self, installation: Installation, day: date) -> str:
        """Names one state of being stale: two requests for the same one are one."""
        record = installation.lake.record(self.table, day)
        due_at = record.notes.get(DUE_AT, "") if record else ""
        return f"{self.fingerprint(installation, day, record)}{due_at}"

    def _content(self, record: PartitionRecord | None, table: Table, *, is_own: bool) -> str:
        """Names what one partition reads of another; nothing where it finds no rows, stored or not."""
        if record is None or (table.partition_by is not None and not record.row_count):
            return ""
        return record.content if is_own or self.look_back(table) > table.tail else record.tail

    def input_days(self, table: Table, day: date) -> list[date | None]:
        """The partitions of one input that one day reads; [None] for a table without days."""
        if table.partition_by is None:
            return [None]
        return [day - timedelta(days=back) for back in range(whole_days(self.look_back(table)), -1, -1)]


def _short_hash(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def day_table(
    table: Table,
    *,
    reads: Sequence[Read] = (),
    settings: Sequence[str] = (),
    group: str,
    outside: Outside | None = None,
    upstream: Sequence[str] = (),
    on_demand: bool = False,
) -> Callable[[Compute], DayTable]:
    """Declare `compute` as what makes one day of a table: see `DayTable`. `upstream` names the assets that stand for
    what lies outside; `on_demand` tables are not followed by automation."""

    def declare(compute: Compute) -> DayTable:
        return DayTable(
            table, compute, tuple(reads), tuple(settings), group, on_demand, outside, tuple(upstream)
        )  # fmt: skip

    return declare
