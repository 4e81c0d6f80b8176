"""Measures: the quantities of trips whose ends are known.

Belongs here: bringing distance, time, fuel, energy and places of each trip into the columns of the contract.
Does not belong here: how each is computed (modules of `core`, `times`, `consumption`) and which trips there are
(`segmentation`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.contracts.events import TRIPS
from fleet_assets.core import distance, fuel_use
from fleet_assets.core.compiled import Mask
from fleet_assets.core.elevation import ClimbRules, climbs
from fleet_assets.core.energy import ENERGY_SOURCES, engine_share, first_engine_start, measure_battery
from fleet_assets.core.integrals import Stretches, at_ends, median_within
from fleet_assets.core.motion import has_stuck_speed
from fleet_assets.core.track import Track
from fleet_assets.core.trips.batch import MEASURED, TripBatch, in_words, vehicles_of
from fleet_assets.core.trips.consumption import with_consumption
from fleet_assets.core.trips.edges import Edges
from fleet_assets.core.trips.rules import TripRules
from fleet_assets.core.trips.segmentation import END_REASONS, START_REASONS, TRUNCATED, Candidates
from fleet_assets.core.trips.times import times_of


def measure_trips(track: Track, candidates: Candidates, edges: Edges, rules: TripRules) -> pl.DataFrame:
    """One row per trip that is long enough, with the columns `MEASURED`, in order of vehicle and start."""
    distances, is_stuck = distances_of(track, candidates, edges, rules.distance)
    long_enough = (distances.source >= 0) & (distances.km >= rules.segmentation.min_distance_km)
    kept, edges, distances = candidates.where(long_enough), edges.where(long_enough), distances.where(long_enough)
    vehicles = vehicles_of(track.points, kept.first, track.fleet)
    batch = TripBatch(track, Stretches(kept.first, kept.last), edges, is_stuck[long_enough], vehicles)
    columns: dict[str, object] = {
        **_ends(batch, kept), **times_of(batch, distances.km), **_distances(batch, distances, rules.climbs),
        **_places(batch), **_fuel(batch, rules), **_battery(batch, rules), **_engine(batch, rules),
    }  # fmt: skip
    frame = pl.DataFrame(columns, nan_to_null=True)
    typed = frame.cast({name: TRIPS.schema[name] for name in columns if name in TRIPS.schema})
    return with_consumption(typed, rules.consumption).select(MEASURED)


def distances_of(
    track: Track, candidates: Candidates, edges: Edges, rules: distance.DistanceRules, *, every: bool = True
) -> tuple[distance.Distances, Mask]:
    """Distances of candidate trips (see `distance.measure_distances`), and of which their own speed is not believed."""
    trips = Stretches(candidates.first, candidates.last)
    is_stuck = has_stuck_speed(track.points, track.states, trips.first, candidates.closed_at, track.thresholds)
    driven = distance.Driven(trips, edges.around(trips), edges.km, edges.moved_s, candidates.closed_at, is_stuck)
    return distance.measure_distances(track, driven, rules, every=every), is_stuck


def _ends(batch: TripBatch, candidates: Candidates) -> dict[str, object]:
    return {
        "vehicle_id": batch.vehicles["vehicle_id"],
        "started_at": batch.track.at[candidates.first] - batch.edges.lead,
        "ended_at": batch.track.at[candidates.last] + batch.edges.trail,
        "closed_at": candidates.closed_at,
        "start_reason": in_words(candidates.start_reason, START_REASONS),
        "end_reason": in_words(candidates.end_reason, END_REASONS),
        "is_truncated": candidates.start_reason == TRUNCATED,
    }


def _distances(batch: TripBatch, distances: distance.Distances, rules: ClimbRules) -> dict[str, object]:
    gain, loss = climbs(batch.track.at, batch.column("altitude_m"), batch.trips, rules)
    return {
        "distance_km": distances.km,
        "odometer_distance_km": distances.odometer_km,
        "speed_distance_km": distances.speed_km,
        "gps_distance_km": distances.gps_km,
        "distance_source": in_words(distances.source, distance.SOURCES),
        "start_odometer_km": distances.start_odometer_km,
        "end_odometer_km": distances.end_odometer_km,
        "distance_error_km": distances.error_km,
        "quality": _quality(batch, distances.is_overruled),
        "max_speed_kmh": batch.fastest_kmh,
        "elevation_gain_m": gain,
        "elevation_loss_m": loss,
    }


def _quality(batch: TripBatch, is_odometer_overruled: Mask) -> pl.Series:
    """Which witness was not believed; null where none was."""
    code = np.where(batch.is_stuck, 0, np.where(is_odometer_overruled, 1, -1))
    return in_words(code.astype(np.int64), ("speed_overruled", "odometer_overruled"))


def _places(batch: TripBatch) -> dict[str, object]:
    start_lat, end_lat = at_ends(batch.column("latitude_deg"), batch.around)
    start_lon, end_lon = at_ends(batch.column("longitude_deg"), batch.around)
    around = batch.around
    ambient = median_within(batch.track.at, batch.column("ambient_temp_c"), around.first, around.last)
    return {
        "start_latitude_deg": start_lat, "start_longitude_deg": start_lon, "end_latitude_deg": end_lat,
        "end_longitude_deg": end_lon, "ambient_temp_c": ambient,
    }  # fmt: skip


def _fuel(batch: TripBatch, rules: TripRules) -> dict[str, object]:
    fuel = fuel_use.measure_fuel(batch.track, batch.around, rules.fuel)
    return {
        "start_fuel_level_pct": fuel.start_level_pct, "end_fuel_level_pct": fuel.end_level_pct,
        "fuel_used_l": fuel.litres, "fuel_used_sd_l": fuel.error_l,
        "fuel_source": in_words(fuel.source, fuel_use.SOURCES),
    }  # fmt: skip


def _battery(batch: TripBatch, rules: TripRules) -> dict[str, object]:
    """Columns named with an underscore serve `with_consumption`."""
    capacity_kwh = batch.vehicle_numbers("battery_capacity_kwh")
    used = measure_battery(batch.track, batch.around, capacity_kwh, rules.energy)
    return {
        "energy_used_kwh": used.net_kwh, "energy_source": in_words(used.source, ENERGY_SOURCES),
        "energy_discharged_kwh": used.discharged_kwh,
        "energy_regenerated_kwh": used.regenerated_kwh, "start_soc_pct": used.start_soc_pct,
        "end_soc_pct": used.end_soc_pct, "_electric_kwh": used.electric_kwh,
        "_is_rated": used.is_rated,
    }  # fmt: skip


def _engine(batch: TripBatch, rules: TripRules) -> dict[str, object]:
    share = engine_share(batch.track, batch.around, rules.energy, rules.distance)
    rows, soc = first_engine_start(batch.track, batch.trips, rules.energy)
    started = pl.DataFrame({"row": rows, "at": batch.track.at[rows] if len(rows) else rows}).select(
        pl.when(pl.col("row") >= 0).then("at")
    )
    return {"engine_started_at": started.to_series(), "soc_at_engine_start_pct": soc,
            "_share": share, "_powertrain": batch.vehicles["powertrain"]}  # fmt: skip
