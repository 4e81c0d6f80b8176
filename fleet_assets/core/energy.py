"""Energy of the traction battery, and the share of a trip that the engine drove.

Belongs here: battery power, state of charge, engine starts of hybrids. Does not belong here: charging and fuel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fleet_assets.core.cadence import holds
from fleet_assets.core.compiled import F64, I64, Mask, kernel, read_only
from fleet_assets.core.distance import DistanceRules
from fleet_assets.core.engine import ENGINE_ON_RPM
from fleet_assets.core.integrals import (
    Stretches,
    at_ends,
    choose,
    integrate,
    median_within,
    spacing_within,
    trapezoid,
    unseen_share,
)
from fleet_assets.core.motion import MOVING
from fleet_assets.core.thresholds import MICROS
from fleet_assets.core.track import Track

ENERGY_SOURCES = ("power", "soc")


@dataclass(frozen=True)
class EnergyRules:
    """What battery power and charge say of energy, and engine speed of the engine's share."""

    engine_on_rpm: float = ENGINE_ON_RPM
    """rpm above which the engine drives or has started (plug-in hybrids)."""
    min_coverage: float = 0.5
    """Share of the trip the battery power must cover; below it the state of charge is used."""
    soc_step_pct: float = 0.1
    """Points of charge that are its step at least: finer digits are computed, not measured."""
    soc_known_steps: float = 2.0
    """Steps of charge from which a change is known to be one: either end may be off by one."""
    soc_rated_steps: float = 5.0
    """Steps of charge from which a consumption is worked out: 5 steps are known to a fifth."""
    time_error_share: float = 0.5
    """Expected error of the time moved as a measure of distance, where no speed is known: a town is not a motorway."""


@dataclass(frozen=True)
class BatteryUse:
    """Per trip, kWh out of the battery (NaN = not known), index into ENERGY_SOURCES (-1: not known) and state of charge
    at both ends; `electric_kwh` is the part of `net_kwh` while the engine was off; `is_rated` says whether it is exact
    enough to be divided by a distance."""

    net_kwh: F64
    source: I64
    is_rated: Mask
    electric_kwh: F64
    discharged_kwh: F64
    regenerated_kwh: F64
    start_soc_pct: F64
    end_soc_pct: F64


def measure_battery(track: Track, trips: Stretches, capacity_kwh: F64, rules: EnergyRules) -> BatteryUse:
    """Net energy as the signed integral of battery power; discharged and regenerated apart.

    Where power covers too little of the trip: change of the state of charge x usable capacity (as the vehicle reports
    it, else `capacity_kwh`), and discharged and regenerated are not known. The sign is kept: a long descent gives
    energy back. A charge that changed by less than two of its steps says nothing, and by less than five no ratio.
    """
    power, duration_s = track.battery_kw, trips.duration_s(track.at)
    used = integrate(track.at, power, trips, track.thresholds)
    start_soc, end_soc = at_ends(track.soc, trips)
    reported = median_within(track.at, track.column("hv_capacity_kwh"), trips.first, trips.last)
    capacity = np.where(reported > 0, reported, capacity_kwh)
    is_covered = (used.covered_s > 0) & (used.covered_s >= rules.min_coverage * duration_s)
    fall = start_soc - end_soc
    steps = np.abs(fall) / np.maximum(spacing_within(track.soc, trips), rules.soc_step_pct)
    charge_kwh = np.where(steps >= rules.soc_known_steps, fall / 100 * capacity, np.nan)
    by_charge = _while_off(_off_fall, track.soc, track, trips, rules, track.thresholds.silence_us) / 100 * capacity
    return BatteryUse(
        net_kwh=np.where(is_covered, used.net, charge_kwh),
        source=np.where(is_covered, 0, np.where(np.isnan(charge_kwh), -1, 1)),
        is_rated=is_covered | (steps >= rules.soc_rated_steps),
        electric_kwh=np.where(is_covered, _while_off(_off_kwh, power, track, trips, rules), by_charge),
        discharged_kwh=np.where(is_covered, used.positive, np.nan),
        regenerated_kwh=np.where(is_covered, -used.negative, np.nan),
        start_soc_pct=start_soc,
        end_soc_pct=end_soc,
    )


def engine_share(track: Track, trips: Stretches, rules: EnergyRules, errors_of: DistanceRules) -> F64:
    """Share of each trip's movement with the engine above the driving threshold; NaN where no engine speed was seen.

    Movement is weighed by what is expected to be closest in that trip: own speed, receiver's speed, time.
    """
    rpm = track.column("engine_speed_rpm")
    if not len(rpm):
        return np.full(len(trips), np.nan)
    moved = read_only(np.where(track.states == MOVING, 1.0, np.nan))
    weights = (track.column("speed_kmh"), track.column("gps_speed_kmh"), moved)
    own_errors = (errors_of.speed_error_share, errors_of.gps_speed_error_share, rules.time_error_share)
    duration_s = trips.duration_s(track.at)
    shares, errors = [], []
    for weight, own_error in zip(weights, own_errors, strict=True):
        share, known_s = _share_by(weight, track, trips, rules)
        shares.append(share)
        errors.append(own_error + unseen_share(known_s, duration_s))
    return choose(shares, errors)[0]


def _share_by(weight: F64, track: Track, trips: Stretches, rules: EnergyRules) -> tuple[F64, F64]:
    """Share with the engine on by one weight, and seconds in which both were known."""
    if not len(weight):
        return np.full(len(trips), np.nan), np.zeros(len(trips))
    rpm, on_rpm = track.column("engine_speed_rpm"), rules.engine_on_rpm
    reach = holds(track.at, weight, trips.first, trips.last, track.thresholds)
    table = _engine_share(track.at, rpm, weight, trips.first, trips.last, on_rpm, reach)
    return table[:, 0], table[:, 1]


def _while_off(
    measure: Callable[[I64, F64, F64, I64, I64, float, I64], F64],
    values: F64, track: Track, trips: Stretches, rules: EnergyRules, least: int = 0,
) -> F64:  # fmt: skip
    """What `measure` finds while the engine was off; NaN where it and the engine are known for too little of a trip.
    A value stands for as long as its cadence says, and for `least` us at least."""
    rpm = track.column("engine_speed_rpm")
    if not len(rpm) or not len(values):
        return np.full(len(trips), np.nan)
    reach = np.maximum(holds(track.at, values, trips.first, trips.last, track.thresholds), least)
    table = measure(track.at, rpm, values, trips.first, trips.last, rules.engine_on_rpm, reach)
    found, known_s = table[:, 0], table[:, 1]
    is_known = (known_s > 0) & (known_s >= rules.min_coverage * trips.duration_s(track.at))
    return np.where(is_known, found, np.nan)


def engine_starts(track: Track, rules: EnergyRules) -> tuple[I64, I64]:
    """Rows in which an engine started, and those which showed that it ran on, in order.

    A start is engine speed rising above the threshold from one sample to the next, and still above half of it two
    samples later. Samples further apart than the longest silence say nothing of each other, so that a start depends on
    the few samples around it alone, wherever a run begins.
    """
    rpm = track.column("engine_speed_rpm")
    starts = _starts(track.points.vehicle, track.at, rpm, rules.engine_on_rpm, track.thresholds.silence_most_us)
    return read_only(starts[0]), read_only(starts[1])


def first_engine_start(track: Track, trips: Stretches, rules: EnergyRules) -> tuple[I64, F64]:
    """Row of each trip's first engine start (-1: none) and the state of charge then, last heard within the trip. Start
    and what shows it lie within the trip."""
    rows, shown = engine_starts(track, rules)
    found = np.full(len(trips), -1, dtype=np.int64)
    if len(rows):
        next_start = np.searchsorted(rows, trips.first)
        number = np.minimum(next_start, len(rows) - 1)
        is_within = (next_start < len(rows)) & (shown[number] <= trips.last)
        found = np.where(is_within, rows[number], -1)
    until = np.where(found >= 0, found, trips.first)
    soc_then = at_ends(track.soc, Stretches(trips.first, until))[1]
    return found, np.where(found >= 0, soc_then, np.nan)


@kernel
def _engine_share(at: I64, rpm: F64, weight: F64, first: I64, last: I64, on_rpm: float, reach: I64) -> F64:
    """Per trip (share of the weight with the engine on, seconds known)."""
    table = np.full((len(first), 2), np.nan)
    for k in range(len(first)):
        known = driven = known_s = 0.0
        before = rpm_row = -1
        for i in range(first[k], last[k] + 1):
            if not np.isnan(weight[i]):
                if before >= 0 and rpm_row >= 0:
                    step = min(at[i] - at[before], reach[k])
                    area = (weight[before] + weight[i]) / 2 * step
                    known += area
                    known_s += step / MICROS
                    driven += area if rpm[rpm_row] > on_rpm else 0.0
                before = i
            if not np.isnan(rpm[i]):
                rpm_row = i
        table[k, 1] = known_s
        if known > 0:
            table[k, 0] = driven / known
    return table


@kernel
def _off_kwh(at: I64, rpm: F64, power: F64, first: I64, last: I64, on_rpm: float, reach: I64) -> F64:
    """Per trip (kWh with the engine off, seconds known). A step belongs to the engine's state before it, as in
    `_engine_share`; power of a moment at which the engine was on says nothing about it."""
    table = np.zeros((len(first), 2))
    for k in range(len(first)):
        before = rpm_row = -1
        was_off = False
        for i in range(first[k], last[k] + 1):
            row = i if not np.isnan(rpm[i]) else rpm_row
            if not np.isnan(power[i]):
                is_off = row >= 0 and rpm[row] <= on_rpm
                if before >= 0 and rpm_row >= 0:
                    step = min(at[i] - at[before], reach[k])
                    table[k, 1] += step / MICROS
                    if rpm[rpm_row] <= on_rpm:
                        a, b = power[before] if was_off else power[i], power[i] if is_off else power[before]
                        table[k, 0] += trapezoid(a, b, step) if was_off or is_off else 0.0
                before, was_off = i, is_off
            rpm_row = row
    return table


@kernel
def _off_fall(at: I64, rpm: F64, soc: F64, first: I64, last: I64, on_rpm: float, reach: I64) -> F64:
    """Per trip (points of charge lost with the engine off, seconds known). Between two readings the engine must have
    been on or off throughout: nothing says which part of the change belongs to which."""
    table = np.zeros((len(first), 2))
    for k in range(len(first)):
        before = engine = -1
        seen_on = seen_off = False
        for i in range(first[k], last[k] + 1):
            has_soc, has_rpm = not np.isnan(soc[i]), not np.isnan(rpm[i])
            if has_soc and before >= 0 and seen_on != seen_off and at[i] - at[before] <= reach[k]:
                table[k, 1] += (at[i] - at[before]) / MICROS
                table[k, 0] += soc[before] - soc[i] if seen_off else 0.0
            if has_rpm:
                engine = 1 if rpm[i] > on_rpm else 0
            if has_soc:
                before, seen_on, seen_off = i, engine == 1, engine == 0
            elif has_rpm:
                seen_on, seen_off = seen_on or engine == 1, seen_off or engine == 0
    return table


@kernel
def _starts(vehicle: I64, at: I64, rpm: F64, on_rpm: float, silence: int) -> tuple[I64, I64]:
    rows, shown = np.empty(len(rpm), dtype=np.int64), np.empty(len(rpm), dtype=np.int64)
    count, samples = 0, np.full(3, -1)  # rows of the three samples before
    for i in range(len(rpm)):
        if np.isnan(rpm[i]):
            continue
        before = samples[2]
        if before >= 0 and (vehicle[before] != vehicle[i] or at[i] - at[before] > silence):
            samples[:] = -1
        below, start = samples[0], samples[1]
        if below >= 0 and rpm[below] <= on_rpm and rpm[start] > on_rpm and rpm[i] > on_rpm / 2:
            rows[count], shown[count] = start, i
            count += 1
        samples[0], samples[1], samples[2] = samples[1], samples[2], i
    return rows[:count].copy(), shown[:count].copy()
