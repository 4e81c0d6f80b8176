"""What vehicles of a random fleet used: hours, charging and events of their tanks, with numbers whose sums depend on
the order of adding.

Belongs here: rows of these tables. Does not belong here: trips and stays (`random_fleet`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import polars as pl

from fleet_assets.contracts import CHARGING_HOURS, CHARGING_SESSIONS, FUEL_EVENTS, HOURLY_USE, Table
from fleet_assets.core.local_time import with_local_date

Used = dict[Table, list[dict[str, Any]]]

_HOUR = timedelta(hours=1)
_INSTANT = {CHARGING_HOURS: "hour_at", CHARGING_SESSIONS: "plugged_at", FUEL_EVENTS: "started_at"}


def random_use(random: Random, spans: list[tuple[str, datetime, datetime]]) -> Used:
    """Rows for each vehicle and span of time."""
    used: Used = {HOURLY_USE: [], CHARGING_SESSIONS: [], CHARGING_HOURS: [], FUEL_EVENTS: []}
    for vehicle, instant, last in spans:
        while instant < last:
            hour = instant.replace(minute=0)
            if random.random() < 0.3:
                session, hours = _charged(random, vehicle, hour)
                used[CHARGING_SESSIONS].append(session)
                used[CHARGING_HOURS].extend(hours)
            if random.random() < 0.2:
                used[FUEL_EVENTS].append(_changed(random, vehicle, hour))
            used[HOURLY_USE].extend(_hour(random, vehicle, hour + k * _HOUR) for k in range(5))
            instant = hour + random.randrange(5, 30) * _HOUR
    return used


def _hour(random: Random, vehicle: str, hour: datetime) -> dict[str, Any]:
    litres = random.choice((None, random.random() * 9))
    part = None if litres is None else litres / 3
    return {
        "vehicle_id": vehicle, "hour_at": hour, "observed_s": random.uniform(0, 3600), "distance_km": random.random(),
        "fuel_used_l": litres, "fuel_moving_l": part, "fuel_standing_l": part, "engine_on_s": random.uniform(0, 3600),
        "energy_used_kwh": random.choice((None, random.uniform(-1, 9))),
    }  # fmt: skip


def _charged(random: Random, vehicle: str, hour: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind, currency = random.choice(("L1", "L2", "DC")), random.choice((None, "EUR", "USD"))
    name, closed = f"{vehicle}-{hour:%Y%m%dT%H}", hour + 5 * _HOUR
    parts = [random.random() * 20 for _ in range(3)]
    cost = None if currency is None else 0.3
    hours = [
        {
            "power_session_id": name, "session_id": name, "vehicle_id": vehicle, "closed_at": closed,
            "hour_at": hour + k * _HOUR, "local_hour": 7, "energy_added_kwh": part, "charging_s": 3600.0,
            "peak_power_kw": part, "charge_type": kind, "cost": cost and cost * part, "currency": currency,
            "rules_version": "test",
        }
        for k, part in enumerate(parts)
    ]  # fmt: skip
    session = {
        "session_id": name, "vehicle_id": vehicle, "plugged_at": hour, "closed_at": closed, "power_session_count": 1,
        "plugged_s": 4 * 3600.0, "energy_added_kwh": sum(parts), "energy_source": "battery", "charging_s": 3 * 3600.0,
        "charge_type": kind, "cost": cost and cost * sum(parts), "currency": currency, "is_truncated": False,
        "rules_version": "test",
    }  # fmt: skip
    return session, hours


def _changed(random: Random, vehicle: str, hour: datetime) -> dict[str, Any]:
    kind = random.choice(("refuel", "theft", "slow_loss", "sensor_fault"))
    litres = random.choice((None, random.random() * 300))
    cost = litres and random.choice((None, 1.5 * litres))
    return {
        "event_id": f"{vehicle}-{hour:%Y%m%dT%H}", "vehicle_id": vehicle, "kind": kind, "started_at": hour,
        "ended_at": hour + _HOUR, "closed_at": hour + 2 * _HOUR, "volume_l": litres, "cost": cost,
        "currency": cost and random.choice(("EUR", "USD")), "is_truncated": False, "rules_version": "test",
    }  # fmt: skip


def dated_use(table: Table, rows: list[dict[str, Any]], vehicles: pl.DataFrame) -> pl.DataFrame:
    """Rows as the lake keeps them, with the local date that the pipeline would give them."""
    full = [{name: row.get(name) for name in table.schema} for row in rows]
    frame = pl.DataFrame(full, schema=table.schema)
    if table in _INSTANT:
        frame = with_local_date(frame.drop("local_date"), vehicles, "UTC", _INSTANT[table])
    return frame.select(table.schema.names()).sort(table.order)
