"""The vehicles: masses, shapes, engines, tanks and batteries, and which of them a fleet has.

Belongs here: constants of vehicle classes and the roster. Does not belong here: any motion.

Masses, areas and coefficients are those of vehicles of each class in common use: rolling resistance 0.006 (lorry tyres)
and 0.010 (car tyres), drag x area from 5.2 m2 (tractor and trailer) to 0.65 m2 (car).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.simulator.places import City, Place, make_city, make_home

KINDS = ("ice", "phev", "bev")
CITY_SIZE = len(KINDS)
"""Vehicles in a row that belong to one city: one of each kind."""


@dataclass(frozen=True)
class Engine:
    """A combustion engine by its Willans line: fuel power = no-load loss x speed + power / efficiency."""

    max_kw: float
    idle_rpm: float
    idle_lph: float
    """l/h at idle without load."""
    indicated_efficiency: float
    """Slope of the Willans line: work gained per fuel energy added."""
    energy_mj_l: float
    """Lower heating value: diesel 35.7, petrol 32.2 MJ/l."""


@dataclass(frozen=True)
class Battery:
    """A traction battery."""

    capacity_kwh: float
    cells: int
    """Cells in series."""
    resistance_ohm: float
    max_charge_kw: float
    """Greatest power taken back when braking or from a fast charger."""
    ac_charge_kw: float


@dataclass(frozen=True)
class Class:
    """A class of vehicle; every vehicle of it differs a little in load."""

    kind: str
    model: str
    segment: str
    mass_kg: float
    gvw_kg: float
    drag_area_m2: float
    rolling: float
    max_speed_kmh: float
    acceleration_ms2: float
    auxiliary_kw: float
    tank_l: float
    engine: Engine | None
    battery: Battery | None


@dataclass(frozen=True)
class Vehicle:
    """One vehicle of the fleet; `index` names its random stream."""

    vehicle_id: str
    index: int
    type: Class
    city: City
    home: Place
    """Where it spends the night."""
    mass_kg: float

    @property
    def kind(self) -> str:
        return self.type.kind


def _lorry_engine(kw: float, idle_lph: float) -> Engine:
    return Engine(kw, 600.0, idle_lph, 0.46, 35.7)


_SMALL_ENGINE = Engine(85.0, 850.0, 0.7, 0.37, 32.2)

CLASSES = {
    "ice": (
        Class("ice", "26 t distribution lorry", "heavy", 18_000, 26_000, 4.6, 0.006, 87, 0.55, 5, 300,
              _lorry_engine(235, 2.0), None),
        Class("ice", "40 t tractor and trailer", "heavy", 27_000, 40_000, 5.2, 0.0055, 87, 0.42, 6, 450,
              _lorry_engine(350, 2.6), None),
        Class("ice", "12 t distribution lorry", "medium", 9_000, 12_000, 4.0, 0.0065, 87, 0.7, 3.5, 180,
              _lorry_engine(170, 1.5), None),
    ),
    "phev": (
        Class("phev", "plug-in estate car", "car", 1_850, 2_350, 0.68, 0.010, 125, 1.4, 0.7, 45, _SMALL_ENGINE,
              Battery(11.0, 96, 0.11, 50, 3.6)),
        Class("phev", "plug-in saloon car", "car", 1_750, 2_250, 0.62, 0.010, 125, 1.5, 0.6, 42, _SMALL_ENGINE,
              Battery(14.0, 96, 0.09, 55, 7.2)),
    ),
    "bev": (
        Class("bev", "electric delivery van", "van", 2_500, 3_500, 1.15, 0.010, 105, 1.1, 1.0, 0, None,
              Battery(68.0, 96, 0.07, 90, 11.0)),
        Class("bev", "electric hatchback car", "car", 1_750, 2_200, 0.66, 0.010, 125, 1.5, 0.7, 0, None,
              Battery(58.0, 108, 0.08, 100, 11.0)),
    ),
}  # fmt: skip

_LABELS = {"ice": "lorry", "phev": "hybrid", "bev": "electric"}


def make_roster(count: int, seed: int) -> list[Vehicle]:
    """The first `count` vehicles of the fleet of this seed; a larger fleet begins with the smaller one."""
    return [_vehicle(index, seed) for index in range(count)]


def _vehicle(index: int, seed: int) -> Vehicle:
    kind, round_number = KINDS[index % CITY_SIZE], index // CITY_SIZE
    rng = np.random.default_rng([seed, 0, index])
    chosen = CLASSES[kind][round_number % len(CLASSES[kind])]
    city = make_city(round_number, seed)
    vehicle_id = f"{_LABELS[kind]}-{round_number + 1:02d}"
    home = make_home(city, vehicle_id, rng) if kind == "phev" else city.depot
    return Vehicle(vehicle_id, index, chosen, city, home, float(chosen.mass_kg * rng.uniform(0.92, 1.06)))
