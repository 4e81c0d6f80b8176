"""The columns that a person looks at first, table by table: shown where not all fit.

Belongs here: a choice for eyes, of tables of the lake and of marts. Does not belong here: what the columns are (the
tables beside this module, dbt_models/), and anything that a value depends on.
"""

from __future__ import annotations

from collections.abc import Sequence

NAMES = ("vehicle_id", "vehicle", "vehicle_name", "name")
"""Columns that say whose row it is; they are never left out."""

HEADLINES: dict[str, tuple[str, ...]] = {
    "raw_can": ("recorded_at", "vehicle_id", "bus", "arbitration_id", "data"),
    "telemetry": (
        "vehicle_id", "recorded_at", "speed_kmh", "odometer_km", "latitude_deg", "longitude_deg", "fuel_level_pct",
        "soc_pct",
    ),
    "trips": (
        "vehicle_id", "started_at", "duration_s", "distance_km", "max_speed_kmh", "fuel_used_l", "energy_used_kwh",
        "coverage_pct", "quality",
    ),
    "stops": ("vehicle_id", "started_at", "duration_s", "kind", "idle_s", "idle_fuel_l"),
    "fuel_plateaus": ("vehicle_id", "started_at", "ended_at", "level_pct", "sample_count", "quality"),
    "fuel_balance": (
        "vehicle_id", "started_at", "ended_at", "change_l", "driven_km", "burned_l", "unexplained_l", "step",
    ),
    "fuel_events": (
        "vehicle_id", "kind", "started_at", "volume_l", "volume_sd_l", "confidence", "level_before_pct",
        "level_after_pct", "cost",
    ),
    "theft_candidates": (
        "vehicle_id", "kind", "started_at", "volume_l", "share_pct", "size_over_noise", "duration_s", "zone_id",
    ),
    "theft_scores": ("vehicle_id", "kind", "started_at", "ended_at", "probability"),
    "theft_alarms": (
        "vehicle_id", "kind", "started_at", "volume_l", "probability", "is_above_threshold", "expected_cost", "verdict",
    ),
    "alarms": ("vehicle_id", "kind", "name", "recorded_at", "zone_id"),
    "charging_periods": ("vehicle_id", "started_at", "ended_at", "state", "battery_kwh", "peak_power_kw"),
    "power_sessions": (
        "vehicle_id", "started_at", "charging_s", "energy_added_kwh", "peak_power_kw", "charge_type", "cost",
    ),
    "charging_sessions": (
        "vehicle_id", "plugged_at", "plugged_s", "energy_added_kwh", "peak_power_kw", "charge_type", "start_soc_pct",
        "end_soc_pct", "cost",
    ),
    "charging_hours": ("vehicle_id", "hour_at", "energy_added_kwh", "peak_power_kw", "charge_type", "cost"),
    "hourly_use": ("vehicle_id", "hour_at", "distance_km", "moving_s", "idle_s", "fuel_used_l", "energy_used_kwh"),
    "ingest_daily": ("source", "vehicle_id", "date", "received_count", "lag_p50_s", "silence_count", "silence_s"),
    "vehicles": ("vehicle_id", "name", "make", "model", "powertrain", "tank_capacity_l", "battery_capacity_kwh"),
    "vehicle_daily": (
        "vehicle_id", "local_date", "trip_count", "distance_km", "trip_s", "utilisation_pct", "stop_idle_s",
    ),
    "fuel_daily": ("vehicle_id", "local_date", "burned_l", "idle_fuel_l", "refuelled_l", "stolen_l", "refuel_cost"),
    "charging_daily": (
        "vehicle_id", "local_date", "session_count", "energy_added_kwh", "energy_loss_kwh", "peak_power_kw", "cost",
    ),
    "monthly_summary": (
        "vehicle_id", "month", "trip_count", "distance_km", "burned_l", "fuel_l_per_100km", "energy_used_kwh",
        "kwh_per_100km",
    ),
}  # fmt: skip

SELDOM_READ = ("rules_version", "closed_at", "is_truncated", "entry_id", "evidence")
"""Columns that every row has for programs; so are identifiers."""


def ranks(columns: Sequence[str]) -> dict[str, int]:
    """How soon each column is left out, the higher the sooner: 0 never, 1 what a person looks at first, 2 the rest of
    a table that has such a choice, 3 what is seldom read."""
    chosen = _choice(columns)
    return {name: _rank(name, chosen) for name in columns}


def headline(table: str, columns: Sequence[str]) -> list[str]:
    """The columns of a table that are shown first, as far as they are there; of a table without a choice, those that
    are not seldom read."""
    chosen = [name for name in HEADLINES.get(table, ()) if name in columns]
    return chosen or [name for name in columns if _rank(name, ()) < 3]


def _choice(columns: Sequence[str]) -> tuple[str, ...]:
    """The headline of the table that these columns seem to be of: the longest that is among them whole."""
    whole = [names for names in HEADLINES.values() if set(names) < set(columns)]
    return max(whole, key=len, default=())


def _rank(column: str, chosen: Sequence[str]) -> int:
    if column in NAMES:
        return 0
    if column in chosen:
        return 1
    is_for_programs = column in SELDOM_READ or column.endswith("_id")
    return 3 if is_for_programs else 2 if chosen else 1
