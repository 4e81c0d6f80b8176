"""Habits: when a vehicle's shift begins, where it goes, how long it stays and whether its engine runs meanwhile.

Belongs here: plans of shifts. Does not belong here: driving them (`diary`), filling up (`refuelling`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from fleet_assets.simulator.fuel.plan import FuelFleetPlan
from fleet_assets.simulator.fuel.vehicles import FuelVehicle
from fleet_assets.simulator.places import Place
from fleet_assets.simulator.routine import LUNCH_S, SATURDAY, SUNDAY

_NEAREST = 10
"""Customers a vehicle serves, counted from the nearest."""


@dataclass(frozen=True)
class Call:
    """A place to go to, s to stay there, and whether the engine is left on."""

    place: Place
    stay_s: float
    is_engine_left_on: bool


@dataclass(frozen=True)
class Shift:
    """One shift: when it sets out (s since 1970) and its calls; the last is the depot."""

    departs: float
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class _Hours:
    """Working hours: local hours of setting out, number of calls, s of a stay, chances to work at the weekend."""

    departs_h: tuple[float, float]
    calls: tuple[int, int]
    stay_s: tuple[float, float]
    saturday: float
    sunday: float
    engine_left_on: float


_SHIFTS = {
    "day": _Hours((6.0, 8.0), (3, 6), (600, 2_700), 0.3, 0.03, 0.12),
    "early": _Hours((3.5, 5.0), (3, 6), (600, 2_400), 0.5, 0.05, 0.12),
    "late": _Hours((12.5, 14.5), (3, 5), (600, 2_400), 0.3, 0.05, 0.12),
    "night": _Hours((19.5, 21.5), (2, 4), (900, 3_600), 0.15, 0.3, 0.15),
    "car": _Hours((7.0, 8.5), (1, 4), (1_200, 7_200), 0.6, 0.4, 0.03),
}
_WORKDAY = 0.96


def shifts(vehicle: FuelVehicle, plan: FuelFleetPlan, rng: np.random.Generator) -> Iterator[Shift]:
    """The vehicle's shifts that set out inside the plan, in order."""
    for offset in range(-1, plan.days + 1):
        shift = _shift(vehicle, plan.start + timedelta(days=offset), rng)
        if shift and plan.start_s + 7_200 < shift.departs < plan.end_s - 7_200:
            yield shift


def _shift(vehicle: FuelVehicle, day: date, rng: np.random.Generator) -> Shift | None:
    hours = _SHIFTS[vehicle.shift]
    chance = {SATURDAY: hours.saturday, SUNDAY: hours.sunday}.get(day.weekday(), _WORKDAY)
    midnight = datetime.combine(day, time(0), ZoneInfo(vehicle.city.timezone)).timestamp()
    departs = midnight + 3600 * rng.uniform(*hours.departs_h)
    count = int(rng.integers(hours.calls[0], hours.calls[1] + 1))
    near = vehicle.city.nearest_customers(_NEAREST)
    order = rng.permutation(len(near))[:count]
    stays = rng.uniform(*hours.stay_s, count)
    stays[count // 2] += rng.uniform(*LUNCH_S)
    left_on = rng.random(count) < hours.engine_left_on
    calls = [Call(near[k], float(stay), bool(on)) for k, stay, on in zip(order, stays, left_on, strict=True)]
    if rng.random() > chance:
        return None
    return Shift(departs, (*calls, Call(vehicle.city.depot, 0.0, is_engine_left_on=False)))
