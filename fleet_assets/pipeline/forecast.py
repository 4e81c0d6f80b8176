"""What a build would compute, and how long that will take by what days took before.

Belongs here: counting and estimating. Does not belong here: what is stale (`plan`), showing it (`commands`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from statistics import median

from fleet_assets.contracts import Table
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_tables import SECONDS
from fleet_assets.pipeline.plan import Plan
from fleet_assets.pipeline.tables import DAY_TABLES

_NEWEST = 30
"""Newest days whose durations tell of the next ones."""


@dataclass(frozen=True)
class TableForecast:
    """What would be computed of one table: how many days, the first and the last, how many for which reason, and the
    seconds that they will take (None: no day of it was ever computed)."""

    table: str
    days: int
    first: date
    last: date
    reasons: dict[str, int]
    seconds: float | None


def forecast(installation: Installation, plan: Plan) -> list[TableForecast]:
    """Table by table, inputs before what reads them."""
    found = []
    for name, maker in DAY_TABLES.items():
        if why := plan.reasons.get(name):
            a_day = _seconds_a_day(installation, maker.table)
            reasons = Counter(reason for reasons in why.values() for reason in reasons)
            seconds = None if a_day is None else a_day * len(why)
            found.append(TableForecast(name, len(why), min(why), max(why), dict(reasons), seconds))
    return found


def _seconds_a_day(installation: Installation, table: Table) -> float | None:
    records = [record for _, record in sorted(installation.lake.records(table).items())]
    took = [record.notes[SECONDS] for record in records if SECONDS in record.notes]
    known = [float(str(seconds)) for seconds in took[-_NEWEST:]]
    return median(known) if known else None
