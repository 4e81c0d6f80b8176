"""A fleet of five with a few hand-made trips, drives that nobody saw, stops and standing periods around midnights,
borders of zones and missing values."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import (
    INGEST_DAILY,
    INGEST_GAPS,
    INGEST_OUTAGES,
    INGEST_QUARANTINED,
    STANDING_PERIODS,
    STOPS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    Table,
)
from fleet_assets.core.local_time import with_local_date
from fleet_assets_tests.fixtures.drives import at

VEHICLE_ROWS = [
    {"vehicle_id": "truck", "powertrain": "ice", "fuel": "diesel", "timezone": "Europe/Madrid"},
    {"vehicle_id": "hybrid", "powertrain": "phev", "fuel": "petrol"},
    {"vehicle_id": "car", "powertrain": "bev", "timezone": "America/Denver"},
]
"""`stranger` drives and `crane` stands too, but nobody declared them."""

NOW = "2026-04-02 10:01:00+00"
"""When the views are asked."""


def vehicles() -> pl.DataFrame:
    return _conform(VEHICLES, VEHICLE_ROWS)


def trip(vehicle_id: str, start: str, minutes: float, distance_km: float, **columns: Any) -> dict[str, Any]:
    """A trip that moved all the time; `local_date` is added by `trips`."""
    row = {
        "start_reason": "motion", "end_reason": "stop", "moving_s": minutes * 60, "idle_s": 0.0, "unknown_s": 0.0,
        "distance_km": distance_km, "distance_source": "odometer", "point_count": 10, "coverage_pct": 100.0,
    }  # fmt: skip
    return _event("trip_id", vehicle_id, at(start), at(start) + timedelta(minutes=minutes)) | row | columns


def unseen(vehicle_id: str, start: str, minutes: float, distance_km: float, **columns: Any) -> dict[str, Any]:
    """A drive that nobody saw."""
    row = {
        "start_reason": "unobserved", "end_reason": "unobserved", "unknown_s": minutes * 60, "distance_km": distance_km,
        "distance_source": "odometer", "point_count": 0, "coverage_pct": 0.0,
    }  # fmt: skip
    return _event("trip_id", vehicle_id, at(start), at(start) + timedelta(minutes=minutes)) | row | columns


def stop(vehicle_id: str, start: str, end: str, **columns: Any) -> dict[str, Any]:
    return _event("stop_id", vehicle_id, at(start), at(end)) | {"kind": "parking"} | columns


def period(vehicle_id: str, start: str, end: str, **columns: Any) -> dict[str, Any]:
    """A standing period in which standing was seen."""
    row = {"vehicle_id": vehicle_id, "started_at": at(start), "ended_at": at(end)}
    return row | {"is_standing": True, "charger_s": 0.0} | columns


def trips() -> pl.DataFrame:
    return events(
        TRIPS,
        trip("truck", "2026-03-27 08:00", 60, 80.0, fuel_used_l=24.0, fuel_l_per_100km=30.0, engine_km=80.0,
             max_speed_kmh=90.0, ambient_temp_c=10.0, elevation_gain_m=100.0, idle_s=60.0, moving_s=3540.0),
        trip("truck", "2026-03-27 12:00", 120, 160.0, fuel_used_l=40.0, fuel_l_per_100km=25.0, engine_km=160.0,
             max_speed_kmh=85.0, ambient_temp_c=16.0, start_latitude_deg=40.4168, start_longitude_deg=-3.7038,
             end_latitude_deg=41.65, end_longitude_deg=-0.88),
        # 00:30 on the 28th in Madrid; no fuel known.
        trip("truck", "2026-03-27 23:30", 30, 40.0, engine_km=40.0, max_speed_kmh=88.0),
        # Over the night in which clocks go forward: 23:30 to 03:30, three hours.
        trip("truck", "2026-03-28 22:30", 180, 210.0, fuel_used_l=60.0, fuel_l_per_100km=28.571428571428573,
             engine_km=210.0),
        # The day after, without a word: only the odometer tells of it.
        unseen("truck", "2026-03-29 10:00", 120, 130.0, fuel_used_l=30.0, fuel_l_per_100km=23.0),
        trip("hybrid", "2026-03-31 23:50", 20, 10.0, electric_km=10.0, engine_km=0.0, energy_used_kwh=2.0,
             electric_energy_kwh=2.0, kwh_per_100km=20.0, fuel_used_l=0.0),
        # Over the last third the engine drove and charged the battery.
        trip("hybrid", "2026-03-31 10:00", 30, 30.0, electric_km=20.0, engine_km=10.0, energy_used_kwh=-1.0,
             electric_energy_kwh=3.0, kwh_per_100km=15.0, fuel_used_l=1.0, fuel_l_per_100km=3.3333333333333335),
        # Downhill: more came back than went out; too short to rate.
        trip("car", "2026-04-01 05:30", 10, 0.5, electric_km=0.5, engine_km=0.0, energy_used_kwh=-0.1,
             electric_energy_kwh=-0.1, idle_s=None),
        # Nothing tells of its engine. Another drive of the day was seen by nobody.
        trip("stranger", "2026-03-31 09:00", 10, 5.0, fuel_used_l=0.4, idle_s=None, start_odometer_km=100.0,
             end_odometer_km=105.0),
        unseen("stranger", "2026-03-31 12:00", 30, 20.0, start_odometer_km=105.0, end_odometer_km=125.0),
    )  # fmt: skip


def stops() -> pl.DataFrame:
    return events(
        STOPS,
        stop("truck", "2026-03-27 09:00", "2026-03-27 12:00", kind="refuelling", idle_s=300.0, idle_fuel_l=0.25),
        stop("truck", "2026-03-27 14:00", "2026-03-27 23:30"),
        stop("truck", "2026-03-28 00:00", "2026-03-28 22:30", idle_s=0.0),
        stop("hybrid", "2026-03-31 10:30", "2026-03-31 23:50", kind="charging"),
    )  # fmt: skip


def standing() -> pl.DataFrame:
    rows = [
        # At a light within a trip; in a stop; in a stop with the engine off.
        period("truck", "2026-03-27 08:30", "2026-03-27 08:31", engine_on_s=60.0),
        period("truck", "2026-03-27 09:10", "2026-03-27 11:50", engine_on_s=300.0, idle_fuel_l=0.25),
        period("truck", "2026-03-28 00:10", "2026-03-28 22:20", engine_on_s=0.0),
        # After its last trip, in no stop yet; for two of the twelve hours it drove instead.
        period("truck", "2026-03-29 02:00", "2026-03-29 14:00", engine_on_s=1200.0, idle_fuel_l=1.2),
        # Over midnight where it is at home; nothing tells of an engine.
        period("car", "2026-04-01 05:40", "2026-04-01 07:00"),
        # It works without ever driving; at the end nothing but its engine tells of it.
        period("crane", "2026-03-31 06:00", "2026-03-31 16:00", engine_on_s=7200.0, idle_fuel_l=6.0),
        period("crane", "2026-03-31 17:00", "2026-03-31 17:30", engine_on_s=1800.0, is_standing=False),
    ]
    return _conform(STANDING_PERIODS, rows).sort(STANDING_PERIODS.order)


def telemetry() -> pl.DataFrame:
    """A few words of each vehicle around NOW: the truck drives (two sources), the hybrid idles, the car fell silent
    with its ignition on."""
    rows = [
        word(
            "truck", "2026-04-02 09:59:00", speed_kmh=80.0, latitude_deg=40.5, longitude_deg=-3.25, odometer_km=1000.0
        ),
        word("truck", "2026-04-02 10:00:00", speed_kmh=82.0, engine_speed_rpm=1500.0, fuel_level_pct=40.0),
        word("truck", "2026-04-02 10:00:00", source="torque", gps_speed_kmh=2.0, latitude_deg=41.0, longitude_deg=-3.0),
        word("hybrid", "2026-04-02 09:30:00", gps_speed_kmh=12.5, latitude_deg=52.0, longitude_deg=13.0),
        word("hybrid", "2026-04-02 09:58:00", gps_speed_kmh=1.0, engine_speed_rpm=800.0, soc_pct=55.0),
        word("car", "2026-03-28 12:00:00", speed_kmh=0.0, latitude_deg=39.75, longitude_deg=-105.0, soc_pct=80.0),
        word("car", "2026-03-29 12:00:00", speed_kmh=0.0, is_ignition_on=True),
    ]
    return _conform(TELEMETRY, rows).sort(TELEMETRY.order)


def word(vehicle_id: str, instant: str, source: str = "can", **columns: Any) -> dict[str, Any]:
    """A row of telemetry."""
    return {"vehicle_id": vehicle_id, "recorded_at": at(instant), "source": source} | columns


def events(table: Table, *rows: dict[str, Any]) -> pl.DataFrame:
    """Rows of an event table with the local date that the pipeline would give them."""
    undated = _conform(table, [row | {"local_date": date(1970, 1, 1)} for row in rows])
    dated = with_local_date(undated.drop("local_date"), vehicles(), "UTC")
    return dated.select(table.schema.names()).sort(table.order)


def ingest() -> dict[Table, pl.DataFrame]:
    """A truck that lost rows over a midnight, a car heard the day before an outage of a day, a row set aside."""

    def heard(vehicle_id: str, day: date, count: int, expected: int | None) -> dict[str, Any]:
        first = at(f"{day} 08:00")
        return {
            "source": "can", "vehicle_id": vehicle_id, "date": day, "first_seen_at": first,
            "last_seen_at": first + timedelta(hours=2), "last_received_at": first + timedelta(hours=3),
            "received_count": count, "expected_count": expected, "lag_p50_s": 2.0, "lag_p95_s": 5.0,
            "clock_behind_s": None, "silence_count": 1, "silence_s": 600.0,
        }  # fmt: skip

    gap = {"source": "can", "vehicle_id": "truck", "reason": "spool_full", "noted_at": at("2026-03-29 00:00")}
    return {
        INGEST_DAILY: _conform(INGEST_DAILY, [
            heard("car", date(2026, 3, 27), 100, None), heard("truck", date(2026, 3, 28), 900, 1000),
        ]),
        INGEST_GAPS: _conform(INGEST_GAPS, [
            gap | {"gap_id": "a", "started_at": at("2026-03-28 23:59"), "ended_at": at("2026-03-29 00:02"),
                   "missing_count": 70},
            gap | {"gap_id": "b", "started_at": at("2026-03-28 12:00"), "ended_at": at("2026-03-28 12:01"),
                   "missing_count": 30},
            gap | {"gap_id": "c", "started_at": at("2026-03-30 12:00"), "ended_at": at("2026-03-30 12:01")},
        ]),
        INGEST_QUARANTINED: _conform(INGEST_QUARANTINED, [
            {"source": "can", "vehicle_id": "truck", "reason": "in-the-future", "set_aside_date": date(2026, 3, 28),
             "set_aside_at": at("2026-03-28 10:00"), "row_count": 5, "file_count": 0},
            {"source": "can", "vehicle_id": "truck", "reason": "clock", "set_aside_date": date(2026, 3, 28),
             "set_aside_at": at("2026-03-28 10:00"), "row_count": 3, "file_count": 0},
            {"source": "can", "vehicle_id": None, "reason": "refused", "set_aside_date": date(2026, 3, 28),
             "set_aside_at": at("2026-03-28 10:00"), "row_count": 0, "file_count": 1},
        ]),
        INGEST_OUTAGES: _conform(INGEST_OUTAGES, [
            {"source": "can", "started_at": at("2026-03-27 10:00"), "ended_at": at("2026-03-28 08:00"),
             "outage_s": 79_200.0, "regular_hours": 6, "vehicle_count": 1},
        ]),
    }  # fmt: skip


INGEST_HEALTH_COLUMNS = [
    "source", "vehicle_id", "utc_date", "expected_count", "received_count", "gap_count", "gap_s", "missing_count",
    "quarantined_count", "clock_count", "is_outage", "outage_s",
]  # fmt: skip

INGEST_HEALTH = [
    ("can", "car", date(2026, 3, 27), None, 100, 0, 0.0, 0, 0, 0, True, 50_400.0),
    # It was silent with the whole source, and heard in the week before.
    ("can", "car", date(2026, 3, 28), None, 0, 0, 0.0, 0, 0, 0, True, 28_800.0),
    ("can", "truck", date(2026, 3, 28), 1000, 900, 2, 120.0, 100, 8, 3, True, 28_800.0),
    ("can", "truck", date(2026, 3, 29), None, 0, 1, 120.0, 0, 0, 0, False, 0.0),
    # Rows of this gap cannot be counted.
    ("can", "truck", date(2026, 3, 30), None, 0, 1, 60.0, None, 0, 0, False, 0.0),
]
"""What the mart says of them."""


def store(lake: Lake, trip_rows: pl.DataFrame, stop_rows: pl.DataFrame) -> None:
    """Write the fleet into the lake, each event into the day in which it became final."""
    lake.write(VEHICLES, None, vehicles().sort("vehicle_id"), "test")
    events_of = {TRIPS: trip_rows, STOPS: stop_rows, STANDING_PERIODS: standing()}
    for table, rows in (events_of | ingest()).items():
        for (day,), part in rows.group_by(pl.col(str(table.partition_by)).dt.date()):
            lake.write(table, day, part, "test")


def _event(key: str, vehicle_id: str, start: datetime, end: datetime) -> dict[str, Any]:
    return {
        key: f"{vehicle_id}-{start:%Y%m%dT%H%M%S}", "vehicle_id": vehicle_id, "started_at": start, "ended_at": end,
        "closed_at": end + timedelta(minutes=5), "duration_s": (end - start).total_seconds(), "is_truncated": False,
        "rules_version": "test",
    }  # fmt: skip


def _conform(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    full = [{name: row.get(name) for name in table.schema} for row in rows]
    return pl.DataFrame(full, schema=table.schema)
