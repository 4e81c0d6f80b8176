"""The example draws what the tables hold, and runs as a script on any built."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import duckdb
import numpy as np
import polars as pl
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from fleet_assets import read
from fleet_assets.contracts import TELEMETRY, TRIPS, VEHICLES
from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.dbt.small_fleet import events, trip

SCRIPT = REPOSITORY / "examples" / "week_of_a_fleet.py"
DAY = date(2026, 3, 6)


@pytest.fixture
def built(installation: Installation) -> Installation:
    """A car in the north and a van in the south, one day of telemetry, three trips, and the mart over them."""
    hours = pl.datetime_range(
        datetime(2026, 3, 6, 8, tzinfo=UTC), datetime(2026, 3, 6, 18, tzinfo=UTC), "10s", time_unit="us", eager=True
    )
    told = pl.DataFrame({"recorded_at": hours}).with_columns(
        source=pl.lit("test"), speed_kmh=pl.lit(50.0), longitude_deg=pl.lit(9.0) + pl.int_range(pl.len()) / 1e4
    )
    rows = pl.concat([
        told.with_columns(vehicle_id=pl.lit("car"), latitude_deg=pl.lit(60.0), soc_pct=pl.lit(80.0)),
        told.with_columns(vehicle_id=pl.lit("van"), latitude_deg=pl.lit(30.0), fuel_level_pct=pl.lit(40.0)),
    ], how="diagonal")  # fmt: skip
    installation.lake.write(TELEMETRY, DAY, TELEMETRY.conform(rows.lazy()).collect(), "test")
    driven = events(
        TRIPS, trip("car", "2026-03-06 09:00", 60, 80.0), trip("car", "2026-03-06 12:00", 30, 20.0),
        trip("van", "2026-03-06 10:00", 30, 30.0),
    )  # fmt: skip
    installation.lake.write(TRIPS, DAY, driven, "test")
    roster = pl.LazyFrame({"vehicle_id": ["car", "van"], "city": ["north", "south"]})
    installation.lake.write(VEHICLES, None, VEHICLES.conform(roster).collect(), "test")
    with installation.warehouse.building() as file:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table vehicle_daily as select vehicle_id, local_date, "
                               "sum(distance_km) as distance_km from trips group by all")  # fmt: skip
        installation.warehouse.publish()
    return installation


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("week_of_a_fleet", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("built")
def test_the_pictures_show_the_tables(example: ModuleType) -> None:
    sheet: Figure = example.week(read.Fleet())
    distance, speed, levels, tracks = sheet.axes
    heights = {round(float(bar.get_height())) for container in distance.containers for bar in container}
    assert heights == {100, 30}
    assert [label.get_text() for label in distance.get_xticklabels()] == ["Fri 06"]
    assert speed.get_title() == "car on Fri 06 Mar: speed, trips shaded"
    assert len(speed.patches) == 2
    assert set(np.asarray(speed.lines[0].get_ydata())) == {50.0}
    drawn_levels = [np.asarray(line.get_ydata()) for line in levels.lines]
    assert [set(level) for level in drawn_levels if len(level)] == [{80.0}, {40.0}]
    assert tracks.get_aspect() == pytest.approx(2.0)
    (points,) = [drawn for drawn in tracks.collections if isinstance(drawn, PathCollection)]
    assert set(np.asarray(points.get_offsets())[:, 1]) == {60.0}
    assert sheet.get_suptitle() == "28 Feb to 06 Mar 2026"


def test_it_runs_as_a_script_and_writes_a_picture(built: Installation, tmp_path: Path) -> None:
    picture = tmp_path / "week.png"
    week = ["--home", str(built.settings.root), "--to", str(DAY + timedelta(days=1)), "--output", str(picture)]
    done = subprocess.run([sys.executable, str(SCRIPT), *week], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("installation")
def test_an_installation_without_trips_is_told_what_to_do(example: ModuleType) -> None:
    with pytest.raises(SystemExit, match="holds no trips: run `fleet demo --no-ui` or `fleet build`"):
        example.week(read.Fleet())
