"""Cases: what happened to tanks, as a person judges it: fuel events and candidates, each once, with probability and
review.

Belongs here: bringing tables together. Does not belong here: words (`explanation`), which review counts (`labels`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts import FUEL_EVENTS
from fleet_assets.contracts.theft import FEATURES, THEFT_CANDIDATES, THEFT_SCORES
from fleet_assets.core.theft.labels import LABELS, labelled

LOSSES = ("theft", "slow_loss")
"""Kinds of fuel events that are judged as thefts."""

_SLOW = ("slow", "weekly")
"""Kinds of candidates that may be a slow loss among fuel events; sums of nights are none."""
_KEY = ("event_id", "vehicle_id", "started_at", "ended_at", "closed_at")
_FEATURES = tuple(column.name for column in FEATURES)
_FROM_EVENTS = (
    "kind", "level_before_pct", "level_after_pct", "change_pct", "change_sd_pct", "volume_l", "volume_sd_l",
    "expected_consumption_l", "confidence", "is_engine_on", "is_moving", "latitude_deg", "longitude_deg", "zone_id",
    "cost", "currency", "evidence",
)  # fmt: skip

CASES = pl.Schema({
    **{name: FUEL_EVENTS.schema[name] for name in (*_KEY, *_FROM_EVENTS)}, "how": pl.String(),
    **{name: THEFT_CANDIDATES.schema[name] for name in _FEATURES if name not in _FROM_EVENTS},
    **{name: THEFT_SCORES.schema[name] for name in ("probability", "model_version", "contributions")}, **LABELS,
})  # fmt: skip
"""A row per fuel event, and per candidate that is none. `kind` is that of the fuel event, `how` that of the candidate;
each is null where there is none."""


def cases(events: pl.DataFrame, candidates: pl.DataFrame, scores: pl.DataFrame, reviews: pl.DataFrame) -> pl.DataFrame:
    """Cases (CASES, by vehicle and start) of FUEL_EVENTS, THEFT_CANDIDATES, THEFT_SCORES and THEFT_REVIEWS.

    A candidate is the fuel event of its vehicle and start, whatever kind that has; but losses over time meet only slow
    losses, and sums of nights no fuel event. What both tell is the event's word. Any table may be empty: without scores
    there is no probability.
    """
    scored = scores.select("event_id", "probability", "model_version", "contributions")
    told = candidates.select(*_KEY, pl.col("kind").alias("how"), "zone_id", *_FEATURES).join(
        scored, on="event_id", how="left"
    )
    at = ("vehicle_id", "started_at", "as_event")
    mine = events.select(*_KEY, *_FROM_EVENTS).with_columns(
        pl.when(pl.col("kind") == "slow_loss").then(pl.lit("slow_loss")).otherwise(pl.lit("fall")).alias("as_event")
    )
    theirs = told.with_columns(
        pl.when(pl.col("how").is_in(_SLOW)).then(pl.lit("slow_loss"))
        .when(pl.col("how") == "nights").then("how").otherwise(pl.lit("fall")).alias("as_event")
    )  # fmt: skip
    both = mine.join(theirs, on=at, how="full", coalesce=True, suffix="_told")
    shared = [name for name in both.columns if name.endswith("_told")]
    merged = both.with_columns(pl.coalesce(name.removesuffix("_told"), name).alias(name.removesuffix("_told"))
                               for name in shared)  # fmt: skip
    # A fault or a change that nobody saw has an id of its own as an event; the candidate's is what scores and reviews
    # know.
    known = merged.with_columns(pl.coalesce("event_id_told", "event_id").alias("event_id")).unique("event_id")
    is_fall = pl.col("how").is_not_null() | pl.col("kind").is_in([*LOSSES, "unobserved_change"])
    reviewed = labelled(known.filter(is_fall), reviews).frame
    every = pl.concat([reviewed, known.filter(~is_fall)], how="diagonal")
    return every.select(CASES.names()).sort("vehicle_id", "started_at", "event_id")


def to_review(found: pl.DataFrame, *, is_with_reviewed: bool = False) -> pl.DataFrame:
    """Cases that a person may judge, the most probable first, then those without a probability, each newest first:
    thefts and slow losses among fuel events, every fall with a probability, and sums of nights; without those reviewed
    already unless asked for."""
    is_loss = pl.col("kind").is_in(LOSSES) | (pl.col("how") == "nights")
    is_judged = is_loss.fill_null(value=False) | pl.col("probability").is_not_null()
    is_wanted = pl.lit(is_with_reviewed) | pl.col("verdict").is_null()
    return found.filter(is_judged & is_wanted).sort(
        "probability", "started_at", "event_id", descending=[True, True, False], nulls_last=True
    )
