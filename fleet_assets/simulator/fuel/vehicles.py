"""The vehicles of a fleet of tanks: tank, consumption, sender, tracker and city of each.

Belongs here: what a vehicle is. Does not belong here: what it does (`habits`, `diary`), how a sender reads (`senders`).

Steps and noise are of the order of senders in use: 0.4 % is a step of J1939's fuel level (SPN 96), analogue gauges give
2 to 4 %, the floats of passenger cars swing by 25 points in bends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.simulator.places import City, make_city

Range = tuple[float, float]

SOURCES = ("tracker-1", "tracker-2", "tracker-3")
"""Doors through which rows come; an outage or a change of scale takes all vehicles of one."""
DENSE_EVERY = 21
"""One vehicle in so many reports once a second while it is switched on."""
_ROSTER_STREAM = 30


@dataclass(frozen=True)
class Sender:
    """How one vehicle's level is measured. Points are per cent of the tank."""

    kind: str
    step_pct: float
    noise_pct: float
    """Standard deviation of one reading at rest, before the step."""
    slosh_pct: float
    """Standard deviation added while moving."""
    slope_pct: float
    """Standard deviation, from stay to stay, of what a parking place's slope adds."""
    heat_pct_k: float
    """Points a kelvin."""
    bend_pct: float = 0.0
    """Largest swing in a bend."""
    silence: str = "none"
    """While switched off: `none`; `level` (rows without a level); `all` (no rows but a first one without a level)."""
    has_counter: bool = False
    has_rate: bool = False
    is_litres: bool = False
    is_nonlinear: bool = False
    is_capacity_known: bool = True
    key_nonsense: float = 0.0
    """Share of key turns after which the first readings mean nothing."""

    @property
    def reports_while_off(self) -> bool:
        return self.silence == "none"


@dataclass(frozen=True)
class _Kind:
    """A kind of sender: ranges from which each vehicle's own is drawn."""

    step: Range
    noise: Range
    slosh: Range
    slope: Range
    heat: Range
    silences: tuple[str, ...] = ("none",)
    classes: tuple[str, ...] = ("van", "12 t", "26 t", "40 t")
    has_counter: bool = False
    has_rate: bool = False
    bend: float = 0.0


_OFF = ("level", "all")
_KINDS = {
    "level_only": _Kind((0.1, 0.25), (0.3, 0.7), (1.0, 2.0), (0.3, 0.8), (0.0, 0.02)),
    "level_and_counter": _Kind((0.4, 0.4), (0.3, 0.7), (1.0, 2.0), (0.3, 0.8), (0.0, 0.02), has_counter=True),
    "j1939": _Kind((0.4, 0.4), (0.3, 0.7), (1.0, 2.0), (0.4, 0.9), (0.0, 0.02), _OFF, ("12 t", "26 t", "40 t"),
                   has_counter=True, has_rate=True),
    "analogue": _Kind((2.0, 4.0), (0.4, 1.0), (2.0, 4.0), (1.0, 2.5), (0.06, 0.14)),
    "silent": _Kind((0.4, 1.0), (0.3, 0.8), (1.0, 2.5), (0.4, 1.0), (0.0, 0.03), _OFF),
    "two_tanks": _Kind((0.4, 0.4), (0.3, 0.7), (1.0, 2.0), (0.4, 0.9), (0.0, 0.02), ("none", "level"), ("40 t",),
                       has_counter=True),
    "litres": _Kind((0.2, 0.4), (0.3, 0.7), (1.0, 2.0), (0.3, 0.8), (0.0, 0.02)),
    "car_float": _Kind((0.4, 1.0), (0.3, 0.6), (3.0, 5.0), (1.0, 2.0), (0.0, 0.03), _OFF, ("car",), bend=25.0),
    "non_linear": _Kind((0.2, 0.4), (0.3, 0.7), (1.0, 2.0), (0.3, 0.8), (0.0, 0.02)),
    "unknown_capacity": _Kind((0.2, 0.5), (0.3, 0.8), (1.0, 2.0), (0.3, 0.8), (0.0, 0.02)),
}  # fmt: skip

SENDER_KINDS = tuple(_KINDS)
"""Kinds of senders, in the order in which the vehicles of a fleet have them."""


@dataclass(frozen=True)
class _Class:
    """A class of vehicle: tank (l), l/100 km, l/h at idle, km/h of its usual way, l/min at a pump."""

    tank_l: Range
    l_100km: Range
    idle_lph: Range
    cruise_kmh: Range
    pump_lpm: Range


_CLASSES = {
    "car": _Class((60, 70), (6, 9), (0.6, 0.9), (35, 60), (30, 38)),
    "van": _Class((70, 110), (8, 12), (0.7, 1.1), (35, 60), (32, 40)),
    "12 t": _Class((140, 230), (15, 21), (1.3, 1.8), (35, 55), (50, 80)),
    "26 t": _Class((250, 420), (22, 29), (1.8, 2.4), (35, 55), (60, 100)),
    "40 t": _Class((450, 900), (27, 36), (2.2, 3.0), (50, 70), (80, 120)),
}


@dataclass(frozen=True)
class FuelVehicle:
    """One vehicle of the fleet; `index` names its random streams."""

    vehicle_id: str
    index: int
    segment: str
    city: City
    source: str
    sender: Sender
    tank_l: float
    tank_2_l: float
    """0 without a second tank; at most 900 l in both."""
    is_joined: bool
    """The second tank empties with the first, through a pipe; else fuel is moved by a pump."""
    l_100km: float
    idle_lph: float
    cruise_kmh: float
    pump_lpm: float
    shift: str
    """Name of its working hours (`habits`)."""
    filling: str
    """Name of its way to refuel (`refuelling`)."""
    counter_bias: float
    """What its counter shows of a litre."""
    moving_s: float
    """s between two rows while switched on."""
    off_s: float
    """s between two rows while switched off."""

    @property
    def capacity_l(self) -> float:
        return self.tank_l + self.tank_2_l


def make_fuel_roster(count: int, seed: int) -> list[FuelVehicle]:
    """The first `count` vehicles of the fleet of this seed; a larger fleet begins with the smaller one."""
    cities = [make_city(number, seed) for number in range(len(SOURCES))]
    return [_vehicle(index, seed, cities[index % len(cities)]) for index in range(count)]


def _vehicle(index: int, seed: int, city: City) -> FuelVehicle:
    rng = np.random.default_rng([seed, _ROSTER_STREAM, index])
    name = SENDER_KINDS[index % len(SENDER_KINDS)]
    kind = _KINDS[name]
    segment = str(rng.choice(kind.classes))
    chosen = _CLASSES[segment]
    tank = _within(rng, chosen.tank_l, 5)
    second = 5 * round(0.09 * tank) if name == "two_tanks" else 0.0
    is_dense = index % DENSE_EVERY == len(SENDER_KINDS) // 4
    return FuelVehicle(
        vehicle_id=f"tank-{index + 1:04d}",
        index=index,
        segment=segment,
        city=city,
        source=SOURCES[index // len(SENDER_KINDS) % len(SOURCES)],
        sender=_sender(name, kind, rng),
        tank_l=tank - second,
        tank_2_l=second,
        is_joined=bool(rng.random() < 0.5),
        l_100km=_within(rng, chosen.l_100km),
        idle_lph=_within(rng, chosen.idle_lph),
        cruise_kmh=_within(rng, chosen.cruise_kmh),
        pump_lpm=_within(rng, chosen.pump_lpm),
        shift="car" if segment == "car" else str(rng.choice(("day", "day", "early", "late", "night"))),
        filling=str(rng.choice(("station", "sips") if segment == "car" else ("station", "station", "depot", "sips"))),
        counter_bias=float(np.clip(rng.normal(1.0, 0.015), 0.96, 1.04)),
        moving_s=1.0 if is_dense else float(rng.choice((10, 15, 30, 60))),
        off_s=float(rng.choice((120, 300, 600))),
    )


def _sender(name: str, kind: _Kind, rng: np.random.Generator) -> Sender:
    step, noise, slosh, slope, heat = (
        _within(rng, span) for span in (kind.step, kind.noise, kind.slosh, kind.slope, kind.heat)
    )
    return Sender(
        name, step, noise, slosh, slope, heat,
        bend_pct=kind.bend,
        silence=str(rng.choice(kind.silences)),
        has_counter=kind.has_counter,
        has_rate=kind.has_rate,
        is_litres=name == "litres",
        is_nonlinear=name == "non_linear",
        is_capacity_known=name != "unknown_capacity",
        key_nonsense=float(rng.choice((0.0, 0.0, 0.0, 0.3))),
    )  # fmt: skip


def _within(rng: np.random.Generator, span: Range, step: float = 0.0) -> float:
    value = float(rng.uniform(*span))
    return step * round(value / step) if step else value
