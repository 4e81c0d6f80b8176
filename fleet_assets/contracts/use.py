"""Use: what vehicles drove, burned and took from their batteries in each hour, and where their engines started.

Belongs here: tables of consumption by time. Does not belong here: trips and stays (`events`), readings (`telemetry`).
"""

from __future__ import annotations

from fleet_assets.contracts.schema import Column, Table

HOURLY_USE = Table(
    name="hourly_use",
    row="One vehicle in one UTC hour in which anything was known of it: what it drove, burned and used.",
    key=("vehicle_id", "hour_at"),
    partition_by="hour_at",
    is_local=True,
    columns=(
        Column("vehicle_id", "str", "Vehicle.", required=True),
        Column("hour_at", "ts", "Start of the UTC hour.", required=True),
        Column("observed_s", "f64", "Time within reach of an observation.", "s", required=True, low=0, high=3600),
        Column(
            "distance_km",
            "f64",
            "Distance of trips, and of drives that nobody saw, that lies in the hour; null where nothing tells of it.",
            "km",
            low=0,
        ),
        Column("moving_s", "f64", "Time in motion; null where nothing tells of motion.", "s", low=0, high=3600),
        Column(
            "idle_s", "f64", "Standing with the engine running; null where nothing tells of it.", "s", low=0, high=3600
        ),
        Column("engine_on_s", "f64", "Engine running; null where nothing tells of an engine.", "s", low=0, high=3600),
        Column("fuel_used_l", "f64", "All fuel burned, in trips, at a stand or in neither.", "l", low=0),
        Column("fuel_source", "str", "What fuel_used_l was taken from.", values=("counter", "rate")),
        Column("fuel_moving_l", "f64", "Part of fuel_used_l that was burned in motion.", "l", low=0),
        Column("fuel_standing_l", "f64", "Part of fuel_used_l that was burned at a stand.", "l", low=0),
        Column("energy_used_kwh", "f64", "Net energy out of the traction battery while it was not charged.", "kWh"),
        Column("energy_source", "str", "What energy_used_kwh was taken from.", values=("power", "soc")),
    ),
)
