"""Parts of a day table: what each source adds to it, with inputs and settings of its own.

A table that several sources fill is made of parts, so that a source's code counts for the days that have its rows, and
for no other: neither another source nor a corrected mapping makes the rest of history stale.

Belongs here: what a part is given, and its version. Does not belong here: putting parts together (the tables in
`tables`), computing a day (`day_tables`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fleet_assets.contracts import Read, Reduction, Rows, Table
from fleet_assets.contracts.source import Code
from fleet_assets.pipeline.code_versions import parameters_of, table_version

Compute = Callable[..., Any]

PARTS = "parts"
"""Parameter of a table's function that receives what its parts gave, in order."""

ROWS = "rows"
"""Parameter of a part's function that receives its first input, whatever that is called."""


@dataclass(frozen=True)
class Part:
    """What one source adds: `compute` gets what its parameters name, as that of a day table, and `given` besides. It is
    loaded where a day is made: a plan needs to know what it reads and which code it is."""

    compute: Code
    reads: tuple[Read, ...]
    settings: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str, reduction: Reduction) -> Part:
        """A declared reduction as a part; `source` is handed over where it is asked for."""
        given = {"source": source} if "source" in parameters_of(reduction.compute) else {}
        return cls(reduction.compute, reduction.reads, reduction.settings, given)

    @cached_property
    def asked(self) -> tuple[str, ...]:
        """The parameters that are read for each day."""
        return tuple(name for name in parameters_of(self.compute) if name not in self.given)

    @cached_property
    def named(self) -> dict[str, Read]:
        """Its inputs by the names under which its function may ask for them."""
        return {ROWS: self.reads[0], **by_name(self.reads)}

    def undeclared(self, known: Collection[str]) -> list[str]:
        """Parameters that nothing declares."""
        return [name for name in self.asked if name not in {*known, *self.settings, *self.named}]

    def version(self, table: Table) -> str:
        """Names the code and the schemas that decide its rows of the table."""
        given = "".join(f" {name}={value!r}" for name, value in sorted(self.given.items()))
        return table_version(self.compute, table, read_columns(self.reads)) + given

    def has_rows_in(self, filled: Collection[str]) -> bool:
        """Whether one of its day tables is among those that hold rows."""
        return any(table.name in filled for table in map(table_of, self.reads) if table.partition_by is not None)


def table_of(read: Read) -> Table:
    """The table that an input reads."""
    return read if isinstance(read, Table) else read.table


def by_name(reads: Sequence[Read]) -> dict[str, Read]:
    """Inputs by the names of their tables."""
    return {table_of(read).name: read for read in reads}


def read_columns(reads: Sequence[Read]) -> list[tuple[Table, tuple[str, ...]]]:
    """Tables, and the columns of each that are read."""
    return [
        (table_of(read), read.columns if isinstance(read, Rows) else tuple(table_of(read).schema)) for read in reads
    ]


def without_repeats(reads: Sequence[Read]) -> tuple[Read, ...]:
    """Every input once; where parts read different columns of a reference table, all of these."""
    found: dict[tuple[str, type], Read] = {}
    for read in reads:
        before = found.setdefault((table_of(read).name, type(read)), read)
        if isinstance(read, Rows) and isinstance(before, Rows) and read != before:
            both = dict.fromkeys((*before.columns, *read.columns))
            found[read.table.name, Rows] = Rows(read.table, tuple(both))
    return tuple(found.values())
