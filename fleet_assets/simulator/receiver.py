"""The satellite receiver: where it believes to be, and when it knows nothing.

Belongs here: position, speed, height and inertia with their noise, losses of the fix. Does not belong here: frames.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.blocks import Columns
from fleet_assets.simulator.driving import GRAVITY, smooth_noise
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.spans import Spans, awake_spans, draw_windows, within
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.vehicles import Vehicle

WANDER_M = 1.6
"""Standard deviation of the slow error of a position, each way."""
WANDER_S = 60
JITTER_M = 0.35
HEIGHT_ERROR_M = 2.5
SPEED_ERROR_MS = 0.06
FIRST_FIX_S = (3.0, 25.0)
"""s from power-on to the first fix."""
LOSS_S = (15.0, 150.0)
NO_ACCURACY_M = 63.0
"""Accuracy code of a position that is none."""


def receive(samples: Columns, vehicle: Vehicle, plan: FleetPlan, rng: np.random.Generator) -> Columns:
    """What the receiver reports per sample. Without a fix it repeats the last one, marked as not valid."""
    count = len(samples["time"])
    error = [WANDER_M * smooth_noise(count, WANDER_S, rng) + JITTER_M * rng.normal(size=count) for _ in range(2)]
    latitude, longitude = vehicle.city.terrain.degrees(samples["x"] + error[0], samples["y"] + error[1])
    has_fix = _has_fix(samples["time"], awake_spans(samples), plan, rng)
    last = np.maximum.accumulate(np.where(has_fix, np.arange(count), 0))
    speed = np.abs(samples["speed"] + SPEED_ERROR_MS * rng.normal(size=count))
    height = samples["height"] + HEIGHT_ERROR_M * smooth_noise(count, WANDER_S, rng)
    return _inertia(samples) | {
        "valid": has_fix.astype(np.float64),
        "fix_type": np.where(has_fix, 3.0, 0.0),
        "satellites": np.where(has_fix, np.clip(np.round(11 + 2 * smooth_noise(count, WANDER_S, rng)), 6, 20), 0.0),
        "latitude": latitude[last],
        "longitude": longitude[last],
        "accuracy": np.where(has_fix, 3.0, NO_ACCURACY_M),
        "altitude": height[last],
        "altitude_accuracy": np.where(has_fix, 5.0, 8000.0),
        "gps_ms": np.where(has_fix, speed, 0.0),
        "gps_speed_accuracy": np.where(has_fix, 0.2, 50.0),
        "heading": samples["heading"][last],
        "heading_accuracy": np.where(has_fix, 2.0, 50.0),
        "epoch": samples["time"],
    }


def _inertia(samples: Columns) -> Columns:
    """The inertial unit, lying flat and looking ahead; it needs no fix. Turns are those of the road."""
    count = len(samples["time"])
    is_joined = np.diff(samples["block"], prepend=-1.0) == 0
    turn = (np.diff(samples["heading"], prepend=0.0) + 180) % 360 - 180
    degrees = np.where(is_joined & (samples["speed"] > 0), np.clip(turn, -40, 40), 0.0)
    ahead = np.where(is_joined, np.diff(samples["speed"], prepend=0.0), 0.0)
    return {
        "imu_valid": np.ones(count),
        "ahead_ms2": ahead,
        "left_ms2": -np.radians(degrees) * samples["speed"],
        "up_ms2": np.full(count, GRAVITY),
        "still": np.zeros(count),
        "turn_degs": -degrees,
    }


def _has_fix(time: F64, spans: Spans, plan: FleetPlan, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    waking = Spans(spans.start, spans.start + rng.uniform(*FIRST_FIX_S, len(spans.start)))
    lost = draw_windows(spans, plan.gps_losses_per_hour, LOSS_S, rng)
    return ~(within(time, waking) | within(time, lost))
