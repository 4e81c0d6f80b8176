"""The land: a plane in metres around a city, its hills, and the way from the plane to latitude and longitude.

Belongs here: geometry of the simulated world, with constants of its own. Does not belong here: roads and places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth (IUGG)."""
HILL_LENGTHS_M = (3_000.0, 6_000.0, 11_000.0, 23_000.0)
"""Lengths of the waves that make the hills; long ones, so that roads are smooth."""
STEEPEST_WAVE = 0.009
"""Greatest gradient of one wave; four of them seldom add to more than 2.5 %."""


@dataclass(frozen=True)
class Terrain:
    """Height of the land around one city as a sum of plane waves (wave vector in rad/m, height in m)."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    east: F64
    north: F64
    phase: F64
    height: F64

    def heights(self, x: F64, y: F64) -> F64:
        """Height above the sea (m) at points of the plane (m east and north of the city)."""
        waves = np.sin(np.multiply.outer(x, self.east) + np.multiply.outer(y, self.north) + self.phase)
        total: F64 = self.altitude_m + waves @ self.height
        return total

    def degrees(self, x: F64, y: F64) -> tuple[F64, F64]:
        """Latitude and longitude of points of the plane.

        Azimuthal equidistant projection on the sphere (Snyder, Map Projections, 1987, 20-14 and 20-15): lengths are
        true within 2e-5 up to 70 km from the city.
        """
        radius = np.maximum(np.hypot(x, y), 1e-9)
        angle, centre = radius / EARTH_RADIUS_M, np.radians(self.latitude_deg)
        sine = np.cos(angle) * np.sin(centre) + y * np.sin(angle) * np.cos(centre) / radius
        across = radius * np.cos(centre) * np.cos(angle) - y * np.sin(centre) * np.sin(angle)
        longitude = self.longitude_deg + np.degrees(np.arctan2(x * np.sin(angle), across))
        return np.degrees(np.arcsin(sine)), longitude


def make_terrain(latitude_deg: float, longitude_deg: float, altitude_m: float, rng: np.random.Generator) -> Terrain:
    """Hills drawn from `rng`: one wave per length, in a random direction."""
    wave = 2 * np.pi / np.array(HILL_LENGTHS_M)
    angle = rng.uniform(0, 2 * np.pi, len(wave))
    height = STEEPEST_WAVE / wave * rng.uniform(0.6, 1.0, len(wave))
    phase = rng.uniform(0, 2 * np.pi, len(wave))
    return Terrain(
        latitude_deg, longitude_deg, altitude_m, wave * np.cos(angle), wave * np.sin(angle), phase, height
    )  # fmt: skip
