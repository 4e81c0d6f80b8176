"""Charging, from rows of telemetry to plug-ins."""
