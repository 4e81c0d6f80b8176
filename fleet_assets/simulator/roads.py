"""Roads: a winding way of a given length between two places.

Belongs here: the shape of one way. Does not belong here: how fast it is driven (`driving`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.simulator.places import Place
from fleet_assets.simulator.terrain import F64, Terrain

STEP_M = 40.0
"""m between two points of a road."""
BENDS = 6
"""Waves of which its bends are made."""
_HALVINGS = 40


@dataclass(frozen=True)
class Road:
    """Points along a road: metres from its beginning, place on the plane, height and gradient (m per m)."""

    along: F64
    x: F64
    y: F64
    height: F64
    gradient: F64

    def at(self, along: F64) -> dict[str, F64]:
        """Place, height, gradient and heading (deg from north) at distances from the beginning."""
        east, north = np.gradient(self.x, self.along), np.gradient(self.y, self.along)
        sine, cosine = (np.interp(along, self.along, part) for part in (east, north))
        columns = {name: np.interp(along, self.along, getattr(self, name)) for name in ("x", "y", "height", "gradient")}
        return columns | {"heading": np.degrees(np.arctan2(sine, cosine)) % 360}


def make_road(start: Place, end: Place, length_m: float, terrain: Terrain, rng: np.random.Generator) -> Road:
    """A road of `length_m`, longer than the straight line, that swings around it."""
    share = np.linspace(0, 1, max(int(length_m / STEP_M), 32) + 1)
    order = np.arange(1, BENDS + 1)
    bends = np.sin(np.pi * np.multiply.outer(share, order)) @ (rng.normal(size=BENDS) / order)
    line = np.array([end.x - start.x, end.y - start.y])
    across = np.array([-line[1], line[0]])
    size = _swing(share, bends, float(np.hypot(*line)), length_m)
    points = [(start.x, start.y)[k] + share * line[k] + size * bends * across[k] for k in (0, 1)]
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*(np.diff(p) for p in points)))))
    along *= length_m / along[-1]
    height = terrain.heights(points[0], points[1])
    return Road(along, points[0], points[1], height, np.gradient(height, along))


def _swing(share: F64, bends: F64, straight_m: float, length_m: float) -> float:
    """Size of the bends, as a share of the straight line, that makes the road as long as wanted (by halving)."""
    step, bend = np.diff(share), np.diff(bends)
    low, high = 0.0, 8.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_long = straight_m * float(np.hypot(step, middle * bend).sum()) > length_m
        low, high = (low, middle) if is_long else (middle, high)
    return (low + high) / 2
