"""Routines: where a vehicle goes on a day of the week, when it sets out and how long it stays.

Belongs here: plans of days. Does not belong here: driving them, refuelling and charging (`journey`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from fleet_assets.simulator.places import Place
from fleet_assets.simulator.vehicles import Vehicle

SHORTEST_STAY_S = 420.0
"""s of a stay at least: with halts of at most 95 s inside a leg, no standstill lasts about 300 s, where rules cut."""
LUNCH_S = (2_700.0, 3_600.0)
"""s by which the stay in the middle of a working day is longer."""
SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True)
class Visit:
    """A place to go to and how long to stay there (s); `is_engine_left_on` while standing."""

    place: Place
    stay_s: float
    is_engine_left_on: bool = False
    may_plug_in: bool = False


@dataclass(frozen=True)
class Day:
    """One local day: when it sets out (s since 1970) and its visits; the last is home, for the night."""

    departs: float
    visits: tuple[Visit, ...]


@dataclass(frozen=True)
class _Habit:
    """A kind's working day: hours of setting out, visits on a working day, chances of Saturday and Sunday."""

    departs_h: tuple[float, float]
    visits: tuple[int, int]
    stay_s: tuple[float, float]
    saturday: float
    sunday: float
    nearest: int
    """Customers it serves, counted from the nearest."""
    engine_left_on: float = 0.0


_HABITS = {
    "ice": _Habit((5.3, 7.0), (4, 7), (720, 2_700), 0.35, 0.0, 16, 0.15),
    "phev": _Habit((7.0, 8.3), (1, 4), (1_500, 5_400), 0.7, 0.5, 16),
    "bev": _Habit((7.2, 8.6), (4, 7), (480, 1_500), 0.5, 0.1, 8),
}


def plan_day(vehicle: Vehicle, day: date, rng: np.random.Generator) -> Day | None:
    """The vehicle's local day, or None if it stays at home."""
    habit, weekday = _HABITS[vehicle.kind], day.weekday()
    chance = {SATURDAY: habit.saturday, SUNDAY: habit.sunday}.get(weekday, 0.97)
    if rng.random() > chance:
        return None
    is_weekend = weekday in (SATURDAY, SUNDAY)
    hour = rng.uniform(*habit.departs_h) + (2.0 if is_weekend else 0.0)
    midnight = datetime.combine(day, time(0), ZoneInfo(vehicle.city.timezone))
    visits = _visits(vehicle, habit, is_weekend, rng)
    return Day((midnight + timedelta(hours=hour)).timestamp(), visits)


def _visits(vehicle: Vehicle, habit: _Habit, is_weekend: bool, rng: np.random.Generator) -> tuple[Visit, ...]:
    most = 3 if is_weekend else habit.visits[1] + 1
    count = int(rng.integers(min(habit.visits[0], most - 1), most))
    near = vehicle.city.nearest_customers(habit.nearest)
    order = rng.permutation(len(near))[:count]
    stays = rng.uniform(*habit.stay_s, count)
    if not is_weekend and count > 1:
        stays[count // 2] += rng.uniform(*LUNCH_S)
    left_on = (rng.random(count) < habit.engine_left_on) & (stays < habit.stay_s[1])
    visits = [Visit(near[k], float(stay), bool(on)) for k, stay, on in zip(order, stays, left_on, strict=True)]
    if vehicle.kind == "phev" and not is_weekend:
        office = rng.uniform(5_400, 10_800)
        visits.insert(0, Visit(vehicle.city.depot, float(office), may_plug_in=bool(rng.random() < 0.5)))
    return (*visits, Visit(vehicle.home, SHORTEST_STAY_S, may_plug_in=True))
