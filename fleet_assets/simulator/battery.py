"""Traction batteries: voltage, current and charge of a demanded power, and charging.

Belongs here: what a battery does over a stretch of time. Does not belong here: when it is plugged in (`journey`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.vehicles import Battery

EMPTY_CELL_V, FULL_CELL_V = 3.35, 4.10
"""Open-circuit voltage of a cell at the ends of the usable charge."""
TRACTION = 0.90
"""Efficiency from battery to wheels, and from wheels to battery."""
REGENERATION_SHARE = 0.75
"""Share of the braking power that the motor takes; the brakes take the rest."""
CHARGER = 0.90
"""Efficiency of the charger on alternating current."""
TAPER_FROM = 0.82
"""Share of charge from which the charging power falls."""
CHARGE_ACCEPTANCE = 0.99
"""Share of the power at the terminals that is stored; inner resistance takes the rest (`discharge` has it exactly)."""
CHARGE_STEP_S = 10.0


@dataclass(frozen=True)
class Flow:
    """Per sample: power (kW) and current (A) out of the battery, terminal voltage (V), share of charge after."""

    power_kw: F64
    volts: F64
    amps: F64
    charge: F64


def traction_power_kw(battery: Battery, wheel_kw: F64, speed: F64, auxiliary_kw: float) -> F64:
    """Power out of the battery for a power at the wheels: losses both ways, braking power limited and fading at walking
    pace, auxiliaries always."""
    taken = np.maximum(wheel_kw * TRACTION * REGENERATION_SHARE, -battery.max_charge_kw)
    fade = np.clip((speed - 1.0) / 3.0, 0, 1)
    return np.where(wheel_kw > 0, wheel_kw / TRACTION, taken * fade) + auxiliary_kw


def discharge(battery: Battery, power_kw: F64, charge: float, step_s: float) -> Flow:
    """The battery giving (negative: taking) power from a share of charge on, in steps of `step_s`.

    Terminal voltage of a source with inner resistance: V = (U + sqrt(U^2 - 4 R P)) / 2; the charge falls by U x I.
    """
    drawn = np.cumsum(power_kw) * step_s / 3600 / battery.capacity_kwh
    share = np.clip(charge - drawn, 0, 1)
    source = battery.cells * (EMPTY_CELL_V + (FULL_CELL_V - EMPTY_CELL_V) * share)
    volts = (source + np.sqrt(source**2 - 4 * battery.resistance_ohm * power_kw * 1000)) / 2
    amps = power_kw * 1000 / volts
    used = np.cumsum(source * amps) / 1000 * step_s / 3600 / battery.capacity_kwh
    return Flow(power_kw, volts, amps, charge - used)


def charge_up(battery: Battery, charge: float, target: float, power_kw: float, seconds: float) -> F64:
    """Battery power (kW, negative) per step of a charge until `target` or the time is over, tapering near full.

    Closed form of dz/dt = p below the taper and p (1 - z) / (1 - taper) above it.
    """
    rate = power_kw / battery.capacity_kwh / 3600 * CHARGE_ACCEPTANCE
    until = np.arange(max(int(seconds / CHARGE_STEP_S), 1)) * CHARGE_STEP_S
    to_taper = max(TAPER_FROM - charge, 0) / rate
    left = 1 - max(charge, TAPER_FROM)
    fade = rate / (1 - TAPER_FROM) * np.maximum(until - to_taper, 0)
    share = np.where(until < to_taper, charge + rate * until, 1 - left * np.exp(-fade))
    power = np.where(share < TAPER_FROM, power_kw, power_kw * (1 - share) / (1 - TAPER_FROM))
    return -power[share < target]
