"""A fleet of the last days in a lake: enough rows for the planner of a database to care, some in every panel.

Belongs here: the rows. Does not belong here: databases and exact expectations.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import (
    CHARGING_HOURS,
    CHARGING_SESSIONS,
    HOURLY_USE,
    INGEST_DAILY,
    POWER_SESSIONS,
    STANDING_PERIODS,
    STOPS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    Table,
)

DAYS = 10
NUMBERS = range(1, 13)
HOME = "Europe/Madrid"


def fill(lake: Lake, now: datetime) -> None:
    """Store vehicles, telemetry every half minute, a trip every three hours and the stops after it, a charge a day,
    until `now`; of one vehicle drives that nobody saw."""
    names = pl.DataFrame({"n": NUMBERS}).with_columns(vehicle_id=pl.format("v{}", "n"))
    spoken, trips = _telemetry(names, now), _trips(names, now)
    vehicles = names.with_columns(
        name=pl.format("Van {}", "n"), powertrain=pl.lit("phev"), fuel=pl.lit("diesel"), timezone=pl.lit(HOME)
    )
    lake.write(VEHICLES, None, _whole(VEHICLES, vehicles), "test")
    stops = _stops(trips, now)
    daily = {
        INGEST_DAILY: _daily(spoken), TELEMETRY: spoken, STOPS: stops, STANDING_PERIODS: _standing(stops),
        TRIPS: pl.concat([trips, _unobserved(names, now)], how="diagonal"), HOURLY_USE: _hourly(names, now),
        **dict.fromkeys((POWER_SESSIONS, CHARGING_SESSIONS, CHARGING_HOURS), _charged(names, now)),
    }  # fmt: skip
    for table, rows in daily.items():
        instant = pl.col(str(table.partition_by))
        for (day,), part in _whole(table, rows).group_by(instant.dt.date(), maintain_order=True):
            lake.write(table, day, part, "test")


def _telemetry(names: pl.DataFrame, now: datetime) -> pl.DataFrame:
    instants = pl.datetime_range(now - timedelta(days=DAYS), now, "30s", time_zone="UTC", eager=True)
    rows = names.join(pl.DataFrame({"recorded_at": instants}), how="cross")
    # Vehicle 5 fell silent two hours ago, vehicle 6 moved last two days ago.
    is_silent = (pl.col("n") == 5) & (pl.col("recorded_at") > now - timedelta(hours=2))
    is_away = (pl.col("n") == 6) & (pl.col("recorded_at") > now - timedelta(days=2))
    return rows.filter(~is_silent & ~is_away).with_columns(
        received_at=pl.col("recorded_at"), source=pl.lit("can"), latitude_deg=40 + pl.col("n") / 100,
        longitude_deg=-3 - pl.col("n") / 100, speed_kmh=pl.when(pl.col("n") % 3 == 0).then(0.0).otherwise(50.0),
        engine_speed_rpm=pl.lit(900.0), is_ignition_on=pl.lit(value=True), odometer_km=pl.lit(1000.0),
        fuel_level_pct=pl.lit(50.0), soc_pct=pl.lit(60.0),
    )  # fmt: skip


def _daily(spoken: pl.DataFrame) -> pl.DataFrame:
    """What came in of each vehicle: nine of ten rows that were expected."""
    at = pl.col("recorded_at")
    return spoken.group_by("vehicle_id", at.dt.date().alias("date"), maintain_order=True).agg(
        source=pl.lit("can"), first_seen_at=at.min(), last_seen_at=at.max(), last_received_at=at.max(),
        received_count=pl.len(), expected_count=pl.len() * 10 // 9, lag_p50_s=pl.lit(1.0), lag_p95_s=pl.lit(4.0),
        silence_count=pl.lit(0), silence_s=pl.lit(0.0),
    )  # fmt: skip


def _trips(names: pl.DataFrame, now: datetime) -> pl.DataFrame:
    begins = pl.datetime_range(now - timedelta(days=DAYS), now - timedelta(hours=2), "3h", time_zone="UTC", eager=True)
    rows = names.filter(pl.col("n") != 6).join(pl.DataFrame({"started_at": begins}), how="cross")
    measured = {
        "duration_s": 3600.0, "moving_s": 3000.0, "idle_s": 60.0, "unknown_s": 0.0, "distance_km": 40.0,
        "max_speed_kmh": 90.0,
        "start_latitude_deg": 40.0, "start_longitude_deg": -3.0, "end_latitude_deg": 41.0, "end_longitude_deg": -2.0,
        "point_count": 120, "coverage_pct": 100.0, "fuel_used_l": 2.0, "fuel_l_per_100km": 5.0,
        "energy_used_kwh": 3.0, "electric_energy_kwh": 3.0, "kwh_per_100km": 15.0, "electric_km": 20.0,
        "engine_km": 20.0, "is_truncated": False, "rules_version": "test", "start_reason": "motion",
        "end_reason": "stop", "distance_source": "odometer",
    }  # fmt: skip
    return rows.with_columns(
        trip_id=_name("trip"), ended_at=pl.col("started_at") + timedelta(hours=1),
        closed_at=pl.col("started_at") + timedelta(minutes=65), local_date=_local_date("started_at"),
        **{name: pl.lit(value) for name, value in measured.items()},
    )  # fmt: skip


def _unobserved(names: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """A drive every day of vehicle 6, until it moved last."""
    begins = pl.datetime_range(now - timedelta(days=DAYS), now - timedelta(days=3), "1d", time_zone="UTC", eager=True)
    rows = names.filter(pl.col("n") == 6).join(pl.DataFrame({"started_at": begins}), how="cross")
    known = {
        "duration_s": 7200.0, "unknown_s": 7200.0, "distance_km": 100.0, "fuel_used_l": 7.0, "point_count": 0,
        "coverage_pct": 0.0, "is_truncated": False, "rules_version": "test", "start_reason": "unobserved",
        "end_reason": "unobserved", "distance_source": "odometer",
    }  # fmt: skip
    return rows.with_columns(
        trip_id=_name("trip"), ended_at=pl.col("started_at") + timedelta(hours=2),
        closed_at=pl.col("started_at") + timedelta(minutes=125), local_date=_local_date("started_at"),
        **{name: pl.lit(value) for name, value in known.items()},
    )  # fmt: skip


def _standing(stops: pl.DataFrame) -> pl.DataFrame:
    """The first minutes of every stop, as far as they lie on one UTC day."""
    until = pl.col("started_at") + timedelta(minutes=30)
    return stops.filter(pl.col("started_at").dt.date() == until.dt.date()).select(
        "vehicle_id", "started_at", ended_at=until, is_standing=pl.lit(value=True), engine_on_s=pl.lit(30.0),
        idle_fuel_l=pl.lit(0.1), charger_s=pl.lit(0.0),
    )  # fmt: skip


def _stops(trips: pl.DataFrame, now: datetime) -> pl.DataFrame:
    after = trips.filter(pl.col("ended_at") < now - timedelta(hours=4)).select(
        "n", "vehicle_id", started_at="ended_at", closed_at=pl.col("closed_at") + timedelta(hours=3)
    )
    measured = {
        "duration_s": 7200.0, "idle_s": 30.0, "idle_fuel_l": 0.1, "kind": "parking", "is_truncated": False,
        "rules_version": "test", "fuel_level_change_pct": 0.0,
    }  # fmt: skip
    return after.with_columns(
        stop_id=_name("stop"), ended_at=pl.col("started_at") + timedelta(hours=2),
        local_date=_local_date("started_at"), **{name: pl.lit(value) for name, value in measured.items()},
    )  # fmt: skip


def _charged(names: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """An hour of charging a day, at the start of an hour: the columns of sessions and of their only hour."""
    first = now.replace(minute=0, second=0) - timedelta(days=DAYS)
    begins = pl.datetime_range(first, now - timedelta(hours=4), "1d", time_zone="UTC", eager=True)
    measured = {
        "power_session_count": 1, "energy_added_kwh": 7.0, "energy_ac_kwh": 7.5, "charging_s": 3600.0,
        "peak_power_kw": 7.4, "charge_type": "L2", "is_truncated": False, "rules_version": "test",
    }  # fmt: skip
    return names.join(pl.DataFrame({"started_at": begins}), how="cross").with_columns(
        session_id=_name("plugged"), power_session_id=_name("charge"), plugged_at="started_at", hour_at="started_at",
        ended_at=pl.col("started_at") + timedelta(hours=1), closed_at=pl.col("started_at") + timedelta(hours=2),
        local_date=_local_date("started_at"), local_hour=_at_home("started_at").dt.hour(),
        **{name: pl.lit(value) for name, value in measured.items()},
    )  # fmt: skip


def _hourly(names: pl.DataFrame, now: datetime) -> pl.DataFrame:
    first = now.replace(minute=0, second=0) - timedelta(days=DAYS)
    hours = pl.datetime_range(first, now - timedelta(hours=1), "1h", time_zone="UTC", eager=True)
    used = {"observed_s": 3600.0, "distance_km": 13.0, "moving_s": 1000.0, "idle_s": 20.0, "fuel_used_l": 0.7}
    return names.join(pl.DataFrame({"hour_at": hours}), how="cross").with_columns(
        fuel_source=pl.lit("counter"), **{name: pl.lit(value) for name, value in used.items()}
    )


def _name(kind: str) -> pl.Expr:
    return pl.format(f"{kind}-{{}}-{{}}", "n", pl.col("started_at").dt.timestamp("ms"))


def _local_date(name: str) -> pl.Expr:
    return _at_home(name).dt.date()


def _at_home(name: str) -> pl.Expr:
    """What the clock shows where the vehicles are."""
    return pl.col(name).dt.convert_time_zone(HOME)


def _whole(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns of the contract, null where nothing is said."""
    known = rows.select(pl.col(name).cast(kind) for name, kind in table.schema.items() if name in rows.columns)
    return table.conform(known.lazy()).collect()
