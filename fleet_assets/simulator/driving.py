"""Driving: the speed of one leg, second by second.

Belongs here: speeds, halts and the forces they need. Does not belong here: where the power comes from (`powertrain`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.roads import Road
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.vehicles import Vehicle

Mask = npt.NDArray[np.bool_]

GRAVITY = 9.81
AIR_KG_M3 = 1.2
LONGEST_HALT_S = 95.0
"""s at a traffic light at most: inside a leg nobody stands for two minutes."""
DETOUR = (1.18, 1.38)
"""Length of a road over the straight line (circuity of road networks, 1.2 to 1.4)."""
TOWN_M = 4_500.0
"""m of town at either end of a long leg."""
SHORTEST_HOLD_S = 3.0
_CRAWL_MS = 0.15


@dataclass(frozen=True)
class _Stretch:
    """How one drives in one surrounding: km/h from-to, mean m at one speed, probability of a halt after it."""

    speed_kmh: tuple[float, float]
    mean_m: float
    halt: float


_TOWN = _Stretch((28, 54), 450, 0.38)
_LAND = _Stretch((62, 98), 2_600, 0.10)
_MOTORWAY = _Stretch((84, 124), 6_000, 0.0)
_LONG_M = 18_000.0


def speed_profile(straight_m: float, vehicle: Vehicle, rng: np.random.Generator) -> F64:
    """m/s at every second of a leg between places `straight_m` apart; zero at both ends.

    Speeds are held for a while and changed at the vehicle's own acceleration; between them are halts at lights.
    """
    levels, holds = _levels(straight_m * rng.uniform(*DETOUR), vehicle, rng)
    before = np.concatenate(([0.0], levels[:-1]))
    pace = vehicle.type.acceleration_ms2 / (1 + np.maximum(before, levels) / 25)
    ramp = np.abs(levels - before) / np.where(levels > before, pace, 0.8 * rng.uniform(0.8, 1.2, len(levels)))
    ramp = np.maximum(ramp, 1.0)
    times = np.cumsum(np.stack([ramp, _shortened(holds, levels, ramp)], axis=1).ravel())
    seconds = np.arange(np.ceil(times[-1]) + 1)
    speed = np.interp(seconds, np.concatenate(([0.0], times)), np.concatenate(([0.0], np.repeat(levels, 2))))
    sway = 1 + 0.025 * smooth_noise(len(speed), 15, rng)
    speed = np.convolve(np.pad(speed * sway, 6), np.ones(5) / 5, mode="same")
    speed = np.minimum(speed, vehicle.type.max_speed_kmh / 3.6)
    return np.where(speed < _CRAWL_MS, 0.0, speed)


def _shortened(holds: F64, levels: F64, ramp: F64) -> F64:
    """Holds less the way that speeding up to their level and slowing down from it already takes; halts stay."""
    before, after = np.concatenate(([0.0], levels[:-1])), np.concatenate((levels[1:], [0.0]))
    gained = ramp * (before + levels) / 2
    way = np.where(levels > before, gained, 0) + np.where(after < levels, np.concatenate((gained[1:], [0.0])), 0)
    way_s = np.divide(way, levels, out=np.zeros(len(levels)), where=levels > 0)
    return np.where(levels > 0, np.maximum(holds - way_s, SHORTEST_HOLD_S), holds)


def _levels(length_m: float, vehicle: Vehicle, rng: np.random.Generator) -> tuple[F64, F64]:
    """Speeds (m/s) and how long each is held (s), halts between them, ending with a standstill."""
    town = min(TOWN_M, length_m / 2)
    middle = length_m - 2 * town
    away = _MOTORWAY if middle > _LONG_M else _LAND
    parts = [_stretch(kind, size, rng) for kind, size in ((_TOWN, town), (away, middle), (_TOWN, town)) if size > 0]
    speed, metres, halt = (np.concatenate(column) for column in zip(*parts, strict=True))
    speed = np.minimum(speed, vehicle.type.max_speed_kmh / 3.6 * rng.uniform(0.94, 0.99))
    halt[-1] = True
    waits = rng.uniform(8, LONGEST_HALT_S, len(speed))
    levels = np.stack([speed, np.zeros(len(speed))], axis=1)
    holds = np.stack([metres / speed, waits], axis=1)
    is_kept = np.stack([np.ones(len(speed), dtype=np.bool_), halt], axis=1)
    holds[-1, 1] = 1.0
    return levels[is_kept], holds[is_kept]


def _stretch(kind: _Stretch, length_m: float, rng: np.random.Generator) -> tuple[F64, F64, Mask]:
    """Speeds (m/s), lengths (m) that add up to about `length_m`, and whether a halt follows."""
    count = max(round(length_m / kind.mean_m), 1)
    lengths: F64 = rng.uniform(0.4, 1.6, count)
    speeds: F64 = rng.uniform(*kind.speed_kmh, count) / 3.6
    lengths = lengths * length_m / float(lengths.sum())
    return speeds, lengths, rng.random(count) < kind.halt


def slow_uphill(speed: F64, road: Road, vehicle: Vehicle) -> F64:
    """The same way with the speed, second by second, that the vehicle's power allows on its gradients.

    The road is driven metre for metre; only the time it takes becomes longer.
    """
    along = np.cumsum(speed)
    engine = vehicle.type.engine
    if engine is None or vehicle.type.battery is not None:
        return speed
    gradient = np.interp(along, road.along, road.gradient)
    resistance = vehicle.mass_kg * GRAVITY * (vehicle.type.rolling + np.maximum(gradient, 0))
    air = 0.5 * AIR_KG_M3 * vehicle.type.drag_area_m2 * speed**2
    limit = 0.78 * engine.max_kw * 1000 / (resistance + air)
    limit = np.convolve(np.pad(limit, 20, mode="edge"), np.ones(41) / 41, mode="valid")
    seconds = np.cumsum(np.where(speed > limit, speed / limit, 1.0))
    whole = np.arange(np.ceil(seconds[-1]) + 1)
    return np.diff(np.interp(whole, np.concatenate(([0.0], seconds)), np.concatenate(([0.0], along))), prepend=0.0)


def wheel_power_kw(speed: F64, gradient: F64, vehicle: Vehicle) -> F64:
    """Power at the wheels: inertia, gradient, rolling and air; negative when braking or rolling downhill."""
    kind = vehicle.type
    inertia = 1.04 * vehicle.mass_kg * np.gradient(speed)
    slope = vehicle.mass_kg * GRAVITY * (np.sin(np.arctan(gradient)) + kind.rolling * (speed > 0))
    air = 0.5 * AIR_KG_M3 * kind.drag_area_m2 * speed**2
    power: F64 = (inertia + slope + air) * speed / 1000
    return power


def smooth_noise(count: int, width: int, rng: np.random.Generator) -> F64:
    """Noise of mean 0 and standard deviation 1 that changes over about `width` samples."""
    if count == 0:
        return np.zeros(0)
    white = rng.normal(size=count + width - 1)
    return np.convolve(white, np.ones(width) / np.sqrt(width), mode="valid")
