"""Which vehicles a stored partition has rows of, remembered by its content.

Belongs here: asking partitions for their vehicles once. Does not belong here: what is done with the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

import polars as pl

from fleet_assets.adapters.durable_file import write_durably
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import Table

MEMORY = "held_vehicles.parquet"
"""File of the lake that keeps the answers. It may vanish at any time: they are found again."""

_SCHEMA = pl.Schema({"content": pl.String(), "vehicles": pl.List(pl.String())})


class HeldVehicles:
    """The vehicles of partitions, by the hash of their bytes: an answer never becomes wrong."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._file = lake.root / MEMORY
        kept = pl.read_parquet(self._file) if self._file.exists() else pl.DataFrame(schema=_SCHEMA)
        self._known: dict[str, list[str]] = dict(kept.iter_rows())
        self._kept = len(self._known)

    def of(self, partitions: Iterable[tuple[Table, date]]) -> list[str]:
        """The vehicles that have rows in any of these partitions, in order."""
        return sorted({vehicle for table, day in partitions for vehicle in self._vehicles(table, day)})

    def _vehicles(self, table: Table, day: date) -> list[str]:
        record = self._lake.record(table, day)
        if record is None or not record.row_count or "vehicle_id" not in table.schema:
            return []
        if record.content not in self._known:
            names = self._lake.scan(table, [day]).select(pl.col("vehicle_id").unique()).collect()["vehicle_id"]
            self._known[record.content] = names.drop_nulls().to_list()
        return self._known[record.content]

    def remember(self) -> None:
        """Keep what was found for other processes."""
        if len(self._known) > self._kept:
            rows = pl.DataFrame([*self._known.items()], schema=_SCHEMA, orient="row")
            write_durably(self._file, rows.write_parquet)
            self._kept = len(self._known)


@lru_cache(maxsize=8)
def held_vehicles(lake: Lake) -> HeldVehicles:
    """What is known of a lake in this process."""
    return HeldVehicles(lake)
