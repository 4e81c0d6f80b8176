"""A random fleet: vehicles in zones at the edges of the world, driving and standing over nights and changes of clocks.

Belongs here: histories and changes of them, as tables of the lake. Does not belong here: small exact examples
(`small_fleet`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import STANDING_PERIODS, STOPS, TRIPS, VEHICLES, Table
from fleet_assets.core.local_time import with_local_date
from fleet_assets_tests.dbt.random_use import Used, dated_use, random_use
from fleet_assets_tests.dbt.small_fleet import period, stop, trip, unseen
from fleet_assets_tests.fixtures.drives import at

ZONES = ("Europe/Madrid", "Pacific/Kiritimati", "Etc/GMT+12", "America/Denver", None)
PERIODS = (("2026-03-24 00:00", "2026-04-04 00:00"), ("2026-10-22 00:00", "2026-10-28 00:00"))
"""Around the days of 23 and 25 hours of Madrid."""


@dataclass(frozen=True)
class Fleet:
    """Rows of the tables; events without a local date, which follows from the zones."""

    zones: dict[str, str | None]
    trips: list[dict[str, Any]]
    stops: list[dict[str, Any]]
    standing: list[dict[str, Any]]
    used: Used = field(default_factory=dict)

    def without(self, lost: set[str]) -> Fleet:
        """The fleet without the trips of these ids."""
        return replace(self, trips=[row for row in self.trips if row["trip_id"] not in lost])

    def store(self, lake: Lake) -> None:
        """Make the lake hold exactly this."""
        vehicles = self._vehicles()
        lake.write(VEHICLES, None, vehicles, "test")
        events = {table: _dated(table, rows, vehicles) for table, rows in ((TRIPS, self.trips), (STOPS, self.stops))}
        standing = pl.DataFrame([_full(STANDING_PERIODS, row) for row in self.standing], schema=STANDING_PERIODS.schema)
        used = {table: dated_use(table, rows, vehicles) for table, rows in self.used.items()}
        for table, rows in (events | used | {STANDING_PERIODS: standing.sort(STANDING_PERIODS.order)}).items():
            parts = {day: part for (day,), part in rows.group_by(pl.col(str(table.partition_by)).dt.date())}
            for day in {*lake.days(table), *parts}:
                lake.write(table, day, parts.get(day, table.empty()), "test")

    def _vehicles(self) -> pl.DataFrame:
        rows = [{"vehicle_id": name, "timezone": zone, "fuel": "diesel"} for name, zone in self.zones.items()]
        return pl.DataFrame(
            [{column: row.get(column) for column in VEHICLES.schema} for row in rows], schema=VEHICLES.schema
        )


def random_fleet(random: Random) -> Fleet:
    """Five vehicles that drive, drive unseen and stand by turns, and one that stands only, with numbers whose sums
    depend on the order of adding."""
    fleet = Fleet({f"v{number}": zone for number, zone in enumerate(ZONES)}, [], [], [])
    for vehicle in fleet.zones:
        for first, last in PERIODS:
            instant = at(first) + timedelta(minutes=random.randrange(600))
            while instant < at(last):
                driven = _trip(random, vehicle, f"{instant:%Y-%m-%d %H:%M}")
                fleet.trips.append(driven)
                instant = driven["ended_at"] + timedelta(minutes=random.choice((7, 45, 300, 2000, 6000)))
                stood_from = driven["ended_at"]
                if random.random() < 0.3:
                    lost = unseen(vehicle, f"{stood_from}"[:16], random.choice((5, 200, 1500)), random.uniform(1, 500))
                    fleet.trips.append(lost | {"fuel_used_l": random.choice((None, random.random()))})
                    stood_from = lost["ended_at"]
                    instant = max(instant, stood_from)
                if stood_from < instant:
                    fleet.stops.append(stop(vehicle, f"{stood_from}"[:16], f"{instant}"[:16], idle_s=random.random()))
    for vehicle in (*fleet.zones, "crane"):
        for first, last in PERIODS:
            fleet.standing.extend(_standing(random, vehicle, at(first), at(last)))
    used = random_use(random, [(vehicle, at(first), at(last)) for vehicle in fleet.zones for first, last in PERIODS])
    return replace(fleet, used=used)


def _standing(random: Random, vehicle: str, instant: datetime, last: datetime) -> Iterator[dict[str, Any]]:
    """Periods that know nothing of trips and stops: they begin and end anywhere, but on one UTC day."""
    while instant < last:
        midnight = instant.replace(hour=0, minute=0) + timedelta(days=1, minutes=-1)
        until = min(instant + timedelta(minutes=random.choice((0, 3, 50, 700))), midnight)
        engine_on_s, is_standing = random.choice((None, random.random())), random.random() < 0.8
        times = f"{instant}"[:16], f"{until}"[:16]
        idle_fuel_l = random.choice((None, random.random()))
        yield period(vehicle, *times, engine_on_s=engine_on_s, is_standing=is_standing, idle_fuel_l=idle_fuel_l)
        instant = until + timedelta(minutes=random.choice((1, 40, 900)))


def _trip(random: Random, vehicle: str, start: str) -> dict[str, Any]:
    minutes = random.choice((3, 20, 90, 700))
    distance_km = random.uniform(0.1, 900)
    row = trip(vehicle, start, minutes, distance_km, fuel_used_l=random.random(), engine_km=distance_km)
    return row | {
        "moving_s": row["duration_s"] * random.uniform(0.1, 0.9), "idle_s": random.choice((None, random.random())),
        "fuel_l_per_100km": random.choice((None, random.uniform(3, 30))),
        "ambient_temp_c": random.choice((None, random.uniform(-10, 30))), "elevation_gain_m": random.random() * 1e3,
    }  # fmt: skip


def _dated(table: Table, rows: list[dict[str, Any]], vehicles: pl.DataFrame) -> pl.DataFrame:
    full = [_full(table, row) | {"local_date": date(1970, 1, 1)} for row in rows]
    undated = pl.DataFrame(full, schema=table.schema).drop("local_date")
    return with_local_date(undated, vehicles, "UTC").select(table.schema.names()).sort(table.order)


def _full(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in table.schema}
