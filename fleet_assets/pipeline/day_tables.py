"""Day tables: what one day of a table is made of, declared once, and the one way to make it.

Belongs here: the declaration (inputs, settings, what lies outside the lake), the fingerprint of a day's inputs, and the
computing of a day from exactly what is declared. Does not belong here: any particular table (`tables`), which days are
stale (`plan`).
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from fleet_assets.adapters.lake import PartitionRecord
from fleet_assets.contracts import OwnDay, Read, Rows, Table
from fleet_assets.contracts.schema import whole_days
from fleet_assets.contracts.source import resolved
from fleet_assets.core.window import Window
from fleet_assets.installation import Installation
from fleet_assets.pipeline.code_versions import table_version
from fleet_assets.pipeline.days import midnight
from fleet_assets.pipeline.former_versions import former_fingerprint, in_present_words
from fleet_assets.pipeline.parts import PARTS, Compute, Part, by_name, read_columns, table_of, without_repeats
from fleet_assets.pipeline.reference_reads import PENDING, VALID_FROM, ReferenceRows, stored_reference

DUE_AT = "due_at"
"""Note of a partition of events: when the first of those becomes final that it does not hold yet."""

REFERENCE = "reference"
"""Note of a partition: per reference table its content when the day was made, and what names the rows that it read."""

SINCE = "since"
"""Note of a partition: the earliest instant that its rows tell of; what was valid only before it decides none."""

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

TABLE = "table"
"""Parameter that receives the declared table: one function makes the days of several."""

RULES = "rules"
"""Parameter that receives the declared rules, made by `DayTable.rules` when they are asked for: the same day under
other rules is the same table with others declared."""


class Days(NamedTuple):
    """What is computed in one call: from the first day to the last, one by one or, for a question, as a whole."""

    first: date
    last: date
    is_whole: bool = False


ReferenceSeen = dict[str, tuple[str, str]]
"""Per reference table its content, and what names the rows of it that a day reads."""


@dataclass(frozen=True)
class Noted:
    """A result with what a person should know of it (counts of nulled values, of undecoded frames, ...)."""

    frame: pl.LazyFrame
    notes: dict[str, Any] = field(default_factory=dict)


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


@dataclass(frozen=True)
class DayTable:
    """How the days of one table are made. `compute` gets what its parameters name: inputs by the name of their table,
    settings by theirs, `window`, `table`, `rules`, and what lies outside; nothing else is within its reach. Where a
    table is made of `parts`, these have the inputs and settings, and `compute` gets what they gave."""

    table: Table
    compute: Compute
    reads: tuple[Read, ...]
    settings: tuple[str, ...] = ()
    group: str = ""
    is_on_demand: bool = False
    outside: Outside | None = None
    upstream: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    rules: Callable[[], Any] | None = None
    days_of: tuple[Table, ...] = ()
    learns: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        known = {
            WINDOW,
            TABLE,
            *([] if self.rules is None else [RULES]),
            *self.settings,
            *(table.name for table in self.inputs),
        }
        known |= ({self.outside.name} if self.outside else set()) | ({PARTS} if self.parts else set())
        undeclared = [name for name in self.parameters if name not in known]
        undeclared += [name for part in self.parts for name in part.undeclared({WINDOW, TABLE})]
        if undeclared:
            raise TypeError(f"{self.table.name}: {', '.join(undeclared)} is read and not declared")

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.compute).parameters)

    @cached_property
    def inputs(self) -> tuple[Table, ...]:
        return tuple(table_of(read) for read in self.reads)

    @cached_property
    def code_version(self) -> str:
        """Names the code, the rules and the schemas that decide rows of any day."""
        return self._version_with(self.parts)

    @cached_property
    def _own_version(self) -> str:
        return table_version(self.compute, self.table, () if self.parts else read_columns(self.reads))

    def _version_with(self, parts: Sequence[Part]) -> str:
        """The version of a day to which these parts give rows: the code of a part without rows decides nothing."""
        if not self.parts:
            return self._own_version
        return _short_hash([self._own_version, *(part.version(self.table) for part in parts)])[:12]

    def look_back(self, table: Table) -> timedelta:
        """How far before its own day a partition reads this input."""
        return timedelta(0) if table.name in self._own_days else self.table.look_back

    @cached_property
    def leading(self) -> tuple[Table, ...]:
        """The inputs whose days are days of this table: those it declares, else all but what is read of its own day
        alone, which makes no rows by itself."""
        return self.days_of or tuple(table for table in self.inputs if table.name not in self._own_days) or self.inputs

    @cached_property
    def is_dated(self) -> bool:
        """Whether an input has rows that say from when they are valid."""
        return any(isinstance(read, Rows) and VALID_FROM in read.columns for read in self.reads)

    @cached_property
    def _own_days(self) -> frozenset[str]:
        return frozenset(read.table.name for read in self.reads if isinstance(read, OwnDay))

    def window(self, days: Days) -> Window:
        """The days, and the look-back before them."""
        start, end = midnight(days.first), midnight(days.last) + timedelta(days=1)
        return Window(start - self.table.look_back, start, end, is_whole=days.is_whole)

    def made(self, installation: Installation, day: date) -> Noted:
        """One day, computed from its declared inputs."""
        return self.made_of(installation, Days(day, day))

    def made_of(self, installation: Installation, days: Days) -> Noted:
        """Some days, computed from the declared inputs; what lies outside the lake is that of the first."""
        given = {name: self._argument(installation, days, name) for name in self.parameters}
        result = self.compute(**given)
        return result if isinstance(result, Noted) else Noted(result)

    def _argument(self, installation: Installation, days: Days, name: str) -> Any:
        if name == PARTS:
            return [self._made_part(installation, days, part) for part in self.parts]
        if self.outside is not None and name == self.outside.name:
            return self.outside.read(installation, days.first)
        return self._given(installation, days, name, by_name(self.reads), self.settings)

    def _made_part(self, installation: Installation, days: Days, part: Part) -> Any:
        given = {name: self._given(installation, days, name, part.named, part.settings) for name in part.asked}
        return resolved(part.compute)(**given, **part.given)

    def _given(
        self, installation: Installation, days: Days, name: str, named: Mapping[str, Read], settings: Sequence[str]
    ) -> Any:
        if name == WINDOW:
            return self.window(days)
        if name == TABLE:
            return self.table
        if name == RULES and self.rules is not None:
            return self.rules()
        if name in settings:
            return getattr(installation.settings, name)
        return self._rows(installation, days, named[name])

    def _rows(self, installation: Installation, days: Days, read: Read) -> pl.LazyFrame:
        """The rows of an input: the window of a day table, of a reference table what is declared of it."""
        if isinstance(read, Rows):
            return read.of(installation.lake.scan(read.table))
        table = read.table if isinstance(read, OwnDay) else read
        if table.partition_by is None:
            return installation.lake.scan(table)
        window = self.window(days)
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
        return self.words(installation, day, self.reference_seen(installation, day, stored, reference))

    def words(self, installation: Installation, day: date, seen: ReferenceSeen) -> str:
        """The fingerprint of one partition with what names the reference rows that it reads."""
        data = self._data_facts(installation, day)
        facts: dict[str, list[Any]] = {
            "settings": [f"{name}={getattr(installation.settings, name)}" for name in self.settings],
            "outside": list(self.outside.facts(installation, day)) if self.outside else [],
            "data": data,
        }
        words = [f"{kind}:{_short_hash(found)}" for kind, found in facts.items() if found]
        filled = {name for name, _, _ in data}
        code = self._version_with([part for part in self.parts if part.has_rows_in(filled)])
        return with_reference(" ".join([f"code:{code}", *words]), seen)

    def _data_facts(self, installation: Installation, day: date) -> list[list[str]]:
        """The content of every partition that one day reads, and of the tables that it reads whole."""
        reads = zip(self.reads, self.inputs, strict=True)
        return [fact for read, table in reads if not isinstance(read, Rows)
                for fact in self.contents_read(installation, day, table)]  # fmt: skip

    def contents_read(self, installation: Installation, day: date, table: Table) -> list[list[str]]:
        """Name, day and content of the partitions of one input that one day reads, those without rows left out; of
        another day than its own the content of its tail, where no more of it is read."""
        named = installation.lake.generation(table).named
        is_whole = self.look_back(table) > table.tail
        found = [(one, named[one]) for one in self.input_days(table, day) if one in named]
        contents = [(one, content if is_whole or one in (day, None) else tail) for one, (content, tail) in found]
        return [[table.name, str(one), content] for one, content in contents if content]

    def reference_seen(
        self,
        installation: Installation,
        day: date,
        stored: PartitionRecord | None = None,
        reference: ReferenceRows | None = None,
    ) -> ReferenceSeen:
        """Per reference table its content now, and what names the rows of it that one day reads.

        Of a stored day these are the rows that were valid at some instant since the earliest that its own rows tell of.
        """
        since = datetime.fromisoformat(str(stored.notes[SINCE])) if stored and SINCE in stored.notes else None
        return self.reference_since(installation, day, since, stored, reference)

    def reference_since(
        self,
        installation: Installation,
        day: date,
        since: datetime | None,
        stored: PartitionRecord | None = None,
        reference: ReferenceRows | None = None,
    ) -> ReferenceSeen:
        """The same of a day whose rows tell of nothing before `since`; of any that it may have where that is None."""
        reference = reference or stored_reference(installation.lake)
        known = (stored.notes.get(REFERENCE) if stored else None) or {}
        assert isinstance(known, dict)
        seen = {}
        for read in self.reads:
            if isinstance(read, Rows):
                content = reference.content(read.table)
                before, digest = known.get(read.table.name, ("", ""))
                # Of the same inputs and the same reference table a day reads the same rows.
                is_same = before == content
                seen[read.table.name] = (content, digest if is_same else self._digest(day, read, reference, since))
        return seen

    def _digest(self, day: date, read: Rows, reference: ReferenceRows, since: datetime | None) -> str:
        since, until = since or midnight(day) - self.table.reach, midnight(day) + timedelta(days=1)
        data = [(t, d) for t in self.inputs if t.partition_by for d in self.input_days(t, day) if d is not None]
        return reference.digest(read, data, since, until)

    def is_made_of(
        self, installation: Installation, day: date, record: PartitionRecord, reference: ReferenceRows | None = None
    ) -> bool:
        """Whether a record names the inputs and code that there are now, in the words of this release or the last."""
        present = self.fingerprint(installation, day, record, reference)
        if in_present_words(self.table.name, record.inputs, present) == present:
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
            present = self.fingerprint(installation, day, record, reference)
            noted = in_present_words(self.table.name, record.inputs, present)
            moved = {*present.split()} ^ {*noted.split()}
            return tuple(words for kind, words in KINDS.items() if any(one.startswith(kind) for one in moved))
        due_at = record.notes.get(DUE_AT)
        is_due = due_at is not None and datetime.fromisoformat(str(due_at)) <= datetime.now(UTC)
        return ("events became final",) if is_due else ()

    def mark(self, installation: Installation, day: date) -> str:
        """Names one state of being stale: two requests for the same one are one."""
        record = installation.lake.record(self.table, day)
        due_at = record.notes.get(DUE_AT, "") if record else ""
        return f"{self.fingerprint(installation, day, record)}{due_at}"

    def input_days(self, table: Table, day: date) -> list[date | None]:
        """The partitions of one input that one day reads; [None] for a table without days."""
        if table.partition_by is None:
            return [None]
        return [day - timedelta(days=back) for back in range(whole_days(self.look_back(table)), -1, -1)]


def with_reference(inputs: str, seen: ReferenceSeen) -> str:
    """A fingerprint with these reference rows in the place of those that it names."""
    others = [word for word in inputs.split() if not word.startswith("reference:")]
    facts = [[name, digest] for name, (_, digest) in seen.items()]
    return " ".join([*others, *([f"reference:{_short_hash(facts)}"] if facts else [])])


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
    parts: Sequence[Part] = (),
    rules: Callable[[], Any] | None = None,
    days_of: Sequence[Table] = (),
    learns: timedelta = timedelta(0),
) -> Callable[[Compute], DayTable]:
    """Declare `compute` as what makes one day of a table: see `DayTable`. `upstream` names the assets that stand for
    what lies outside; `on_demand` tables are not followed by automation; `days_of` are the inputs whose days are days
    of this table, where the others give no rows by themselves; `learns` is how far back a day learns from rows."""
    every = without_repeats([*reads, *(read for part in parts for read in part.reads)])
    stated = dict.fromkeys([*settings, *(name for part in parts for name in part.settings)])

    def declare(compute: Compute) -> DayTable:
        return DayTable(
            table, compute, every, tuple(stated), group, on_demand, outside, tuple(upstream), tuple(parts), rules,
            tuple(days_of), learns,
        )  # fmt: skip

    return declare
