"""Distances on the Earth and places inside zones.

Belongs here: geometry of single points. Does not belong here: tracks (`distance`) and the cleaning of positions.
"""

from __future__ import annotations

import math
import re

import numpy as np
import polars as pl

from fleet_assets.contracts.errors import DataError
from fleet_assets.core.compiled import F64, Mask, kernel

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth, km (IUGG 1980)."""

_WKT = re.compile(r"^\s*POLYGON\s*\(\s*\(([^()]*)\)\s*\)\s*$", re.IGNORECASE)


@kernel
def great_circle_km(lat0: float, lon0: float, lat1: float, lon1: float) -> float:
    """Haversine distance in km between two positions in degrees."""
    a0, a1 = math.radians(lat0), math.radians(lat1)
    half_lat, half_lon = (a1 - a0) / 2, math.radians(lon1 - lon0) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(a0) * math.cos(a1) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


def great_circle_expr(lat0: pl.Expr, lon0: pl.Expr, lat1: pl.Expr, lon1: pl.Expr) -> pl.Expr:
    """Haversine distance in km between two positions in degrees, as an expression."""
    a0, a1 = lat0.radians(), lat1.radians()
    chord = ((a1 - a0) / 2).sin().pow(2) + a0.cos() * a1.cos() * ((lon1 - lon0).radians() / 2).sin().pow(2)
    return 2 * EARTH_RADIUS_KM * chord.clip(upper_bound=1.0).sqrt().arcsin()


def great_circle_to(lat: F64, lon: F64, centre_lat: float, centre_lon: float) -> F64:
    """Haversine distances in km from many positions in degrees to one."""
    a0, a1 = np.radians(lat), math.radians(centre_lat)
    half_lon = np.radians(lon - centre_lon) / 2
    chord = np.sin((a1 - a0) / 2) ** 2 + np.cos(a0) * math.cos(a1) * np.sin(half_lon) ** 2
    distance: F64 = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return distance


def polygon_ring(wkt: str) -> F64:
    """Corners (longitude, latitude) of the outer ring of a WKT POLYGON; raises DataError for anything else."""
    match = _WKT.match(wkt)
    try:
        ring = np.array([[float(n) for n in pair.split()] for pair in match.group(1).split(",")] if match else [])
    except ValueError:
        ring = np.array([])
    if ring.ndim != 2 or ring.shape[0] < 4 or ring.shape[1] != 2:
        raise DataError(f"polygon {wkt[:60]!r} is not a WKT POLYGON with one ring of longitude latitude pairs")
    return ring


def inside_ring(lat: F64, lon: F64, ring: F64) -> Mask:
    """Whether each position lies in the ring: an odd number of edges crossed by a ray to the east."""
    x0, y0 = ring[:-1, 0], ring[:-1, 1]
    x1, y1 = ring[1:, 0], ring[1:, 1]
    spans = (y0 > lat[:, None]) != (y1 > lat[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = x0 + (lat[:, None] - y0) * (x1 - x0) / (y1 - y0)
    inside: Mask = (np.count_nonzero(spans & (lon[:, None] < crossing), axis=1) % 2).astype(bool)
    return inside


def ring_area(ring: F64) -> float:
    """Area of a ring in square degrees of a plain map (shoelace); only to rank polygons by size."""
    x, y = ring[:, 0], ring[:, 1]
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)
