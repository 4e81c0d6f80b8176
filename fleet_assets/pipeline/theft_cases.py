"""Cases of thefts as an installation stores them, and the sentences that explain them.

Belongs here: which rows of which tables. Does not belong here: the words (`core.theft.explanation`), how tables are
brought together (`core.theft.cases`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from fleet_assets.contracts import FUEL_BALANCE, FUEL_EVENTS, THEFT_REVIEWS, VEHICLES, ZONES, Table
from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.theft import THEFT_CANDIDATES, THEFT_SCORES
from fleet_assets.core.theft.alarms import MODEL, RULE
from fleet_assets.core.theft.cases import LOSSES, cases
from fleet_assets.core.theft.explanation import BEFORE, Around, explained
from fleet_assets.installation import Installation

PROBABLE = 0.5
"""Probability from which a scored candidate stands out."""
SHOWN_ALARMS = 3
"""Alarms of a day that are explained beside its partition."""

_TABLES = (FUEL_EVENTS, THEFT_CANDIDATES, THEFT_SCORES)
_INSTANT = timedelta(microseconds=1)


def all_cases(installation: Installation) -> pl.DataFrame:
    """Every case (CASES) that is stored, with reviews as their file has them now."""
    events, candidates, scores = (installation.lake.scan(table).collect() for table in _TABLES)
    return cases(events, candidates, scores, installation.reference.read(THEFT_REVIEWS))


def explanation(installation: Installation, case: Mapping[str, Any], *, is_us: bool = False) -> list[str]:
    """Sentences about one case (a row of CASES) and what is stored around it."""
    return explained(case, _around(installation, case, installation.reference.read(THEFT_REVIEWS), is_us=is_us))


def words_of(installation: Installation, table: Table, rows: pl.DataFrame) -> list[str]:
    """Sentences about what stands out in a partition: the largest loss of fuel events, the most probable theft of
    scores, each of the first alarms. None of other tables, and where nothing stands out. Reviews are those that are
    stored: a file that is wrong stands in nobody's way."""
    chosen = _CHOSEN[table.name](rows) if table.name in _CHOSEN else rows.clear()
    if chosen.is_empty():
        return []
    reviews, found = installation.lake.scan(THEFT_REVIEWS).collect(), list[str]()
    for row in chosen.iter_rows(named=True):
        instant = row[str(table.partition_by)]
        rows_then = _cases_of(installation, row["vehicle_id"], instant, instant + _INSTANT, reviews)
        for case in rows_then.filter(pl.col("event_id") == row["event_id"]).iter_rows(named=True):
            found += explained(case, _around(installation, case, reviews))
    return found


def _largest_loss(rows: pl.DataFrame) -> pl.DataFrame:
    losses = rows.filter(pl.col("kind").is_in(LOSSES))
    return losses.sort("volume_l", "started_at", descending=True, nulls_last=True).head(1)


def _most_probable(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("probability") >= PROBABLE).sort("probability", "event_id").tail(1)


_CHOSEN: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    FUEL_EVENTS.name: _largest_loss, THEFT_SCORES.name: _most_probable,
    ALARMS.name: lambda rows: rows.filter(pl.col("source").is_in([MODEL, RULE])).head(SHOWN_ALARMS),
}  # fmt: skip


def _cases_of(
    installation: Installation, vehicle: str, since: datetime, until: datetime, reviews: pl.DataFrame
) -> pl.DataFrame:
    """The cases of a vehicle that became final in a span."""
    events, candidates, scores = (_of_vehicle(installation, one, vehicle, since, until) for one in _TABLES)
    return cases(events, candidates, scores, reviews)


def _around(
    installation: Installation, case: Mapping[str, Any], reviews: pl.DataFrame, *, is_us: bool = False
) -> Around:
    vehicle, start, end = case["vehicle_id"], case["started_at"], case["ended_at"]
    balance = _of_vehicle(installation, FUEL_BALANCE, vehicle, start, end + _INSTANT)
    inside = balance.filter(pl.col("started_at") >= pl.lit(start), pl.col("ended_at") <= pl.lit(end))
    earlier = _cases_of(installation, vehicle, start - BEFORE, case["closed_at"], reviews)
    return Around(inside, earlier, _zone(installation, case["zone_id"]), timezone_of(installation, vehicle), is_us)


def _of_vehicle(
    installation: Installation, table: Table, vehicle: str, since: datetime, until: datetime
) -> pl.DataFrame:
    return installation.lake.window(table, since, until).filter(pl.col("vehicle_id") == vehicle).collect()


def _zone(installation: Installation, zone_id: str | None) -> str:
    """Name and kind of a zone; its id where the reference table has neither."""
    if zone_id is None:
        return ""
    row = installation.lake.scan(ZONES).filter(pl.col("zone_id") == zone_id).select("name", "kind").collect()
    name, kind = row.row(0) if row.height else (None, None)
    return f"{name or zone_id}{f' ({kind})' if kind else ''}"


def timezone_of(installation: Installation, vehicle: str) -> str:
    """Where the vehicle is at home."""
    rows = installation.lake.scan(VEHICLES).filter(pl.col("vehicle_id") == vehicle).select("timezone").collect()
    stated = rows["timezone"].drop_nulls()
    return str(stated[0]) if len(stated) else installation.settings.timezone
