"""A month of a fleet in a lake: telemetry once a second while driving, and the trips and stops that it consists of.

Belongs here: making rows. Does not belong here: any database, any measurement.

Every vehicle drives twice a day, `seconds` in all. A third of the columns is filled, as a bus fills them. Trips and
stops are taken from the telemetry itself, so that marts and raw rows answer a question alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import STOPS, TELEMETRY, TRIPS, VEHICLES, Table

FIRST = date(2026, 3, 1)
DAYS = 30
LAST = FIRST + timedelta(days=DAYS - 1)
NOW = "2026-03-30 22:00:00+00"
"""The instant that the views take for now: the evening of the last day."""
DEPARTURES_H = (6, 15)
SPREAD_S = 3_600
"""Vehicles leave within an hour."""


@dataclass(frozen=True)
class Month:
    """How large it is: vehicles, and s a day that each of them drives."""

    vehicles: int
    seconds: int

    @staticmethod
    def of(rows: int) -> Month:
        """About so many rows of telemetry: larger fleets that drive 2.3 h a day."""
        vehicles = max(4, round(rows / DAYS / 8_334))
        return Month(vehicles, rows // DAYS // vehicles // 2 * 2)

    def store(self, lake: Lake) -> None:
        """Write all tables; a day at a time is in memory."""
        names = [vehicle(number) for number in range(self.vehicles)]
        lake.write(VEHICLES, None, _conform(VEHICLES, pl.DataFrame({"vehicle_id": names, "fuel": "diesel"})), "bench")
        for offset in range(DAYS):
            day = FIRST + timedelta(days=offset)
            telemetry = self.telemetry(day)
            lake.write(TELEMETRY, day, telemetry, "bench")
            trips = _trips(telemetry)
            lake.write(TRIPS, day, trips, "bench")
            lake.write(STOPS, day, _stops(trips), "bench")

    def telemetry(self, day: date) -> pl.DataFrame:
        """A day of all vehicles, in the table's order."""
        random = np.random.default_rng(day.toordinal())
        size, half = self.vehicles * self.seconds, self.seconds // 2
        second = np.tile(np.arange(self.seconds), self.vehicles)
        number = np.repeat(np.arange(self.vehicles), self.seconds)
        start = np.where(second < half, DEPARTURES_H[0] * 3600, DEPARTURES_H[1] * 3600 - half)
        instant_us = (start + second + number * 7_919 % SPREAD_S) * 1_000_000
        speed = np.clip(55 + 45 * np.sin(second / 97 + number) + random.normal(0, 3, size), 0, 130).round(1)
        km = np.cumsum(speed.reshape(self.vehicles, -1), axis=1).reshape(-1) / 3600
        daily = 60.0 * self.seconds / 3600
        odometer = 10_000 + 37 * number + (day - FIRST).days * daily + km
        litres = (8 + number % 20) / 100 * odometer
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        columns = {
            "vehicle_id": pl.Series([vehicle(one) for one in range(self.vehicles)]).gather(pl.Series(number)),
            "recorded_at": pl.Series(instant_us).cast(pl.Duration("us")) + midnight,
            "received_at": pl.Series(instant_us + 2_000_000).cast(pl.Duration("us")) + midnight,
            "source": pl.repeat("can", size, eager=True),
            "latitude_deg": (40 + number / 100 + km / 400).round(6),
            "longitude_deg": (-3 - number / 100 - km / 300).round(6),
            "altitude_m": (600 + 50 * np.sin(second / 400)).round(1),
            "gps_speed_kmh": (speed + random.normal(0, 0.5, size)).round(1),
            "speed_kmh": speed,
            "odometer_km": odometer.round(2),
            "is_ignition_on": pl.repeat(True, size, eager=True),
            "engine_speed_rpm": (800 + 12 * speed).round(0),
            "coolant_temp_c": (85 + random.normal(0, 2, size)).round(0),
            "fuel_level_pct": (90 - km * 0.1).round(1),
            "fuel_rate_lph": (2 + speed * 0.15).round(2),
            "fuel_used_total_l": litres.round(2),
            "supply_voltage_v": (13.8 + random.normal(0, 0.1, size)).round(1),
        }
        rows = pl.DataFrame(columns)
        # On the last day every fourth vehicle stays where it is.
        return _conform(TELEMETRY, rows.filter(number % 4 != 2) if day == LAST else rows)


def vehicle(number: int) -> str:
    return f"van-{number:04}"


def _conform(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    return table.conform(frame.lazy()).collect().sort(table.order)


def _trips(telemetry: pl.DataFrame) -> pl.DataFrame:
    """A row per drive of a day: what is measured from its first to its last second."""
    at, noon = pl.col("recorded_at"), pl.col("recorded_at").dt.hour() >= (sum(DEPARTURES_H) // 2)
    odometer, fuel = pl.col("odometer_km"), pl.col("fuel_used_total_l")
    driven = telemetry.group_by("vehicle_id", noon.alias("is_second")).agg(
        started_at=at.min(), ended_at=at.max(), distance_km=odometer.max() - odometer.min(),
        fuel_used_l=fuel.max() - fuel.min(), max_speed_kmh=pl.col("speed_kmh").max(),
        point_count=pl.len().cast(pl.Int64),
        start_latitude_deg=pl.col("latitude_deg").first(), start_longitude_deg=pl.col("longitude_deg").first(),
        end_latitude_deg=pl.col("latitude_deg").last(), end_longitude_deg=pl.col("longitude_deg").last(),
        moving_s=(pl.col("speed_kmh") > 1.6).sum().cast(pl.Float64),
    )  # fmt: skip
    seconds = (pl.col("ended_at") - pl.col("started_at")).dt.total_seconds().cast(pl.Float64)
    frame = driven.with_columns(
        trip_id=pl.col("vehicle_id") + "/" + pl.col("started_at").dt.to_string("%Y%m%dT%H%M%S"),
        closed_at=pl.col("ended_at") + timedelta(minutes=5), local_date=pl.col("started_at").dt.date(),
        start_reason=pl.lit("motion"), end_reason=pl.lit("stop"), distance_source=pl.lit("odometer"),
        duration_s=seconds, idle_s=(seconds - pl.col("moving_s")).clip(0), engine_km=pl.col("distance_km"),
        fuel_l_per_100km=100 * pl.col("fuel_used_l") / pl.col("distance_km"), fuel_source=pl.lit("counter"),
        coverage_pct=100.0, is_truncated=False, rules_version=pl.lit("bench"),
    )  # fmt: skip
    return _conform(TRIPS, frame.drop("is_second"))


def _stops(trips: pl.DataFrame) -> pl.DataFrame:
    """The stay between the two drives of each vehicle."""
    stays = trips.group_by("vehicle_id").agg(
        started_at=pl.col("ended_at").min(), ended_at=pl.col("started_at").max(),
        latitude_deg=pl.col("end_latitude_deg").first(), longitude_deg=pl.col("end_longitude_deg").first(),
    )  # fmt: skip
    frame = stays.with_columns(
        stop_id=pl.col("vehicle_id") + "/" + pl.col("started_at").dt.to_string("%Y%m%dT%H%M%S"),
        closed_at=pl.col("ended_at"), local_date=pl.col("started_at").dt.date(), idle_s=0.0, idle_fuel_l=0.0,
        duration_s=(pl.col("ended_at") - pl.col("started_at")).dt.total_seconds().cast(pl.Float64),
        kind=pl.lit("parking"), is_truncated=False, rules_version=pl.lit("bench"),
    )  # fmt: skip
    return _conform(STOPS, frame)
