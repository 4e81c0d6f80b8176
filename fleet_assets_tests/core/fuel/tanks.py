"""Small histories of tanks for tests: what a vehicle says of its level, and the way from it to events.

Belongs here: building of telemetry and the calls of the three steps. Does not belong here: expectations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from fleet_assets.contracts import (
    ENERGY_PRICES,
    FUEL_BALANCE,
    FUEL_EVENTS,
    FUEL_PLATEAUS,
    INGEST_OUTAGES,
    TANK_CALIBRATIONS,
    TELEMETRY,
    VEHICLES,
    ZONES,
    check_frame,
)
from fleet_assets.core.fuel import FuelEventRules, fuel_balance, fuel_events, fuel_plateaus
from fleet_assets.core.window import Window

DAY = timedelta(days=1)
START = datetime(2024, 5, 13, 6, tzinfo=UTC)
"""A Monday morning."""
KM_PER_DEGREE = 111.195


@dataclass(frozen=True)
class Tank:
    """A vehicle with a tank that keeps a clock, an odometer and its litres; every call appends rows.

    `slosh_pct`: standard deviation of readings while driving; `noise_pct`: standing; `step_pct`: of the sender.
    `shift`: points that a sender adds to what it reads from now on. `per_km`: litres a km.
    """

    vehicle_id: str = "lorry"
    capacity_l: float = 400.0
    litres: float = 200.0
    now: datetime = START
    km: float = 1000.0
    step_s: float = 10.0
    slosh_pct: float = 1.0
    noise_pct: float = 0.0
    step_pct: float = 0.4
    per_km: float = 0.5
    shift: float = 0.0
    source: str = "can"
    rows: tuple[pl.DataFrame, ...] = ()
    seed: int = 1
    """Of the noise; equal histories have equal noise."""

    def drive(self, minutes: float, kmh: float = 60.0, **says: object) -> Tank:
        return self._say(minutes, kmh, 0.0, True, says)

    def stand(self, minutes: float, ignition: bool = False, **says: object) -> Tank:
        return self._say(minutes, 0.0, 0.0, ignition, says)

    def fill(self, litres: float, minutes: float = 3.0, ignition: bool = False) -> Tank:
        """Litres that come in evenly while it stands; negative ones go."""
        return self._say(minutes, 0.0, litres, ignition, {})

    def silent(self, minutes: float, kmh: float = 0.0, litres: float = 0.0) -> Tank:
        """Says nothing, and may drive on, or gain litres, meanwhile."""
        km = kmh * minutes / 60
        after = self.litres + litres - km * self.per_km
        return replace(self, now=self.now + timedelta(minutes=minutes), km=self.km + km, litres=after)

    def works(self, days: int) -> Tank:
        """Days from now: half an hour of driving, a stop, half an hour back, and a night in which it stands."""
        tank = self
        for _ in range(days):
            tank = tank.drive(30).stand(60).drive(30).stand(24 * 60 - 120)
        return tank

    def frame(self) -> pl.DataFrame:
        return TELEMETRY.conform(pl.concat(self.rows).lazy()).collect()

    def _say(self, minutes: float, kmh: float, litres: float, ignition: bool, says: dict[str, object]) -> Tank:
        count = max(round(minutes * 60 / self.step_s), 1)
        part = np.arange(count) / count
        hours = minutes / 60
        km = self.km + kmh * hours * part
        burned = kmh * hours * self.per_km
        volume = self.litres + (litres - burned) * part
        random = np.random.default_rng([self.seed, int(self.now.timestamp())])
        noise = random.normal(0, self.slosh_pct if kmh else self.noise_pct, count)
        level = 100 * volume / self.capacity_l + noise + self.shift
        level = np.clip(np.round(level / self.step_pct) * self.step_pct, 0, 100) if self.step_pct else level
        rows = pl.DataFrame({
            "vehicle_id": self.vehicle_id,
            "recorded_at": [self.now + timedelta(seconds=minutes * 60 * one) for one in part],
            "source": self.source, "speed_kmh": np.full(count, kmh), "odometer_km": np.round(km, 2),
            "latitude_deg": km / KM_PER_DEGREE - 45.0, "longitude_deg": 10.0, "is_ignition_on": ignition,
            "fuel_level_pct": level,
        }).with_columns(pl.col("recorded_at").cast(TELEMETRY.schema["recorded_at"]))  # fmt: skip
        said = rows.with_columns(
            pl.lit(value, TELEMETRY.schema[name]).alias(name) for name, value in says.items()
        )  # fmt: skip
        return replace(
            self, now=self.now + timedelta(minutes=minutes), km=self.km + kmh * hours,
            litres=self.litres + litres - burned, rows=(*self.rows, said),
        )  # fmt: skip


def fleet(**known: object) -> pl.DataFrame:
    """Reference rows of the vehicle of the tests."""
    row = {"vehicle_id": "lorry", "powertrain": "ice", "tank_capacity_l": 400.0, **known}
    schema = {name: VEHICLES.schema[name] for name in row}
    return VEHICLES.conform(pl.DataFrame([row], schema=schema).lazy()).collect()


def window_of(telemetry: pl.DataFrame) -> Window:
    """All days of the rows and three more, in which what they began becomes final."""
    first, last = telemetry["recorded_at"].min(), telemetry["recorded_at"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    end = last.replace(hour=0, minute=0, second=0, microsecond=0) + 3 * DAY
    return Window(start - 31 * DAY, start, end)


def plateaus_of(telemetry: pl.DataFrame) -> pl.DataFrame:
    found = fuel_plateaus(telemetry.lazy()).collect()
    check_frame(FUEL_PLATEAUS, found)
    return found


def balance_of(
    telemetry: pl.DataFrame, vehicles: pl.DataFrame | None = None, calibrations: pl.DataFrame | None = None
) -> pl.DataFrame:
    known = fleet() if vehicles is None else vehicles
    curves = TANK_CALIBRATIONS.empty() if calibrations is None else calibrations
    plateaus = plateaus_of(telemetry)
    found = fuel_balance(plateaus.lazy(), known.lazy(), curves.lazy(), window_of(telemetry)).collect()
    check_frame(FUEL_BALANCE, found)
    return found


def events_of(
    telemetry: pl.DataFrame, vehicles: pl.DataFrame | None = None, calibrations: pl.DataFrame | None = None,
    outages: pl.DataFrame | None = None, rules: FuelEventRules | None = None, zones: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    known = fleet() if vehicles is None else vehicles
    found = fuel_events(
        balance_of(telemetry, known, calibrations).lazy(),
        (INGEST_OUTAGES.empty() if outages is None else outages).lazy(), known.lazy(),
        (ZONES.empty() if zones is None else zones).lazy(), ENERGY_PRICES.empty().lazy(), window_of(telemetry), rules,
    ).collect()  # fmt: skip
    check_frame(FUEL_EVENTS, found)
    return found


def told(events: pl.DataFrame) -> list[tuple[str, int | None]]:
    """Kinds and whole litres."""
    return [
        (kind, None if litres is None else round(litres)) for kind, litres in events.select("kind", "volume_l").rows()
    ]
