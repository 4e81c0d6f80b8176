"""The example draws what trackers of four cadences would tell, and runs as a script on any built."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from fleet_assets import read
from fleet_assets.contracts import TELEMETRY, TRIPS, VEHICLES
from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.core.histories import NOON, vehicle
from fleet_assets_tests.dbt.small_fleet import events, trip

SCRIPT = REPOSITORY / "examples" / "day_at_four_cadences.py"
DAY = NOON.date()


@pytest.fixture
def built(installation: Installation) -> Installation:
    """A car that drives twice, idles in between, and is driven unseen after a silence."""
    told = vehicle("speed_kmh", "odometer_km", step_s=1.0).stand(900, engine_speed_rpm=700.0)
    told = told.drive(3000, engine_speed_rpm=1500.0).stand(1800, engine_speed_rpm=700.0).drive(3000, 90.0)
    rows = told.stand(1500).silent(7200, kmh=30).stand(900).frame()
    installation.lake.write(TELEMETRY, DAY, TELEMETRY.conform(rows.lazy()).collect(), "test")
    installation.lake.write(TRIPS, DAY, events(TRIPS, trip("a", f"{DAY} 12:15", 50, 50.0)), "test")
    roster = VEHICLES.conform(pl.LazyFrame({"vehicle_id": ["a"], "powertrain": ["ice"]}))
    installation.lake.write(VEHICLES, None, roster.collect(), "test")
    return installation


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("day_at_four_cadences", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("built")
def test_each_cadence_has_its_rows_and_its_bars(example: ModuleType) -> None:
    fleet = read.Fleet()
    assert example.busiest_day(fleet) == ("a", DAY)
    sheet: Figure = example.sheet_of(fleet, "a", DAY)
    titles = [axes.get_title(loc="left") for axes in sheet.axes]
    assert [title.split(":")[0] for title in titles] == list(example.CADENCES_S.values())
    assert all("2 trips, 3 stops, 1 unobserved" in title for title in titles)
    dense, *slow = sheet.axes
    assert [len(axes.lines) for axes in sheet.axes] == [2, 3, 3, 3]
    assert [len(np.asarray(axes.lines[1].get_xdata())) for axes in slow] == [186, 38, 20]
    assert len(dense.collections) == 6


def test_it_runs_as_a_script_and_writes_a_picture(built: Installation, tmp_path: Path) -> None:
    picture = tmp_path / "day.png"
    chosen = ["--home", str(built.settings.root), "--vehicle", "a", "--day", str(DAY), "--output", str(picture)]
    done = subprocess.run([sys.executable, str(SCRIPT), *chosen], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("installation")
def test_an_installation_without_trips_is_told_what_to_do(example: ModuleType) -> None:
    with pytest.raises(SystemExit, match="holds no trips: run `fleet demo --no-ui` or `fleet build`"):
        example.busiest_day(read.Fleet())


def test_a_day_without_its_vehicle_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--day", str(date(2026, 3, 6))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "--vehicle and --day go together" in done.stderr) == (2, True)
