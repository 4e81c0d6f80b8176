"""Candidates: every fall of a tank that may be a theft, under lower thresholds than events have.

Belongs here: which falls there are, their kinds and ids. Does not belong here: what is told of them (`features`),
finding changes (`core.fuel.stays`).
"""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts.theft import CANDIDATE_KINDS, THEFT_CANDIDATES
from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.fuel.change_frames import change_frame, mondays_of, stay_frame, told_in_litres
from fleet_assets.core.fuel.changes import FALL, RETURNED, SLOW, UNOBSERVED
from fleet_assets.core.fuel.series import Series, series_of
from fleet_assets.core.fuel.source_steps import source_steps
from fleet_assets.core.fuel.stays import Found, find_changes
from fleet_assets.core.fuel.weekly import weekly_losses
from fleet_assets.core.fuel.wording import crossing, stepping
from fleet_assets.core.ids import event_ids
from fleet_assets.core.motion import MOVING
from fleet_assets.core.theft.features import Known, with_features
from fleet_assets.core.theft.nights import nightly_losses
from fleet_assets.core.theft.rules import TheftRules
from fleet_assets.core.window import Window

_KINDS = dict(zip((FALL, SLOW, UNOBSERVED, RETURNED), CANDIDATE_KINDS, strict=False))
_AS_EVENTS = {"slow": "slow_loss", "weekly": "slow_loss", "returned": "sensor_fault"}
"""What names a candidate in its id: fuel events call these so, and a stay may hold one that came back and one that did
not from the same plateau on; sums that are no events are named by their kind."""


def theft_candidates(
    balance: pl.LazyFrame, outages: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, window: Window,
    rules: TheftRules | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """Candidates (contract THEFT_CANDIDATES, its order) that became final in the window.

    `balance` (FUEL_BALANCE) of pairs that ended in [window.start, window.day_end); `outages` (INGEST_OUTAGES) of its
    sources. Falls by the rules of fuel events are candidates as they are, so that each theft among fuel events is a
    candidate of its id; the others are found by lower thresholds. A candidate is final when a fuel event would be; what
    comes later never changes it. Raises DataError for a polygon or a time zone that is none.
    """
    work = partial(_collect, balance, outages, vehicles, zones, window, rules or TheftRules())
    return pl.defer(work, schema=THEFT_CANDIDATES.schema)


def _collect(
    balance: pl.LazyFrame, outages: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, window: Window,
    rules: TheftRules,
) -> pl.DataFrame:  # fmt: skip
    fleet, silent, places = (frame.collect() for frame in (vehicles, outages, zones))
    found = [THEFT_CANDIDATES.empty()]
    for day in window.days(THEFT_CANDIDATES.look_back):
        ended = pl.col("ended_at")
        seen = balance.filter((ended >= pl.lit(day.start)) & (ended < pl.lit(day.day_end))).collect()
        if not seen.is_empty():
            found.append(_of_day(seen.sort("vehicle_id", "ended_at"), silent, fleet, places, day, rules))
    return pl.concat(found).sort(THEFT_CANDIDATES.order)


def _of_day(
    balance: pl.DataFrame, outages: pl.DataFrame, fleet: pl.DataFrame, zones: pl.DataFrame, day: Window,
    rules: TheftRules,
) -> pl.DataFrame:  # fmt: skip
    """Candidates that became final on the day, in the columns of the contract."""
    series = series_of(balance)
    in_litres = told_in_litres(series, balance)
    certain, others = (find_changes(series, chosen, in_litres) for chosen in (rules.events, rules.candidates))
    falls = _apart(*(falls_of(series, one, balance, in_litres) for one in (certain, others)))
    stays = [stay_frame(series, one, balance, in_litres) for one in (certain, others)]
    sums = [_weeks(stays[0], stays[1], day, rules), _nights(stays[0], rules)]
    steps = source_steps(balance, rules.events)
    marked = stepping(crossing(falls, outages, "started_at", "ended_at"), steps, rules.events)
    known = Known(balance, series, marked, stays[1], zones, fleet)
    every = pl.concat([marked, *sums], how="diagonal_relaxed")
    is_of_day = pl.col("closed_at").is_between(pl.lit(day.day_start), pl.lit(day.day_end), closed="left")
    told = with_features(every.filter(is_of_day), known, rules.features, rules.events.default_timezone)
    return _finished(told, rules)


def falls_of(series: Series, found: Found, balance: pl.DataFrame, in_litres: F64) -> pl.DataFrame:
    """The falls among changes, with what features need of the series."""
    a, b = found.facts[:, 0], found.facts[:, 1]
    frame = change_frame(series, found, balance, in_litres).with_columns(
        pl.Series("series", series.series[b]), pl.Series("level_a", series.level[a]),
        pl.Series("is_moving_before", series.state[a] == MOVING),
        pl.Series("is_moving_after", series.state[b] == MOVING),
        pl.Series("gap_us", _longest(series.gap, a + 1, b + 1)),
        pl.col("what").replace_strict(_KINDS, default=None, return_dtype=pl.String).alias("kind"),
    )  # fmt: skip
    return frame.filter((pl.col("change") < 0) & pl.col("kind").is_not_null())


def _longest(gaps: I64, first: I64, end: I64) -> I64:
    """The largest of gaps[first:end] per pair of bounds, none of them empty."""
    if not len(first):
        return np.empty(0, dtype=np.int64)
    bounds = np.column_stack((first, end)).ravel()
    longest: I64 = np.maximum.reduceat(np.append(gaps, 0), bounds)[::2]
    return longest


def _apart(certain: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """All that are certain, and the others that lie in none of them."""
    numbered = others.with_row_index("one")
    spans = certain.select("vehicle_id", pl.col("started_at").alias("from_at"), pl.col("ended_at").alias("to_at"))
    met = numbered.join(spans, on="vehicle_id").filter(
        (pl.col("started_at") < pl.col("to_at")) & (pl.col("ended_at") > pl.col("from_at"))
    )
    return pl.concat([certain, numbered.join(met, on="one", how="anti", maintain_order="left").drop("one")])


def _weeks(certain: pl.DataFrame, others: pl.DataFrame, day: Window, rules: TheftRules) -> pl.DataFrame:
    """Losses of the weeks that end in the window: those that are events, and of the other vehicles lesser ones."""
    both = []
    for until in mondays_of(day):
        large = weekly_losses(certain, until, rules.events)
        lesser = weekly_losses(others, until, rules.candidates)
        others_only = lesser.join(large, on="vehicle_id", how="anti", maintain_order="left")
        both += [large.with_columns(is_event=True), others_only.with_columns(is_event=False)]
    empty = weekly_losses(certain.clear(), day.day_end, rules.events).with_columns(is_event=True)
    return pl.concat([empty, *both]).with_columns(
        pl.lit("weekly").alias("kind"), pl.lit(0).cast(pl.Int64).alias("how"),
        (pl.col("chance") ** 2 + pl.col("heat") ** 2).sqrt().alias("sd"), pl.col("chance").alias("levels_sd"),
        pl.col("heat").alias("drift_sd"), pl.lit(0.0).alias("burned_sd"),
    ).drop("chance", "heat", "count")  # fmt: skip


def _nights(stays: pl.DataFrame, rules: TheftRules) -> pl.DataFrame:
    """Losses of rests, in the columns of a fall."""
    return nightly_losses(stays, rules.nights).with_columns(
        pl.lit("nights").alias("kind"), pl.lit(0).cast(pl.Int64).alias("how"), pl.col("sd").alias("levels_sd"),
        pl.lit(0.0).alias("drift_sd"), pl.lit(0.0).alias("burned_sd"),
    ).drop("nights")  # fmt: skip


def _finished(told: pl.DataFrame, rules: TheftRules) -> pl.DataFrame:
    as_event = pl.col("kind").replace_strict(_AS_EVENTS, default="theft")
    is_own = (pl.col("kind") == "nights") | ~pl.col("is_event").fill_null(value=True)
    named = told.with_columns(pl.when(is_own).then("kind").otherwise(as_event).alias("as_event"))
    # Sums that begin with the same rest, and are no events, are told apart by the one they end with.
    at = pl.when(is_own).then("ended_at").otherwise("started_at").alias("at")
    stamped = named.with_columns(
        event_ids(named["vehicle_id"] + "/" + named["as_event"], named.select(at).to_series()).alias("event_id"),
        pl.lit(rules.version).alias("rules_version"),
    )
    known = [name for name in THEFT_CANDIDATES.schema.names() if name in stamped.columns]
    return THEFT_CANDIDATES.conform(stamped.select(known).lazy()).collect()
