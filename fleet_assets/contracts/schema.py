"""What a table is: columns with type, unit, meaning and physical range; key, order and partition rule.

Belongs here: the vocabulary in which every table is declared, and the strict check of a frame against it.
Does not belong here: the tables themselves (one module per layer beside this one), repairing of data (`core`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import polars as pl

from fleet_assets.contracts.errors import ContractViolation

TIMESTAMP = pl.Datetime("us", "UTC")

ZONE_DAYS = 1
"""A local date is at most this far from the UTC date of the same instant: zones lie between UTC-12 and UTC+14."""

TYPES: dict[str, pl.DataType] = {
    "str": pl.String(),
    "f64": pl.Float64(),
    "i64": pl.Int64(),
    "u8": pl.UInt8(),
    "u32": pl.UInt32(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "ts": TIMESTAMP,
    "bin": pl.Binary(),
    "json": pl.String(),
    "list[str]": pl.List(pl.String()),
}


def whole_days(length: timedelta) -> int:
    """How many days a length of time reaches into, counted from a midnight."""
    return -(-length // timedelta(days=1))


@dataclass(frozen=True)
class Column:
    """One column: `kind` is a name of `TYPES`; `low`/`high` bound what is physically possible (inclusive)."""

    name: str
    kind: str
    doc: str
    unit: str = ""
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()

    @property
    def dtype(self) -> pl.DataType:
        return TYPES[self.kind]

    @property
    def comment(self) -> str:
        """What it means, with its unit."""
        return f"{self.doc} [{self.unit}]" if self.unit else self.doc


@dataclass(frozen=True)
class Table:
    """One table: what a row means, its columns, its key, and the instant whose UTC day is its partition.

    `sort` is the stored row order (it makes equal content equal bytes); it starts from the key by default.
    `look_back` is how far before the start of its own day a partition reads its inputs. `tail` is how much of the end
    of a day is recorded apart, so that readers that look back no further see when only the rest of it changed.
    `longest` is how long before its partition's day an event may have begun: its look-back, if it says nothing else.
    `final_within` is how long after its newest input an event may become final. `is_local`: rows count on the local
    days of their vehicle that they touch, not on the UTC day that is their partition.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: str | None = None
    sort: tuple[str, ...] = ()
    look_back: timedelta = timedelta(0)
    tail: timedelta = timedelta(0)
    longest: timedelta | None = None
    final_within: timedelta = timedelta(0)
    is_local: bool = False

    @property
    def reach(self) -> timedelta:
        """How long before its partition's day an event may have begun."""
        return self.look_back if self.longest is None else self.longest

    @property
    def touches(self) -> tuple[int, int]:
        """How many days before and after its partition's own UTC day a row may count in sums by day."""
        return (whole_days(self.reach) + ZONE_DAYS, ZONE_DAYS) if self.is_local else (0, 0)

    @cached_property
    def schema(self) -> pl.Schema:
        return pl.Schema({column.name: column.dtype for column in self.columns})

    @cached_property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    @property
    def order(self) -> tuple[str, ...]:
        return self.sort or self.key

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")

    def empty(self) -> pl.DataFrame:
        """A frame without rows that satisfies this contract."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The frame with this table's columns in this table's order; columns it lacks are added as null.

        For producers that fill only a part of a wide table. Types must already be right: nothing is cast.
        Raises ContractViolation for a wrong type, an unknown column or a missing required column.
        """
        present = frame.collect_schema()
        problems = _column_problems(self, present)
        if problems:
            raise ContractViolation(self.name, problems)
        return frame.select(
            pl.col(c.name) if c.name in present else pl.lit(None, dtype=c.dtype).alias(c.name) for c in self.columns
        )


def check_frame(table: Table, frame: pl.DataFrame) -> None:
    """Raise ContractViolation unless the frame has the declared schema, no null where forbidden, and a unique key."""
    problems = _schema_problems(table, frame.schema)
    if not problems:
        problems = _null_problems(table, frame) + _key_problems(table, frame)
    if problems:
        raise ContractViolation(table.name, problems)


def _column_problems(table: Table, present: pl.Schema) -> list[str]:
    wrong = [
        f"column {name} is {dtype}, declared {table.schema[name]}"
        for name, dtype in present.items()
        if name in table.schema and dtype != table.schema[name]
    ]
    unknown = [f"column {name} is not part of the contract" for name in present if name not in table.schema]
    missing = [f"required column {name} is missing" for name in table.required if name not in present]
    return wrong + unknown + missing


def _schema_problems(table: Table, present: pl.Schema) -> list[str]:
    problems = _column_problems(table, present)
    problems += [f"column {name} is missing" for name in table.schema if name not in present]
    if not problems and list(present) != list(table.schema):
        problems.append("columns are not in the declared order")
    return problems


def _null_problems(table: Table, frame: pl.DataFrame) -> list[str]:
    if frame.is_empty() or not table.required:
        return []
    counts = frame.select(pl.col(table.required).null_count()).row(0, named=True)
    return [f"column {name} holds {count} nulls" for name, count in counts.items() if count]


def _key_problems(table: Table, frame: pl.DataFrame) -> list[str]:
    if not table.key or frame.height < 2:
        return []
    surplus = frame.height - frame.select(table.key).n_unique()
    return [f"key ({', '.join(table.key)}) repeats in {surplus} rows"] if surplus else []
