"""Rows of a frame as a table on the terminal: columns below their headings, or, of a row or two, each column a line.

Belongs here: which layout rows get, and what leads to the columns that are hidden. Does not belong here: the layouts
themselves (`grid`), how values read (`core.for_eyes`, `query` for programs).
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

import polars as pl

from fleet_assets.commands.grid import Grid, Heading, Kind
from fleet_assets.contracts.errors import UsageError
from fleet_assets.contracts.headlines import ranks
from fleet_assets.core.for_eyes import for_eyes
from fleet_assets.wording import counted, or_meant

UPRIGHT_ROWS = 2
"""Rows, at most, that are shown one column a line where their columns do not fit."""

HINT = "--wide shows all, --columns NAME,NAME chooses"

EMPTY = 4
"""The rank of a column that has no value in any row."""

FEW = 4
"""Columns up to which a long text runs over several lines, as in `describe`; among more it is cut."""

LONG = 24
"""Characters from which a text may be cut where there is no room; names of vehicles never are."""


def frame_lines(
    rows: pl.DataFrame, width: int, *, wide: bool = False, place: Mapping[str, int] | None = None
) -> list[str]:
    """The rows for a terminal of this width; `wide`: all columns, in lines as long as they need. `place`: how soon each
    column is left out, where its name does not say it (`headlines.ranks`)."""
    grid = _across(rows, place or ranks(rows.columns))
    if wide:
        return grid.lines()
    if 0 < rows.height <= UPRIGHT_ROWS and grid.hidden(width):
        return _upright(rows).lines(width)
    return grid.lines(width)


def chosen(rows: pl.DataFrame, wanted: str) -> pl.DataFrame:
    """The columns named, with commas between, in that order; `*` and `?` as in names of files. Raises UsageError for a
    name that no column has."""
    names: list[str] = []
    for asked in filter(None, (part.strip() for part in wanted.split(","))):
        found = [name for name in rows.columns if fnmatchcase(name.lower(), asked.lower())]
        if not found:
            listed = f"{', '.join(rows.columns)}{or_meant(asked, rows.columns)}"
            raise UsageError(f"--columns: no column is called {asked}; there are: {listed}")
        names += [name for name in found if name not in names]
    return rows.select(names) if names else rows


def _across(rows: pl.DataFrame, place: Mapping[str, int]) -> Grid:
    texts = for_eyes(rows)
    is_wide = rows.width > FEW
    grid = Grid(*(_heading(rows[name], texts[name], place[name], is_wide) for name in rows.columns), hint=HINT)
    for row in texts.iter_rows():
        grid.add(*row)
    return grid


def _heading(values: pl.Series, texts: pl.Series, rank: int, is_wide: bool) -> Heading:
    is_empty = values.len() > 0 and values.null_count() == values.len()
    return Heading(values.name, _kind(values.dtype, texts, rank, is_wide), EMPTY if is_empty and rank else rank)


def _kind(dtype: pl.DataType, texts: pl.Series, rank: int, is_wide: bool) -> Kind:
    if dtype.is_numeric() or isinstance(dtype, pl.Duration):
        return Kind.number
    if texts.str.contains("\n", literal=True).any():
        return Kind.lines
    longest = texts.str.len_chars().max()
    if not rank or not isinstance(longest, int) or longest <= LONG:
        return Kind.name
    return Kind.long if is_wide else Kind.prose


def _upright(rows: pl.DataFrame) -> Grid:
    """One line a column: its name and its values; those without any are named at the end."""
    texts = for_eyes(rows, to_the_second=True)
    told = [name for name in rows.columns if rows[name].null_count() < rows.height]
    empty = [name for name in rows.columns if name not in told]
    heads = ["column", *(f"row {number}" if rows.height > 1 else "value" for number in range(1, rows.height + 1))]
    note = f"{counted(len(empty), 'column')} without a value: {', '.join(empty)}" if empty else ""
    columns = (Heading(head, Kind.name if place == 0 else Kind.prose, 0) for place, head in enumerate(heads))
    grid = Grid(*columns, note=note)
    for name in told:
        grid.add(name, *texts[name])
    return grid
