"""Alarms of the theft model: scores above the threshold that the operator's budget of false alarms gives.

Belongs here: the path from THEFT_SCORES to rows of ALARMS. Does not belong here: which alarms follow another too soon
(`core.alarms`), where the threshold comes from, what is sent of them.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.core.alarms import AlarmRules, told_once, with_alarm_id
from fleet_assets.core.local_time import with_local_date
from fleet_assets.core.theft.rules import NightRules
from fleet_assets.core.window import Window

MODEL, RULE = "theft_model", "theft_rule"
"""Sources: the model, which judges falls; the rule of nights, which needs no model."""

_SLOW = ("slow", "nights")
"""Kinds of candidates that are losses over time: told apart from thefts, which happen at once."""

_OF_BOTH = ("event_id", "vehicle_id", "kind", "started_at", "ended_at")
_OF_CANDIDATE = ("event_id", "volume_l", "share_pct", "zone_id")


def theft_alarms(
    scores: pl.LazyFrame, candidates: pl.LazyFrame, balance: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window,
    threshold: float | None, default_timezone: str, rules: AlarmRules | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """Alarms (contract ALARMS, its order) that are raised in the window: falls of at least the threshold (none without
    one: no model is promoted), and sums of nights; once a day for each vehicle, source and kind.

    `scores` (THEFT_SCORES) of [window.start, window.day_end); `candidates` (THEFT_CANDIDATES) and `balance`
    (FUEL_BALANCE) tell litres and place of these. Each day looks back as far as ALARMS says and no further: a series
    of scores less than a day apart that is longer than that is told from the edge on. Raises DataError for a time zone
    that is none.
    """
    work = partial(_collect, scores, candidates, balance, vehicles, window, threshold, default_timezone,
                   rules or AlarmRules())  # fmt: skip
    return pl.defer(work, schema=ALARMS.schema)


def _collect(
    scores: pl.LazyFrame, candidates: pl.LazyFrame, balance: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window,
    threshold: float | None, default_timezone: str, rules: AlarmRules,
) -> pl.DataFrame:  # fmt: skip
    is_above = pl.lit(value=False) if threshold is None else pl.col("probability") >= threshold
    falls = scores.filter(is_above).select(
        *_OF_BOTH, "scored_at", pl.col("probability").alias("value"), pl.lit(threshold, pl.Float64).alias("threshold"),
        pl.lit(MODEL).alias("source"),
    )  # fmt: skip
    sums = candidates.filter(pl.col("kind") == "nights").select(
        *_OF_BOTH, pl.col("closed_at").alias("scored_at"), pl.col("size_over_noise").alias("value"),
        pl.lit(NightRules.sigma).alias("threshold"), pl.lit(RULE).alias("source"),
    )  # fmt: skip
    above = pl.concat([falls, sums]).unique("event_id", keep="first", maintain_order=True).collect()
    raised = [_raised(above, day, rules) for day in window.days(ALARMS.look_back)]
    found = pl.concat([_raised(above.clear(), window, rules), *raised])
    if found.is_empty():
        return ALARMS.empty()
    told = _with_place(_with_candidate(found, candidates), balance).with_columns(
        pl.lit(rules.version).alias("rules_version"), _words().alias("name")
    )
    dated = with_local_date(with_alarm_id(told), vehicles.collect(), default_timezone, "recorded_at")
    known = [name for name in ALARMS.schema if name in dated.columns]
    return ALARMS.conform(dated.select(known).lazy()).collect().sort(ALARMS.order)


def _raised(above: pl.DataFrame, day: Window, rules: AlarmRules) -> pl.DataFrame:
    """Scores that raise an alarm on the day, as far as they tell of it."""
    is_slow = pl.col("kind").is_in(_SLOW)
    seen = above.filter(pl.col("scored_at").is_between(pl.lit(day.start), pl.lit(day.day_end), closed="left"))
    rows = seen.select(
        "vehicle_id", "event_id", "started_at", "source", "threshold",
        pl.when(is_slow).then(pl.lit("slow_loss")).otherwise(pl.lit("theft")).alias("kind"),
        pl.col("kind").alias("code"), pl.col("ended_at").alias("recorded_at"), pl.col("scored_at").alias("closed_at"),
        "value",
    )  # fmt: skip
    return told_once(rows, rules).filter(pl.col("closed_at") >= pl.lit(day.day_start))


def _with_candidate(alarms: pl.DataFrame, candidates: pl.LazyFrame) -> pl.DataFrame:
    those = pl.col("event_id").is_in(alarms["event_id"].implode())
    known = candidates.filter(those).select(_OF_CANDIDATE).unique("event_id", keep="first").collect()
    return alarms.join(known, on="event_id", how="left", maintain_order="left")


def _with_place(alarms: pl.DataFrame, balance: pl.LazyFrame) -> pl.DataFrame:
    """Where the vehicle was between both levels; a loss over days has no place."""
    those = pl.col("vehicle_id").is_in(alarms["vehicle_id"].implode())
    those &= pl.col("ended_at").is_in(alarms["recorded_at"].implode())
    places = balance.filter(those).select(
        "vehicle_id", pl.col("ended_at").alias("recorded_at"), "latitude_deg", "longitude_deg",
        pl.lit("theft").alias("kind"),
    ).unique(["vehicle_id", "recorded_at"], keep="first").collect()  # fmt: skip
    return alarms.join(places, on=["vehicle_id", "recorded_at", "kind"], how="left", maintain_order="left")


def _words() -> pl.Expr:
    """Fuel theft, 43 l (probability 0.93); slow loss of fuel, 13 l over nights (3.1 times the noise); in points of the
    tank where litres are not known."""
    what = pl.when(pl.col("kind") == "theft").then(pl.lit("Fuel theft")).otherwise(pl.lit("Slow loss of fuel"))
    litres = pl.format(", {} l", pl.col("volume_l").round(0).cast(pl.Int64))
    points = pl.format(", {} % of the tank", pl.col("share_pct").round(1))
    by_rule = pl.format(" over nights ({} times the noise)", pl.col("value").round(1))
    by_model = pl.format(" (probability {})", pl.col("value").round(2))
    surety = pl.when(pl.col("source") == RULE).then(by_rule).otherwise(by_model)
    return pl.concat_str(what, litres.fill_null(points).fill_null(""), surety)
