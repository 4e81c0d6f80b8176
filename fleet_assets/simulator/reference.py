"""Reference tables of a simulated fleet, as a fleet manager would keep them.

Belongs here: rows of the reference CSVs. Does not belong here: files (`writer`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import polars as pl

from fleet_assets.contracts import (
    DBC_BINDINGS,
    DRIVER_ASSIGNMENTS,
    DRIVERS,
    ENERGY_PRICES,
    TANK_CALIBRATIONS,
    THEFT_REVIEWS,
    VEHICLE_REFS,
    VEHICLES,
    ZONES,
    Table,
)
from fleet_assets.simulator.broadcast import BUSES
from fleet_assets.simulator.places import City, Place
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.terrain import Terrain
from fleet_assets.simulator.vehicles import Vehicle

PRICES = (("diesel", 1.58, "l"), ("petrol", 1.72, "l"), ("electricity", 0.31, "kwh"))
"""Prices in euro before tax advantages, of the order of those in Europe."""
PRICES_SINCE = timedelta(days=365)
_FUELS = {"ice": "diesel", "phev": "petrol", "bev": None}


def reference_tables(roster: Sequence[Vehicle], plan: FleetPlan) -> dict[str, pl.DataFrame]:
    """One frame per reference table, with the columns of its contract."""
    rows: dict[Table, list[dict[str, object]]] = {
        VEHICLES: [_vehicle(vehicle) for vehicle in roster],
        VEHICLE_REFS: [{"source": "can", "external_id": v.vehicle_id, "vehicle_id": v.vehicle_id} for v in roster],
        DBC_BINDINGS: [
            {"vehicle_id": v.vehicle_id, "bus": bus, "dbc": dbc} for v in roster for bus, dbc in BUSES[v.kind]
        ],
        DRIVERS: [{"driver_id": _driver(k), "name": f"Driver {k + 1}"} for k in range(len(roster) + bool(roster))],
        DRIVER_ASSIGNMENTS: _assignments(roster, plan),
        ENERGY_PRICES: [
            {"kind": kind, "price": price, "currency": "EUR", "per": per, "valid_from": plan.starts_at - PRICES_SINCE}
            for kind, price, per in PRICES
        ],
        ZONES: _zones(roster),
        TANK_CALIBRATIONS: [],
        THEFT_REVIEWS: [],
    }
    return {table.name: pl.DataFrame(found, schema=table.schema) for table, found in rows.items()}


def _vehicle(vehicle: Vehicle) -> dict[str, object]:
    kind = vehicle.type
    return {
        "vehicle_id": vehicle.vehicle_id, "name": _words(vehicle.vehicle_id), "model": kind.model,
        "model_year": 2021 + vehicle.index % 4, "powertrain": kind.kind, "fuel": _FUELS[kind.kind],
        "tank_capacity_l": kind.tank_l or None,
        "battery_capacity_kwh": kind.battery.capacity_kwh if kind.battery else None,
        "timezone": vehicle.city.timezone, "city": vehicle.city.name, "segment": kind.segment, "gvw_kg": kind.gvw_kg,
    }  # fmt: skip


def _words(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _driver(number: int) -> str:
    return f"driver-{number + 1:02d}"


def _assignments(roster: Sequence[Vehicle], plan: FleetPlan) -> list[dict[str, object]]:
    """Each vehicle has its driver; from the middle of the simulation a relief driver has the first one."""
    since, change = plan.starts_at - timedelta(days=30), plan.starts_at + timedelta(days=plan.days // 2, hours=4)
    rows: list[dict[str, object]] = [
        {"driver_id": _driver(k), "vehicle_id": v.vehicle_id, "valid_from": since, "valid_to": None if k else change}
        for k, v in enumerate(roster)
    ]
    if roster:
        rows.append({"driver_id": _driver(len(roster)), "vehicle_id": roster[0].vehicle_id, "valid_from": change,
                     "valid_to": None})  # fmt: skip
    return rows


def _zones(roster: Sequence[Vehicle]) -> list[dict[str, object]]:
    homes = [_zone(vehicle.home, vehicle.city.terrain) for vehicle in roster if vehicle.home.kind == "home"]
    return city_zones(vehicle.city for vehicle in roster) + homes


def city_zones(cities: Iterable[City]) -> list[dict[str, object]]:
    """Rows of ZONES of the places of cities, each city once."""
    once = {city.name: city for city in cities}
    return [_zone(place, city.terrain) for city in once.values() for place in city.places]


def _zone(place: Place, terrain: Terrain) -> dict[str, object]:
    (latitude,), (longitude,) = terrain.degrees(*(pl.Series([value]).to_numpy() for value in (place.x, place.y)))
    return {
        "zone_id": place.zone_id, "name": _words(place.zone_id), "kind": place.kind, "radius_m": place.radius_m,
        "latitude_deg": round(float(latitude), 6), "longitude_deg": round(float(longitude), 6),
    }  # fmt: skip
