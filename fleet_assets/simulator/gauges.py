"""Gauges: what the vehicle's own instruments show of its samples - counters, temperatures, levels, with their faults.

Belongs here: columns derived from the samples of a whole journey, sensor noise over time. Does not belong here:
quantisation and frames (`packing`, `frames`), the receiver (`receiver`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.blocks import Columns
from fleet_assets.simulator.driving import smooth_noise
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.spans import Spans, awake_spans, within
from fleet_assets.simulator.tank_faults import spoiled
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.truth import SenderFaultTruth
from fleet_assets.simulator.vehicles import Vehicle
from fleet_assets.simulator.warmth import warmth_of_day

SLOSH_PCT = 1.6
"""Standard deviation of a moving tank's level, in points; at rest it settles to a tenth."""
SLOSH_S = 9
SENSOR_WAKES_S = 1.0
SETTLE_S = 25
DAILY_SWING_C = 5.0
DEF_SHARE = 0.05
"""Diesel exhaust fluid per fuel."""
PETROL_G_L, STOICHIOMETRIC = 745.0, 14.7
FIRST_KM = {"ice": (80_000, 520_000), "phev": (6_000, 90_000), "bev": (4_000, 70_000)}
LIFETIME_L_KM = {"ice": 0.29, "phev": 0.045, "bev": 0.0}


def read_gauges(
    samples: Columns, vehicle: Vehicle, plan: FleetPlan, faults: Sequence[SenderFaultTruth], rng: np.random.Generator
) -> Columns:
    """Every value that a frame can carry, per sample; engine and battery values are 0 where a vehicle has none.

    `faults` are those of its tank sender.
    """
    first_km = float(rng.uniform(*FIRST_KM[vehicle.kind]))
    ambient = _ambient(samples, vehicle, plan, rng)
    count = len(samples["time"])
    shown = {
        "speed_kmh": samples["speed"] * 3.6,
        "ignition": samples["ignition"],
        "ambient_c": ambient,
        "supply_v": _supply(samples, vehicle) + 0.05 * smooth_noise(count, 30, rng),
    }
    shown |= _counters(samples, vehicle, first_km) | _engine(samples, ambient)
    tank = _tank(samples, vehicle, rng)
    tank["level_pct"] = spoiled(samples["time"], tank["level_pct"], faults)
    return shown | tank | _battery(samples, vehicle, ambient)


def _counters(samples: Columns, vehicle: Vehicle, first_km: float) -> Columns:
    step = samples["step"]
    metres = np.cumsum(samples["speed"] * step)
    running = (samples["rpm"] > 0) * step
    idling = running * (samples["speed"] == 0)
    litres = samples["fuel_lph"] * step / 3600
    life_l = first_km * LIFETIME_L_KM[vehicle.kind]
    hours = first_km / 52
    return {
        "distance_m": first_km * 1000 + metres,
        "distance_km": first_km + metres / 1000,
        "trip_m": metres,
        "trip_km": metres / 1000,
        "fuel_total_l": life_l + np.cumsum(litres),
        "trip_fuel_l": np.cumsum(litres),
        "idle_fuel_l": 0.06 * life_l + np.cumsum(litres * (samples["speed"] == 0)),
        "engine_h": hours + np.cumsum(running) / 3600,
        "idle_h": 0.2 * hours + np.cumsum(idling) / 3600,
        "revolutions": hours * 60 * 1_100 + np.cumsum(samples["rpm"] * step / 60),
    }


def _engine(samples: Columns, ambient: F64) -> Columns:
    rpm, load, lph = samples["rpm"], samples["load"], samples["fuel_lph"]
    is_on = rpm > 0
    kmh = samples["speed"] * 3.6
    economy = np.divide(kmh, lph, out=np.where(kmh > 0, 125.0, 0.0), where=lph > 0)
    return {
        "rpm": rpm,
        "load_pct": load,
        "torque_pct": np.where(is_on, np.maximum(load - 8, 0), 0.0),
        "pedal_pct": np.where(is_on, np.clip((load - 8) * 1.05, 0, 100), 0.0),
        "throttle_pct": np.where(is_on, 12 + 0.6 * load, 0.0),
        "fuel_lph": lph,
        "economy_kml": economy,
        "coolant_c": samples["coolant"],
        "oil_c": ambient + (samples["coolant"] - ambient) * 1.06,
        "oil_kpa": np.where(is_on, 180 + 0.14 * np.maximum(rpm - 600, 0), 0.0),
        "intake_c": ambient + 9 + 0.12 * load,
        "maf_gs": lph * PETROL_G_L / 3600 * STOICHIOMETRIC,
    }


def _tank(samples: Columns, vehicle: Vehicle, rng: np.random.Generator) -> Columns:
    """Level with slosh: fast noise while moving that settles within half a minute, a gauge that reads a little off."""
    count = len(samples["time"])
    if not vehicle.type.tank_l or not count:
        return {"level_pct": np.zeros(count), "def_pct": np.zeros(count)}
    moving = np.convolve(samples["speed"] > 0, np.ones(SETTLE_S) / SETTLE_S, mode="full")[:count]
    slosh = SLOSH_PCT * smooth_noise(count, SLOSH_S, rng) * np.maximum(moving, 0.1)
    level = 100 * samples["litres"] / vehicle.type.tank_l + rng.normal(0, 0.5)
    burned = np.cumsum(samples["fuel_lph"] * samples["step"]) / 3600
    if vehicle.kind == "ice":
        level = np.where(_just_woken(samples), np.nan, level)
    return {
        "level_pct": np.clip(level + slosh, 0, 100),
        "def_pct": np.clip(rng.uniform(60, 95) - 100 * DEF_SHARE * burned / (0.12 * vehicle.type.tank_l), 5, 100),
    }


def _just_woken(samples: Columns) -> npt.NDArray[np.bool_]:
    """The first seconds after the buses woke, in which a level sensor has no value yet."""
    spans = awake_spans(samples)
    return within(samples["time"], Spans(spans.start, spans.start + SENSOR_WAKES_S))


def _battery(samples: Columns, vehicle: Vehicle, ambient: F64) -> Columns:
    battery = vehicle.type.battery
    capacity = battery.capacity_kwh if battery else 0.0
    volts = samples["charger_v"]
    return {
        "soc_pct": samples["charge"] * 100,
        "hv_kw": samples["hv_kw"],
        "hv_v": samples["hv_v"],
        "hv_a": samples["hv_a"],
        "capacity_kwh": np.full(len(volts), capacity),
        "range_km": np.clip(samples["charge"], 0, 1) * capacity / 0.19,
        "battery_c": 12 + 0.5 * ambient + 0.03 * np.abs(samples["hv_kw"]),
        "motor_rpm": samples["speed"] * 88,
        "plugged": samples["plugged"],
        "charge_state": samples["charge_state"],
        "charger_kw": samples["charger_kw"],
        "charger_v": volts,
        "charger_a": np.divide(samples["charger_kw"] * 1000, volts, out=np.zeros(len(volts)), where=volts > 0),
    }


def _supply(samples: Columns, vehicle: Vehicle) -> F64:
    is_generating = samples["rpm"] > 0 if vehicle.type.battery is None else samples["ignition"] > 0
    volts: F64 = np.where(is_generating, 14.1, 12.5) * (2 if vehicle.kind == "ice" else 1)
    return volts


def _ambient(samples: Columns, vehicle: Vehicle, plan: FleetPlan, rng: np.random.Generator) -> F64:
    """Outside temperature: warmest in mid-afternoon by local time, with some slow weather."""
    day = warmth_of_day(samples["time"], vehicle.city.timezone, plan.start_s)
    weather = 2.5 * np.sin(2 * np.pi * samples["time"] / (3.7 * 86_400) + rng.uniform(0, 2 * np.pi))
    temperature: F64 = vehicle.city.mean_temp_c + DAILY_SWING_C * day + weather
    return temperature
