"""A schema from before the tables of energy and fuel: what their migration, and later ones, add, taken away.

Belongs here: the statements. Does not belong here: older changes, which each test takes away itself.
"""

from __future__ import annotations

UNDO = (
    "drop table fleet.alarms, fleet.theft_candidates, fleet.theft_model, fleet.theft_model_metrics, "
    "fleet.theft_reviews, fleet.theft_scores, fleet.theft_training_set",
    "drop table fleet.charging_hours, fleet.charging_periods, fleet.charging_sessions, fleet.power_sessions, "
    "fleet.engine_starts, fleet.soc_transitions, fleet.fuel_balance, fleet.fuel_events, fleet.fuel_plateaus, "
    "fleet.hourly_use, fleet.rises_over_midnight, fleet.tank_calibrations",
    "alter table fleet.energy_prices drop column daily_from, drop column daily_to",
    "alter table fleet.raw_telemetry drop column fuel_level_l, drop column fuel_level_2_pct",
    "alter table fleet.telemetry drop column fuel_level_l, drop column fuel_level_2_pct",
    "alter table fleet.trips drop column odometer_distance_km, drop column speed_distance_km, "
    "drop column gps_distance_km, drop column fuel_used_sd_l",
    "alter table fleet.vehicles drop column tank_2_capacity_l",
)
UNDO_READINGS = (
    "alter table fleet.last_readings drop column fuel_used_at, drop column fuel_used_total_l, "
    "drop column first_odometer_at, drop column first_odometer_km, drop column first_positioned_at, "
    "drop column first_latitude_deg, drop column first_longitude_deg, drop column first_fuel_used_at, "
    "drop column first_fuel_used_total_l"
)
"""Where the table itself is not taken away."""
