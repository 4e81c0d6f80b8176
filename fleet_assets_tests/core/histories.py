"""Small telemetry histories for tests: what one vehicle says, second by second, as rows of the contract.

Belongs here: building of frames. Does not belong here: expectations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from fleet_assets.contracts import DRIVER_ASSIGNMENTS, READINGS_BEFORE_SILENCE, TELEMETRY, VEHICLES
from fleet_assets.core.last_readings import last_readings, readings_before_silence
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.core.window import Window

DAY = timedelta(days=1)
NOON = datetime(2024, 5, 14, 12, tzinfo=UTC)
KM_PER_DEGREE = 6371.0088 * 3.141592653589793 / 180


@dataclass(frozen=True)
class Vehicle:
    """A vehicle that keeps a clock and an odometer while it drives, stands and is silent; every call appends rows."""

    vehicle_id: str
    now: datetime
    km: float = 1000.0
    rows: tuple[dict[str, object], ...] = ()
    step_s: float = 10.0
    columns: tuple[str, ...] = ("speed_kmh",)

    def drive(self, seconds: float, kmh: float = 60.0, **values: object) -> Vehicle:
        """Drives on: rows at the beginning and after every step; the last row still moves."""
        return self._say(seconds, kmh, values)

    def stand(self, seconds: float, **values: object) -> Vehicle:
        return self._say(seconds, 0.0, values)

    def silent(self, seconds: float, kmh: float = 0.0) -> Vehicle:
        """Says nothing, and may drive on meanwhile."""
        return replace(self, now=self.now + timedelta(seconds=seconds), km=self.km + kmh * seconds / 3600)

    def says(self, **values: object) -> Vehicle:
        """One row with nothing but these values; no time passes."""
        return replace(self, rows=(*self.rows, {"vehicle_id": self.vehicle_id, "recorded_at": self.now, **values}))

    def frame(self) -> pl.DataFrame:
        return telemetry(*self.rows)

    def _say(self, seconds: float, kmh: float, values: dict[str, object]) -> Vehicle:
        count = max(round(seconds / self.step_s), 1)
        rows = []
        for k in range(count):
            km = self.km + kmh * k * self.step_s / 3600
            known = {
                "speed_kmh": kmh, "gps_speed_kmh": kmh, "odometer_km": km, "latitude_deg": km / KM_PER_DEGREE,
                "longitude_deg": 10.0,
            }  # fmt: skip
            said = {name: known[name] for name in self.columns} | values
            at = self.now + timedelta(seconds=k * self.step_s)
            rows.append({"vehicle_id": self.vehicle_id, "recorded_at": at, **said})
        passed = count * self.step_s
        return replace(
            self, now=self.now + timedelta(seconds=passed), km=self.km + kmh * passed / 3600, rows=(*self.rows, *rows)
        )


def vehicle(*columns: str, at: datetime = NOON, name: str = "a", step_s: float = 10.0) -> Vehicle:
    """A vehicle whose rows hold the named columns (its own speed if none is named)."""
    return Vehicle(name, at, columns=columns or ("speed_kmh",), step_s=step_s)


def telemetry(*rows: dict[str, object]) -> pl.DataFrame:
    """Rows of the contract from the values that matter; the source is `test` unless one is given."""
    schema = TELEMETRY.schema
    complete = [{"source": "test", **row} for row in rows]
    return pl.DataFrame(complete, schema={name: schema[name] for name in schema}, orient="row")


def fleet(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=VEHICLES.schema)


def assignments(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=DRIVER_ASSIGNMENTS.schema)


def midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def whole(frame: pl.DataFrame) -> Window:
    """A window of whole days that holds all rows and two days more, with a look-back of one day."""
    instants: Sequence[datetime] = frame["recorded_at"].to_list() or [NOON]
    first, last = midnight(min(instants)), midnight(max(instants)) + 2 * DAY
    return Window(first - DAY, first, last)


def trips_of(
    frame: pl.DataFrame,
    rules: TripRules | None = None,
    *,
    window: Window | None = None,
    vehicles: pl.DataFrame | None = None,
    drivers: pl.DataFrame | None = None,
    readings: pl.LazyFrame | None = None,
) -> pl.DataFrame:
    """All trips of a history."""
    return segment_trips(
        frame.lazy(),
        (fleet() if vehicles is None else vehicles).lazy(),
        (assignments() if drivers is None else drivers).lazy(),
        window or whole(frame),
        rules or TripRules(),
        readings,
    ).collect()


def readings_of(frame: pl.DataFrame) -> pl.LazyFrame:
    """What was last told of the vehicle before each day of silence of a history."""
    told, days = last_readings(frame.lazy()).collect().lazy(), whole(frame).days(DAY)
    reach = READINGS_BEFORE_SILENCE.look_back
    windows = (Window(day.day_start - reach, day.day_start, day.day_end) for day in days)
    return pl.concat([readings_before_silence(told, window).collect() for window in windows]).lazy()
