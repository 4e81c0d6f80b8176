"""What must hold of stored candidates and scores, as sentences about those of which it does not.

Belongs here: relations between columns. Does not belong here: ranges of single columns (`core.checks`), which rule
judges which table (`pipeline.day_rules`).
"""

from __future__ import annotations

import polars as pl

_SURE = 1e-6
"""Probabilities nearer to 0 or 1 have too few digits to tell their log odds."""

_ROUNDING = 1e-3
"""What rounded contributions and probabilities may differ by."""


def order_sentences(candidates: pl.LazyFrame) -> list[str]:
    """Candidates that do not begin, end and become final in this order: what is told of one would be from later than
    it says."""
    begins, ends, final = (pl.col(name) for name in ("started_at", "ended_at", "closed_at"))
    found = candidates.filter((begins >= ends) | (ends > final)).select("vehicle_id", "started_at", "kind").collect()
    return [
        f"{vehicle} {began}: a {kind} candidate does not begin, end and become final in this order"
        for vehicle, began, kind in found.rows()
    ]


def sum_sentences(scores: pl.LazyFrame) -> list[str]:
    """Scores whose contributions do not add up to the log odds of their probability."""
    values = (
        pl.col("contributions")
        .str.extract_all(r":-?[0-9.]+(e-?[0-9]+)?")
        .list.eval(pl.element().str.strip_prefix(":").cast(pl.Float64))
    )
    odds = (pl.col("probability") / (1 - pl.col("probability"))).log()
    told = scores.filter(pl.col("probability").is_between(_SURE, 1 - _SURE)).with_columns(
        values.list.sum().alias("summed"), odds.alias("odds")
    )
    off = told.filter((pl.col("summed") - pl.col("odds")).abs() > _ROUNDING)
    found = off.select("vehicle_id", "started_at", "summed", "odds").collect()
    return [
        f"{vehicle} {began}: contributions sum to {summed:.4f}, the log odds are {odds:.4f}"
        for vehicle, began, summed, odds in found.iter_rows()
    ]
