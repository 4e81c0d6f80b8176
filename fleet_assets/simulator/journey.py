"""Journeys: one vehicle through all its days, leg by leg, with its refuels and charges.

Belongs here: the order of events and their truth. Does not belong here: dynamics (`blocks` and below) and frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np

from fleet_assets.simulator.blocks import Columns, Leg, Plug, Stock, charge_block, join_blocks, leg_block
from fleet_assets.simulator.driving import slow_uphill, speed_profile
from fleet_assets.simulator.losses import lose, losses_rng
from fleet_assets.simulator.places import Place
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.roads import make_road
from fleet_assets.simulator.routine import SHORTEST_STAY_S, Visit, plan_day
from fleet_assets.simulator.stays import Stay, charge_truth, refuel_truth, stop_truth
from fleet_assets.simulator.trip_truth import trip_truth
from fleet_assets.simulator.truth import Truth
from fleet_assets.simulator.vehicles import Vehicle

REFUEL_BELOW = 0.28
"""Share of the tank below which the next way leads to a station."""
FAST_CHARGE_BELOW = 0.42
"""Share of charge below which a battery vehicle goes to the fast charger first."""
FAST_CHARGE_TO = 0.80
FULL = 0.975
PLUG_TO_POWER_S = 15.0
POWER_OFF_S, UNPLUGGED_S = 80.0, 50.0
"""s before leaving at which charging ends and the cable is pulled, both before the key is turned."""
NEAREST_M = 400.0
"""m of straight line at least: next door is not driven."""
END_MARGIN_S = 1_200.0
"""s before the end of the simulation within which no leg ends: every trip is followed by known standing."""


@dataclass
class Journey:
    """One vehicle under way: where and with what it is, and what it has left behind."""

    vehicle: Vehicle
    plan: FleetPlan
    rng: np.random.Generator
    place: Place
    at: float
    """s since 1970 up to which the stay before the next leg lasts at least."""
    stock: Stock
    thieves: np.random.Generator
    """Draws of what is taken from it, apart from those of what it does."""
    blocks: list[Columns] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)
    stay: Stay | None = None
    """The stay it is in; None before its first leg."""
    is_over: bool = False

    def lose(self) -> None:
        """What is taken from the tank in the stay so far."""
        if self.stay is None:
            return
        row = lose(self.vehicle, self.stay, self.at, self.stock.litres, self.plan, self.thieves)
        if row is not None:
            self.truth.fuel_losses.append(row)
            self.stock = replace(self.stock, litres=row.level_after_l)

    def go(self, visit: Visit) -> None:
        """Drive to the place and arrive, unless that would reach into the end of the simulation."""
        leg = self._leg(visit)
        ends = leg.starts + len(leg.speed) + leg.after_s
        if ends > self.plan.end_s - END_MARGIN_S:
            self.is_over = True
            return
        cooled = 15 + (self.stock.coolant_c - 15) * float(np.exp(-(leg.starts - self._since()) / 9_000))
        block, self.stock = leg_block(self.vehicle, leg, replace(self.stock, coolant_c=cooled))
        trip = trip_truth(self.vehicle, block, leg.before_s, len(leg.speed), (self.place, visit.place))
        if self.stay is not None:
            self.truth.stops.append(
                stop_truth(self.vehicle, self.stay, trip.started_at, [*self.blocks[self.stay.block :], block])
            )
        self.blocks.append(block)
        self.truth.trips.append(trip)
        self.place = visit.place
        asleep_from = float(block["time"][-1])
        self.stay = Stay(trip.ended_at, asleep_from, visit.place, visit.is_engine_left_on, len(self.blocks) - 1)
        self.at = trip.ended_at.timestamp() + max(visit.stay_s, SHORTEST_STAY_S)

    def _since(self) -> float:
        return self.stay.asleep_from if self.stay else self.at

    def _leg(self, visit: Visit) -> Leg:
        idles = self.stay is not None and self.stay.is_engine_left_on
        here, there = self.place, visit.place
        straight = max(here.metres_to(there), NEAREST_M)
        speed = speed_profile(straight, self.vehicle, self.rng)
        road = make_road(here, there, float(speed.sum()), self.vehicle.city.terrain, self.rng)
        speed = np.trim_zeros(slow_uphill(speed, road, self.vehicle))
        before, after = int(self.rng.integers(8, 45)), int(self.rng.integers(12, 60))
        starts = float(round(self.at))
        if idles and self.stay is not None:
            before = int(starts - self.stay.asleep_from - 1)
        return Leg(starts, speed, road, before, after, not idles, not visit.is_engine_left_on)

    def refuel(self) -> None:
        """Fill up during the stay at a station."""
        tank = self.vehicle.type.tank_l
        litres = tank * self.rng.uniform(0.9, 0.97) - self.stock.litres
        assert self.stay is not None
        row = refuel_truth(self.vehicle, self.stay, litres, self.stock.litres)
        self.truth.refuels.append(row)
        self.stay.kind, self.stay.filled_until = "refuelling", row.ended_at.timestamp()
        self.stock = replace(self.stock, litres=self.stock.litres + litres)
        self.at = max(self.at, row.ended_at.timestamp() + self.rng.uniform(120, 300))

    def charge(self, until: float, wall_kw: float, target: float) -> None:
        """Plug in after arrival, until the battery holds `target` of its charge or time is over."""
        assert self.stay is not None
        plugged = self.stay.asleep_from + float(self.rng.integers(20, 120))
        limit = self.plan.end_s - 60
        if self.stock.charge > target - 0.02 or min(until, limit) - plugged < SHORTEST_STAY_S:
            return
        ends = min(until - POWER_OFF_S, limit)
        plug = Plug(self.place, plugged + PLUG_TO_POWER_S, ends, wall_kw, target)
        before = self.stock
        block, self.stock = charge_block(self.vehicle, plug, self.stock)
        self.blocks.append(block)
        unplugged = min(until - UNPLUGGED_S, limit)
        row = charge_truth(self.vehicle, self.stay, (plugged, unplugged), block, before)
        self.truth.charges.append(replace(row, is_truncated=until > limit))
        self.stay.kind = "charging"


def travel(vehicle: Vehicle, plan: FleetPlan) -> tuple[Columns, Truth]:
    """All samples of one vehicle's awake time, and the truth of them."""
    rng = np.random.default_rng([plan.seed, 1, vehicle.index])
    stock = Stock(float(rng.uniform(0.55, 0.95)), float(vehicle.type.tank_l * rng.uniform(0.32, 0.6)), 15.0)
    starts, thieves = plan.start_s, losses_rng(vehicle, plan)
    journey = Journey(vehicle, plan, rng, vehicle.home, starts, stock, thieves)
    for departs, visits in _days(vehicle, plan, rng):
        if journey.stay is not None and vehicle.type.battery is not None:
            _overnight(journey, departs)
        journey.at = max(journey.at, departs)
        for visit in visits:
            _visit(journey, visit)
            if journey.is_over:
                return join_blocks(journey.blocks), journey.truth
    if journey.stay is not None and vehicle.type.battery is not None:
        _overnight(journey, plan.end_s + 3_600)
    return join_blocks(journey.blocks), journey.truth


def _days(vehicle: Vehicle, plan: FleetPlan, rng: np.random.Generator) -> Iterator[tuple[float, tuple[Visit, ...]]]:
    """Local days that begin inside the simulation. A day before and after, for zones east and west of Greenwich."""
    for offset in range(-1, plan.days + 1):
        day = plan_day(vehicle, plan.start + timedelta(days=offset), rng)
        if day and plan.start_s + 300 < day.departs < plan.end_s:
            yield day.departs, day.visits


def _visit(journey: Journey, visit: Visit) -> None:
    """Go there, by way of a station or a fast charger where the vehicle needs it."""
    # What is left in the tank decides on the way, so a theft comes first.
    journey.lose()
    _provide(journey)
    if not journey.is_over:
        journey.go(visit)
    if not journey.is_over and visit.may_plug_in and visit.stay_s > SHORTEST_STAY_S:
        battery = journey.vehicle.type.battery
        assert battery is not None
        journey.charge(journey.at, battery.ac_charge_kw, FULL)


def _provide(journey: Journey) -> None:
    vehicle, city = journey.vehicle, journey.vehicle.city
    if vehicle.type.tank_l and journey.stock.litres < REFUEL_BELOW * vehicle.type.tank_l:
        journey.go(Visit(city.nearest_station(journey.place), SHORTEST_STAY_S))
        if not journey.is_over:
            journey.refuel()
    if vehicle.kind == "bev" and vehicle.type.battery and journey.stock.charge < FAST_CHARGE_BELOW:
        journey.go(Visit(city.charger, float(journey.rng.uniform(1_500, 2_400))))
        if not journey.is_over:
            journey.charge(journey.at, vehicle.type.battery.max_charge_kw * 0.75, FAST_CHARGE_TO)


def _overnight(journey: Journey, departs: float) -> None:
    """Plug in at home for the night, now and then forgotten by hybrids."""
    battery = journey.vehicle.type.battery
    is_forgotten = journey.vehicle.kind == "phev" and journey.rng.random() < 0.15
    if battery is not None and not is_forgotten and journey.place == journey.vehicle.home:
        journey.charge(max(departs, journey.at), battery.ac_charge_kw, FULL)
