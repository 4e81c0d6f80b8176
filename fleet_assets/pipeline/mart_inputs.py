"""What the marts are made of, and which days a change of it touches.

Belongs here: naming the inputs of the marts, comparing them with those of the marts that are there, and how far a
partition of the lake reaches into local days. Does not belong here: running dbt (`marts`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from fleet_assets.adapters.held_vehicles import held_vehicles
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_moment import LakeMoment
from fleet_assets.contracts import TABLES, VEHICLES, Rows, Table
from fleet_assets.pipeline.days import spans
from fleet_assets.pipeline.reference_reads import ReferenceRows

CONTENT_DIGITS = 16
"""Hexadecimal digits kept of a partition's content hash: 64 bits tell the partitions of a fleet apart."""

DECIDING = Rows(VEHICLES, ("vehicle_id", "powertrain", "fuel", "timezone"))
"""What models that are remade by days read of `vehicles` (`stg_vehicles`); others are made anew as a whole."""

TouchedDays = dict[str, list[tuple[date, date]]]
"""Per lake table the stretches of a mart's days, both ends included, that its changed partitions touch."""


@dataclass(frozen=True)
class MartInputs:
    """The inputs of the marts at one moment.

    `whole` names what touches every day of every model (models, default zone), `others` the content of each other table
    without days, which touches every day of the models that read it; `vehicles` what is read of each vehicle that has
    rows; `partitions` is the content of each stored day that has rows, by table and day; `beside` names all of
    `vehicles`: what holds a vehicle's name is made anew, and touches no day.
    """

    whole: str
    partitions: dict[str, dict[str, str]]
    vehicles: dict[str, str] = field(default_factory=dict)
    beside: str = ""
    others: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, lake: Lake, tables: Iterable[Table], facts: list[Any], pending: Mapping[str, pl.DataFrame] | None = None
    ) -> MartInputs:
        """What is in the lake now of the tables that the marts read; `facts` are all else that marts are made from, and
        `pending` reference rows that are about to be stored."""
        ordered = sorted(tables, key=lambda table: table.name)
        daily = [table for table in ordered if table.partition_by is not None]
        moment = LakeMoment(lake)
        found = {table.name: _contents(moment, table) for table in daily}
        reference = ReferenceRows(moment, pending)
        apart = [table for table in ordered if table not in (*daily, VEHICLES)]
        others = {table.name: reference.content(table)[:CONTENT_DIGITS] for table in apart}
        vehicles = reference.digests(DECIDING, daily)
        held_vehicles(moment).remember()
        return cls(_hash(facts), found, vehicles, reference.content(VEHICLES)[:CONTENT_DIGITS], others)

    @classmethod
    def read(cls, text: str) -> MartInputs | None:
        """What `text` says; None where it is not of this form (nothing known, or noted by an earlier version)."""
        return cls(**json.loads(text)) if text.startswith('{"beside"') else None

    @cached_property
    def text(self) -> str:
        """One text for equal inputs."""
        # Not `asdict`, which copies every day of years.
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps(said, sort_keys=True, separators=(",", ":"))

    def of_tables(self, names: Collection[str], *, has_names: bool) -> MartInputs:
        """The part of them that a model is made from which reads these tables and may hold names of vehicles."""
        partitions = {name: contents for name, contents in self.partitions.items() if name in names}
        vehicles = self.vehicles if VEHICLES.name in names else {}
        others = {name: content for name, content in self.others.items() if name in names}
        return MartInputs(self.whole, partitions, vehicles, self.beside if has_names else "", others)

    def changed_since(self, noted: str) -> dict[str, set[str]] | None:
        """Per table the stored days that differ from those noted; None where that is all of them."""
        before = MartInputs.read(noted)
        if before is None or self._differs_as_a_whole(before):
            return None
        earlier = before.partitions
        return {
            table: {day for day, _ in contents.items() ^ earlier.get(table, {}).items()}
            for table, contents in self.partitions.items()
        }

    def _differs_as_a_whole(self, before: MartInputs) -> bool:
        """Whether all days are touched. A vehicle that is new, or gone, is so in its partitions too."""
        both = self.vehicles.keys() & before.vehicles.keys()
        is_other = (before.whole, before.others) != (self.whole, self.others)
        return is_other or any(before.vehicles[one] != self.vehicles[one] for one in both)


def touched_days(models: Iterable[tuple[MartInputs, str]]) -> TouchedDays | None:
    """The days on which the inputs of some models differ from what is noted of them; None when that is all of them."""
    changed: dict[str, set[str]] = {}
    for inputs, noted in models:
        found = inputs.changed_since(noted)
        if found is None:
            return None
        for table, days in found.items():
            changed.setdefault(table, set()).update(days)
    return {name: _stretches(TABLES[name], days) for name, days in changed.items()}


def _stretches(table: Table, days: Iterable[str]) -> list[tuple[date, date]]:
    """The days on which rows of these partitions count: an event lies in the partition of the day in which it became
    final, and counts on the local days that it touches."""
    before, after = table.touches
    found = spans(map(date.fromisoformat, days), gap=before + after + 1)
    return [(first - timedelta(days=before), last + timedelta(days=after)) for first, last in found]


def _hash(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _contents(lake: Lake, table: Table) -> dict[str, str]:
    """The content of each stored partition that has rows, by its day."""
    filled = lake.generation(table).filled
    return {day or str(None): content[:CONTENT_DIGITS] for day, content in filled.items()}
