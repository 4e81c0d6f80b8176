"""A vehicle that drives, is plugged in, charges and sleeps, for tests of charging; and the tables that follow.

Belongs here: building of frames. Does not belong here: expectations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from fleet_assets.contracts import CHARGING_PERIODS, ENERGY_PRICES, TELEMETRY, VEHICLES, ZONES, Table
from fleet_assets.core.charging import (
    ChargingRules,
    charging_hours,
    charging_periods,
    charging_sessions,
    power_sessions,
)
from fleet_assets.core.charging.found import Fleet
from fleet_assets.core.window import Window

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
FRIDAY = MONDAY - 3 * DAY
CAPACITY_KWH = 50.0
LOSS = 0.9
"""kWh into the battery for each from the charger."""
SIGNALS = ("is_charger_connected", "charger_power_kw", "hv_power_kw", "soc_pct", "charger_voltage_v")
RULES = ChargingRules()


@dataclass(frozen=True)
class Car:
    """A car that keeps a clock, its charge and its odometer; every call appends rows. `tells` are the signals that it
    sends; `step_s` is how often."""

    now: datetime
    soc: float = 50.0
    km: float = 1000.0
    step_s: float = 10.0
    tells: tuple[str, ...] = SIGNALS
    vehicle_id: str = "car"
    rows: tuple[dict[str, object], ...] = ()

    def drive(self, seconds: float, kmh: float = 50.0, kw: float = 8.0) -> Car:
        """Drives at a power out of the battery (negative: braking); no cable."""
        return self._say(
            seconds, -kw / 3600 / CAPACITY_KWH * 100, kmh,
            {"speed_kmh": kmh, "hv_power_kw": kw, "is_charger_connected": False, "charger_power_kw": 0.0},
        )  # fmt: skip

    def charge(self, seconds: float, kw: float = 7.0, volts: float = 230.0, loss: float = LOSS) -> Car:
        """Charges with `kw` from the charger."""
        return self._say(
            seconds, kw * loss / 3600 / CAPACITY_KWH * 100, 0.0,
            {"speed_kmh": 0.0, "is_charger_connected": True, "charger_power_kw": kw, "hv_power_kw": -kw * loss,
             "charger_voltage_v": volts},
        )  # fmt: skip

    def plugged(self, seconds: float, kw: float = 0.0) -> Car:
        """Plugged in; no more flows than `kw`."""
        return self._say(
            seconds, 0.0, 0.0,
            {"speed_kmh": 0.0, "is_charger_connected": True, "charger_power_kw": kw, "hv_power_kw": -kw},
        )  # fmt: skip

    def rest(self, seconds: float, rise: float = 0.0) -> Car:
        """Stands without a cable; its charge rises by so many points in all."""
        return self._say(
            seconds, rise / max(seconds, 1.0), 0.0,
            {"speed_kmh": 0.0, "is_charger_connected": False, "charger_power_kw": 0.0, "hv_power_kw": 0.2},
        )  # fmt: skip

    def silent(self, seconds: float, soc: float = 0.0, km: float = 0.0) -> Car:
        """Says nothing while its charge and its odometer change."""
        return replace(self, now=self.now + timedelta(seconds=seconds), soc=self.soc + soc, km=self.km + km)

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(list(self.rows), schema=TELEMETRY.schema)

    def _say(self, seconds: float, soc_per_s: float, kmh: float, values: dict[str, object]) -> Car:
        """Rows at the beginning and after every step; the last one is a step before the end."""
        count = max(round(seconds / self.step_s), 1)
        told = {"speed_kmh", "odometer_km", *self.tells}
        rows: list[dict[str, object]] = []
        for k in range(count):
            passed = k * self.step_s
            known = {**values, "soc_pct": self.soc + soc_per_s * passed, "odometer_km": self.km + kmh * passed / 3600}
            key = {"vehicle_id": self.vehicle_id, "source": "test", "recorded_at": self.now + timedelta(seconds=passed)}
            rows.append(key | {name: value for name, value in known.items() if name in told})
        return replace(
            self, now=self.now + timedelta(seconds=count * self.step_s), rows=(*self.rows, *rows),
            soc=self.soc + soc_per_s * count * self.step_s, km=self.km + kmh * count * self.step_s / 3600,
        )  # fmt: skip


def fleet(
    powertrain: str | None = "bev", capacity: float | None = CAPACITY_KWH, timezone: str | None = None,
    prices: list[dict[str, object]] | None = None, zones: list[dict[str, object]] | None = None,
) -> Fleet:  # fmt: skip
    """The car, and the prices and zones there are."""
    car: dict[str, object] = {
        "vehicle_id": "car",
        "powertrain": powertrain,
        "battery_capacity_kwh": capacity,
        "timezone": timezone,
    }
    return Fleet(_lazy(VEHICLES, [car]), _lazy(ZONES, zones or []), _lazy(ENERGY_PRICES, prices or []))


def _lazy(table: Table, rows: list[dict[str, object]]) -> pl.LazyFrame:
    return pl.DataFrame(rows, schema=table.schema).lazy()


ANY = Window(MONDAY - 62 * DAY, MONDAY - 31 * DAY, MONDAY + 62 * DAY)
"""Every day near it."""

Made = Callable[[pl.LazyFrame, Fleet, Window, ChargingRules], pl.LazyFrame]


def periods_of(telemetry: pl.DataFrame) -> pl.DataFrame:
    """Charging periods, each day of them from its own rows."""
    days = telemetry.with_columns(pl.col("recorded_at").dt.date().alias("day")).partition_by("day", include_key=False)
    made = [charging_periods(day.lazy(), RULES).collect() for day in days]
    return pl.concat([CHARGING_PERIODS.empty(), *made]).sort(CHARGING_PERIODS.order)


def made(table: Made, telemetry: pl.DataFrame, known: Fleet | None = None, window: Window = ANY) -> pl.DataFrame:
    """The rows of a table, day by day as a build makes them."""
    return table(periods_of(telemetry).lazy(), known or fleet(), window, RULES).collect()


def plug_ins(car: Car, known: Fleet | None = None) -> pl.DataFrame:
    return made(charging_sessions, car.frame(), known)


def powers(car: Car, known: Fleet | None = None) -> pl.DataFrame:
    return made(power_sessions, car.frame(), known)


def hours(car: Car, known: Fleet | None = None) -> pl.DataFrame:
    return made(charging_hours, car.frame(), known)
