"""Years of a fleet with sparse trackers, as an installation that landed them by `fleet import`: what many days cost.

Belongs here: making the rows and landing them through the platform's own commands. Does not belong here: building,
any measurement.

Every vehicle drives once a day for a quarter of an hour and tells of it once a minute, so that days are many and rows
are few: what is measured of such an installation is what a day costs that nobody touched.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

DRIVE_MINUTES = 15
FINAL_DAYS = 3
"""The newest day lies so far back that every trip of it is final."""


@dataclass(frozen=True)
class Years:
    """How large the fleet is, and how many days it drove until a few days ago."""

    vehicles: int = 100
    days: int = 1_826

    @property
    def last(self) -> date:
        return datetime.now(UTC).date() - timedelta(days=FINAL_DAYS)

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.days - 1)

    def rows(self, first: date, days: int) -> pl.DataFrame:
        """Telemetry of all vehicles on these days, a row a minute while they drive."""
        axes = np.meshgrid(
            np.arange(days), np.arange(self.vehicles), np.arange(DRIVE_MINUTES + 1), indexing="ij"
        )  # fmt: skip
        day, number, minute = (axis.ravel() for axis in axes)
        is_last = minute == DRIVE_MINUTES
        since_first = (first - self.first).days + day
        driven = (since_first * DRIVE_MINUTES + minute) * 0.8
        midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
        seconds = 86_400 * day + 60 * (360 + number * 7 % 600 + minute)
        at = pl.Series(seconds * 1_000_000).cast(pl.Duration("us")) + midnight
        return pl.DataFrame({
            "vehicle_id": pl.Series([vehicle(one) for one in range(self.vehicles)]).gather(pl.Series(number)),
            "recorded_at": at, "received_at": at + timedelta(seconds=30),
            "latitude_deg": 40 + number / 100 + minute * 0.007 * (1 - 2 * (since_first % 2)),
            "longitude_deg": -3 - number / 100,
            "speed_kmh": np.where(is_last | (minute == 0), 0.0, 48.0),
            "odometer_km": 10_000 + driven, "is_ignition_on": ~is_last,
            "fuel_used_total_l": 1_000 + 0.08 * driven,
        })  # fmt: skip


def vehicle(number: int) -> str:
    return f"van-{number:04}"


def land(home: Path, years: Years, fleet: Path) -> None:
    """Land all of it in a new installation by the commands of `fleet`; nothing is built."""
    home.mkdir(parents=True)
    (home / ".env").write_text(f"FLEET_START_DATE={years.first}\n")
    environment = os.environ | {"FLEET_HOME": str(home)}
    with TemporaryDirectory(prefix="fleet-bench-years-") as folder:
        for begun in range(0, years.days, 366):
            part = years.rows(years.first + timedelta(days=begun), min(366, years.days - begun))
            file = Path(folder) / f"part-{begun}.parquet"
            part.write_parquet(file)
            _fleet(fleet, environment, "import", str(file), "--source", "telemetry")
        _fleet(fleet, environment, "reference", "load", str(_vehicles(Path(folder), years.vehicles)))


def _vehicles(folder: Path, count: int) -> Path:
    names = [vehicle(number) for number in range(count)]
    file = folder / "vehicles.csv"
    table = {"vehicle_id": names, "name": [name.upper() for name in names], "powertrain": "ice", "fuel": "diesel"}
    pl.DataFrame(table).write_csv(file)
    return file


def _fleet(fleet: Path, environment: Mapping[str, str], *arguments: str) -> None:
    subprocess.run([str(fleet), *arguments], env=environment, check=True)


def main() -> None:
    """Land an installation for other programs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--vehicles", type=int, default=Years.vehicles)
    parser.add_argument("--days", type=int, default=Years.days)
    asked = parser.parse_args()
    land(asked.home, Years(asked.vehicles, asked.days), Path(sys.executable).with_name("fleet"))


if __name__ == "__main__":
    main()
