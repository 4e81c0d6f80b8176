"""The day tables: each with its inputs, its settings and the function that makes one day of it."""

from __future__ import annotations

from types import MappingProxyType

from fleet_assets.pipeline.day_tables import DayTable
from fleet_assets.pipeline.tables import events, ingest, raw, telemetry

DAY_TABLES = MappingProxyType(
    {
        maker.table.name: maker
        for module in (raw, telemetry, events, ingest)
        for maker in vars(module).values()
        if isinstance(maker, DayTable)
    }
)
"""Every day-partitioned table by name."""
