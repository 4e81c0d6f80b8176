"""Every table of the platform, once: columns, types, units, meaning, key, order, partition rule; and what a source is.

Belongs here: declarations, and the strict check of a frame against them.
Does not belong here: anything that computes, reads or writes.
"""

from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.catalogue import Catalogue
from fleet_assets.contracts.charging import CHARGING_HOURS, CHARGING_PERIODS, CHARGING_SESSIONS, POWER_SESSIONS
from fleet_assets.contracts.errors import SettingError
from fleet_assets.contracts.events import STANDING_PERIODS, STOPS, TRIPS
from fleet_assets.contracts.fuel import FUEL_BALANCE, FUEL_EVENTS, FUEL_PLATEAUS
from fleet_assets.contracts.ingest import INGEST_DAILY, INGEST_HOURLY, INGEST_OUTAGES, INGEST_QUARANTINED
from fleet_assets.contracts.raw import CAN_SIGNALS, CAN_SOURCE, INGEST_GAPS, RAW_CAN
from fleet_assets.contracts.reference import (
    DBC_BINDINGS,
    DBC_FILES,
    DRIVER_ASSIGNMENTS,
    DRIVERS,
    ENERGY_PRICES,
    SIGNAL_MAPS,
    TANK_CALIBRATIONS,
    THEFT_REVIEWS,
    VEHICLE_REFS,
    VEHICLES,
    ZONES,
)
from fleet_assets.contracts.registry import Registry, registry
from fleet_assets.contracts.schema import TIMESTAMP, Column, Table, check_frame
from fleet_assets.contracts.source import FileReader, OwnDay, RawTable, Read, Reduction, Rows, Source
from fleet_assets.contracts.telemetry import (
    LAST_READINGS,
    OBSERVATIONS,
    RAW_TELEMETRY,
    READINGS_BEFORE_SILENCE,
    RISES_OVER_MIDNIGHT,
    TELEMETRY,
)
from fleet_assets.contracts.theft import (
    THEFT_CANDIDATES,
    THEFT_MODEL,
    THEFT_MODEL_METRICS,
    THEFT_SCORES,
    THEFT_TRAINING_SET,
)
from fleet_assets.contracts.use import ENGINE_STARTS, HOURLY_USE, SOC_TRANSITIONS

REFERENCE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        VEHICLES,
        VEHICLE_REFS,
        DBC_BINDINGS,
        DRIVERS,
        DRIVER_ASSIGNMENTS,
        ENERGY_PRICES,
        TANK_CALIBRATIONS,
        THEFT_REVIEWS,
        ZONES,
    )
}

INGEST_TABLES: dict[str, Table] = {
    table.name: table for table in (INGEST_DAILY, INGEST_HOURLY, INGEST_QUARANTINED, INGEST_OUTAGES)
}

OWN_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        INGEST_GAPS,
        CAN_SIGNALS,
        TELEMETRY,
        LAST_READINGS,
        READINGS_BEFORE_SILENCE,
        RISES_OVER_MIDNIGHT,
        HOURLY_USE,
        TRIPS,
        STANDING_PERIODS,
        STOPS,
        ENGINE_STARTS,
        SOC_TRANSITIONS,
        CHARGING_PERIODS,
        POWER_SESSIONS,
        CHARGING_SESSIONS,
        CHARGING_HOURS,
        FUEL_PLATEAUS,
        FUEL_BALANCE,
        FUEL_EVENTS,
        THEFT_CANDIDATES,
        THEFT_SCORES,
        ALARMS,
    )
} | INGEST_TABLES
"""The tables by day that are there whatever sources there are."""

DECODING_TABLES: dict[str, Table] = {table.name: table for table in (DBC_FILES, SIGNAL_MAPS)}

MODEL_TABLES: dict[str, Table] = {table.name: table for table in (THEFT_TRAINING_SET, THEFT_MODEL, THEFT_MODEL_METRICS)}
"""What a model learnt from, what it says, and how well: whole tables, made when a model is trained or promoted."""


def lake_tables(sources: Registry) -> dict[str, Table]:
    """The tables by day with these sources; raises SettingError for a table of theirs whose name is taken."""
    raw = {one.table.name: one.table for one in sources.raw}
    filled = {table.name: table for table in sources.filled if table.name != TELEMETRY.name}
    others = {*OWN_TABLES, *REFERENCE_TABLES, *DECODING_TABLES, *MODEL_TABLES}
    taken = (raw.keys() & (others | filled.keys())) | (filled.keys() & others)
    if taken:
        raise SettingError(f"table {min(taken)} of a source has the name of another table")
    return raw | OWN_TABLES | filled


LAKE_TABLES = Catalogue(lambda: lake_tables(registry()))
"""The tables by day: raw tables of every source, what is made of them, and what sources fill besides."""

TABLES = Catalogue(lambda: {**LAKE_TABLES, **REFERENCE_TABLES, **DECODING_TABLES, **MODEL_TABLES})
"""Every table of this installation."""

__all__ = [
    "ALARMS", "CAN_SIGNALS", "CAN_SOURCE", "CHARGING_HOURS", "CHARGING_PERIODS", "CHARGING_SESSIONS", "DBC_BINDINGS",
    "DBC_FILES", "DECODING_TABLES", "DRIVERS", "DRIVER_ASSIGNMENTS", "ENERGY_PRICES", "ENGINE_STARTS", "FUEL_BALANCE",
    "FUEL_EVENTS", "FUEL_PLATEAUS", "HOURLY_USE", "INGEST_DAILY", "INGEST_GAPS", "INGEST_HOURLY", "INGEST_OUTAGES",
    "INGEST_QUARANTINED", "INGEST_TABLES", "LAKE_TABLES", "LAST_READINGS", "MODEL_TABLES", "OBSERVATIONS", "OWN_TABLES",
    "POWER_SESSIONS", "RAW_CAN", "RAW_TELEMETRY", "READINGS_BEFORE_SILENCE", "REFERENCE_TABLES", "RISES_OVER_MIDNIGHT",
    "SIGNAL_MAPS", "SOC_TRANSITIONS", "STANDING_PERIODS", "STOPS", "TABLES", "TANK_CALIBRATIONS", "TELEMETRY",
    "THEFT_CANDIDATES", "THEFT_MODEL", "THEFT_MODEL_METRICS", "THEFT_REVIEWS", "THEFT_SCORES", "THEFT_TRAINING_SET",
    "TIMESTAMP", "TRIPS", "VEHICLES", "VEHICLE_REFS", "ZONES", "Catalogue", "Column", "FileReader", "OwnDay",
    "RawTable", "Read", "Reduction", "Registry", "Rows", "Source", "Table", "check_frame", "lake_tables", "registry",
]  # fmt: skip
