"""Every table of the platform, once: columns, types, units, meaning, key, order and partition rule.

Belongs here: declarations, and the strict check of a frame against them.
Does not belong here: anything that computes, reads or writes.
"""

from fleet_assets.contracts.events import STANDING_PERIODS, STOPS, TRIPS
from fleet_assets.contracts.ingest import INGEST_DAILY, INGEST_HOURLY, INGEST_OUTAGES, INGEST_QUARANTINED
from fleet_assets.contracts.raw import CAN_SIGNALS, INGEST_GAPS, RAW_CAN
from fleet_assets.contracts.reference import (
    DBC_BINDINGS,
    DBC_FILES,
    DRIVER_ASSIGNMENTS,
    DRIVERS,
    ENERGY_PRICES,
    SIGNAL_MAPS,
    VEHICLE_REFS,
    VEHICLES,
    ZONES,
)
from fleet_assets.contracts.schema import TIMESTAMP, Column, Table, check_frame
from fleet_assets.contracts.telemetry import (
    LAST_READINGS,
    OBSERVATIONS,
    RAW_TELEMETRY,
    READINGS_BEFORE_SILENCE,
    TELEMETRY,
)

REFERENCE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (VEHICLES, VEHICLE_REFS, DBC_BINDINGS, DRIVERS, DRIVER_ASSIGNMENTS, ENERGY_PRICES, ZONES)
}

INGEST_TABLES: dict[str, Table] = {
    table.name: table for table in (INGEST_DAILY, INGEST_HOURLY, INGEST_QUARANTINED, INGEST_OUTAGES)
}

LAKE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        RAW_CAN,
        RAW_TELEMETRY,
        INGEST_GAPS,
        CAN_SIGNALS,
        TELEMETRY,
        LAST_READINGS,
        READINGS_BEFORE_SILENCE,
        TRIPS,
        STANDING_PERIODS,
        STOPS,
    )
} | INGEST_TABLES

DECODING_TABLES: dict[str, Table] = {table.name: table for table in (DBC_FILES, SIGNAL_MAPS)}

TABLES: dict[str, Table] = {**LAKE_TABLES, **REFERENCE_TABLES, **DECODING_TABLES}

__all__ = [
    "CAN_SIGNALS", "DBC_BINDINGS", "DBC_FILES", "DECODING_TABLES", "DRIVERS", "DRIVER_ASSIGNMENTS", "ENERGY_PRICES",
    "INGEST_DAILY", "INGEST_GAPS", "INGEST_HOURLY", "INGEST_OUTAGES", "INGEST_QUARANTINED",
    "INGEST_TABLES", "LAKE_TABLES", "LAST_READINGS", "OBSERVATIONS",
    "RAW_CAN", "RAW_TELEMETRY", "READINGS_BEFORE_SILENCE", "REFERENCE_TABLES", "SIGNAL_MAPS", "STANDING_PERIODS",
    "STOPS", "TABLES",
    "TELEMETRY", "TIMESTAMP", "TRIPS", "VEHICLES", "VEHICLE_REFS", "ZONES", "Column", "Table", "check_frame",
]  # fmt: skip
