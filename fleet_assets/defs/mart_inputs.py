"""What the marts are made of, and which days a change of it touches.

Belongs here: naming the inputs of the marts, comparing them with those of the marts that are there, and how far a
partition of the lake reaches into local days. Does not belong here: running dbt (`marts`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import STANDING_PERIODS, STOPS, TRIPS, Table
from fleet_assets.defs.partitions import reach_days, spans

CONTENT_DIGITS = 16
"""Hexadecimal digits kept of a partition's content hash: 64 bits tell the partitions of a fleet apart."""

ZONE_DAYS = 1
"""A local date is at most this far from the UTC date of the same instant: zones lie between UTC-12 and UTC+14."""

TouchedDays = dict[str, list[tuple[date, date]]]
"""Per lake table the stretches of a mart's days, both ends included, that its changed partitions touch."""


@dataclass(frozen=True)
class MartInputs:
    """The inputs of the marts at one moment.

    `whole` names what touches every day (models, default zone, tables without days); `partitions` the content of each
    stored day that has rows, by table and day.
    """

    whole: str
    partitions: dict[str, dict[str, str]]

    @classmethod
    def of(cls, lake: Lake, tables: Iterable[Table], facts: list[Any]) -> MartInputs:
        """What is in the lake now of the tables that the marts read; `facts` are all else that marts are made from."""
        found, whole = {}, [*facts]
        for table in sorted(tables, key=lambda table: table.name):
            contents = _contents(lake, table)
            if table.partition_by is None:
                whole.append([table.name, contents])
            else:
                found[table.name] = contents
        return cls(hashlib.sha256(json.dumps(whole).encode()).hexdigest(), found)

    @classmethod
    def read(cls, text: str) -> MartInputs | None:
        """What `text` says; None where it is not of this form (nothing known, or noted by an earlier version)."""
        return cls(**json.loads(text)) if text.startswith('{"partitions"') else None

    @property
    def text(self) -> str:
        """One text for equal inputs."""
        stated = {"partitions": self.partitions, "whole": self.whole}
        return json.dumps(stated, sort_keys=True, separators=(",", ":"))

    def touched_since(self, noted: Iterable[str]) -> TouchedDays | None:
        """The days that differ from what the marts were built from, any of them; None when that is all of them."""
        known = [MartInputs.read(text) for text in set(noted)]
        if any(before is None or before.whole != self.whole for before in known):
            return None
        changed = {table: set[str]() for table in self.partitions}
        for before in known:
            for table, contents in self.partitions.items():
                earlier = before.partitions.get(table, {}) if before else {}
                changed[table] |= {day for day, _ in contents.items() ^ earlier.items()}
        return {table: _stretches(table, days) for table, days in changed.items()}


def reach(table: str) -> tuple[int, int]:
    """How many days before and after a partition's own UTC day its rows count in a mart.

    Events lie in the partition of the day in which they became final and count on the local days they touch. A trip
    begins within its reach. A stop begins with the end of a trip that became final within its look-back, and a trip
    ends within its own reach. A standing period lies within the UTC day that is its partition and counts on the
    local days it touches. Rows of other tables count on the UTC day that is their partition.
    """
    if table == TRIPS.name:
        return reach_days(TRIPS.reach) + ZONE_DAYS, ZONE_DAYS
    if table == STOPS.name:
        return reach_days(STOPS.look_back + TRIPS.reach) + ZONE_DAYS, ZONE_DAYS
    if table == STANDING_PERIODS.name:
        return ZONE_DAYS, ZONE_DAYS
    return 0, 0


def _stretches(table: str, days: Iterable[str]) -> list[tuple[date, date]]:
    before, after = reach(table)
    found = spans(map(date.fromisoformat, days), gap=before + after + 1)
    return [(first - timedelta(days=before), last + timedelta(days=after)) for first, last in found]


def _contents(lake: Lake, table: Table) -> dict[str, str]:
    days: list[date | None] = [*lake.days(table)] if table.partition_by else [None]
    records = [(day, lake.record(table, day)) for day in days]
    return {str(day): record.content[:CONTENT_DIGITS] for day, record in records if record and record.row_count}
