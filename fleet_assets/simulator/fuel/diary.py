"""Diaries: one vehicle through all its shifts: legs, stays, and the litres that came and went.

Belongs here: the order of what happens, and the stock of the tanks meanwhile. Does not belong here: which incidents
there are (`incidents`), how a tank is filled (`refuelling`), what a sender makes of it (`senders`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from fleet_assets.simulator.fuel.curves import EngineLog, Flow, leg_speeds
from fleet_assets.simulator.fuel.plan import FuelFleetPlan
from fleet_assets.simulator.fuel.vehicles import FuelVehicle
from fleet_assets.simulator.places import Place

DETOUR = 1.3
"""Length of a way over the straight line."""
SHORTEST_KM = 1.0
END_MARGIN_S = 3_600.0
"""s before the end of the plan within which no leg ends."""
WARM_S = (10.0, 60.0)
"""s that an engine runs before a leg, and after it."""
HARD_DAY = 0.05
HARD_LEG = 0.10
"""Spread of a day's and a leg's consumption: load, weather, driver."""


@dataclass(frozen=True)
class Happening:
    """One thing that moved fuel: s since 1970, litres (never negative), the tank (0: both)."""

    kind: str
    start: float
    end: float
    litres: float
    tank: int
    is_engine_on: bool
    place: Place
    series: str = ""
    """Name of the series of siphoning it belongs to."""


@dataclass(frozen=True)
class LegTaken:
    """One leg: s since 1970, km, litres."""

    start: float
    end: float
    distance_km: float
    litres: float


@dataclass
class Stay:
    """A stay at a place from `start` on; nothing else happens in it before `free_from`. `warm_s`: how long the engine
    runs before the leg that ends it, once that is settled."""

    place: Place
    start: float
    free_from: float
    warm_s: float | None = None


@dataclass
class Diary:
    """One vehicle under way; `stay` is the one it is in."""

    vehicle: FuelVehicle
    plan: FuelFleetPlan
    rng: np.random.Generator
    engine: EngineLog
    filled: dict[int, float]
    """Litres put into each tank less those taken out, the first filling included."""
    stay: Stay
    at: float
    """s since 1970 before which it does not leave."""
    legs: list[LegTaken] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    day_factor: float = 1.0
    is_over: bool = False

    def share(self, tank: int) -> float:
        """Share of what is burned that comes out of a tank."""
        if not self.vehicle.is_joined:
            return 1.0 if tank == 1 else 0.0
        return (self.vehicle.tank_l if tank == 1 else self.vehicle.tank_2_l) / self.vehicle.capacity_l

    def stock(self, tank: int) -> float:
        """Litres in a tank when it can leave."""
        return self.filled[tank] - self.share(tank) * self.engine.burned_by(self.at)

    def size(self, tank: int) -> float:
        return self.vehicle.tank_l if tank == 1 else self.vehicle.tank_2_l

    def usable_share(self) -> float:
        """Share of what the engine can draw on that is left."""
        return self.stock(1) / self.vehicle.tank_l

    def flow(self, flow: Flow) -> None:
        self.flows.append(flow)
        self.filled[flow.tank] += flow.litres

    def way_l(self, *places: Place) -> float:
        """What the way from here by these places takes out of the first tank, on the safe side."""
        stops = (self.stay.place, *places)
        km = sum(way_km(one, other) for one, other in pairwise(stops))
        return 1.4 * km * self.vehicle.l_100km / 100 * self.share(1) + 4.0

    def close(self, meanwhile: Meanwhile) -> float:
        """Let happen what happens in the stay up to now, once; returns when the engine starts (s since 1970)."""
        if self.stay.warm_s is None:
            self.stay.warm_s = float(self.rng.uniform(*WARM_S))
            meanwhile(self, self.at - self.stay.warm_s)
        return self.at - self.stay.warm_s

    def go(self, place: Place, is_left_on: bool, meanwhile: Meanwhile) -> None:
        """Drive to a place, after the stay so far."""
        starts = self.close(meanwhile)
        distance = way_km(self.stay.place, place)
        time, speed = leg_speeds(distance, self.vehicle.cruise_kmh, self.rng)
        arrives = self.at + float(time[-1])
        if arrives > self.plan.end_s - END_MARGIN_S:
            self.is_over = True
            return
        self.engine.start(starts)
        litres = self.engine.drive(self.at + time, speed, self._l_per_km())
        self.legs.append(LegTaken(self.at, arrives, distance, litres))
        off = arrives + float(self.rng.uniform(*WARM_S))
        if not is_left_on:
            self.engine.stop(off)
        self.stay = Stay(place, arrives, off)
        self.stays.append(self.stay)
        self.at = off

    def _l_per_km(self) -> float:
        """What a kilometre takes beyond idling."""
        driven = self.vehicle.l_100km / 100 - self.vehicle.idle_lph / self.vehicle.cruise_kmh
        return driven * self.day_factor * float(np.exp(self.rng.normal(0, HARD_LEG)))


Meanwhile = Callable[[Diary, float], None]
"""Is told of the stay that ends at an instant (s since 1970)."""


def way_km(one: Place, other: Place) -> float:
    """Length of the way between two places."""
    return max(DETOUR * one.metres_to(other) / 1000, SHORTEST_KM)


def open_diary(vehicle: FuelVehicle, plan: FuelFleetPlan, rng: np.random.Generator) -> Diary:
    """A vehicle at its depot at the beginning, with some fuel."""
    stay = Stay(vehicle.city.depot, plan.start_s, plan.start_s)
    share = rng.uniform(0.4, 0.9, 2)
    filled = {1: float(vehicle.tank_l * share[0]), 2: float(vehicle.tank_2_l * share[1])}
    if vehicle.is_joined:
        filled[2] = float(vehicle.tank_2_l * share[0])
    return Diary(vehicle, plan, rng, EngineLog(vehicle.idle_lph), filled, stay, plan.start_s, stays=[stay])
