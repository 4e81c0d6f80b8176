"""Zones: which place of the fleet a position lies in.

Belongs here: the lookup, for round zones and polygons. Does not belong here: geometry of single shapes (`geo`).
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, Mask
from fleet_assets.core.geo import great_circle_to, inside_ring, polygon_ring, ring_area

_DEGREE_KM = 111.2


def zone_of(lat: F64, lon: F64, zones: pl.DataFrame) -> pl.Series:
    """Zone id per position, null outside all zones or without a position; of several zones the smallest, then the first
    by name. Raises DataError for a polygon that is none. A zone with neither radius nor polygon holds nothing."""
    found = np.full(len(lat), -1)
    # Large zones first, so that a smaller one inside them has the last word; by name against ties.
    ordered = sorted(zones.iter_rows(named=True), key=lambda zone: zone["zone_id"], reverse=True)
    ordered.sort(key=_size_km2, reverse=True)
    for k, zone in enumerate(ordered):
        found[_inside(lat, lon, zone)] = k
    names = [zone["zone_id"] for zone in ordered]
    return pl.Series("zone_id", found).replace_strict(range(len(names)), names, default=None, return_dtype=pl.String)


def _size_km2(zone: dict[str, object]) -> float:
    if isinstance(zone["polygon"], str):
        return ring_area(polygon_ring(zone["polygon"])) * _DEGREE_KM**2
    return math.pi * (float(zone["radius_m"]) / 1000) ** 2 if isinstance(zone["radius_m"], float) else 0.0


def _inside(lat: F64, lon: F64, zone: dict[str, object]) -> Mask:
    if isinstance(zone["polygon"], str):
        return inside_ring(lat, lon, polygon_ring(zone["polygon"]))
    centre_lat, centre_lon, radius_m = zone["latitude_deg"], zone["longitude_deg"], zone["radius_m"]
    if not (isinstance(centre_lat, float) and isinstance(centre_lon, float) and isinstance(radius_m, float)):
        return np.zeros(len(lat), dtype=np.bool_)
    inside: Mask = great_circle_to(lat, lon, centre_lat, centre_lon) * 1000 <= radius_m
    return inside
