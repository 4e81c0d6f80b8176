"""What the marts are made of, and which days a change of it touches.

Belongs here: naming the inputs of the marts, comparing them with those of the marts that are there, and how far a
partition of the lake reaches into local days. Does not belong here: running dbt (`marts`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from fleet_assets.adapters.held_vehicles import held_vehicles
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import TABLES, VEHICLES, Table
from fleet_assets.pipeline.days import spans
from fleet_assets.pipeline.reference_reads import Rows, stored_reference

CONTENT_DIGITS = 16
"""Hexadecimal digits kept of a partition's content hash: 64 bits tell the partitions of a fleet apart."""

DECIDING = Rows(VEHICLES, ("vehicle_id", "powertrain", "fuel", "timezone"))
"""What models that are remade by days read of `vehicles` (`stg_vehicles`); others are made anew as a whole."""

TouchedDays = dict[str, list[tuple[date, date]]]
"""Per lake table the stretches of a mart's days, both ends included, that its changed partitions touch."""


@dataclass(frozen=True)
class MartInputs:
    """The inputs of the marts at one moment.

    `whole` names what touches every day (models, default zone, tables without days but `vehicles`), `vehicles` what is
    read of each vehicle that has rows; `partitions` is the content of each stored day that has rows, by table and day;
    `beside` names all of `vehicles`: what holds a vehicle's name is made anew, and touches no day.
    """

    whole: str
    partitions: dict[str, dict[str, str]]
    vehicles: dict[str, str] = field(default_factory=dict)
    beside: str = ""

    @classmethod
    def of(cls, lake: Lake, tables: Iterable[Table], facts: list[Any]) -> MartInputs:
        """What is in the lake now of the tables that the marts read; `facts` are all else that marts are made from."""
        ordered = sorted(tables, key=lambda table: table.name)
        daily = [table for table in ordered if table.partition_by is not None]
        found = {table.name: _contents(lake, table) for table in daily}
        days = [(TABLES[name], date.fromisoformat(day)) for name, contents in found.items() for day in contents]
        others = [[table.name, _contents(lake, table)] for table in ordered if table not in (*daily, VEHICLES)]
        vehicles = stored_reference(lake).digests(DECIDING, days)
        held_vehicles(lake).remember()
        return cls(_hash([*facts, *others]), found, vehicles, _hash([_contents(lake, VEHICLES)]))

    @classmethod
    def read(cls, text: str) -> MartInputs | None:
        """What `text` says; None where it is not of this form (nothing known, or noted by an earlier version)."""
        return cls(**json.loads(text)) if text.startswith('{"beside"') else None

    @property
    def text(self) -> str:
        """One text for equal inputs."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    def touched_since(self, noted: Iterable[str]) -> TouchedDays | None:
        """The days that differ from what the marts were built from, any of them; None when that is all of them."""
        known = [MartInputs.read(text) for text in set(noted)]
        if any(before is None or self._differs_as_a_whole(before) for before in known):
            return None
        changed = {table: set[str]() for table in self.partitions}
        for before in known:
            for table, contents in self.partitions.items():
                earlier = before.partitions.get(table, {}) if before else {}
                changed[table] |= {day for day, _ in contents.items() ^ earlier.items()}
        return {name: _stretches(TABLES[name], days) for name, days in changed.items()}

    def _differs_as_a_whole(self, before: MartInputs) -> bool:
        """Whether all days are touched. A vehicle that is new, or gone, is so in its partitions too."""
        both = self.vehicles.keys() & before.vehicles.keys()
        return before.whole != self.whole or any(before.vehicles[one] != self.vehicles[one] for one in both)


def _stretches(table: Table, days: Iterable[str]) -> list[tuple[date, date]]:
    """The days on which rows of these partitions count: an event lies in the partition of the day in which it became
    final, and counts on the local days that it touches."""
    before, after = table.touches
    found = spans(map(date.fromisoformat, days), gap=before + after + 1)
    return [(first - timedelta(days=before), last + timedelta(days=after)) for first, last in found]


def _hash(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _contents(lake: Lake, table: Table) -> dict[str, str]:
    days: list[date | None] = [*lake.days(table)] if table.partition_by else [None]
    records = [(day, lake.record(table, day)) for day in days]
    return {str(day): record.content[:CONTENT_DIGITS] for day, record in records if record and record.row_count}
