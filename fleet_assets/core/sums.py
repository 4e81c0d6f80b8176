"""Sums of groups that are the same to the last bit whatever the machine.

Belongs here: adding up in the order of the rows. Does not belong here: what is added up, and sums over rows of
telemetry (`integrals`).
"""

from __future__ import annotations

import polars as pl


def sum_in_order(values: pl.Expr) -> pl.Expr:
    """Aggregate: the values of a group added one after the other, in the order of its rows; null where none is known.

    For `group_by(..., maintain_order=True).agg()`. The sum of polars adds up partial sums of as many parts of the rows
    as there are threads, also where the order of groups is kept: with another number of them its last digits are
    others.
    """
    return values.drop_nulls().cum_sum().last()
