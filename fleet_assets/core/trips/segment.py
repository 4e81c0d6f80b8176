"""segment_trips: the trips that became final in a window.

Belongs here: the path from telemetry to rows of the contract. Does not belong here: rules (`trip_rules`), the cutting
(`segments`) and the measuring (`measures`).
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts.events import TRIPS
from fleet_assets.core.ids import event_ids
from fleet_assets.core.local_time import with_local_date
from fleet_assets.core.motion import motion_states
from fleet_assets.core.points import Points, each_batch, vehicle_ranges, within
from fleet_assets.core.trip_rules import TripRules, micros
from fleet_assets.core.trips.measures import MEASURED, TELEMETRY_USED, measure_trips
from fleet_assets.core.trips.segments import TRUNCATED, Segments, cut_segments
from fleet_assets.core.window import Window


def segment_trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, assignments: pl.LazyFrame, window: Window, rules: TripRules
) -> pl.LazyFrame:
    """Trips (contract TRIPS, its order) that became final in the window; see `TripRules` for what a trip is.

    `telemetry` is cleaned and covers [window.start, window.day_end), in any order, repeated rows included; columns it
    lacks count as never observed. The work is done when the result is collected, in batches of vehicles, so memory
    is bounded by the batch. A trip longer than the look-back starts at its edge and is marked `is_truncated`.
    Raises DataError for a vehicle's time zone that does not exist.
    """
    work = partial(_collect_trips, telemetry, vehicles, assignments, window, rules)
    return pl.defer(work, schema=TRIPS.schema)


def _collect_trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, assignments: pl.LazyFrame, window: Window, rules: TripRules
) -> pl.DataFrame:
    fleet = vehicles.collect()
    days = list(window.days(TRIPS.look_back))
    share = max((day.day_end - day.start) / (window.day_end - window.start) for day in days) if days else 1.0
    ranges = vehicle_ranges(telemetry, TELEMETRY_USED, share)
    found = [TRIPS.empty().select(MEASURED)]
    for day in days:
        work = partial(_batch_trips, fleet=fleet, day=day, rules=rules)
        found += each_batch(within(telemetry, day.start, day.day_end), TELEMETRY_USED, ranges, rules, work)
    measured = pl.concat(found)
    known = with_local_date(_with_driver(measured, assignments.collect()), fleet, rules.default_timezone)
    ids = event_ids(known["vehicle_id"], known["started_at"]).alias("trip_id")
    stamped = known.with_columns(ids, pl.lit(rules.version).alias("rules_version"))
    return TRIPS.conform(stamped.sort(TRIPS.order).lazy()).collect()


def _batch_trips(points: Points, fleet: pl.DataFrame, day: Window, rules: TripRules) -> pl.DataFrame:
    limits = rules.limits
    states = motion_states(points, limits)
    segments = cut_segments(points, states, limits)
    return measure_trips(points, states, _emitted(points, segments, day, rules), fleet, rules)


def _emitted(points: Points, segments: Segments, day: Window, rules: TripRules) -> Segments:
    """Candidates that became final in the window and have enough points; starts at the edge are marked."""
    is_final = (segments.closed_at >= _micros_of(day.day_start)) & (segments.closed_at < _micros_of(day.day_end))
    has_points = segments.last - segments.first + 1 >= max(rules.min_points, 2)
    kept = segments.where(is_final & has_points)
    is_cut = points.at[kept.first] - _micros_of(day.start) < micros(rules.stop_s)
    reason = np.where(is_cut, TRUNCATED, kept.start_reason)
    return Segments(kept.first, kept.last, kept.closed_at, reason, kept.end_reason)


def _with_driver(trips: pl.DataFrame, assignments: pl.DataFrame) -> pl.DataFrame:
    """The driver assigned at the start; of several valid assignments the one that began last."""
    at = pl.col("started_at")
    held = (
        trips.select("vehicle_id", "started_at")
        .join(assignments, on="vehicle_id")
        .filter((pl.col("valid_from") <= at) & (pl.col("valid_to").is_null() | (at < pl.col("valid_to"))))
        .sort("valid_from", "driver_id")
        .unique(["vehicle_id", "started_at"], keep="last", maintain_order=True)
    )
    drivers = held.select("vehicle_id", "started_at", "driver_id")
    return trips.join(drivers, on=["vehicle_id", "started_at"], how="left", maintain_order="left")


def _micros_of(instant: datetime) -> int:
    return int(np.datetime64(instant.replace(tzinfo=None), "us").astype(np.int64))
