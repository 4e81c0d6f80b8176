"""Labels: reviews of people beside the candidates that they are about.

Belongs here: which review counts for which candidate. Does not belong here: what makes a review valid
(`core.reviews`), what a model learns from labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from fleet_assets.contracts import TIMESTAMP

NEAR = timedelta(minutes=15)
"""A fall that later rows move keeps its review while its start or its end moves by no more: the slowest tracker speaks
every ten minutes."""

LABELS = pl.Schema({
    "review_id": pl.String(), "verdict": pl.String(), "reason": pl.String(), "reviewed_at": TIMESTAMP,
})  # fmt: skip
"""What a label adds to a candidate; null where nobody reviewed it."""


@dataclass(frozen=True)
class Labelled:
    """`frame`: the candidates in their order with LABELS. `superseded_count`: reviews that a later one of the same
    candidate replaces. `unmet`: reviews (THEFT_REVIEWS) that meet no candidate."""

    frame: pl.DataFrame
    superseded_count: int
    unmet: pl.DataFrame


def labelled(candidates: pl.DataFrame, reviews: pl.DataFrame) -> Labelled:
    """Candidates (event_id, vehicle_id, started_at, ended_at, any others; also rows of fuel events) with the reviews
    (THEFT_REVIEWS) that are about them.

    A review is about the candidate of its event_id; else about the one of its vehicle whose start or end lies within
    `NEAR` of its own, the nearest by the sum of both distances. The newest review of a candidate counts (of one
    instant the one of the highest id). The order of rows of either table changes nothing.
    """
    met = _meetings(candidates, reviews)
    newest = met.sort("reviewed_at", "review_id").unique("event_id", keep="last")
    frame = candidates.join(newest.select("event_id", *LABELS), on="event_id", how="left", maintain_order="left")
    unmet = reviews.join(met, on="review_id", how="anti", maintain_order="left")
    return Labelled(frame, met.height - newest.height, unmet)


def _meetings(candidates: pl.DataFrame, reviews: pl.DataFrame) -> pl.DataFrame:
    """Per review that is about a candidate the `event_id` of that, with LABELS."""
    ended = pl.coalesce("event_ended_at", "event_started_at").alias("event_ended_at")
    told = reviews.select(*LABELS, "vehicle_id", "event_started_at", ended, pl.col("event_id").alias("named"))
    # Of many candidates, those of reviewed vehicles only.
    spans = candidates.select("vehicle_id", "event_id", "started_at", "ended_at")
    pairs = told.join(spans, on="vehicle_id").with_columns(
        (pl.col("started_at") - pl.col("event_started_at")).abs().alias("start_apart"),
        (pl.col("ended_at") - pl.col("event_ended_at")).abs().alias("end_apart"),
        pl.col("event_id").eq_missing(pl.col("named")).alias("is_named"),
    )
    is_near = pl.min_horizontal("start_apart", "end_apart") <= NEAR
    order = (~pl.col("is_named"), pl.col("start_apart") + pl.col("end_apart"), "started_at", "event_id")
    best = pairs.filter(pl.col("is_named") | is_near).sort(*order).unique("review_id", keep="first")
    return best.select("event_id", *LABELS)
