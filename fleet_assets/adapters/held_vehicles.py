"""Which vehicles a stored partition has rows of, remembered by its content.

Belongs here: asking partitions for their vehicles once. Does not belong here: what is done with the answer.

A partition's vehicles are the bits of a number, whose places are the names in the order in which they were met: a fleet
of years has tens of thousands of partitions, and each names the whole fleet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.remembered import recall, remember
from fleet_assets.contracts import TABLES, Table

MEMORY = "held_vehicles.json"
"""File of the lake that keeps the answers behind a hash of its text. It may vanish or be damaged at any time: they are
found again."""


class _Memory:
    """Sets of vehicles by the content of the partition that holds them: an answer never becomes wrong."""

    def __init__(self, file: Path) -> None:
        said: dict[str, Any] = recall(file)
        self._file = file
        self._names: list[str] = said.get("names", [])
        self._places = {name: place for place, name in enumerate(self._names)}
        self._held: dict[str, int] = {content: int(bits, 16) for content, bits in said.get("held", {}).items()}
        self._kept = len(self._held)

    def bits(self, content: str) -> int | None:
        return self._held.get(content)

    def put(self, content: str, names: Iterable[str]) -> int:
        bits = 0
        for name in names:
            if name not in self._places:
                self._places[name] = len(self._names)
                self._names.append(name)
            bits |= 1 << self._places[name]
        self._held[content] = bits
        return bits

    def names(self, bits: int) -> list[str]:
        """The vehicles of these bits, in order."""
        return sorted(name for place, name in enumerate(self._names) if bits >> place & 1)

    @property
    def has_news(self) -> bool:
        return len(self._held) > self._kept

    def keep(self, stored: set[str]) -> None:
        """Keep for other processes what is known of these contents."""
        self._held = {content: bits for content, bits in self._held.items() if content in stored}
        remember(self._file, {"names": self._names, "held": {one: f"{bits:x}" for one, bits in self._held.items()}})
        self._kept = len(self._held)


class HeldVehicles:
    """The vehicles of partitions of a lake."""

    def __init__(self, lake: Lake, memory: _Memory | None = None) -> None:
        self._lake = lake
        self._memory = memory or _Memory(lake.root / MEMORY)

    def of(self, partitions: Iterable[tuple[Table, date]]) -> list[str]:
        """The vehicles that have rows in any of these partitions, in order."""
        return self._union(self._bits(table, day) for table, day in partitions)

    def of_tables(self, tables: Iterable[Table]) -> list[str]:
        """The vehicles that have rows in any partition of these tables, in order."""
        filled = ((table, self._lake.generation(table).filled) for table in tables if "vehicle_id" in table.schema)
        return self._union(
            self._bits_of(table, date.fromisoformat(day), content)
            for table, contents in filled
            for day, content in contents.items()
        )

    def _union(self, found: Iterator[int]) -> list[str]:
        together = 0
        for bits in found:
            together |= bits
        return self._memory.names(together)

    def _bits(self, table: Table, day: date) -> int:
        record = self._lake.record(table, day)
        if record is None or not record.row_count or "vehicle_id" not in table.schema:
            return 0
        return self._bits_of(table, day, record.content)

    def _bits_of(self, table: Table, day: date, content: str) -> int:
        known = self._memory.bits(content)
        if known is not None:
            return known
        rows = self._lake.scan(table, [day])
        try:
            names = rows.select(pl.col("vehicle_id").unique()).collect()["vehicle_id"]
        except pl.exceptions.PolarsError:
            return 0  # it is damaged: whoever reads it says so
        return self._memory.put(content, names.drop_nulls().to_list())

    def remember(self) -> None:
        """Keep for other processes what was found of the partitions that are stored now."""
        if self._memory.has_news:
            self._memory.keep({
                content for table in TABLES.values() for content in self._lake.generation(table).filled.values()
            })  # fmt: skip


def held_vehicles(lake: Lake) -> HeldVehicles:
    """What is known of a lake in this process, whichever moment of it is asked."""
    return HeldVehicles(lake, _memory(lake.root))


@lru_cache(maxsize=8)
def _memory(root: Path) -> _Memory:
    return _Memory(root / MEMORY)
