"""Measures: the quantities of trips whose ends are known.

Belongs here: bringing distance, time, fuel, energy and places of each trip into the columns of the contract.
Does not belong here: how each is computed (modules of `core`) and which trips there are (`segments`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.contracts.events import TRIPS
from fleet_assets.core import distance, fuel_use
from fleet_assets.core.cadence import hold_of_states
from fleet_assets.core.compiled import F64, I8, I64, kernel
from fleet_assets.core.elevation import climbs
from fleet_assets.core.energy import ENERGY_SOURCES, engine_share, first_engine_start, measure_battery
from fleet_assets.core.engine import engine_states
from fleet_assets.core.integrals import Stretches, at_ends, median_within, shared, time_in_state
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN
from fleet_assets.core.points import Points
from fleet_assets.core.trip_rules import Limits, TripRules
from fleet_assets.core.trips.edges import Edges
from fleet_assets.core.trips.segments import END_REASONS, START_REASONS, TRUNCATED, Segments
from fleet_assets.core.trips.unobserved import Unobserved

MEASURED = tuple(name for name in TRIPS.schema if name not in ("trip_id", "driver_id", "local_date", "rules_version"))
"""Columns of TRIPS that come from telemetry and the vehicle alone."""

TELEMETRY_USED = (
    "speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg", "altitude_m", "odometer_km", "is_ignition_on",
    "engine_speed_rpm", "ambient_temp_c", "fuel_level_pct", "fuel_rate_lph", "fuel_used_total_l", "soc_pct",
    "hv_power_kw", "hv_voltage_v", "hv_current_a", "hv_capacity_kwh",
)  # fmt: skip
"""Telemetry columns that a trip is made of."""

Mask = npt.NDArray[np.bool_]

_BATTERY_POWERTRAINS = ("phev", "bev", "hev")


@dataclass(frozen=True)
class _Batch:
    """What every measure looks at: points, motion, the trips' rows, the rows around them, the vehicle of each trip."""

    points: Points
    states: I8
    trips: Stretches
    edges: Edges
    is_stuck: Mask
    vehicles: pl.DataFrame
    engine: I8
    rules: TripRules

    @cached_property
    def around(self) -> Stretches:
        return self.edges.around(self.trips)

    @cached_property
    def duration_s(self) -> F64:
        return self.trips.duration_s(self.points.at) + self.edges.moved_s

    @cached_property
    def fastest_kmh(self) -> F64:
        """Highest speed seen: the vehicle's own, else the receiver's."""
        speed, gps = (_maxima(self.column(n), self.trips) for n in ("speed_kmh", "gps_speed_kmh"))
        return np.where(np.isnan(speed), gps, speed)

    def column(self, name: str) -> F64:
        return self.points.column(name)


def measure_trips(
    points: Points, states: I8, segments: Segments, edges: Edges, fleet: pl.DataFrame, rules: TripRules
) -> pl.DataFrame:
    """One row per trip that is long enough, with the columns `MEASURED`, in order of vehicle and start."""
    trips = Stretches(segments.first, segments.last)
    is_stuck = _stuck_speeds(points, states, segments, rules)
    driven = distance.Driven(trips, edges.around(trips), edges.km, edges.moved_s, segments.closed_at, is_stuck)
    distances = distance.measure_distances(points, states, driven, rules)
    long_enough = (distances.source >= 0) & (distances.km >= rules.min_distance_km)
    kept, edges, distances = segments.where(long_enough), edges.where(long_enough), distances.where(long_enough)
    trips = Stretches(kept.first, kept.last)
    engine = engine_states(points, fleet, rules.limits)
    batch = _Batch(
        points, states, trips, edges, is_stuck[long_enough], _vehicles_of(points, trips.first, fleet), engine, rules
    )
    columns: dict[str, object] = {
        **_ends(batch, kept), **_times(batch, distances.km), **_distances(batch, distances), **_places(batch),
        **_fuel(batch), **_battery(batch), **_engine(batch),
    }  # fmt: skip
    frame = pl.DataFrame(columns, nan_to_null=True)
    return _ratios(frame.cast({name: TRIPS.schema[name] for name in columns if name in TRIPS.schema}), rules)


def measure_unobserved(points: Points, drives: Unobserved, fleet: pl.DataFrame, rules: TripRules) -> pl.DataFrame:
    """One row per drive that nobody saw, with the columns `MEASURED`: its bounds, way and what counters say of it; what
    happened in it, and so moving and idling time and energy (it may have charged), is not known."""
    stretches = Stretches(drives.before, drives.after)
    vehicles = _vehicles_of(points, drives.before, fleet)
    litres = fuel_use.litres_counted(points, stretches, rules)
    reason = pl.repeat("unobserved", len(drives), eager=True, dtype=pl.String)
    duration_s = (drives.ended_at - drives.started_at) / 1e6
    by_odometer = drives.source == distance.SOURCES.index("odometer")
    start_km, end_km = at_ends(points.column("odometer_km"), stretches)
    start_lat, end_lat = at_ends(points.column("latitude_deg"), stretches)
    start_lon, end_lon = at_ends(points.column("longitude_deg"), stretches)
    columns: dict[str, object] = {
        "vehicle_id": vehicles["vehicle_id"], "started_at": drives.started_at, "ended_at": drives.ended_at,
        "closed_at": drives.closed_at, "start_reason": reason, "end_reason": reason, "duration_s": duration_s,
        "unknown_s": duration_s, "distance_km": drives.km, "distance_error_km": drives.error_km,
        "distance_source": _words(drives.source, distance.SOURCES),
        "start_odometer_km": np.where(by_odometer, start_km, np.nan),
        "end_odometer_km": np.where(by_odometer, end_km, np.nan),
        "start_latitude_deg": start_lat, "start_longitude_deg": start_lon, "end_latitude_deg": end_lat,
        "end_longitude_deg": end_lon, "point_count": np.zeros(len(drives), dtype=np.int64),
        "coverage_pct": np.zeros(len(drives)), "fuel_used_l": litres,
        "fuel_source": _words(np.where(np.isnan(litres), -1, 0), fuel_use.SOURCES),
        "fuel_l_per_100km": np.where(drives.km >= rules.min_engine_km, 100 * litres / drives.km, np.nan),
        "is_truncated": np.zeros(len(drives), dtype=np.bool_),
    }  # fmt: skip
    frame = pl.DataFrame(columns, nan_to_null=True)
    missing = [pl.lit(None).alias(name) for name in MEASURED if name not in columns]
    return frame.with_columns(missing).select(MEASURED).cast({name: TRIPS.schema[name] for name in MEASURED})


def _vehicles_of(points: Points, rows: I64, fleet: pl.DataFrame) -> pl.DataFrame:
    known = fleet.select("vehicle_id", "powertrain", "tank_capacity_l", "battery_capacity_kwh")
    per_trip = pl.DataFrame({"vehicle_id": points.vehicle_ids.gather(points.vehicle[rows])})
    return per_trip.join(known.unique("vehicle_id", keep="first"), on="vehicle_id", how="left", maintain_order="left")


def _ends(batch: _Batch, segments: Segments) -> dict[str, object]:
    return {
        "vehicle_id": batch.vehicles["vehicle_id"],
        "started_at": batch.points.at[segments.first] - batch.edges.lead,
        "ended_at": batch.points.at[segments.last] + batch.edges.trail,
        "closed_at": segments.closed_at,
        "start_reason": _words(segments.start_reason, START_REASONS),
        "end_reason": _words(segments.end_reason, END_REASONS),
        "is_truncated": segments.start_reason == TRUNCATED,
    }


def _times(batch: _Batch, km: F64) -> dict[str, object]:
    points, duration_s = batch.points, batch.duration_s
    trips, limits = batch.trips, batch.rules.limits
    rows, moved = _times_of(points.at, batch.states, points.row_count, trips.first, trips.last, limits)
    # What was driven took at least the time of the highest speed that was seen.
    with np.errstate(divide="ignore", invalid="ignore"):
        needed_s = np.where(batch.fastest_kmh > 0, km / batch.fastest_kmh * 3600, 0.0)
    moving_s = np.minimum(np.maximum(moved[:, 0] + batch.edges.moved_s, needed_s), duration_s)
    standing_s = np.minimum(moved[:, 1], duration_s - moving_s)
    return {
        "duration_s": duration_s,
        "moving_s": moving_s,
        "standing_s": standing_s,
        "unknown_s": duration_s - moving_s - standing_s,
        "idle_s": np.minimum(_idle_s(batch), standing_s),
        "point_count": rows[:, 0],
        "cadence_s": _cadence_s(batch, moved[:, 2], rows[:, 1]),
        "coverage_pct": _covered_pct(moved[:, 2] + batch.edges.moved_s, duration_s),
    }


def _covered_pct(covered_s: F64, duration_s: F64) -> F64:
    """Share of the duration within reach of an observation; all of a trip that is but one instant."""
    share = covered_s / np.maximum(duration_s, 1e-6)
    return np.where(duration_s > 0, np.clip(share * 100, 0, 100), 100.0)


def _cadence_s(batch: _Batch, covered_s: F64, steps: I64) -> F64:
    """Mean seconds between two observations, those that enclose the trip included and silences left out."""
    at, edges = batch.points.at, batch.edges
    edge_s = batch.around.duration_s(at) - batch.trips.duration_s(at)
    every = steps + (edges.before >= 0) + (edges.after >= 0)
    return np.where(every > 0, (covered_s + edge_s) / np.maximum(every, 1), np.nan)


def _idle_s(batch: _Batch) -> F64:
    """NaN where nothing says whether an engine runs, or where no row tells of standing with its engine known."""
    limits = batch.rules.limits
    engine = batch.engine
    if not len(engine):
        return np.full(len(batch.trips), np.nan)
    idling = np.where(batch.states == UNKNOWN, UNKNOWN, (batch.states == STANDING) & (engine == 1)).astype(np.int8)
    idling = np.where(engine == UNKNOWN, UNKNOWN, idling).astype(np.int8)
    known = _any_known(engine, batch.trips.first, batch.trips.last)
    idle_s = time_in_state(batch.points.at, idling, 1, batch.trips, limits.silence, limits)
    return np.where(known, idle_s, np.nan)


def _distances(batch: _Batch, distances: distance.Distances) -> dict[str, object]:
    gain, loss = climbs(
        batch.points.at, batch.column("altitude_m"), batch.trips, batch.rules.climb_smoothing_s,
        batch.rules.climb_hysteresis_m,
    )  # fmt: skip
    return {
        "distance_km": distances.km,
        "distance_source": _words(distances.source, distance.SOURCES),
        "start_odometer_km": distances.start_odometer_km,
        "end_odometer_km": distances.end_odometer_km,
        "distance_error_km": distances.error_km,
        "quality": _quality(batch, distances.is_overruled),
        "max_speed_kmh": batch.fastest_kmh,
        "elevation_gain_m": gain,
        "elevation_loss_m": loss,
    }


def _quality(batch: _Batch, is_odometer_overruled: Mask) -> pl.Series:
    """Which witness was not believed; null where none was."""
    code = np.where(batch.is_stuck, 0, np.where(is_odometer_overruled, 1, -1))
    return _words(code.astype(np.int64), ("speed_overruled", "odometer_overruled"))


def _stuck_speeds(points: Points, states: I8, segments: Segments, rules: TripRules) -> Mask:
    """Trips with a row, until they became final, that stands although its speed says that it moves."""
    speed, closed_at = points.column("speed_kmh"), segments.closed_at
    if not len(speed):
        return np.zeros(len(segments), dtype=np.bool_)
    return _has_stuck(points.vehicle, points.at, speed, states, segments.first, closed_at, rules.moving_above_kmh)


def _places(batch: _Batch) -> dict[str, object]:
    start_lat, end_lat = at_ends(batch.column("latitude_deg"), batch.around)
    start_lon, end_lon = at_ends(batch.column("longitude_deg"), batch.around)
    around = batch.around
    ambient = median_within(batch.points.at, batch.column("ambient_temp_c"), around.first, around.last)
    return {
        "start_latitude_deg": start_lat, "start_longitude_deg": start_lon, "end_latitude_deg": end_lat,
        "end_longitude_deg": end_lon, "ambient_temp_c": ambient,
    }  # fmt: skip


def _fuel(batch: _Batch) -> dict[str, object]:
    tank_l = _numbers(batch.vehicles["tank_capacity_l"])
    fuel = fuel_use.measure_fuel(batch.points, batch.around, tank_l, batch.rules)
    return {
        "start_fuel_level_pct": fuel.start_level_pct, "end_fuel_level_pct": fuel.end_level_pct,
        "fuel_used_l": fuel.litres, "fuel_source": _words(fuel.source, fuel_use.SOURCES),
    }  # fmt: skip


def _battery(batch: _Batch) -> dict[str, object]:
    """Columns named with an underscore serve `_ratios` and are dropped there."""
    capacity_kwh = _numbers(batch.vehicles["battery_capacity_kwh"])
    used = measure_battery(batch.points, batch.around, capacity_kwh, batch.rules)
    return {
        "energy_used_kwh": used.net_kwh, "energy_source": _words(used.source, ENERGY_SOURCES),
        "energy_discharged_kwh": used.discharged_kwh,
        "energy_regenerated_kwh": used.regenerated_kwh, "start_soc_pct": used.start_soc_pct,
        "end_soc_pct": used.end_soc_pct, "_electric_kwh": used.electric_kwh,
        "_is_rated": used.is_rated,
    }  # fmt: skip


def _engine(batch: _Batch) -> dict[str, object]:
    share = engine_share(batch.points, batch.states, batch.around, batch.rules)
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
    is_rated = (pl.col("electric_km") >= rules.min_electric_km) & pl.col("_is_rated")
    enough_fuel_km = pl.col("engine_km").fill_null(km) >= rules.min_engine_km
    return (
        trips.with_columns(moved.alias("avg_speed_kmh"), engine_km.alias("engine_km"))
        .with_columns(
            electric_km.alias("electric_km"),
            electric_kwh.alias("electric_energy_kwh"),
            # Where rows are few none may have hit the fastest moment: it was no slower than the mean.
            pl.max_horizontal("max_speed_kmh", "avg_speed_kmh").alias("max_speed_kmh"),
        )
        .with_columns(
            pl.when(enough_fuel_km).then(per_100).alias("fuel_l_per_100km"),
            pl.when(is_rated).then(net_per_100).alias("kwh_per_100km"),
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
def _times_of(
    at: I64, states: I8, row_count: I64, first: I64, last: I64, limits: Limits
) -> tuple[I64, F64]:  # fmt: skip
    """Per trip (telemetry rows, steps within reach of each other) and seconds (moving, standing, within reach).

    Between two observations of movement all the time counts: a longer silence within a trip was driven through.
    """
    dense, bridge = limits.dense, limits.bridge
    counts, seconds = np.zeros((len(first), 2), dtype=np.int64), np.zeros((len(first), 3))
    for k in range(len(first)):
        reach = hold_of_states(at, states, first[k], last[k], limits)
        moving = standing = covered = 0.0
        steps, rows, before = 0, row_count[first[k]], first[k]
        for i in range(first[k] + 1, last[k] + 1):
            step = at[i] - at[i - 1]
            covered += min(step, reach)
            steps += step <= reach
            rows += row_count[i]
            if states[i] < 0:
                continue
            step = at[i] - at[before]
            was, is_now = states[before] == MOVING, states[i] == MOVING
            if was and is_now and step <= bridge:
                moving += step
            else:
                moving += shared(step, was, is_now, reach, bridge, dense)
                standing += shared(step, not was, not is_now, reach, limits.silence, dense)
            before = i
        counts[k, 0], counts[k, 1] = rows, steps
        seconds[k, 0], seconds[k, 1], seconds[k, 2] = moving / 1e6, standing / 1e6, covered / 1e6
    return counts, seconds


@kernel
def _any_known(states: I8, first: I64, last: I64) -> Mask:
    known = np.zeros(len(first), dtype=np.bool_)
    for k in range(len(first)):
        for i in range(first[k], last[k] + 1):
            if states[i] >= 0:
                known[k] = True
                break
    return known


@kernel
def _has_stuck(
    vehicle: I64, at: I64, speed: F64, states: I8, first: I64, closed_at: I64, moving_kmh: float
) -> Mask:  # fmt: skip
    """Whether up to the end of each trip became final a row stands although its speed says that it moves."""
    stuck = np.zeros(len(first), dtype=np.bool_)
    for k in range(len(first)):
        i = first[k]
        while i < len(at) and vehicle[i] == vehicle[first[k]] and at[i] < closed_at[k]:
            if states[i] == STANDING and speed[i] > moving_kmh:
                stuck[k] = True
                break
            i += 1
    return stuck
