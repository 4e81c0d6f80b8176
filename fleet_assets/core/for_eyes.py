"""Rows as a person reads them: rounded, with spans and sizes in units of everyday, one text a cell.

Belongs here: how values read, by the unit in the name of their column. Does not belong here: which columns are shown
and where (the command line, pages of assets), and output for programs, which is exact.
"""

from __future__ import annotations

import math

import polars as pl

from fleet_assets.wording import sized, spanned

NOTHING = "-"

SIGNIFICANT = 3
"""Digits that count of numbers below 1, and decimals at most of larger ones."""

GROUPED_FROM = 10_000
"""Numbers from here on have their thousands set apart; below, a year stays a year."""

DEGREE_DECIMALS = 5
"""Of degrees: a metre."""

MONEY = ("cost", "cost_per_100km", "savings")


def for_eyes(rows: pl.DataFrame, *, to_the_second: bool = False) -> pl.DataFrame:
    """The rows, each value as text: instants to the minute, or to the second or millisecond where the column needs it
    to tell them apart; durations and columns that end in `_s` as h and min; bytes as kB and MB; numbers rounded by the
    size of their column; null is a dash. With `to_the_second` no instant is coarser than that."""
    step = 1 if to_the_second else 0
    return rows.select(pl.Series(name, _texts(rows[name], step), dtype=pl.String) for name in rows.columns)


def _texts(column: pl.Series, step: int) -> list[str]:
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        return _or_nothing(_instants(column, step))
    if isinstance(dtype, pl.Duration):
        column = column.dt.total_microseconds() / 1e6
        return [NOTHING if value is None else spanned(value) for value in column]
    if isinstance(dtype, pl.Binary):
        return _or_nothing(column.bin.encode("hex"))
    if dtype.is_nested():
        return [NOTHING if value is None else _nested(value) for value in column.to_list()]
    if dtype.is_numeric():
        return _numbers(column)
    return _or_nothing(column.cast(pl.String))


def _or_nothing(column: pl.Series) -> list[str]:
    return column.fill_null(NOTHING).to_list()


def _nested(value: object) -> str:
    """A list as its items, anything else as Python writes it."""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


STEPS = (("1m", "%Y-%m-%d %H:%M"), ("1s", "%Y-%m-%d %H:%M:%S"))
"""Lengths to which instants are cut, and how they are written then."""


def _instants(column: pl.Series, step: int) -> pl.Series:
    """Cut to the first length, from number `step` on, that tells the rows apart."""
    for length, pattern in STEPS[step:]:
        if column.dt.truncate(length).n_unique() == column.n_unique():
            return column.dt.to_string(pattern)
    return column.dt.to_string("%Y-%m-%d %H:%M:%S%.3f")


def _numbers(column: pl.Series) -> list[str]:
    name = column.name
    if name.endswith("_s") and not name.endswith("per_s"):
        return [NOTHING if value is None else spanned(float(value)) for value in column]
    if name.endswith(("_bytes", "byte_count")):
        return [NOTHING if value is None else sized(float(value)) for value in column]
    if column.dtype.is_integer():
        return [NOTHING if value is None else _grouped(value, 0) for value in column]
    values = column.cast(pl.Float64)
    decimals = _decimals(name, values)
    return [NOTHING if value is None else _rounded(value, decimals) for value in values]


def _decimals(name: str, values: pl.Series) -> int:
    """One number of decimals for the whole column, so that its points stand below each other."""
    if name.endswith("_deg"):
        return DEGREE_DECIMALS
    if name.endswith(MONEY):
        return 2
    finite = values.filter(values.is_finite()).abs().drop_nulls()
    largest = float(finite.max() or 0.0) if finite.len() else 0.0  # type: ignore[arg-type]
    if bool((finite == finite.floor()).all()):
        return 0
    return 1 if largest >= 10 else 2 if largest >= 1 else SIGNIFICANT


def _rounded(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return str(value)
    if value and abs(value) < 0.5 * 10**-decimals:
        # Rounded it would read as 0, which it is not.
        return f"{value:.2g}"
    return _grouped(value, decimals)


def _grouped(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if abs(value) >= GROUPED_FROM else f"{value:.{decimals}f}"
