"""Measures: the quantities of trips whose ends are known.

Belongs here: bringing distance, time, fuel, energy and places of each trip into the columns of the contract.
Does not belong here: how each is computed (modules of `core`) and which trips there are (`segments`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.contracts.events import TRIPS
from fleet_assets.core import distance, fuel_use
from fleet_assets.core.compiled import F64, I8, I64, kernel
from fleet_assets.core.elevation import climbs
from fleet_assets.core.energy import engine_share, first_engine_start, measure_battery
from fleet_assets.core.integrals import Stretches, at_ends, median_within, time_in_state
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN, engine_states
from fleet_assets.core.points import Points
from fleet_assets.core.trip_rules import TripRules
from fleet_assets.core.trips.segments import END_REASONS, START_REASONS, TRUNCATED, Segments

MEASURED = tuple(name for name in TRIPS.schema if name not in ("trip_id", "driver_id", "local_date", "rules_version"))
"""Columns of TRIPS that come from telemetry and the vehicle alone."""

TELEMETRY_USED = (
    "speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg", "altitude_m", "odometer_km", "is_ignition_on",
    "engine_speed_rpm", "ambient_temp_c", "fuel_level_pct", "fuel_rate_lph", "fuel_used_total_l", "soc_pct",
    "hv_power_kw", "hv_voltage_v", "hv_current_a", "hv_capacity_kwh",
)  # fmt: skip
"""Telemetry columns that a trip is made of."""

_BATTERY_POWERTRAINS = ("phev", "bev", "hev")


@dataclass(frozen=True)
class _Batch:
    """What every measure looks at: points, motion, the trips' rows, and the vehicle of each trip."""

    points: Points
    states: I8
    trips: Stretches
    vehicles: pl.DataFrame
    rules: TripRules

    @property
    def duration_s(self) -> F64:
        return self.trips.duration_s(self.points.at)

    def column(self, name: str) -> F64:
        return self.points.column(name)


def measure_trips(
    points: Points, states: I8, segments: Segments, fleet: pl.DataFrame, rules: TripRules
) -> pl.DataFrame:
    """One row per trip that is long enough, with the columns `MEASURED`, in order of vehicle and start."""
    trips = Stretches(segments.first, segments.last)
    distances = distance.measure_distances(points, states, trips, segments.closed_at, rules)
    long_enough = (distances.source >= 0) & (distances.km >= rules.min_distance_km)
    kept, distances = segments.where(long_enough), distances.where(long_enough)
    trips = Stretches(kept.first, kept.last)
    batch = _Batch(points, states, trips, _vehicles_of(points, trips, fleet), rules)
    columns: dict[str, object] = {
        **_ends(batch, kept), **_times(batch), **_distances(batch, distances), **_places(batch), **_fuel(batch),
        **_battery(batch), **_engine(batch),
    }  # fmt: skip
    frame = pl.DataFrame(columns, nan_to_null=True)
    return _ratios(frame.cast({name: TRIPS.schema[name] for name in columns if name in TRIPS.schema}), rules)


def _vehicles_of(points: Points, trips: Stretches, fleet: pl.DataFrame) -> pl.DataFrame:
    known = fleet.select("vehicle_id", "powertrain", "tank_capacity_l", "battery_capacity_kwh")
    per_trip = pl.DataFrame({"vehicle_id": points.vehicle_ids.gather(points.vehicle[trips.first])})
    return per_trip.join(known.unique("vehicle_id", keep="first"), on="vehicle_id", how="left", maintain_order="left")


def _ends(batch: _Batch, segments: Segments) -> dict[str, object]:
    return {
        "vehicle_id": batch.vehicles["vehicle_id"],
        "started_at": batch.points.at[segments.first],
        "ended_at": batch.points.at[segments.last],
        "closed_at": segments.closed_at,
        "start_reason": _words(segments.start_reason, START_REASONS),
        "end_reason": _words(segments.end_reason, END_REASONS),
        "is_truncated": segments.start_reason == TRUNCATED,
    }


def _times(batch: _Batch) -> dict[str, object]:
    at, limits, duration_s = batch.points.at, batch.rules.limits, batch.duration_s
    # Between two observations of movement all the time counts: a longer silence within a trip was driven through.
    moving_s = time_in_state(at, batch.states, MOVING, batch.trips, limits.hold, limits.bridge)
    covered_s, rows = _coverage(at, batch.points.row_count, batch.trips.first, batch.trips.last, limits.hold)
    return {
        "duration_s": duration_s,
        "moving_s": moving_s,
        "idle_s": _idle_s(batch),
        "point_count": rows,
        "coverage_pct": np.clip(covered_s / duration_s * 100, 0, 100),
    }


def _idle_s(batch: _Batch) -> F64:
    limits = batch.rules.limits
    if not len(batch.column("engine_speed_rpm")) and not len(batch.column("is_ignition_on")):
        return np.zeros(len(batch.trips))
    engine = engine_states(batch.points, limits)
    idling = np.where(batch.states == UNKNOWN, UNKNOWN, (batch.states == STANDING) & (engine == 1)).astype(np.int8)
    return time_in_state(batch.points.at, idling, 1, batch.trips, limits.hold, limits.silence)


def _distances(batch: _Batch, distances: distance.Distances) -> dict[str, object]:
    speed, gps = (_maxima(batch.column(n), batch.trips) for n in ("speed_kmh", "gps_speed_kmh"))
    gain, loss = climbs(
        batch.points.at, batch.column("altitude_m"), batch.trips, batch.rules.climb_smoothing_s,
        batch.rules.climb_hysteresis_m,
    )  # fmt: skip
    return {
        "distance_km": distances.km,
        "distance_source": _words(distances.source, distance.SOURCES),
        "start_odometer_km": distances.start_odometer_km,
        "end_odometer_km": distances.end_odometer_km,
        "max_speed_kmh": np.where(np.isnan(speed), gps, speed),
        "elevation_gain_m": gain,
        "elevation_loss_m": loss,
    }


def _places(batch: _Batch) -> dict[str, object]:
    start_lat, end_lat = at_ends(batch.column("latitude_deg"), batch.trips)
    start_lon, end_lon = at_ends(batch.column("longitude_deg"), batch.trips)
    ambient = median_within(batch.points.at, batch.column("ambient_temp_c"), batch.trips.first, batch.trips.last)
    return {
        "start_latitude_deg": start_lat, "start_longitude_deg": start_lon, "end_latitude_deg": end_lat,
        "end_longitude_deg": end_lon, "ambient_temp_c": ambient,
    }  # fmt: skip


def _fuel(batch: _Batch) -> dict[str, object]:
    tank_l = _numbers(batch.vehicles["tank_capacity_l"])
    fuel = fuel_use.measure_fuel(batch.points, batch.trips, tank_l, batch.rules)
    return {
        "start_fuel_level_pct": fuel.start_level_pct, "end_fuel_level_pct": fuel.end_level_pct,
        "fuel_used_l": fuel.litres, "fuel_source": _words(fuel.source, fuel_use.SOURCES),
    }  # fmt: skip


def _battery(batch: _Batch) -> dict[str, object]:
    """Columns named with an underscore serve `_ratios` and are dropped there."""
    capacity_kwh = _numbers(batch.vehicles["battery_capacity_kwh"])
    used = measure_battery(batch.points, batch.trips, capacity_kwh, batch.rules)
    return {
        "energy_used_kwh": used.net_kwh, "energy_discharged_kwh": used.discharged_kwh,
        "energy_regenerated_kwh": used.regenerated_kwh, "start_soc_pct": used.start_soc_pct,
        "end_soc_pct": used.end_soc_pct, "_electric_kwh": used.electric_kwh,
    }  # fmt: skip


def _engine(batch: _Batch) -> dict[str, object]:
    share = engine_share(batch.points, batch.states, batch.trips, batch.rules)
    rows, soc = first_engine_start(batch.points, batch.trips, batch.rules)
    started = pl.DataFrame({"row": rows, "at": batch.points.at[rows] if len(rows) else rows}).select(
        pl.when(pl.col("row") >= 0).then("at")
    )
    return {"engine_started_at": started.to_series(), "soc_at_engine_start_pct": soc,
            "_share": share, "_powertrain": batch.vehicles["powertrain"]}  # fmt: skip


def _ratios(trips: pl.DataFrame, rules: TripRules) -> pl.DataFrame:
    """Distances by drive and the ratios, null where the distance is too short to say anything."""
    km, share, powertrain = pl.col("distance_km"), pl.col("_share"), pl.col("_powertrain")
    seen = pl.any_horizontal(pl.col("start_soc_pct", "energy_used_kwh").is_not_null())
    has_battery = powertrain.is_in(_BATTERY_POWERTRAINS).fill_null(seen)
    has_no_engine = (powertrain == "bev") | (powertrain.is_null() & has_battery & share.is_null())
    engine_only = ~has_battery & (share.is_not_null() | (powertrain == "ice").fill_null(False))
    engine_km = pl.when(has_no_engine).then(0.0).when(engine_only).then(km).when(has_battery).then(km * share)
    electric_km = pl.when(has_battery).then(km - pl.col("engine_km"))
    per_100 = 100 * pl.col("fuel_used_l") / km
    # An engine that never drove leaves all the energy to the electric distance, however the energy was measured.
    never_on = pl.col("engine_km") == 0
    electric_kwh = pl.when(has_battery & never_on).then("energy_used_kwh").when(has_battery).then("_electric_kwh")
    net_per_100 = 100 * pl.col("electric_energy_kwh") / pl.col("electric_km")
    moved = pl.when(pl.col("moving_s") > 0).then(km / (pl.col("moving_s") / 3600))
    enough_fuel_km = pl.col("engine_km").fill_null(km) >= rules.min_engine_km
    return (
        trips.with_columns(moved.alias("avg_speed_kmh"), engine_km.alias("engine_km"))
        .with_columns(electric_km.alias("electric_km"), electric_kwh.alias("electric_energy_kwh"))
        .with_columns(
            pl.when(enough_fuel_km).then(per_100).alias("fuel_l_per_100km"),
            pl.when(pl.col("electric_km") >= rules.min_electric_km).then(net_per_100).alias("kwh_per_100km"),
        )
        .select(MEASURED)
    )


def _words(codes: I64, words: tuple[str, ...]) -> pl.Series:
    return pl.Series(codes).replace_strict(range(len(words)), words, default=None, return_dtype=pl.String)


def _numbers(series: pl.Series) -> F64:
    return series.cast(pl.Float64).to_numpy()


def _maxima(values: F64, trips: Stretches) -> F64:
    if not len(values):
        return np.full(len(trips), np.nan)
    return _max_within(values, trips.first, trips.last)


@kernel
def _max_within(values: F64, first: I64, last: I64) -> F64:
    maxima = np.full(len(first), np.nan)
    for k in range(len(first)):
        for i in range(first[k], last[k] + 1):
            if not values[i] <= maxima[k] and not np.isnan(values[i]):
                maxima[k] = values[i]
    return maxima


@kernel
def _coverage(at: I64, row_count: I64, first: I64, last: I64, hold: int) -> tuple[F64, I64]:
    """Per trip: seconds within the hold time of an observation, and telemetry rows."""
    covered, rows = np.zeros(len(first)), np.zeros(len(first), dtype=np.int64)
    for k in range(len(first)):
        rows[k] = row_count[first[k]]
        for i in range(first[k] + 1, last[k] + 1):
            covered[k] += min(at[i] - at[i - 1], hold) / 1e6
            rows[k] += row_count[i]
    return covered, rows
