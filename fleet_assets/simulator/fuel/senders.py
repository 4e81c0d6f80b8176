"""Senders: what is read of a tank: its shape, slope, heat, slosh, noise, step.

Belongs here: from litres to readings. Does not belong here: faults (`faults`), instants (`cadence`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.fuel.diary import Diary
from fleet_assets.simulator.fuel.vehicles import FuelVehicle
from fleet_assets.simulator.spans import Spans, within
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.warmth import warmth_of_day

SETTLES_S = 20.0
"""s in which slosh falls to a third after stopping."""
WANDER_S, WANDER_SHARE = 7_200.0, 0.7
"""A reading at rest wanders within hours, by this share of its noise."""
HILLS_S, HILLS_SHARE = 120.0, 0.7
"""On the road slopes come and go within minutes, at this share of those of parking places."""
BENDS = 0.12
"""Share of readings on the road that are taken in a bend."""
EXPANSION = 0.0004
"""Per kelvin: half of diesel's 8e-4, as tank and fuel follow the air halfway."""
DAILY_K, WEATHER_K, WEATHER_S = (4.0, 9.0), 6.0, 250_000.0
_SHAPE = np.linspace(0.0, 1.0, 101)


def volume_share(height: F64) -> F64:
    """Share of a lying cylinder's volume below a height (share of its diameter): circular segment."""
    across = 1 - 2 * height
    share: F64 = (np.arccos(across) - across * np.sqrt(np.maximum(1 - across**2, 0))) / np.pi
    return share


def height_share(volume: F64) -> F64:
    """The height at which a lying cylinder holds a share of its volume."""
    return np.interp(volume, volume_share(_SHAPE), _SHAPE)


@dataclass(frozen=True)
class Situation:
    """Per instant: whether the vehicle is on a leg, which stay it is in or left last, s since that stay began."""

    is_moving: npt.NDArray[np.bool_]
    stay: npt.NDArray[np.int64]
    since_s: F64


def situation(diary: Diary, time: F64) -> Situation:
    starts, ends = (np.array([getattr(leg, name) for leg in diary.legs]) for name in ("start", "end"))
    stays = np.array([stay.start for stay in diary.stays])
    stay = np.maximum(np.searchsorted(stays, time, side="right") - 1, 0)
    return Situation(within(time, Spans(starts, ends)), stay, time - stays[stay])


def warmth(vehicle: FuelVehicle, time: F64, rng: np.random.Generator) -> F64:
    """Kelvin above the mean: warmest in mid-afternoon, with swings of weather over days."""
    offset_from = float(time[0]) if len(time) else 0.0
    day = rng.uniform(*DAILY_K) * warmth_of_day(time, vehicle.city.timezone, offset_from)
    return day + WEATHER_K * np.sin(2 * np.pi * time / WEATHER_S + rng.uniform(0, 2 * np.pi))


def read(diary: Diary, time: F64, litres: F64, capacity_l: float, rng: np.random.Generator) -> F64:
    """Readings in points, before faults and steps."""
    sender, now, count = diary.vehicle.sender, situation(diary, time), len(time)
    share = litres / capacity_l
    level = 100 * (height_share(share) if sender.is_nonlinear else share)
    warm = warmth(diary.vehicle, time, rng)
    level = level * (1 + EXPANSION * warm) + sender.heat_pct_k * warm
    parked = rng.normal(0, sender.slope_pct, len(diary.stays))[now.stay]
    hills = HILLS_SHARE * sender.slope_pct * slow_noise(time, HILLS_S, rng)
    level = level + np.where(now.is_moving, hills, parked)
    unrest = np.where(now.is_moving, 1.0, np.exp(-np.maximum(now.since_s, 0) / SETTLES_S))
    noise = sender.noise_pct * (rng.normal(size=count) + WANDER_SHARE * slow_noise(time, WANDER_S, rng))
    swing = np.where(rng.random(count) < BENDS, rng.uniform(-sender.bend_pct, sender.bend_pct, count), 0.0)
    return level + noise + unrest * (sender.slosh_pct * rng.normal(size=count) + swing)


def stepped(level: F64, step_pct: float) -> F64:
    """Readings at the sender's steps, between empty and full."""
    return np.clip(np.round(level / step_pct) * step_pct, 0.0, 100.0)


def slow_noise(time: F64, period_s: float, rng: np.random.Generator) -> F64:
    """Noise of standard deviation 1 at points `period_s` apart, linear between them."""
    if not len(time):
        return np.zeros(0)
    points = np.arange(time[0] - period_s, time[-1] + 2 * period_s, period_s)
    return np.interp(time, points, rng.normal(size=len(points)))
