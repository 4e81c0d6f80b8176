"""The page for people with data of other programs: its commands take what those programs write."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.fixtures.fleet_here import FleetHere

PAGE = (REPOSITORY / "docs" / "from_other_tools.md").read_text()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AN_HOUR_EARLIER = datetime(2026, 3, 2, 11, tzinfo=UTC)

WRITTEN = {
    "positions.csv": (
        "date,car_id,latitude,longitude,speed,odometer,power,battery_level,outside_temp,elevation\n"
        "2026-03-02 12:00:00,1,52.1,9.7,48,61351.2,21,80,4.5,55\n"
    ),
    "traccar.csv": (
        "fixtime,deviceid,latitude,longitude,altitude,speed,course\n2026-03-02 12:00:00,7,52.1,9.7,55,10,90\n"
    ),
    "trackLog.csv": (
        "Device Time, Longitude, Latitude, Speed (OBD)(km/h), Engine RPM(rpm)\n"
        "02-Mar-2026 12:00:00.000,9.7,52.1,48,1500\n"
    ),
}
"""By the file's name on the page: what such a program writes, one row."""


def commands(file: str) -> list[str]:
    """The words of the command on the page that imports a file."""
    blocks = re.findall(r"```sh\n(fleet import .*?)```", PAGE, re.DOTALL)
    (block,) = [block for block in blocks if f" {file} " in block]
    return shlex.split(block.replace("\\\n", " "))[1:]


@pytest.mark.parametrize(
    ("file", "vehicle", "at", "speed"),
    [
        ("positions.csv", "1", NOON, ("speed_kmh", 48.0)),
        ("traccar.csv", "7", NOON, ("gps_speed_kmh", pytest.approx(18.52))),
        ("trackLog.csv", "golf", AN_HOUR_EARLIER, ("speed_kmh", 48.0)),
    ],
)
def test_the_command_takes_what_the_program_writes(
    installation: Installation, fleet_here: FleetHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    file: str, vehicle: str, at: datetime, speed: tuple[str, object],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path(file).write_text(WRITTEN[file])
    done = fleet_here(*commands(file))
    assert done.code == 0, done.err
    rows = installation.landing.scan("telemetry", at.date()).collect()
    assert rows.select("vehicle_id", "recorded_at", speed[0]).rows() == [(vehicle, at, speed[1])]
    assert rows.select(pl.col("latitude_deg", "longitude_deg")).rows() == [(52.1, 9.7)]


def test_the_refusal_that_the_page_shows_is_the_one_that_is_said(
    fleet_here: FleetHere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("export.csv").write_text("time,vehicle,lat,lon,speed\n2026-03-02T12:00:00Z,van-1,52.1,9.7,48\n")
    said = " ".join(fleet_here("import", "export.csv", "--source", "telemetry").err.split())
    shown = re.search(r"^fleet: (export\.csv: .*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert shown is not None
    for part in " ".join(shown[1].split()).split(" ... "):
        assert part.strip() in said
