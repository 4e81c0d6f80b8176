"""Combustion engines: gears, engine speed, load and fuel of a demanded power.

Belongs here: what an engine does at one moment. Does not belong here: tanks and batteries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.vehicles import Engine

MJ_PER_KWH = 3.6
DRIVELINE = 0.93
"""Share of the engine's power that reaches the wheels."""
OVERRUN_MS = 3.0
"""m/s above which a braking vehicle cuts its fuel."""


@dataclass(frozen=True)
class Running:
    """Per second: engine speed (0 = off), load (% of the greatest power at that speed), fuel (l/h)."""

    rpm: F64
    load_pct: F64
    fuel_lph: F64


def run_engine(engine: Engine, speed: F64, power_kw: F64, is_on: npt.NDArray[np.bool_]) -> Running:
    """The engine giving `power_kw` at its shaft (negative: it brakes) where it is on.

    Fuel by the Willans line: the idle loss grows with engine speed, work is added at the indicated efficiency.
    """
    rpm = np.where(is_on, _geared(engine, speed), 0.0)
    turn = rpm / engine.idle_rpm
    work = np.clip(power_kw, 0, engine.max_kw)
    chemical_kw = engine.idle_lph * engine.energy_mj_l / MJ_PER_KWH * turn + work / engine.indicated_efficiency
    is_cut = (power_kw < 0) & (speed > OVERRUN_MS)
    lph = np.where(is_on & ~is_cut, chemical_kw * MJ_PER_KWH / engine.energy_mj_l, 0.0)
    full = engine.max_kw * np.clip(rpm / (2.1 * engine.idle_rpm), 0.45, 1.0)
    load = np.where(is_on, np.clip(8 + 92 * work / full, 0, 100) * ~is_cut, 0.0)
    return Running(rpm, load, lph)


def _geared(engine: Engine, speed: F64) -> F64:
    """Engine speed: gears a quarter apart keep it between 1.6 and 2.2 times idle speed; below first gear it idles."""
    first_ms, step, low = 2.2, 1.27, 1.65
    gear = np.maximum(np.floor(np.log(np.maximum(speed, 0.1) / first_ms) / np.log(step)), 0)
    top = np.minimum(gear, 9)
    rpm: F64 = np.maximum(engine.idle_rpm * low * speed / (first_ms * step**top), engine.idle_rpm)
    return rpm
