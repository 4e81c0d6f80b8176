"""Standing periods: stretches of one UTC day in which a vehicle was observed standing.

Belongs here: the stretches and what happened in them (engine, fuel, charger, place). Does not belong here: stays
between trips (`stops`), which are put together from these small rows instead of weeks of telemetry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts.events import STANDING_PERIODS
from fleet_assets.core.compiled import I8, I64, kernel
from fleet_assets.core.fuel_use import litres_burned
from fleet_assets.core.integrals import Stretches, median_within, time_in_state
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN, engine_states, motion_states
from fleet_assets.core.points import Points, each_batch, vehicle_ranges
from fleet_assets.core.trip_rules import TripRules, micros

TELEMETRY_USED = (
    "speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg", "odometer_km", "is_ignition_on", "engine_speed_rpm",
    "fuel_rate_lph", "fuel_used_total_l", "is_charger_connected",
)  # fmt: skip
"""Telemetry columns that a standing period is made of."""

_DAY = 86_400_000_000


@dataclass(frozen=True)
class StandingRules:
    """When two observations of standing are one stretch."""

    motion: TripRules = field(default_factory=TripRules)
    """What moves, and which source says so: the same as for trips."""
    gap_s: float = 3600.0
    """s between two standing observations up to which the vehicle counts as standing in between (hourly heartbeat)."""


def standing_periods(telemetry: pl.LazyFrame, rules: StandingRules) -> pl.LazyFrame:
    """Standing periods (contract STANDING_PERIODS, its order) of all days that `telemetry` holds.

    A period ends with a movement, with a silence longer than `gap_s`, and at midnight UTC; each day is a pure
    function of its own rows. Telemetry may come in any order; the work is done on collection, in batches of vehicles.
    """
    return pl.defer(partial(_collect_periods, telemetry, rules), schema=STANDING_PERIODS.schema)


def _collect_periods(telemetry: pl.LazyFrame, rules: StandingRules) -> pl.DataFrame:
    ranges = vehicle_ranges(telemetry, TELEMETRY_USED)
    found = each_batch(telemetry, TELEMETRY_USED, ranges, rules.motion, partial(_batch_periods, rules=rules))
    periods = pl.concat([STANDING_PERIODS.empty(), *found])
    return periods.sort(STANDING_PERIODS.order)


def _batch_periods(points: Points, rules: StandingRules) -> pl.DataFrame:
    limits, join = rules.motion.limits, micros(rules.gap_s)
    daily = _by_day(points)
    engine, charger = engine_states(daily, limits), _charger_states(daily)
    states = motion_states(daily, limits)
    # A plugged-in vehicle stands, also one that says nothing but that it charges.
    states = np.where((states == UNKNOWN) & (charger == 1), STANDING, states).astype(np.int8)
    stretches = _standing_stretches(daily.vehicle, daily.at, states, join)
    columns = {
        "vehicle_id": points.vehicle_ids.gather(points.vehicle[stretches.first]),
        "started_at": daily.at[stretches.first],
        "ended_at": daily.at[stretches.last],
        "engine_on_s": time_in_state(daily.at, engine, 1, stretches, limits.hold, limits.silence),
        "idle_fuel_l": litres_burned(daily, stretches, rules.motion),
        "charger_s": time_in_state(daily.at, charger, 1, stretches, limits.hold, join),
        "latitude_deg": median_within(daily.at, daily.column("latitude_deg"), stretches.first, stretches.last),
        "longitude_deg": median_within(daily.at, daily.column("longitude_deg"), stretches.first, stretches.last),
    }
    return pl.DataFrame(columns, nan_to_null=True).cast(STANDING_PERIODS.schema)


def _by_day(points: Points) -> Points:
    """The same points with every vehicle's day as a vehicle of its own, so that no state passes midnight."""
    day = points.at // _DAY
    days = int(day.max() - day.min()) + 1
    vehicle_day = points.vehicle * days + (day - day.min())
    return Points(points.vehicle_ids, vehicle_day, points.at, points.row_count, points.columns, points.origin)


def _charger_states(points: Points) -> I8:
    connected = points.column("is_charger_connected")
    if not len(connected):
        return np.full(len(points), UNKNOWN, dtype=np.int8)
    return np.where(np.isnan(connected), UNKNOWN, connected > 0).astype(np.int8)


def _standing_stretches(vehicle: I64, at: I64, states: I8, gap: int) -> Stretches:
    table = _stretches(vehicle, at, states, gap)
    return Stretches(table[:, 0].copy(), table[:, 1].copy())


@kernel
def _stretches(vehicle: I64, at: I64, states: I8, gap: int) -> I64:
    rows = np.empty((len(at), 2), dtype=np.int64)
    count = 0
    first = last = -1
    for i in range(len(at)):
        ends = first >= 0 and (vehicle[i] != vehicle[last] or states[i] == MOVING or at[i] - at[last] > gap)
        if ends:
            rows[count, 0], rows[count, 1] = first, last
            count += 1
            first = -1
        if states[i] == STANDING:
            first = i if first < 0 else first
            last = i
    if first >= 0:
        rows[count, 0], rows[count, 1] = first, last
        count += 1
    return rows[:count].copy()
