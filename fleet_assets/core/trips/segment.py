"""segment_trips: the trips that became final in a window.

Belongs here: the path from telemetry to rows of the contract. Does not belong here: rules (`trip_rules`), the cutting
(`segments`) and the measuring (`measures`).
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.contracts import READINGS_BEFORE_SILENCE, TRIPS
from fleet_assets.core.compiled import I64
from fleet_assets.core.ids import event_ids
from fleet_assets.core.local_time import with_local_date
from fleet_assets.core.motion import motion_states
from fleet_assets.core.points import Points, each_batch, vehicle_ranges, within
from fleet_assets.core.trip_rules import TripRules, micros
from fleet_assets.core.trips.edges import Edges, find_edges
from fleet_assets.core.trips.measures import MEASURED, TELEMETRY_USED, measure_trips, measure_unobserved
from fleet_assets.core.trips.segments import TRUNCATED, Segments, cut_segments
from fleet_assets.core.trips.strays import is_stray
from fleet_assets.core.trips.unobserved import find_unobserved
from fleet_assets.core.window import Window

Mask = npt.NDArray[np.bool_]


def segment_trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, assignments: pl.LazyFrame, window: Window, rules: TripRules,
    readings: pl.LazyFrame | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """Trips (contract TRIPS, its order) that became final in the window; see `TripRules` for what a trip is.

    `telemetry` is cleaned and covers [window.start, window.day_end), in any order, repeated rows included; columns it
    lacks count as never observed. The work is done when the result is collected, in batches of vehicles, so memory
    is bounded by the batch. A trip longer than the look-back starts at its edge and is marked `is_truncated`.
    `readings` (READINGS_BEFORE_SILENCE) tell where vehicles were left before the look-back, so that a drive in a
    silence of days is found as well.
    Raises DataError for a vehicle's time zone that does not exist.
    """
    told = READINGS_BEFORE_SILENCE.empty().lazy() if readings is None else readings
    work = partial(_collect_trips, telemetry, vehicles, assignments, told, window, rules)
    return pl.defer(work, schema=TRIPS.schema)


def _collect_trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, assignments: pl.LazyFrame, readings: pl.LazyFrame, window: Window,
    rules: TripRules,
) -> pl.DataFrame:  # fmt: skip
    fleet = vehicles.collect()
    days = list(window.days(TRIPS.look_back))
    share = max((day.day_end - day.start) / (window.day_end - window.start) for day in days) if days else 1.0
    ranges = vehicle_ranges(telemetry, TELEMETRY_USED, share)
    found = [TRIPS.empty().select(MEASURED)]
    for day in days:
        work = partial(_batch_trips, fleet=fleet, day=day, rules=rules)
        seen = within(telemetry, day.start, day.day_end)
        left = readings.filter(pl.col("silent_at") == pl.lit(day.day_start)).drop("silent_at").collect()
        told = seen if left.is_empty() else pl.concat([seen, left.lazy()], how="diagonal")
        found += each_batch(told, TELEMETRY_USED, ranges, rules, work)
    measured = pl.concat(found)
    known = with_local_date(_with_driver(measured, assignments.collect()), fleet, rules.default_timezone)
    ids = event_ids(known["vehicle_id"], known["started_at"]).alias("trip_id")
    stamped = known.with_columns(ids, pl.lit(rules.version).alias("rules_version"))
    return TRIPS.conform(stamped.sort(TRIPS.order).lazy()).collect()


def _batch_trips(points: Points, fleet: pl.DataFrame, day: Window, rules: TripRules) -> pl.DataFrame:
    limits = rules.limits
    states = motion_states(points, limits)
    segments = cut_segments(points, states, limits)
    edges = find_edges(points, states, segments, limits)
    is_trip = _is_trip(segments, edges, rules) & _is_of_day(segments.closed_at, day)
    is_trip &= ~is_stray(points, states, segments, edges, limits)
    emitted = _cut_at_the_edge(points, segments.where(is_trip), day, rules)
    trips = measure_trips(points, states, emitted, edges.where(is_trip), fleet, rules)
    if limits.holes_only:
        return trips
    unseen = find_unobserved(points, states, segments, edges, rules)
    unseen = unseen.where(_is_of_day(unseen.closed_at, day))
    return pl.concat([trips, measure_unobserved(points, unseen, fleet, rules)]) if len(unseen) else trips


def _is_trip(segments: Segments, edges: Edges, rules: TripRules) -> Mask:
    """Whether enough points tell of it; those that enclose it do."""
    points = segments.last - segments.first + 1 + (edges.before >= 0) + (edges.after >= 0)
    return points >= max(rules.min_points, 2)


def _is_of_day(closed_at: I64, day: Window) -> Mask:
    """Whether it became final in the window."""
    return (closed_at >= _micros_of(day.day_start)) & (closed_at < _micros_of(day.day_end))


def _cut_at_the_edge(points: Points, kept: Segments, day: Window, rules: TripRules) -> Segments:
    """The same trips; those that may have begun before the window's edge are marked."""
    is_first = (kept.first == 0) | (points.vehicle[kept.first - 1] != points.vehicle[kept.first])
    since_edge = points.at[kept.first] - _micros_of(day.start)
    is_cut = since_edge < np.where(is_first, micros(rules.patience_s), micros(rules.stop_s))
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
