"""Energy of the traction battery, and the share of a trip that the engine drove.

Belongs here: battery power, state of charge, engine starts of hybrids. Does not belong here: charging and fuel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, kernel
from fleet_assets.core.integrals import Stretches, at_ends, integrate, median_within
from fleet_assets.core.points import Points
from fleet_assets.core.trip_rules import TripRules

_SAMPLES_LATER = 2


@dataclass(frozen=True)
class BatteryUse:
    """Per trip, kWh out of the battery (NaN = not known) and state of charge at both ends."""

    net_kwh: F64
    discharged_kwh: F64
    regenerated_kwh: F64
    start_soc_pct: F64
    end_soc_pct: F64


def measure_battery(points: Points, trips: Stretches, capacity_kwh: F64, rules: TripRules) -> BatteryUse:
    """Net energy as the signed integral of battery power; discharged and regenerated apart.

    Where power covers too little of the trip: change of the state of charge x usable capacity (as the vehicle reports
    it, else `capacity_kwh`), and the parts are not known. The sign is kept: a long descent gives energy back.
    """
    used = integrate(points.at, battery_power_kw(points), trips, rules.limits.hold)
    start_soc, end_soc = at_ends(points.column("soc_pct"), trips)
    reported = median_within(points.at, points.column("hv_capacity_kwh"), trips.first, trips.last)
    capacity = np.where(reported > 0, reported, capacity_kwh)
    is_covered = (used.covered_s > 0) & (used.covered_s >= rules.min_energy_coverage * trips.duration_s(points.at))
    return BatteryUse(
        net_kwh=np.where(is_covered, used.net, (start_soc - end_soc) / 100 * capacity),
        discharged_kwh=np.where(is_covered, used.positive, np.nan),
        regenerated_kwh=np.where(is_covered, -used.negative, np.nan),
        start_soc_pct=start_soc,
        end_soc_pct=end_soc,
    )


def battery_power_kw(points: Points) -> F64:
    """Battery power, else voltage times current of the same instant; positive out of the battery."""
    power, volts, amps = (points.column(n) for n in ("hv_power_kw", "hv_voltage_v", "hv_current_a"))
    if not len(volts) or not len(amps):
        return power
    product: F64 = volts * amps / 1000
    return product if not len(power) else np.where(np.isnan(power), product, power)


def engine_share(points: Points, states: I8, trips: Stretches, rules: TripRules) -> F64:
    """Share of each trip's movement with the engine above the driving threshold; NaN where no engine speed was seen.

    Movement is weighed by speed where there is one, else by time.
    """
    rpm = points.column("engine_speed_rpm")
    if not len(rpm):
        return np.full(len(trips), np.nan)
    speed = points.column("speed_kmh")
    weight = speed if len(speed) else points.column("gps_speed_kmh")
    if not len(weight):
        weight = np.where(states == 1, 1.0, np.nan)
    return _engine_share(points.at, rpm, weight, trips.first, trips.last, rules.engine_on_rpm, rules.limits.hold)


def first_engine_start(points: Points, trips: Stretches, rules: TripRules) -> tuple[I64, F64]:
    """Row of each trip's first engine start (-1: none) and the state of charge then, last heard within the trip.

    A start is engine speed rising above the threshold and still above half of it two samples later.
    """
    rpm, soc = points.column("engine_speed_rpm"), points.column("soc_pct")
    if not len(rpm):
        return np.full(len(trips), -1, dtype=np.int64), np.full(len(trips), np.nan)
    rows = _first_start(rpm, trips.first, trips.last, rules.engine_on_rpm)
    until = np.where(rows >= 0, rows, trips.first)
    soc_then = at_ends(soc, Stretches(trips.first, until))[1]
    return rows, np.where(rows >= 0, soc_then, np.nan)


@kernel
def _engine_share(at: I64, rpm: F64, weight: F64, first: I64, last: I64, on_rpm: float, hold: int) -> F64:
    share = np.full(len(first), np.nan)
    for k in range(len(first)):
        known = driven = 0.0
        before = rpm_row = -1
        for i in range(first[k], last[k] + 1):
            if not np.isnan(weight[i]):
                if before >= 0 and rpm_row >= 0:
                    area = (weight[before] + weight[i]) / 2 * min(at[i] - at[before], hold)
                    known += area
                    driven += area if rpm[rpm_row] > on_rpm else 0.0
                before = i
            if not np.isnan(rpm[i]):
                rpm_row = i
        if known > 0:
            share[k] = driven / known
    return share


@kernel
def _first_start(rpm: F64, first: I64, last: I64, on_rpm: float) -> I64:
    rows = np.full(len(first), -1)
    for k in range(len(first)):
        below = candidate = -1
        later = 0
        for i in range(first[k], last[k] + 1):
            if np.isnan(rpm[i]):
                continue
            if candidate >= 0:
                later += 1
                if later == _SAMPLES_LATER:
                    if rpm[i] > on_rpm / 2:
                        rows[k] = candidate
                        break
                    candidate = -1
            elif below >= 0 and rpm[i] > on_rpm:
                candidate, later = i, 0
            if rpm[i] <= on_rpm:
                below = i
            elif candidate < 0:
                below = -1
    return rows
