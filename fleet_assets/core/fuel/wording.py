"""Kinds of events and their reasons in words.

Belongs here: which kind a change is, and why no other, with the evidence. Does not belong here: which changes there are
(`stays`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from fleet_assets.core.fuel.changes import AROUND, DRIVING, FALL, RETURNED, RISE, SLOW, THROUGH, UNOBSERVED, WITHIN
from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.fuel.source_steps import NEAR

_KINDS = {
    RISE: "refuel", FALL: "theft", SLOW: "slow_loss", RETURNED: "sensor_fault", UNOBSERVED: "unobserved_change",
    DRIVING: "sensor_fault",
}  # fmt: skip

_WHYS = {
    RISE: "the level rose beyond its noise while the vehicle stood or was silent, and held",
    FALL: "the level fell while the vehicle stood, by more than its noise and what was burned, and held",
    SLOW: "the level fell in small steps over hours while the vehicle stood, by more than its noise",
    RETURNED: "the level came back to where it was: no fuel moved",
    UNOBSERVED: "the level fell in a silence in which the vehicle drove, or nothing tells that it stood",
    DRIVING: "the level stepped while driving, where no fuel comes in or goes at once",
}

_HOWS = {
    WITHIN: "levels of the same stay", AROUND: "levels of driving before and after the stay",
    THROUGH: "levels on both sides of the place between two drives",
}  # fmt: skip

_SOURCE_STEP = "most vehicles of the source stepped at that time by one factor: the source tells levels differently"
_OUTAGE = "the level fell across an outage of the source: nobody knows what was driven"


def with_kind(
    changes: pl.DataFrame, steps: pl.DataFrame, outages: pl.DataFrame, look_back: timedelta, rules: FuelEventRules
) -> pl.DataFrame:  # fmt: skip
    """The changes with kind, evidence, `is_moving` and `is_truncated`: on the first day of the look-back."""
    crossed = crossing(changes, outages, "started_at", "ended_at")
    stepped = stepping(crossed, steps, rules)
    fall_in_outage = pl.col("in_outage") & pl.col("what").is_in([FALL, SLOW])
    edge = pl.col("closed_at").dt.truncate("1d") - look_back
    kind = (
        pl.when("is_of_source").then(pl.lit("sensor_fault"))
        .when(fall_in_outage).then(pl.lit("unobserved_change"))
        .otherwise(_in_words("what", _KINDS))
    )  # fmt: skip
    why = (
        pl.when("is_of_source").then(pl.lit(_SOURCE_STEP)).when(fall_in_outage).then(pl.lit(_OUTAGE))
        .otherwise(_in_words("what", _WHYS))
    )  # fmt: skip
    evidence = pl.struct(
        why.alias("why"), _in_words("how", _HOWS).alias("compared"), pl.col("before_count").alias("plateaus_before"),
        pl.col("after_count").alias("plateaus_after"), pl.col("levels_sd"), pl.col("burned_sd"), pl.col("drift_sd"),
        pl.col("burned").alias("expected_burn"), (pl.col("change").abs() / pl.col("sd")).alias("sigmas"),
        pl.when("in_litres").then(pl.lit("l")).otherwise(pl.lit("%")).alias("unit"),
        pl.lit(rules.sigma).alias("least_sigmas"),
    ).struct.json_encode()  # fmt: skip
    return stepped.with_columns(
        kind.alias("kind"), evidence.alias("evidence"), pl.col("what").is_in([DRIVING, UNOBSERVED]).alias("is_moving"),
        (pl.col("head_at") < edge + timedelta(days=1)).alias("is_truncated"),
    )  # fmt: skip


def _in_words(column: str, words: dict[int, str]) -> pl.Expr:
    return pl.col(column).replace_strict(list(words), list(words.values()), return_dtype=pl.String)


def crossing(changes: pl.DataFrame, outages: pl.DataFrame, start: str, end: str) -> pl.DataFrame:
    """The changes with `in_outage`: whether their source was silent as a whole for some of the time."""
    numbered = changes.with_row_index("number")
    spans = outages.select("source", pl.col("started_at").alias("silent_from"), pl.col("ended_at").alias("silent_to"))
    hit = numbered.join(spans, on="source").filter(
        (pl.col(start) < pl.col("silent_to")) & (pl.col(end) > pl.col("silent_from"))
    )
    return numbered.with_columns(pl.col("number").is_in(hit["number"].implode()).alias("in_outage"))


def stepping(changes: pl.DataFrame, steps: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """The changes with `is_of_source`: whether they are what the whole source did at the time."""
    if steps.is_empty():
        return changes.with_columns(pl.lit(False).alias("is_of_source")).drop("number")
    own = pl.col("level_at_end") / pl.col("level_at_start")
    hit = changes.join(steps, on="source").filter(
        (pl.col("started_at") - NEAR <= pl.col("stepped_at")) & (pl.col("ended_at") + NEAR >= pl.col("stepped_at")),
        (own.log() - pl.col("factor").log()).abs() <= 3 * rules.source_spread,
    )
    return changes.with_columns(pl.col("number").is_in(hit["number"].implode()).alias("is_of_source")).drop("number")
