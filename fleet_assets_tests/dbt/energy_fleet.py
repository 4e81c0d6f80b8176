"""A small fleet that burns, charges and refuels, with the rows that sums are easily got wrong by: borders of days,
several currencies and none, fuel that several tell.

Belongs here: rows and the lake of them. Does not belong here: what the marts make of them (`test_energy_marts`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import CHARGING_HOURS, CHARGING_SESSIONS, FUEL_EVENTS, HOURLY_USE, TRIPS
from fleet_assets_tests.dbt.random_use import Used, dated_use
from fleet_assets_tests.dbt.small_fleet import events, stops, store, trip, trips, vehicles
from fleet_assets_tests.fixtures.drives import at


def _hour(vehicle: str, hour: str, **columns: Any) -> dict[str, Any]:
    return {"vehicle_id": vehicle, "hour_at": at(hour), "observed_s": 1800.0} | columns


def _session(name: str, plugged: str, kwh: float | None, **columns: Any) -> dict[str, Any]:
    known = {"energy_source": "battery", "charge_type": "L2", "charging_s": 3600.0, "power_session_count": 1}
    return {
        "session_id": name, "vehicle_id": "car", "plugged_at": at(plugged), "closed_at": at("2026-04-03 00:00"),
        "energy_added_kwh": kwh, "is_truncated": False, "rules_version": "test",
    } | known | columns  # fmt: skip


def _charged(name: str, hour: str, kwh: float | None, **columns: Any) -> dict[str, Any]:
    return {
        "power_session_id": name, "session_id": name, "vehicle_id": "car", "closed_at": at("2026-04-03 00:00"),
        "hour_at": at(hour), "local_hour": 20, "energy_added_kwh": kwh, "charging_s": 1800.0, "peak_power_kw": 11.0,
        "charge_type": "L2", "rules_version": "test",
    } | columns  # fmt: skip


def _event(name: str, kind: str, start: str, litres: float | None, **columns: Any) -> dict[str, Any]:
    return {
        "event_id": name, "vehicle_id": "truck", "kind": kind, "started_at": at(start), "ended_at": at(start),
        "closed_at": at("2026-03-30 00:00"), "volume_l": litres, "is_truncated": False, "rules_version": "test",
    } | columns  # fmt: skip


USED: Used = {
    HOURLY_USE: [
        # 23:00 on the 26th and midnight in Madrid.
        _hour("truck", "2026-03-26 22:00", fuel_used_l=1.0, fuel_standing_l=1.0, fuel_moving_l=0.0, engine_on_s=900.0),
        _hour("truck", "2026-03-26 23:00", fuel_used_l=2.0, fuel_standing_l=2.0, fuel_moving_l=0.0, engine_on_s=900.0),
        _hour("truck", "2026-03-27 08:00", fuel_used_l=65.0, fuel_standing_l=0.5, fuel_moving_l=64.0, distance_km=80.0),
        _hour("truck", "2026-03-27 09:00", engine_on_s=60.0),
        _hour("car", "2026-03-31 20:00", energy_used_kwh=3.0, distance_km=15.0),
        # A counter that is read twice in a month: what was burned in between is in the hour of the second reading.
        _hour("seldom", "2026-03-02 08:00", fuel_used_l=1.0, engine_on_s=600.0),
        _hour("seldom", "2026-03-03 08:00", engine_on_s=3600.0),
        _hour("seldom", "2026-03-04 08:00", fuel_used_l=31.0, engine_on_s=600.0),
        # Nothing but the level of its tank tells of fuel.
        _hour("levels", "2026-03-02 08:00", engine_on_s=3600.0),
        *(_hour("hauler", f"2026-03-02 {hour:02}:00", fuel_used_l=10.0, engine_on_s=3600.0) for hour in range(12)),
    ],
    CHARGING_SESSIONS: [
        _session("a", "2026-04-01 02:00", 10.0, cost=3.0, currency="EUR"),
        _session("b", "2026-04-01 04:00", 5.0, charge_type="DC", cost=4.0, currency="EUR"),
        _session("c", "2026-04-02 02:00", 8.0, cost=2.0, currency="EUR"),
        _session("d", "2026-04-02 04:00", 2.0, cost=2.0, currency="USD"),
        _session("e", "2026-04-02 05:00", None, power_session_count=0, charge_type=None, charging_s=0.0),
        # Prices that state no currency.
        *(_session(f"n{day}", f"2026-03-0{day} 02:00", 5.0, vehicle_id="nameless", cost=2.0) for day in (2, 3)),
        _session("m1", "2026-03-02 02:00", 5.0, vehicle_id="half_named", cost=2.0),
        _session("m2", "2026-03-02 02:20", 5.0, vehicle_id="half_named", cost=2.0, currency="EUR"),
    ],
    CHARGING_HOURS: [
        _charged("a", "2026-04-01 02:00", 4.0, cost=1.2, currency="EUR"),
        _charged("a", "2026-04-01 03:00", 6.0, cost=1.8, currency="EUR"),
        _charged("b", "2026-04-01 04:00", 5.0, charge_type="DC", cost=4.0, currency="EUR"),
        _charged("c", "2026-04-02 02:00", 8.0, cost=2.0, currency="EUR"),
        _charged("d", "2026-04-02 02:00", 2.0, cost=2.0, currency="USD"),
        *(_charged(f"n{day}", f"2026-03-0{day} 02:00", 5.0, vehicle_id="nameless", cost=2.0) for day in (2, 3)),
        _charged("m1", "2026-03-02 02:00", 5.0, vehicle_id="half_named", cost=2.0),
        _charged("m2", "2026-03-02 02:00", 5.0, vehicle_id="half_named", cost=2.0, currency="EUR"),
    ],
    FUEL_EVENTS: [
        _event("r", "refuel", "2026-03-27 09:10", 300.0, cost=450.0, currency="EUR"),
        _event("q", "refuel", "2026-03-27 11:10", 100.0),
        _event("t", "theft", "2026-03-27 23:30", 50.0),
        _event("s", "slow_loss", "2026-03-28 08:00", 10.0),
        _event("u", "theft", "2026-03-28 08:30", None),
        _event("f", "sensor_fault", "2026-03-28 09:00", 500.0),
        _event("h", "refuel", "2026-03-02 05:20", 300.0, vehicle_id="hauler", expected_consumption_l=1.0),
        *(
            _event(f"n{day}", "refuel", f"2026-03-0{day} 05:00", 30.0, vehicle_id="nameless", cost=45.0)
            for day in (2, 3)
        ),
    ],
}  # fmt: skip
"""Rows by table."""


def drives() -> pl.DataFrame:
    """Those of the small fleet, and of vehicles whose fuel the level of the tank tells, or that refuel on the way."""
    by_level = {"fuel_source": "level", "fuel_used_sd_l": 2.0}
    more = [
        trip("seldom", "2026-03-03 08:00", 60, 100.0, fuel_used_l=25.0, **by_level),
        trip("levels", "2026-03-02 08:00", 60, 100.0, fuel_used_l=30.0, **by_level),
        trip("levels", "2026-03-02 12:00", 60, 50.0),
        trip("levels", "2026-03-03 08:00", 60, 100.0, fuel_used_l=20.0, **by_level),
        *(trip("hauler", f"2026-03-02 {hour:02}:05", 50, 40.0, fuel_used_l=9.0) for hour in range(12)),
    ]  # fmt: skip
    return pl.concat([trips(), events(TRIPS, *more)]).sort(TRIPS.order)


def energy_lake(folder: Path) -> Lake:
    """All of it as tables of a lake."""
    lake = Lake(str(folder / "lake"))
    store(lake, drives(), stops())
    for table, rows in USED.items():
        stored = dated_use(table, rows, vehicles())
        for (day,), part in stored.group_by(stored[str(table.partition_by)].dt.date()):
            lake.write(table, day, part, "test")
    return lake
