"""Rows of unobserved drives: what is known of a drive that nobody saw, in the columns of the contract.

Belongs here: their measures. Does not belong here: finding them (`unobserved`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.contracts.events import TRIPS
from fleet_assets.core import distance, fuel_use
from fleet_assets.core.geo import great_circle_expr
from fleet_assets.core.integrals import Stretches, at_ends
from fleet_assets.core.track import Track
from fleet_assets.core.trips.batch import MEASURED, in_words, vehicles_of
from fleet_assets.core.trips.rules import TripRules
from fleet_assets.core.trips.unobserved import Unobserved


def measure_unobserved(track: Track, drives: Unobserved, rules: TripRules) -> pl.DataFrame:
    """One row per drive that nobody saw, with the columns `MEASURED`: its bounds, way and what counters say of it; what
    happened in it, and so moving and idling time and energy (it may have charged), is not known."""
    stretches = Stretches(drives.before, drives.after)
    vehicles = vehicles_of(track.points, drives.before, track.fleet)
    litres = fuel_use.litres_counted(track, stretches, rules.fuel)
    reason = pl.repeat("unobserved", len(drives), eager=True, dtype=pl.String)
    duration_s = (drives.ended_at - drives.started_at) / 1e6
    by_odometer = drives.source == distance.SOURCES.index("odometer")
    start_km, end_km = at_ends(track.column("odometer_km"), stretches)
    start_lat, end_lat = at_ends(track.column("latitude_deg"), stretches)
    start_lon, end_lon = at_ends(track.column("longitude_deg"), stretches)
    columns: dict[str, object] = {
        "vehicle_id": vehicles["vehicle_id"], "started_at": drives.started_at, "ended_at": drives.ended_at,
        "closed_at": drives.closed_at, "start_reason": reason, "end_reason": reason, "duration_s": duration_s,
        "unknown_s": duration_s, "distance_km": drives.km, "distance_error_km": drives.error_km,
        "distance_source": in_words(drives.source, distance.SOURCES),
        "odometer_distance_km": np.where(by_odometer, drives.km, np.nan),
        "gps_distance_km": _straight_km(track, drives),
        "start_odometer_km": np.where(by_odometer, start_km, np.nan),
        "end_odometer_km": np.where(by_odometer, end_km, np.nan),
        "start_latitude_deg": start_lat, "start_longitude_deg": start_lon, "end_latitude_deg": end_lat,
        "end_longitude_deg": end_lon, "point_count": np.zeros(len(drives), dtype=np.int64),
        "coverage_pct": np.zeros(len(drives)), "fuel_used_l": litres,
        "fuel_source": in_words(np.where(np.isnan(litres), -1, 0), fuel_use.SOURCES),
        "fuel_l_per_100km": np.where(drives.km >= rules.consumption.min_engine_km, 100 * litres / drives.km, np.nan),
        "is_truncated": np.zeros(len(drives), dtype=np.bool_),
    }  # fmt: skip
    frame = pl.DataFrame(columns, nan_to_null=True)
    missing = [pl.lit(None).alias(name) for name in MEASURED if name not in columns]
    return frame.with_columns(missing).select(MEASURED).cast({name: TRIPS.schema[name] for name in MEASURED})


def _straight_km(track: Track, drives: Unobserved) -> pl.Series:
    """Straight line between the positions of the rows before and after a drive; null where one of them has none."""
    lat, lon = track.column("latitude_deg"), track.column("longitude_deg")
    if not len(lat) or not len(lon):
        return pl.repeat(None, len(drives), eager=True, dtype=pl.Float64)
    a, b = drives.before, drives.after
    places = pl.DataFrame({"lat0": lat[a], "lon0": lon[a], "lat1": lat[b], "lon1": lon[b]})
    return places.select(great_circle_expr(*map(pl.col, places.columns))).to_series().fill_nan(None)
