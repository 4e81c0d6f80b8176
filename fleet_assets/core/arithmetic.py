"""Arithmetic on columns that is the same to the last bit whatever the machine and whatever other rows there are.

Belongs here: what polars computes in another way for another number of threads or rows. Does not belong here: what is
computed, and sums over rows of telemetry (`integrals`).
"""

from __future__ import annotations

import polars as pl

_MICROS = 1_000_000
"""us in a second; not of `thresholds`, because that loads NumPy, which a plan does without."""


def sum_in_order(values: pl.Expr) -> pl.Expr:
    """Aggregate: the values of a group added one after the other, in the order of its rows; null where none is known.

    For `group_by(..., maintain_order=True).agg()`. The sum of polars adds up partial sums of as many parts of the rows
    as there are threads, also where the order of groups is kept: with another number of them its last digits are
    others.
    """
    return values.drop_nulls().cum_sum().last()


def quotient(dividend: pl.Expr, divisor: pl.Expr) -> pl.Expr:
    """One column by another, row by row.

    To divide by one and the same number polars multiplies by its reciprocal, which is another number in the last digit:
    by a literal, but not where the frame has one row, and by a column that it knows to hold one number only, as after a
    join with one row.
    """
    return pl.map_batches([dividend, divisor], lambda columns: columns[0] / columns[1], return_dtype=pl.Float64)


def seconds_of(durations: pl.Expr) -> pl.Expr:
    """Seconds of durations, whole ones without a fraction; not divided, see `quotient`."""
    us = durations.dt.total_microseconds()
    return us // _MICROS + us % _MICROS * (1 / _MICROS)
