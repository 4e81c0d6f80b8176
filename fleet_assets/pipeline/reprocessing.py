"""Everything of one vehicle computed again: which stored days its rows are on, and having them count as stale.

Does not belong here: computing them (a build, or the sensors), and what is stale for other reasons (`plan`).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from fleet_assets.contracts import INGEST_DAILY, Table
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.wording import or_meant

BECAUSE = "reprocessing"


def owe_vehicle(installation: Installation, vehicle_id: str) -> dict[str, list[date]]:
    """Have every stored day with rows of a vehicle count as stale, table by table; readers keep the rows until it is
    made anew. Returns the days; raises UsageError, with close names, for a vehicle of which nothing is stored."""
    found: dict[str, list[date]] = {}
    for name, maker in DAY_TABLES.items():
        if "vehicle_id" in maker.table.schema and not maker.is_on_demand:
            days = _days_of(installation, maker.table, vehicle_id)
            found |= {name: days} if days else {}
    if not found:
        known = installation.lake.scan(INGEST_DAILY).select(pl.col("vehicle_id").unique()).collect().to_series()
        raise UsageError(
            f"nothing of {vehicle_id} is stored{or_meant(vehicle_id, known.drop_nulls().sort().to_list())}"
        )
    for name, days in found.items():
        for day in days:
            with installation.lake.partition_lock(DAY_TABLES[name].table, day):
                installation.lake.withdraw(DAY_TABLES[name].table, day, BECAUSE)
    return found


def _days_of(installation: Installation, table: Table, vehicle_id: str) -> list[date]:
    """The stored days of a table that hold a row of the vehicle."""
    is_there = pl.col("vehicle_id").eq(vehicle_id).any()
    return [
        day for day in installation.lake.days(table)
        if installation.lake.scan(table, [day]).select(is_there.fill_null(value=False)).collect().item()
    ]  # fmt: skip
