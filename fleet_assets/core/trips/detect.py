"""Detection of trips: those that became final in a window.

Belongs here: the path from telemetry to rows of the contract. Does not belong here: where trips begin and end
(`segmentation`) and what they measure (`measures`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts import FUEL_BALANCE, READINGS_BEFORE_SILENCE, TRIPS
from fleet_assets.core.compiled import I64, Mask
from fleet_assets.core.ids import event_ids
from fleet_assets.core.local_time import with_local_date
from fleet_assets.core.points import vehicle_ranges, within
from fleet_assets.core.position_outliers import are_drift
from fleet_assets.core.thresholds import micros
from fleet_assets.core.track import Track, each_track
from fleet_assets.core.trips.batch import MEASURED, TELEMETRY_USED
from fleet_assets.core.trips.by_level import with_fuel_by_level
from fleet_assets.core.trips.edges import Edges, find_edges, told_by_positions_only
from fleet_assets.core.trips.measures import measure_trips
from fleet_assets.core.trips.rules import TripRules
from fleet_assets.core.trips.segmentation import TRUNCATED, Candidates, SegmentationRules, candidate_trips
from fleet_assets.core.trips.unobserved import find_unobserved
from fleet_assets.core.trips.unobserved_rows import measure_unobserved
from fleet_assets.core.window import Window, micros_of


def segment_trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, assignments: pl.LazyFrame, window: Window, rules: TripRules,
    readings: pl.LazyFrame | None = None, balance: pl.LazyFrame | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """Trips (contract TRIPS, its order) that became final in the window; see `TripRules` for what a trip is.

    `telemetry` is cleaned and covers [window.start, window.day_end), in any order, repeated rows included; columns it
    lacks count as never observed. The work is done when the result is collected, in batches of vehicles, so memory
    is bounded by the batch. A trip longer than the look-back starts at its edge and is marked `is_truncated`.
    `readings` (READINGS_BEFORE_SILENCE) tell where vehicles were left before the look-back, so that a drive in a
    silence of days is found as well. `balance` (FUEL_BALANCE of the window) tells what those burned that nothing
    counts; each day's trips are told by the pairs of its own look-back and day.
    Raises DataError for a vehicle's time zone that does not exist.
    """
    told = READINGS_BEFORE_SILENCE.empty().lazy() if readings is None else readings
    tanks = FUEL_BALANCE.empty().lazy() if balance is None else balance
    work = partial(_collect_trips, telemetry, vehicles, assignments, told, tanks, window, rules)
    return pl.defer(work, schema=TRIPS.schema)


def _collect_trips(
    telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, assignments: pl.LazyFrame, readings: pl.LazyFrame,
    balance: pl.LazyFrame, window: Window, rules: TripRules,
) -> pl.DataFrame:  # fmt: skip
    fleet = vehicles.collect()
    days = list(window.days(TRIPS.look_back))
    share = max((day.day_end - day.start) / (window.day_end - window.start) for day in days) if days else 1.0
    ranges = vehicle_ranges(telemetry, TELEMETRY_USED, share)
    found = [TRIPS.empty().select(MEASURED)]
    for day in days:
        work = partial(trips_of, day=day, rules=rules)
        seen = within(telemetry, day.start, day.day_end)
        left = readings.filter(pl.col("silent_at") == pl.lit(day.day_start)).drop("silent_at").collect()
        told = seen if left.is_empty() else pl.concat([seen, left.lazy()], how="diagonal")
        measured = pl.concat([found[0], *each_track(told, TELEMETRY_USED, ranges, fleet, rules, work)])
        tanks = within(balance, day.start, day.day_end, "ended_at").collect()
        found.append(with_fuel_by_level(measured, tanks, rules))
    measured = pl.concat(found)
    known = with_local_date(_with_driver(measured, assignments.collect()), fleet, rules.default_timezone)
    ids = event_ids(known["vehicle_id"], known["started_at"]).alias("trip_id")
    stamped = known.with_columns(ids, pl.lit(rules.version).alias("rules_version"))
    return TRIPS.conform(stamped.sort(TRIPS.order).lazy()).collect()


def trips_of(track: Track, day: Window, rules: TripRules) -> pl.DataFrame:
    """Trips and unobserved drives of one track that became final in the window, with the columns `MEASURED`.

    What moves and when a vehicle is silent is decided by the rules of the track, all else by `rules`.
    """
    candidates = candidate_trips(track, rules.segmentation)
    edges = find_edges(track, candidates, micros(rules.segmentation.stop_s))
    is_trip = are_trips(track, candidates, edges, rules.segmentation, _is_of_day(candidates.closed_at, day))
    emitted = _cut_at_the_edge(track, candidates.where(is_trip), day, rules.segmentation)
    trips = measure_trips(track, emitted, edges.where(is_trip), rules)
    least_error_km = rules.distance.odometer_error_km
    unseen = find_unobserved(track, candidates, edges, rules.unobserved, rules.segmentation, least_error_km)
    unseen = unseen.where(_is_of_day(unseen.closed_at, day))
    return pl.concat([trips, measure_unobserved(track, unseen, rules)]) if len(unseen) else trips


def are_trips(
    track: Track, candidates: Candidates, edges: Edges, rules: SegmentationRules, is_asked: Mask | None = None
) -> Mask:
    """Which of the asked candidates (all, if none are named) are trips: enough points tell of them, those that enclose
    them too, and it was not a parked receiver that drew them. How long a trip must be is for those who measure it."""
    points = candidates.last - candidates.first + 1 + (edges.before >= 0) + (edges.after >= 0)
    is_trip: Mask = points >= max(rules.min_points, 2)
    if is_asked is not None:
        is_trip &= is_asked
    is_trip &= ~_is_drift(track, candidates, edges, rules, is_trip)
    return is_trip


def _is_drift(track: Track, candidates: Candidates, edges: Edges, rules: SegmentationRules, is_asked: Mask) -> Mask:
    """Which candidates are no trips, because a parked receiver drew them."""
    drift = told_by_positions_only(track.witnesses, candidates.first, candidates.last) & is_asked
    asked = candidates.where(drift)
    begin = np.where(edges.before >= 0, edges.before, candidates.first)[drift]
    stop_us = micros(rules.stop_s)
    drift[drift] = are_drift(track.placed, begin, asked.last, asked.closed_at, stop_us, track.thresholds)
    return drift


def _is_of_day(closed_at: I64, day: Window) -> Mask:
    """Whether it became final in the window."""
    return (closed_at >= micros_of(day.day_start)) & (closed_at < micros_of(day.day_end))


def _cut_at_the_edge(track: Track, kept: Candidates, day: Window, rules: SegmentationRules) -> Candidates:
    """The same trips; those that may have begun before the window's edge are marked."""
    vehicle = track.points.vehicle
    is_first = (kept.first == 0) | (vehicle[kept.first - 1] != vehicle[kept.first])
    since_edge = track.at[kept.first] - micros_of(day.start)
    is_cut = since_edge < np.where(is_first, micros(track.rules.cadence.patience_s), micros(rules.stop_s))
    return replace(kept, start_reason=np.where(is_cut, TRUNCATED, kept.start_reason))


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
