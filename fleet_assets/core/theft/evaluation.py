"""Evaluation: found events beside the truth, at every threshold.

Belongs here: matching, recall, precision, false alarms and what they really were. Does not belong here: probabilities
(`calibration`), strata (`strata`), detectors (`baselines`).

A found event is a true theft if both are of one vehicle and at most `TOLERANCE` apart. Each is in one pair at most; the
found event of the highest score chooses first, so that no threshold changes what lies above it. What is left and meets
siphoning or a leak is another loss and counts neither way. All else is false: a second alarm of one theft, and cans
that a driver was allowed to fill, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from fleet_assets.core.against_truth import pair_events
from fleet_assets.core.theft.strata import IS_SEEN
from fleet_assets.core.theft.truth import CAUSES, NOISE, Truth

TOLERANCE = timedelta(minutes=15)
"""The slowest tracker speaks every ten minutes."""

TOLD_RATE = 0.2
"""False alarms a vehicle and month at which strata are told."""

IS_THEFT = pl.col("verdict").is_in(["theft", "unseen"])
"""Whether a judged event (`Judged.found`) is a theft, seen or not."""

ALARM_RATES = (0.05, TOLD_RATE, 1.0)
"""False alarms a vehicle and month at which recall is told."""


@dataclass(frozen=True)
class Judged:
    """`found`: the events with `verdict` (theft, unseen: one that cannot be seen, loss, false) and `cause` of false
    ones; `thefts`: all true ones with the `score` that found them, null where none did, and `is_seen`."""

    found: pl.DataFrame
    thefts: pl.DataFrame
    vehicle_months: float


@dataclass(frozen=True)
class Point:
    """What a threshold gives: recall, precision (null: no alarm) and false alarms a vehicle and month."""

    threshold: float | None
    recall: float | None
    precision: float | None
    false_a_month: float


def judge(found: pl.DataFrame, truth: Truth) -> Judged:
    """Compare events (vehicle_id, started_at, ended_at, volume_l, score) with the truth."""
    mine = found.filter(pl.col("started_at") < truth.until).rename({"volume_l": "volume"})
    thefts = truth.thefts.with_row_index("true").with_columns(IS_SEEN.alias("is_seen"))
    pairs = pair_events(mine, truth.thefts, TOLERANCE).join(thefts.select("true", "is_seen"), on="true")
    numbered = mine.with_row_index("found")
    is_one = pl.col("is_seen")
    seen, unseen = (pl.col("found").is_in(pairs.filter(one)["found"].implode()) for one in (is_one, ~is_one))
    is_loss = pl.col("found").is_in(_meeting(numbered, truth.losses)["found"].implode())
    verdict = (
        pl.when(seen).then(pl.lit("theft")).when(unseen).then(pl.lit("unseen")).when(is_loss).then(pl.lit("loss"))
        .otherwise(pl.lit("false"))
    )  # fmt: skip
    caused = numbered.join(_causes(numbered, truth.others), on="found", how="left", maintain_order="left")
    told = caused.with_columns(verdict.alias("verdict")).with_columns(
        pl.when(pl.col("verdict") == "false").then(pl.col("cause").fill_null(NOISE)).alias("cause")
    )
    scores = pairs.join(numbered.select("found", "score"), on="found").select("true", "score")
    scored = thefts.join(scores, on="true", how="left", maintain_order="left")
    return Judged(told.drop("found"), scored.drop("true"), truth.vehicle_months)


def _meeting(found: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
    """Found events (their number and start) with what lies within the tolerance of them."""
    spans = there.select(pl.col("vehicle_id", "kind", "started_at", "ended_at").name.suffix("_true"))
    return found.join_where(
        spans,
        pl.col("vehicle_id") == pl.col("vehicle_id_true"),
        pl.col("started_at_true") <= pl.col("ended_at") + TOLERANCE,
        pl.col("ended_at_true") >= pl.col("started_at") - TOLERANCE,
    )


def _causes(found: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Per found event that meets something else, the likeliest of it (`cause`)."""
    ranks = {name: rank for rank, name in enumerate(CAUSES)}
    rank = pl.col("kind_true").replace_strict(ranks, default=len(CAUSES), return_dtype=pl.Int64)
    met = _meeting(found, others).with_columns(rank.alias("rank")).sort("rank", "started_at_true", "found")
    return met.group_by("found", maintain_order=True).agg(pl.col("kind_true").first().alias("cause"))


def curve(judged: Judged) -> pl.DataFrame:
    """Per distinct score, from high to low: `threshold`, how many `alarms` at it and above, `recall` of the thefts that
    can be seen, `precision` (null where all alarms are losses of another kind) and `false_a_month`."""
    is_theft, is_false = pl.col("verdict") == "theft", pl.col("verdict") == "false"
    steps = judged.found.group_by(threshold=pl.col("score")).agg(
        is_theft.sum().alias("right"), is_false.sum().alias("wrong"), pl.len().alias("alarms")
    )
    summed = steps.sort("threshold", descending=True).with_columns(
        pl.col("right", "wrong", "alarms").cast(pl.Int64).cum_sum()
    )
    told = pl.col("right") + pl.col("wrong")
    total = int(judged.thefts["is_seen"].sum()) or None
    return summed.select(
        "threshold", "alarms", recall=pl.col("right") / pl.lit(total, pl.Float64),
        precision=pl.when(told > 0).then(pl.col("right") / told),
        false_a_month=pl.col("wrong") / pl.lit(judged.vehicle_months),
    )  # fmt: skip


def average_precision(points: pl.DataFrame) -> float | None:
    """Area under precision over recall: the mean precision of each gain of recall, thefts never found counting nought.

    Null where there is no theft.
    """
    if points.is_empty() or points["recall"].null_count():
        return 0.0 if points.is_empty() else None
    gain = pl.col("recall") - pl.col("recall").shift(1, fill_value=0.0)
    return float(points.select((gain * pl.col("precision").fill_null(0.0)).sum()).item())


def at_rate(points: pl.DataFrame, false_a_month: float) -> Point:
    """The lowest threshold at which false alarms are no more than that; no alarm at all where none is."""
    allowed = points.filter(pl.col("false_a_month") <= false_a_month)
    return _point(allowed.tail(1), None)


def at_threshold(points: pl.DataFrame, threshold: float | None) -> Point:
    """What a threshold gives; null: no alarm is raised."""
    reached = points.filter(pl.col("threshold") >= _least(threshold))
    return _point(reached.tail(1), threshold)


def _point(row: pl.DataFrame, threshold: float | None) -> Point:
    if row.is_empty():
        return Point(threshold, 0.0, None, 0.0)
    one = row.row(0, named=True)
    lowest = one["threshold"] if threshold is None else threshold
    return Point(lowest, one["recall"], one["precision"], one["false_a_month"])


def is_found(threshold: float | None) -> pl.Expr:
    """Whether a score (of `Judged.thefts`, or of events) reaches a threshold; none does where there is none."""
    return (pl.col("score") >= _least(threshold)).fill_null(value=False)


def _least(threshold: float | None) -> float:
    return float("inf") if threshold is None else threshold


def false_by_cause(judged: Judged, threshold: float | None) -> pl.DataFrame:
    """False alarms at a threshold by what was really there: `cause`, `count`, `a_month` (per vehicle), median `litres`.

    Other losses are told with them, by the name loss, and are no false alarms.
    """
    alarms = judged.found.filter(is_found(threshold) & pl.col("verdict").is_in(["loss", "false"]))
    named = alarms.with_columns(
        pl.when(pl.col("verdict") == "loss").then(pl.lit("loss")).otherwise("cause").alias("cause")
    )
    return named.group_by("cause").agg(
        pl.len().cast(pl.Int64).alias("count"), (pl.len() / pl.lit(judged.vehicle_months)).alias("a_month"),
        pl.col("volume").median().alias("litres"),
    ).sort("count", "cause", descending=[True, False])  # fmt: skip
