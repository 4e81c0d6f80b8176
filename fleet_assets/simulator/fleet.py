"""A simulated fleet, vehicle by vehicle: frames and truth of a plan, without any file.

Belongs here: putting the parts together. Does not belong here: files (`writer`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.simulator.blocks import CHARGING, Columns
from fleet_assets.simulator.frames import frame_log
from fleet_assets.simulator.gauges import read_gauges
from fleet_assets.simulator.journey import travel
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.receiver import receive
from fleet_assets.simulator.tank_faults import draw_tank_faults
from fleet_assets.simulator.truth import Truth, VehicleTruth
from fleet_assets.simulator.vehicles import Vehicle


@dataclass(frozen=True)
class Drive:
    """One vehicle's frames (frame log), their truth, and the samples both were made of."""

    frames: pl.DataFrame
    truth: Truth
    samples: Columns


def simulate_vehicle(vehicle: Vehicle, plan: FleetPlan) -> Drive:
    """Frames and truth of one vehicle; depends on the plan and the vehicle's place in the roster only."""
    samples, truth = travel(vehicle, plan)
    rng = np.random.default_rng([plan.seed, 2, vehicle.index])
    truth.sender_faults.extend(draw_tank_faults(samples, vehicle, plan))
    gauges = read_gauges(samples, vehicle, plan, truth.sender_faults, rng) | receive(samples, vehicle, plan, rng)
    frames = frame_log(vehicle, gauges, samples, plan, rng)
    truth.vehicles.append(_totals(vehicle, samples, truth, frames.height))
    return Drive(frames, truth, samples)


def _totals(vehicle: Vehicle, samples: Columns, truth: Truth, frame_count: int) -> VehicleTruth:
    driven = samples["mode"] != CHARGING
    has_tank, has_battery = bool(vehicle.type.tank_l), vehicle.type.battery is not None
    return VehicleTruth(
        vehicle_id=vehicle.vehicle_id,
        kind=vehicle.kind,
        mass_kg=vehicle.mass_kg,
        trip_count=len(truth.trips),
        distance_km=float((samples["speed"] * samples["step"]).sum() / 1000),
        fuel_burned_l=float((samples["fuel_lph"] * samples["step"]).sum() / 3600) if has_tank else None,
        energy_kwh=float((samples["hv_kw"] * samples["step"])[driven].sum() / 3600) if has_battery else None,
        refuelled_l=sum((row.litres for row in truth.refuels), 0.0) if has_tank else None,
        lost_l=sum((row.litres for row in truth.fuel_losses), 0.0) if has_tank else None,
        frame_count=frame_count,
    )
