"""Use: what vehicles drove, burned and took from their batteries in each hour, and where their engines started.

Belongs here: tables of consumption by time. Does not belong here: trips and stays (`events`), readings (`telemetry`).
"""

from __future__ import annotations

from datetime import timedelta

from fleet_assets.contracts.schema import Column, Table

FINAL_AFTER = timedelta(days=2)
"""After this no trip becomes final any more that holds a start: one looks back a day, from the day in which it ends."""

_AT_START = (
    Column("soc_pct", "f64", "State of charge then, last heard within half an hour before.", "%", low=0, high=100),
    Column("ambient_temp_c", "f64", "Outside temperature, likewise.", "degC"),
    Column("odometer_km", "f64", "Odometer, likewise.", "km", low=0),
)

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

ENGINE_STARTS = Table(
    name="engine_starts",
    row="One start of the engine of a plug-in hybrid, on the day on which it was seen to run on (not an event).",
    key=("vehicle_id", "recorded_at"),
    partition_by="shown_at",
    look_back=timedelta(hours=2),
    columns=(
        Column("vehicle_id", "str", "Vehicle.", required=True),
        Column("recorded_at", "ts", "First sample with the engine running.", required=True),
        Column("shown_at", "ts", "Second sample after it, which shows that the engine ran on.", required=True),
        *_AT_START,
    ),
)

SOC_TRANSITIONS = Table(
    name="soc_transitions",
    row="One start of the engine of a plug-in hybrid: the charge at which it went from battery to fuel.",
    key=("transition_id",),
    sort=("vehicle_id", "recorded_at", "transition_id"),
    partition_by="closed_at",
    look_back=FINAL_AFTER,
    final_within=FINAL_AFTER,
    is_local=True,
    columns=(
        Column("transition_id", "str", "Stable hash of vehicle and start.", required=True),
        Column("vehicle_id", "str", "Vehicle.", required=True),
        Column("trip_id", "str", "Trip in which the engine started; null where it was in none."),
        Column("recorded_at", "ts", "First sample with the engine running.", required=True),
        Column(
            "closed_at",
            "ts",
            "When the trip, or the one after, became final; two days after the start where none did.",
            required=True,
        ),
        Column("local_date", "date", "Day of recorded_at in the vehicle's time zone.", required=True),
        *_AT_START,
        Column("is_truncated", "bool", "Always false: a start has no length.", required=True),
        Column("rules_version", "str", "Rules and code in force when the row was made.", required=True),
    ),
)
