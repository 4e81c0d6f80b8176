"""Charging: telemetry in, small periods by the hour out; periods in, plug-ins, power sessions and their hours out.

Belongs here: `charging_periods` (what was observed on one day), and the sessions that follow from a month of periods.
Does not belong here: energy of driving (`energy`), prices (`prices`).
"""

from fleet_assets.core.charging.found import charging_events, charging_hours, charging_sessions, power_sessions
from fleet_assets.core.charging.periods import charging_periods
from fleet_assets.core.charging.rules import ChargingRules

__all__ = [
    "ChargingRules",
    "charging_events",
    "charging_hours",
    "charging_periods",
    "charging_sessions",
    "power_sessions",
]
