"""What a source is: where its rows land, how its files are read, what becomes of its rows. Declared once a source.

Belongs here: the vocabulary in which sources are declared. Does not belong here: the sources (`fleet_assets.sources`,
or packages of others), which of them an installation has (`registry`), and any code that reads or computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import polars as pl

from fleet_assets.contracts.schema import Table

Code = Callable[..., Any] | str
"""A function, or `module:name` of one: a declaration is loaded to know a table's name, what decodes its rows is not."""

USUALLY_SILENT = timedelta(hours=72)
"""Friday 18:00 to Monday 8:00 are 62 h: a fleet that rests over a weekend is as new as usual."""


def resolved(code: Any) -> Any:
    """What `module:name` names; anything else as it is."""
    if not isinstance(code, str):
        return code
    module, _, name = code.partition(":")
    return getattr(import_module(module), name)


@dataclass(frozen=True)
class RawTable:
    """A table whose rows are kept as they came: what lands in one folder of the landing zone, once each.

    `folder` is also the name by which its rows are counted and set aside. `says` tells what landed, `unit` is what rows
    are called. Rows are expected again within `silent_after` of the newest, whatever is usual; landed files may go
    `keep_days` after they came, where the source does not leave that to FLEET_LANDING_KEEP_DAYS.
    """

    table: Table
    folder: str
    says: str
    unit: str = "rows"
    silent_after: timedelta = USUALLY_SILENT
    keep_days: int | None = None

    @property
    def instant(self) -> str:
        """The column whose UTC day is the folder of a row."""
        assert self.table.partition_by is not None
        return self.table.partition_by

    @property
    def has_buses(self) -> bool:
        """Whether two recordings of a vehicle may be of one bus."""
        return "bus" in self.table.schema


@dataclass(frozen=True)
class FileReader:
    """How dropped files become rows: `read(path, options)` yields `adapters.chunks.Chunk`s, raises FileRejected for a
    file that is none of its kind. `endings` are those of its files' names, `says` names them in a person's words."""

    endings: tuple[str, ...]
    read: Callable[..., Any]
    says: str


@dataclass(frozen=True)
class Rows:
    """An input without days of which some columns are read. Where it names vehicles, a day reads the rows of those
    whose data it holds; where it says from when, the rows that were valid then; where `kinds` are given, the rows of
    these kinds."""

    table: Table
    columns: tuple[str, ...]
    kinds: tuple[str, ...] = ()

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """What a day's function receives: another column, or a row of another kind, cannot be read."""
        chosen = rows.filter(pl.col("kind").is_in(self.kinds)) if self.kinds else rows
        return chosen.select(self.columns)


@dataclass(frozen=True)
class OwnDay:
    """An input of which a partition reads its own day alone, however far the table looks back into others."""

    table: Table


Read = Table | OwnDay | Rows


@dataclass(frozen=True)
class Reduction:
    """What one source adds to a table that several sources fill. `compute` is pure; it receives what its parameters
    name, each an input, a setting, `window` or `source`, and returns rows of `to`, or `sources.reduced.Reduced`. Of no
    rows it must make none."""

    to: Table
    compute: Code
    reads: tuple[Read, ...]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One kind of data from outside. `reader` is a FileReader, or names one; without it nothing is imported by hand.

    `retries` names, or is, a mapping from reasons for which rows are set aside to functions that try such rows again
    (`collector.quarantine_retry`). Whole files, and rows that were out of bounds by time, need none.
    """

    name: str
    raw: tuple[RawTable, ...]
    reductions: tuple[Reduction, ...] = ()
    reader: FileReader | str | None = None
    retries: Any = None

    @property
    def files(self) -> FileReader | None:
        """Its reader of files, loaded."""
        found = resolved(self.reader)
        assert found is None or isinstance(found, FileReader)
        return found
