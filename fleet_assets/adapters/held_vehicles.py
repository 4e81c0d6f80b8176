"""Which vehicles a stored partition has rows of, remembered by its content.

Belongs here: asking partitions for their vehicles once. Does not belong here: what is done with the answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import TABLES, Table

MEMORY = "held_vehicles.json"
"""File of the lake that keeps the answers behind a hash of its text. It may vanish or be damaged at any time: they are
found again."""


class HeldVehicles:
    """The vehicles of partitions, by the hash of their bytes: an answer never becomes wrong."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._file = lake.root / MEMORY
        self._known = _read(self._file)
        self._kept = len(self._known)

    def of(self, partitions: Iterable[tuple[Table, date]]) -> list[str]:
        """The vehicles that have rows in any of these partitions, in order."""
        return sorted({vehicle for table, day in partitions for vehicle in self._vehicles(table, day)})

    def _vehicles(self, table: Table, day: date) -> list[str]:
        record = self._lake.record(table, day)
        if record is None or not record.row_count or "vehicle_id" not in table.schema:
            return []
        if record.content not in self._known:
            rows = self._lake.scan(table, [day])
            try:
                names = rows.select(pl.col("vehicle_id").unique()).collect()["vehicle_id"]
            except pl.exceptions.PolarsError:
                return []  # it is damaged: whoever reads it says so
            self._known[record.content] = names.drop_nulls().to_list()
        return self._known[record.content]

    def remember(self) -> None:
        """Keep for other processes what was found of the partitions that are stored now."""
        if len(self._known) > self._kept:
            stored = {record.content for table in TABLES.values() for record in self._lake.records(table).values()}
            self._known = {content: names for content, names in self._known.items() if content in stored}
            text = json.dumps(self._known)
            replace_file(self._file, f"{_hash(text)}\n{text}".encode())
            self._kept = len(self._known)


def _read(file: Path) -> dict[str, list[str]]:
    try:
        mark, _, text = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    return dict(json.loads(text)) if mark == _hash(text) else {}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=8)
def held_vehicles(lake: Lake) -> HeldVehicles:
    """What is known of a lake in this process."""
    return HeldVehicles(lake)
