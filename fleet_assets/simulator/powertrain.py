"""Powertrains: who gives the power a leg demands - engine, battery or both - and what that uses.

Belongs here: lorry, hybrid and battery drive for one stretch of seconds. Does not belong here: forces (`driving`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.battery import Flow, discharge, traction_power_kw
from fleet_assets.simulator.combustion import DRIVELINE, Running, run_engine
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.vehicles import Vehicle

SUSTAINED = 0.17
"""Share of charge that a hybrid keeps: below it the engine drives."""
ELECTRIC_LIMIT_KW = 75.0
"""Power at the battery above which a hybrid's engine helps."""
ENGINE_FROM_KW = 7.0
"""Mean demand from which the engine of an empty hybrid runs; below it the battery drives alone."""
NO_MORE = 0.985
"""Share of charge above which a battery takes no braking power; the brakes do."""
_DECISION_S = 12


@dataclass(frozen=True)
class Use:
    """Engine and battery of one stretch, a sample per second; None for what the vehicle does not have."""

    engine: Running | None
    battery: Flow | None


def drive(vehicle: Vehicle, speed: F64, wheel_kw: F64, charge: float, is_engine_allowed: npt.NDArray[np.bool_]) -> Use:
    """What engine and battery do for a demanded power at the wheels, from a share of charge on.

    `is_engine_allowed`: where the key is on far enough for the engine to run.
    """
    kind = vehicle.type
    if kind.battery is None:
        assert kind.engine is not None
        shaft = np.where(wheel_kw > 0, wheel_kw / DRIVELINE, wheel_kw) + kind.auxiliary_kw * (wheel_kw >= 0)
        return Use(run_engine(kind.engine, speed, shaft, is_engine_allowed), None)
    demand = traction_power_kw(kind.battery, wheel_kw, speed, kind.auxiliary_kw)
    share = charge - np.cumsum(demand) / 3600 / kind.battery.capacity_kwh
    demand = np.where((demand < 0) & (share > NO_MORE), 0.0, demand)
    if kind.engine is None:
        return Use(None, discharge(kind.battery, demand, charge, 1.0))
    return _hybrid(vehicle, speed, demand, charge, is_engine_allowed)


def _hybrid(vehicle: Vehicle, speed: F64, demand: F64, charge: float, is_allowed: npt.NDArray[np.bool_]) -> Use:
    """Electric until the charge is used up, then the engine for all but the smallest demands."""
    kind = vehicle.type
    assert kind.battery is not None
    assert kind.engine is not None
    drawn = np.maximum.accumulate(np.cumsum(demand)) / 3600 / kind.battery.capacity_kwh
    is_empty = drawn > charge - SUSTAINED
    mean = np.convolve(demand, np.ones(_DECISION_S) / _DECISION_S, mode="same")
    wanted = np.where(is_empty, mean > ENGINE_FROM_KW, mean > ELECTRIC_LIMIT_KW)
    is_on = is_allowed & (np.convolve(wanted, np.ones(2 * _DECISION_S + 1), mode="same") > 0)
    surplus = np.where(is_empty, 1.6 * kind.auxiliary_kw, 0.0)
    work = np.where(is_on & (demand > 0), np.minimum(demand + surplus, kind.engine.max_kw), 0.0)
    engine = run_engine(kind.engine, speed, np.where(is_on, work, 0.0), is_on)
    return Use(engine, discharge(kind.battery, demand - work, charge, 1.0))
