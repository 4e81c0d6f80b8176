"""Where vehicles go: cities with a depot, customers, fuel stations and a fast charger, and homes.

Belongs here: the places of the simulated world. Does not belong here: when anyone goes there (`routine`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.simulator.terrain import Terrain, make_terrain

CUSTOMERS = 16
STATIONS = 3
CITY_STREAM = 1_000_000
"""Keeps the random streams of cities apart from those of vehicles."""

_CITIES = (
    ("Hanover", 52.3759, 9.7320, 180.0, "Europe/Berlin", 7.0),
    ("Columbus", 39.9612, -82.9988, 240.0, "America/New_York", 9.0),
    ("Nagpur", 21.1458, 79.0882, 310.0, "Asia/Kolkata", 27.0),
)


@dataclass(frozen=True)
class Place:
    """A place on the plane of its city (m east and north of the centre)."""

    zone_id: str
    kind: str
    x: float
    y: float
    radius_m: float

    def metres_to(self, other: Place) -> float:
        """Straight to another place of the same city."""
        return float(np.hypot(other.x - self.x, other.y - self.y))


@dataclass(frozen=True)
class City:
    """One city: land, time zone, mean temperature (degC) and places."""

    name: str
    timezone: str
    mean_temp_c: float
    terrain: Terrain
    depot: Place
    charger: Place
    customers: tuple[Place, ...]
    stations: tuple[Place, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        return (self.depot, self.charger, *self.customers, *self.stations)

    def nearest_customers(self, count: int) -> list[Place]:
        """At most so many customers, the nearest to the centre first."""
        return sorted(self.customers, key=lambda place: float(np.hypot(place.x, place.y)))[:count]

    def nearest_station(self, here: Place) -> Place:
        """The fuel station that is nearest to a place."""
        return min(self.stations, key=here.metres_to)


def make_city(number: int, seed: int) -> City:
    """City `number` of the world of this seed; numbers beyond the known cities begin again."""
    rng = np.random.default_rng([seed, CITY_STREAM, number % len(_CITIES)])
    name, latitude, longitude, altitude, timezone, temperature = _CITIES[number % len(_CITIES)]
    label = name.lower()
    return City(
        name=name,
        timezone=timezone,
        mean_temp_c=temperature,
        terrain=make_terrain(latitude, longitude, altitude, rng),
        depot=_place(f"{label}-depot", "depot", (1_500, 3_000), 250, rng),
        charger=_place(f"{label}-charger", "charger", (5_000, 9_000), 120, rng),
        customers=tuple(
            _place(f"{label}-customer-{k + 1:02d}", "customer", (4_000, 45_000), 150, rng) for k in range(CUSTOMERS)
        ),
        stations=tuple(
            _place(f"{label}-fuel-{k + 1}", "fuel_station", (4_000, 12_000), 120, rng) for k in range(STATIONS)
        ),
    )


def make_home(city: City, vehicle_id: str, rng: np.random.Generator) -> Place:
    """A home for a car that its driver takes along."""
    return _place(f"{city.name.lower()}-home-{vehicle_id}", "home", (6_000, 22_000), 80, rng)


def _place(zone_id: str, kind: str, away_m: tuple[float, float], radius_m: float, rng: np.random.Generator) -> Place:
    radius, angle = rng.uniform(*away_m), rng.uniform(0, 2 * np.pi)
    return Place(zone_id, kind, float(radius * np.cos(angle)), float(radius * np.sin(angle)), radius_m)
