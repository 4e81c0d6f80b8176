"""Reviews: what people say of falls of tanks, one row a statement, and which of these rows cannot be meant.

Belongs here: checks of rows of THEFT_REVIEWS beyond their types, and rows that are added to those that are there. Does
not belong here: types, keys and allowed values (`core.reference`), which candidate a review is about
(`core.theft.labels`).
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fleet_assets.contracts.reference import REVIEW_REASONS, THEFT_REVIEWS
from fleet_assets.core.reference import LINE


def review_problems(reviews: pl.DataFrame) -> list[str]:
    """One sentence per row of a file of reviews whose first row stands in line 2: a reason that is none of the verdict,
    an event that ends before it starts, a review before the event."""
    rows = reviews.with_row_index(LINE, offset=2)
    return [*_strange_reasons(rows), *_strange_times(rows)]


def _strange_reasons(rows: pl.DataFrame) -> Iterator[str]:
    for verdict, reasons in REVIEW_REASONS.items():
        strange = rows.filter((pl.col("verdict") == verdict) & ~pl.col("reason").is_in(reasons))
        for line, reason in strange.select(LINE, "reason").iter_rows():
            yield f"line {line}: {reason} is no reason of {verdict}; those are {', '.join(reasons)}"


def _strange_times(rows: pl.DataFrame) -> Iterator[str]:
    start = pl.col("event_started_at")
    for line in rows.filter(pl.col("event_ended_at") < start)[LINE]:
        yield f"line {line}: event_ended_at is before event_started_at"
    for line in rows.filter(pl.col("reviewed_at") < start)[LINE]:
        yield f"line {line}: reviewed_at is before event_started_at"


def changed_rows(stored: pl.DataFrame, added: pl.DataFrame) -> list[str]:
    """One sentence per row of `added` (a file whose first row stands in line 2) that a stored row of the same id
    contradicts."""
    both = added.with_row_index(LINE, offset=2).join(stored, on=THEFT_REVIEWS.key, suffix="_stored")
    others = [name for name in THEFT_REVIEWS.schema if name not in THEFT_REVIEWS.key]
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in others)
    return [
        f"line {line}: review {review_id} is there with other content; reviews are never changed, add a later one"
        for line, review_id in both.filter(differs).sort(LINE).select(LINE, "review_id").iter_rows()
    ]


def with_added(stored: pl.DataFrame, added: pl.DataFrame) -> pl.DataFrame:
    """The stored rows, then those of `added` whose id is new."""
    new = added.join(stored, on=THEFT_REVIEWS.key, how="anti", maintain_order="left")
    return pl.concat([stored, new])
