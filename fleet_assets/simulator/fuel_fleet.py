"""A fleet of tanks: telemetry as trackers send it, the vehicles' reference rows, and the truth about their fuel.

Belongs here: putting the parts of `fuel` together. Does not belong here: CAN frames (`fleet`), anything that finds
events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.contracts import TANK_CALIBRATIONS, VEHICLES, ZONES
from fleet_assets.simulator.fuel.faults import draw_faults
from fleet_assets.simulator.fuel.plan import CALM, FuelFleetPlan, IncidentRates
from fleet_assets.simulator.fuel.rows import ROW_SCHEMA, draw_rows
from fleet_assets.simulator.fuel.senders import volume_share
from fleet_assets.simulator.fuel.truth import joined, truth_of
from fleet_assets.simulator.fuel.vehicles import SENDER_KINDS, FuelVehicle, make_fuel_roster
from fleet_assets.simulator.fuel.weeks import keep_diary
from fleet_assets.simulator.reference import city_zones

__all__ = [
    "CALM", "ROW_SCHEMA", "SENDER_KINDS", "FuelFleet", "FuelFleetPlan", "FuelVehicle", "IncidentRates",
    "make_fuel_roster", "simulate_fuel_fleet", "simulate_fuel_vehicle",
]  # fmt: skip

_ROWS_STREAM = 32
CALIBRATION_PCT = tuple(range(0, 101, 5))


@dataclass(frozen=True)
class FuelFleet:
    """What is known of a simulated fleet, and what is true.

    `telemetry` in the order of vehicle_id and recorded_at, with the columns of ROW_SCHEMA; `vehicles`, `zones` and
    `calibrations` are reference rows; `truth` holds events, faults, trips and vehicles (columns: `fuel.truth.SCHEMAS`).
    """

    telemetry: pl.DataFrame
    vehicles: pl.DataFrame
    calibrations: pl.DataFrame
    zones: pl.DataFrame
    truth: dict[str, pl.DataFrame]


def simulate_fuel_fleet(plan: FuelFleetPlan) -> FuelFleet:
    """Telemetry and truth of all vehicles of a plan; equal plans give equal frames."""
    roster = make_fuel_roster(plan.vehicles, plan.seed)
    drawn = [simulate_fuel_vehicle(vehicle, plan) for vehicle in roster]
    return FuelFleet(
        telemetry=pl.concat([ROW_SCHEMA.to_frame(), *(rows for rows, _ in drawn)]),
        vehicles=_vehicles(roster),
        calibrations=_calibrations(roster),
        zones=pl.DataFrame(city_zones(vehicle.city for vehicle in roster), schema=ZONES.schema),
        truth=joined([truth for _, truth in drawn]),
    )


def simulate_fuel_vehicle(vehicle: FuelVehicle, plan: FuelFleetPlan) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Telemetry and truth of one vehicle; depends on the plan and the vehicle's place in the roster only."""
    diary = keep_diary(vehicle, plan)
    rng = np.random.default_rng([plan.seed, _ROWS_STREAM, vehicle.index])
    faults = draw_faults(diary, rng)
    drawn = draw_rows(diary, faults, rng)
    return drawn.rows, truth_of(diary, faults, drawn)


def _vehicles(roster: Sequence[FuelVehicle]) -> pl.DataFrame:
    """Reference rows, as a fleet manager keeps them: the tank is unknown where the sender's kind says so."""
    rows = [
        {
            "vehicle_id": vehicle.vehicle_id, "powertrain": "ice", "timezone": vehicle.city.timezone,
            "fuel": "petrol" if vehicle.segment == "car" else "diesel", "segment": vehicle.segment,
            "tank_capacity_l": vehicle.tank_l if vehicle.sender.is_capacity_known else None,
            "tank_2_capacity_l": vehicle.tank_2_l or None, "city": vehicle.city.name,
        }
        for vehicle in roster
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=VEHICLES.schema)


def _calibrations(roster: Sequence[FuelVehicle]) -> pl.DataFrame:
    """The volume at each twentieth of the height of a tank that is not a box."""
    heights = np.array(CALIBRATION_PCT, dtype=np.float64)
    frames = [
        pl.DataFrame({
            "vehicle_id": vehicle.vehicle_id, "tank": 1, "level_pct": heights,
            "volume_l": vehicle.tank_l * volume_share(heights / 100), "valid_from": None, "valid_to": None,
        }, schema=TANK_CALIBRATIONS.schema)
        for vehicle in roster if vehicle.sender.is_nonlinear
    ]  # fmt: skip
    return pl.concat([TANK_CALIBRATIONS.empty(), *frames])
