"""`fleet plot`: what the tables say of one vehicle, as a picture for a person.

Belongs here: which rows of which tables. Does not belong here: how they are drawn (`pictures`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.privacy import as_the_person_set
from fleet_assets.contracts import VEHICLES
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.pictures.canvas import LARGE
from fleet_assets.pictures.charging import sessions_picture
from fleet_assets.pictures.fuel import fuel_picture
from fleet_assets.pictures.trips import trips_picture
from fleet_assets.read import Fleet

DAYS = 14
"""Days that are drawn where nobody says which."""

ROWS_OF_TELEMETRY_DAYS = 40
"""Days up to which every row of telemetry is drawn behind the events: beyond, events alone say it."""


@dataclass(frozen=True)
class View:
    """One vehicle from one UTC day to another (both inclusive), read from one installation."""

    fleet: Fleet
    vehicle: str
    first: date
    last: date

    def rows(self, table: str) -> pl.DataFrame:
        return self.fleet.table(table, self.first, self.last + timedelta(days=1), self.vehicle).collect()

    def told(self, *columns: str) -> pl.DataFrame | None:
        """Telemetry behind a picture; None where the span is too long for it."""
        if (self.last - self.first).days >= ROWS_OF_TELEMETRY_DAYS:
            return None
        rows = self.fleet.table("telemetry", self.first, self.last + timedelta(days=1), self.vehicle)
        return rows.select("recorded_at", *columns).filter(pl.any_horizontal(pl.col(columns).is_not_null())).collect()

    @property
    def zone(self) -> str:
        """Where the vehicle is at home."""
        rows = self.fleet.table(VEHICLES.name).filter(pl.col("vehicle_id") == self.vehicle).collect()
        stated = rows["timezone"].drop_nulls()
        return str(stated[0]) if len(stated) else self.fleet.installation.settings.timezone


def _fuel(view: View, rows: pl.DataFrame) -> bytes:
    levels = view.told("fuel_level_pct", "fuel_level_l")
    return fuel_picture(view.vehicle, view.zone, rows, view.rows("fuel_events"), levels, LARGE)


def _charging(view: View, rows: pl.DataFrame) -> bytes:
    return sessions_picture(view.vehicle, view.zone, rows, view.told("soc_pct"), LARGE)


def _trips(view: View, rows: pl.DataFrame) -> bytes:
    return trips_picture(view.vehicle, view.zone, rows, view.told("speed_kmh"), LARGE)


PICTURES: dict[str, tuple[Callable[[View, pl.DataFrame], bytes], str]] = {
    "fuel": (_fuel, "fuel_plateaus"), "charging": (_charging, "power_sessions"), "trips": (_trips, "trips"),
}  # fmt: skip
"""What can be drawn, and the table whose rows it is; its newest says which days to draw where nobody does."""


def run_plot(
    installation: Installation, kind: str, vehicle: str, first: date | None, last: date | None, output: Path | None
) -> Path:
    """Draw one vehicle and return the file; without days the last fortnight of which there is anything.

    Raises UsageError, with close names, for a vehicle that does not exist, and for one of which there is nothing.
    """
    if first and last and first > last:
        raise UsageError(f"--from {first} lies after --to {last}")
    draw, table = PICTURES[kind]
    fleet = Fleet(installation.settings.root)
    until = last or _last_day(fleet, table, vehicle, first)
    view = View(fleet, vehicle, first or until - timedelta(days=DAYS - 1), until)
    rows = view.rows(table)
    if rows.is_empty():
        newest = _newest_day(fleet, table, vehicle)
        raise UsageError(
            f"{vehicle} has no {kind} data from {view.first} to {view.last}; what is newest in {table} is of {newest}"
        )
    picture = draw(view, rows)
    path = output or Path(re.sub(r"[^\w.-]", "_", f"{kind}_{vehicle}_{view.first}_{view.last}.png"))
    with as_the_person_set():
        replace_file(path, picture)
    return path


def _last_day(fleet: Fleet, table: str, vehicle: str, first: date | None) -> date:
    """Where nobody says until when: the newest day, and none before the first."""
    newest = _newest_day(fleet, table, vehicle)
    return max(newest, first or newest)


def _newest_day(fleet: Fleet, table: str, vehicle: str) -> date:
    """Reads every day that is stored; raises UsageError where there is nothing of the vehicle."""
    newest = fleet.table(table, vehicles=vehicle).select(pl.col("started_at").max().dt.date()).collect().item()
    if not isinstance(newest, date):
        raise UsageError(f"{table} has nothing of {vehicle}")
    return newest
