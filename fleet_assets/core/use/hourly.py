"""Hourly use: one row per vehicle and UTC hour in which anything was known.

Belongs here: the path from a day of telemetry to rows of the contract. Does not belong here: what was driven (`way`),
burned (`fuel`) and taken from the battery (`battery`).
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts import HOURLY_USE
from fleet_assets.core.compiled import F64, I64, Mask
from fleet_assets.core.points import vehicle_ranges, within
from fleet_assets.core.thresholds import HOUR_US
from fleet_assets.core.track import Track, each_track
from fleet_assets.core.trips.batch import in_words
from fleet_assets.core.trips.rules import TripRules
from fleet_assets.core.use import battery, fuel
from fleet_assets.core.use.hours import Hours, day_hours, hours_with
from fleet_assets.core.use.rises import Rises, rises_of
from fleet_assets.core.use.steps import spoken_by_hour, time_by_hour
from fleet_assets.core.use.way import drives_of, km_by_hour, moving_by_hour
from fleet_assets.core.window import Window, micros_of

TELEMETRY_USED = (
    "speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg", "odometer_km", "is_ignition_on", "engine_speed_rpm",
    "fuel_rate_lph", "fuel_used_total_l", "soc_pct", "hv_power_kw", "hv_voltage_v", "hv_current_a", "hv_capacity_kwh",
    "is_charger_connected", "charger_power_kw",
)  # fmt: skip
"""Telemetry columns that hours are made of."""

FLEET_USED = ("vehicle_id", "powertrain", "battery_capacity_kwh")
"""Columns of VEHICLES that hours are made of."""

_SECONDS_PER_HOUR = 3600.0


def hourly_use(
    telemetry: pl.LazyFrame, rises: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TripRules
) -> pl.LazyFrame:
    """HOURLY_USE rows of the window's days.

    `telemetry` is cleaned and covers [window.day_start, window.day_end), in any order, repeated rows included; columns
    it lacks count as never observed. `rises` (RISES_OVER_MIDNIGHT) tell what counters rose by before each day's first
    row. Each day is a pure function of its own rows and rises, by the rules of trips. The work is done when the result
    is collected, in batches of vehicles.
    """
    work = partial(_collect_hours, telemetry, rises, vehicles, window, rules)
    return pl.defer(work, schema=HOURLY_USE.schema)


def _collect_hours(
    telemetry: pl.LazyFrame, rises: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window, rules: TripRules
) -> pl.DataFrame:
    fleet = vehicles.select(FLEET_USED).collect()
    days = list(window.days(timedelta(0)))
    share_of_day = (
        max((day.day_end - day.day_start) / (window.day_end - window.day_start) for day in days) if days else 1.0
    )
    ranges = vehicle_ranges(telemetry, TELEMETRY_USED, share_of_day)
    found = [HOURLY_USE.empty()]
    for day in days:
        risen = within(rises, day.day_start, day.day_end, "ended_at").collect()
        work = partial(hours_of, rises=risen, day=day, rules=rules)
        found += each_track(within(telemetry, day.day_start, day.day_end), TELEMETRY_USED, ranges, fleet, rules, work)
    return pl.concat(found).sort(HOURLY_USE.order)


def hours_of(track: Track, rises: pl.DataFrame, day: Window, rules: TripRules) -> pl.DataFrame:
    """HOURLY_USE rows of one track of one day, with the rises over the midnight before it."""
    hours = day_hours(track, micros_of(day.day_start), micros_of(day.day_end))
    risen = rises_of(track, rises, rules.sources)
    charging = battery.charging_rows(track)
    spoken = spoken_by_hour(track, hours, charging)
    columns = {
        "observed_s": np.minimum(spoken.column(0) + spoken.column(1), _SECONDS_PER_HOUR),
        **_way_columns(track, hours, risen, rules), **_engine_columns(track, hours),
        **fuel.fuel_columns(track, hours, risen, rules.fuel),
        **battery.battery_columns(track, hours, charging, spoken.column(0), rules.energy),
    }  # fmt: skip
    known = hours_with(hours, np.ones(len(track), dtype=np.bool_))
    for name in ("distance_km", "fuel_used_l", "energy_used_kwh"):
        known |= np.nan_to_num(columns[name]) != 0
    return _rows(track, hours, columns, known)


def _rows(track: Track, hours: Hours, columns: dict[str, F64 | I64], known: Mask) -> pl.DataFrame:
    slots = np.flatnonzero(known)
    words = {"fuel_source": fuel.SOURCES, "energy_source": battery.SOURCES}
    frame = pl.DataFrame(
        {
            "vehicle_id": track.points.vehicle_ids.gather(slots // hours.grid.per_vehicle),
            "hour_at": hours.grid.began + slots % hours.grid.per_vehicle * HOUR_US,
            **{name: values[slots] for name, values in columns.items() if name not in words},
            **{name: in_words(columns[name][slots].astype(np.int64), said) for name, said in words.items()},
        },
        nan_to_null=True,
    )
    return frame.select(HOURLY_USE.schema.names()).cast(HOURLY_USE.schema)


def _way_columns(track: Track, hours: Hours, rises: Rises, rules: TripRules) -> dict[str, F64 | I64]:
    drives = drives_of(track, hours, rules)
    over_midnight = rises.driven(
        rules.segmentation.min_distance_km, rules.unobserved.place_km, track.thresholds.max_speed_kmh
    )
    way, moving = km_by_hour(track, hours, drives, over_midnight), moving_by_hour(track, hours, drives)
    is_seen = hours_with(hours, track.states >= 0)
    is_placed = is_seen | hours_with(hours, _is_placed(track)) | way.is_told
    return {
        "distance_km": np.where(is_placed, way.column(0), np.nan),
        "moving_s": np.where(is_seen | moving.is_told, np.minimum(moving.column(0), _SECONDS_PER_HOUR), np.nan),
    }


def _is_placed(track: Track) -> Mask:
    """Rows with an odometer or a place."""
    told = np.zeros(len(track), dtype=np.bool_)
    for name in ("odometer_km", "latitude_deg"):
        if len(track.column(name)):
            told |= ~np.isnan(track.column(name))
    return told


def _engine_columns(track: Track, hours: Hours) -> dict[str, F64 | I64]:
    columns: dict[str, F64 | I64] = {}
    for name, states in (("engine_on_s", track.engine), ("idle_s", track.idling)):
        spent = time_by_hour(track, hours, states)
        is_known = spent.is_told | hours_with(hours, states >= 0)
        columns[name] = np.where(is_known, np.minimum(spent.column(0), _SECONDS_PER_HOUR), np.nan)
    return columns
