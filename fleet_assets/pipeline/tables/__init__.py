"""The day tables: each with its inputs, its settings and the function that makes one day of it."""

from __future__ import annotations

from fleet_assets.contracts import Registry, registry
from fleet_assets.contracts.catalogue import Catalogue
from fleet_assets.pipeline.day_tables import DayTable
from fleet_assets.pipeline.tables import alarms, charging, events, fuel, theft, use
from fleet_assets.pipeline.tables.ingest import ingest_tables
from fleet_assets.pipeline.tables.raw import raw_tables
from fleet_assets.pipeline.tables.telemetry import telemetry_tables


def day_tables(sources: Registry) -> dict[str, DayTable]:
    """Every day-partitioned table of an installation with these sources, by name."""
    modules = (events, use, charging, fuel, theft, alarms)
    declared = [maker for module in modules for maker in vars(module).values() if isinstance(maker, DayTable)]
    makers = [*raw_tables(sources), *telemetry_tables(sources), *declared, *ingest_tables(sources)]
    return {maker.table.name: maker for maker in makers}


DAY_TABLES = Catalogue(lambda: day_tables(registry()))
"""The same of this installation."""
