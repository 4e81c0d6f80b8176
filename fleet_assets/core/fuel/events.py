"""Fuel events: refuels, thefts, slow losses, faults of senders and changes that nobody saw, from the balance alone.

Belongs here: the path from FUEL_BALANCE to rows of FUEL_EVENTS. Does not belong here: which changes there are (`stays`,
`weekly`, `source_steps`), how each is told (`wording`), thresholds (`rules`).
"""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts.fuel import FUEL_EVENTS
from fleet_assets.core.compiled import F64, kernel, read_only
from fleet_assets.core.fuel.change_frames import change_frame, mondays_of, stay_frame, told_in_litres
from fleet_assets.core.fuel.rules import FuelEventRules
from fleet_assets.core.fuel.series import Series, series_of
from fleet_assets.core.fuel.source_steps import source_steps
from fleet_assets.core.fuel.stays import Found, find_changes
from fleet_assets.core.fuel.weekly import weekly_losses
from fleet_assets.core.fuel.wording import with_kind
from fleet_assets.core.ids import event_ids
from fleet_assets.core.local_time import with_local_date
from fleet_assets.core.prices import with_cost
from fleet_assets.core.window import Window
from fleet_assets.core.zones import zone_of

_PAID_FOR = ("refuel", "theft", "slow_loss")
"""Kinds whose litres have a price: they came in, or are gone."""


def fuel_events(
    balance: pl.LazyFrame, outages: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, prices: pl.LazyFrame,
    window: Window, rules: FuelEventRules | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """Events (contract FUEL_EVENTS, its order) that became final in the window; see `FuelEventRules` for what is one.

    `balance` (FUEL_BALANCE) of pairs that ended in [window.start, window.day_end); `outages` (INGEST_OUTAGES) of its
    sources: a fall across one is no theft. An event is final when as many plateaus of driving after it agree as
    are compared (`neighbours`), an hour after the stay, or a day after the change where the vehicle stays; what comes
    later never changes it. Raises DataError for a polygon or a time zone that is none.
    """
    work = partial(_collect, balance, outages, vehicles, zones, prices, window, rules or FuelEventRules())
    return pl.defer(work, schema=FUEL_EVENTS.schema)


def _collect(
    balance: pl.LazyFrame, outages: pl.LazyFrame, vehicles: pl.LazyFrame, zones: pl.LazyFrame, prices: pl.LazyFrame,
    window: Window, rules: FuelEventRules,
) -> pl.DataFrame:  # fmt: skip
    fleet, silent, places, costs = (frame.collect() for frame in (vehicles, outages, zones, prices))
    found = [FUEL_EVENTS.empty()]
    for day in window.days(FUEL_EVENTS.look_back):
        ended = pl.col("ended_at")
        seen = balance.filter((ended >= pl.lit(day.start)) & (ended < pl.lit(day.day_end))).collect()
        if seen.is_empty():
            continue
        events = _of_day(seen.sort("vehicle_id", "ended_at"), silent, day, rules)
        if not events.is_empty():
            found.append(_finished(events, fleet, places, costs, rules))
    return pl.concat(found).sort(FUEL_EVENTS.order)


def _of_day(balance: pl.DataFrame, outages: pl.DataFrame, day: Window, rules: FuelEventRules) -> pl.DataFrame:
    """Events that became final on the day, with what their kind follows from."""
    series = series_of(balance)
    in_litres = told_in_litres(series, balance)
    found = find_changes(series, rules, in_litres)
    changes = change_frame(series, found, balance, in_litres)
    is_of_day = pl.col("closed_at").is_between(pl.lit(day.day_start), pl.lit(day.day_end), closed="left")
    steps = source_steps(balance, rules)
    told = with_kind(changes.filter(is_of_day), steps, outages, day.look_back, rules)
    faults = _skipped_faults(balance, rules).filter(is_of_day)
    weeks = [_weeks(series, found, balance, in_litres, until, rules) for until in mondays_of(day)]
    return pl.concat([told, faults, *weeks], how="diagonal")


def _weeks(
    series: Series, found: Found, balance: pl.DataFrame, in_litres: F64, until: datetime, rules: FuelEventRules
) -> pl.DataFrame:
    """Slow losses of the weeks that end at `until`, as events."""
    stays = stay_frame(series, found, balance, in_litres)
    return weekly_losses(stays, until, rules).select(
        "vehicle_id", "started_at", "ended_at", "closed_at", "change", "scale", "in_litres",
        pl.lit("slow_loss").alias("kind"), (pl.col("chance") ** 2 + pl.col("heat") ** 2).sqrt().alias("sd"),
        pl.lit(False).alias("is_truncated"),
        pl.struct(
            pl.lit("stays of a week or two lost more than chance and heat, none enough by itself").alias("why"),
            pl.col("count").alias("stays"), pl.col("chance").alias("levels_sd"), pl.col("heat").alias("drift_sd"),
        ).struct.json_encode().alias("evidence"),
    )  # fmt: skip


def _skipped_faults(balance: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """Faults of senders, one per vehicle and UTC day on which their levels came back: from the first reading that was
    not believed to the last one, where those were far from the level for long enough."""
    lasted = pl.col("skipped_to_at") - pl.col("skipped_from_at") >= pl.duration(seconds=rules.fault_s)
    away = (pl.col("skipped_level_pct") - pl.col("level_before_pct")).abs().fill_null(rules.fault_pct)
    found = balance.filter((pl.col("skipped_count") > 0) & lasted & (away >= rules.fault_pct))
    day = pl.col("ended_at").dt.date().alias("day")
    return found.group_by("vehicle_id", day, maintain_order=True).agg(
        pl.col("skipped_from_at").min().alias("started_at"), pl.col("skipped_to_at").max().alias("ended_at"),
        pl.col("ended_at").max().alias("closed_at"), pl.col("level_before_pct").first(),
        pl.col("level_after_pct").last(), pl.col("latitude_deg", "longitude_deg", "is_engine_on").last(),
        pl.struct(
            pl.lit("readings that are no levels, far from the levels before and after them").alias("why"),
            pl.len().alias("episodes"), pl.col("skipped_count").sum().alias("plateaus"),
            pl.col("skipped_quality").first().alias("quality"), pl.col("skipped_level_pct").first().alias("level_pct"),
        ).struct.json_encode().alias("evidence"),
    ).select(
        pl.exclude("day"), pl.lit("sensor_fault").alias("kind"), pl.lit(False).alias("is_truncated"),
        pl.lit(False).alias("in_litres"), pl.lit(1.0).alias("scale"), pl.lit(None, pl.Float64).alias("change"),
        pl.lit(None, pl.Float64).alias("sd"), pl.lit(None, pl.Float64).alias("burned"),
    )  # fmt: skip


def _finished(
    events: pl.DataFrame, fleet: pl.DataFrame, places: pl.DataFrame, prices: pl.DataFrame, rules: FuelEventRules
) -> pl.DataFrame:  # fmt: skip
    """The events in the columns of the contract."""
    in_litres, scale = pl.col("in_litres"), pl.col("scale")
    lat, lon = (events[name].cast(pl.Float64).to_numpy() for name in ("latitude_deg", "longitude_deg"))
    sigmas = (events["change"].abs() / events["sd"]).cast(pl.Float64).to_numpy()
    has_points = pl.col("level_before_pct").is_not_null() | ~in_litres
    stamped = events.with_columns(
        pl.when(in_litres).then(pl.col("change").abs()).alias("volume_l"),
        pl.when(in_litres).then("sd").alias("volume_sd_l"),
        pl.when(in_litres).then("change").alias("unexplained_l"),
        pl.when(in_litres).then("burned").alias("expected_consumption_l"),
        pl.when(has_points).then(pl.col("change") / scale).alias("change_pct"),
        pl.when(has_points).then(pl.col("sd") / scale).alias("change_sd_pct"),
        pl.Series("confidence", _probabilities(read_only(sigmas)), nan_to_null=True),
        zone_of(lat, lon, places),
        event_ids(events["vehicle_id"] + "/" + events["kind"], events["started_at"]).alias("event_id"),
        pl.lit(rules.version).alias("rules_version"),
    )
    dated = with_local_date(_priced(stamped, fleet, prices, rules), fleet, rules.default_timezone)
    known = [name for name in FUEL_EVENTS.schema.names() if name in dated.columns]
    return FUEL_EVENTS.conform(dated.select(known).lazy()).collect()


def _priced(events: pl.DataFrame, fleet: pl.DataFrame, prices: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """The events with the worth of their litres: at the price of the vehicle's fuel in force there and then."""
    fuels = fleet.select("vehicle_id", pl.col("fuel").alias("_fuel")).unique("vehicle_id", keep="first")
    bought = events.join(fuels, on="vehicle_id", how="left", maintain_order="left").select(
        "vehicle_id", pl.col("_fuel").alias("kind"), "zone_id", pl.col("started_at").alias("at"),
        pl.col("ended_at").alias("until"),
        pl.when(pl.col("kind").is_in(_PAID_FOR)).then(pl.col("volume_l")).alias("amount"),
    )  # fmt: skip
    return events.with_columns(with_cost(bought, prices, fleet, rules.default_timezone).select("cost", "currency"))


@kernel
def _probabilities(sigmas: F64) -> F64:
    """Probability that normal noise stays below so many standard deviations; NaN of NaN."""
    found = np.empty(len(sigmas))
    for k in range(len(sigmas)):
        found[k] = math.erf(sigmas[k] / math.sqrt(2.0))
    return found
