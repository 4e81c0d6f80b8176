"""The truth of one trip, from the samples of its block.

Belongs here: sums over one leg. Does not belong here: stays (`stays`).
"""

from __future__ import annotations

import numpy as np

from fleet_assets.simulator.blocks import Columns
from fleet_assets.simulator.places import Place
from fleet_assets.simulator.truth import TripTruth, instant
from fleet_assets.simulator.vehicles import Vehicle


def trip_truth(vehicle: Vehicle, block: Columns, before: int, count: int, ends: tuple[Place, Place]) -> TripTruth:
    """The trip that is the samples `before` to `before + count` of the block: all of a leg's movement."""
    rows = slice(before, before + count)
    speed, power, charge = (block[name][rows] for name in ("speed", "hv_kw", "charge"))
    has_battery, has_engine = vehicle.type.battery is not None, vehicle.type.engine is not None
    latitude, longitude = vehicle.city.terrain.degrees(block["x"][rows][[0, -1]], block["y"][rows][[0, -1]])
    return TripTruth(
        vehicle_id=vehicle.vehicle_id,
        # A sample holds the way of the second up to it.
        started_at=instant(block["time"][before] - 1),
        ended_at=instant(block["time"][before + count - 1]),
        start_zone_id=ends[0].zone_id,
        end_zone_id=ends[1].zone_id,
        distance_km=float(speed.sum()) / 1000,
        moving_s=float((speed > 0).sum()),
        max_speed_kmh=float(speed.max() * 3.6),
        fuel_burned_l=float(block["fuel_lph"][rows].sum() / 3600) if has_engine else None,
        energy_kwh=float(power.sum() / 3600) if has_battery else None,
        energy_regenerated_kwh=float(-np.minimum(power, 0).sum() / 3600) if has_battery else None,
        start_soc_pct=float(charge[0] * 100) if has_battery else None,
        end_soc_pct=float(charge[-1] * 100) if has_battery else None,
        start_latitude_deg=float(latitude[0]),
        start_longitude_deg=float(longitude[0]),
        end_latitude_deg=float(latitude[1]),
        end_longitude_deg=float(longitude[1]),
    )
