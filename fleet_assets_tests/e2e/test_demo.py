"""`fleet demo` in small: from nothing to a summary that agrees with the simulator, and a second call finds it done."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import RAW_CAN, TRIPS
from fleet_assets.installation import Installation
from fleet_assets.settings import load_settings
from fleet_assets_tests.dbt.test_ten_questions import QUESTIONS

OF_NOW = {"fleet_today", "currently_idle", "vehicles_not_moved_today", "active_vehicle_map"}
"""Views that read the clock; dbt/test_portability.py compares them at one instant."""

MARTS = {"trip_daily_stats", "vehicle_daily", "monthly_summary", "telemetry_daily", "ingest_health", "fleet_km_daily"}

SMALL = ("--vehicles", "3", "--days", "2", "--seed", "7")


def fleet(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fleet_assets", *arguments],
        env=os.environ | {"FLEET_HOME": str(home), "COLUMNS": "160"} | environment,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def first(home: Path) -> subprocess.CompletedProcess[str]:
    return fleet(home, "demo", *SMALL, "--no-ui")


@pytest.fixture(scope="module")
def demo(home: Path, first: subprocess.CompletedProcess[str]) -> Installation:
    assert first.returncode == 0, first.stderr
    return Installation(load_settings(home=home / "demo"))


def test_it_prints_what_it_found_beside_what_is_true(first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0, first.stderr
    assert "What was found in the frames" in first.stdout
    found, true = re.search(r"([\d,]+) of ([\d,]+) true trips", first.stdout).groups()  # type: ignore[union-attr]
    # The simulated logger falls silent for up to 80 s at times; an end within is found later than 30 s.
    assert int(found) >= int(true) - 1


def test_distances_agree_with_the_simulator(demo: Installation, home: Path) -> None:
    truth = pl.read_parquet(home / "demo" / "simulated" / "truth" / "trips.parquet")
    true = dict(truth.group_by("vehicle_id").agg(pl.col("distance_km").sum()).rows())
    found = dict(demo.lake.scan(TRIPS).group_by("vehicle_id").agg(pl.col("distance_km").sum()).collect().rows())
    assert {name: found[name] == pytest.approx(true[name], rel=0.02) for name in true} == dict.fromkeys(true, True)


def test_every_frame_of_the_simulator_landed_once(demo: Installation, home: Path) -> None:
    sent = pl.scan_parquet(home / "demo" / "simulated" / "frames" / "*.parquet").select(pl.len()).collect().item()
    rows = demo.lake.scan(RAW_CAN).select(rows=pl.len(), ids=pl.col("entry_id").n_unique()).collect().row(0)
    assert rows == (sent, sent)


def test_a_second_call_does_nothing_and_says_so(
    demo: Installation, home: Path, first: subprocess.CompletedProcess[str]
) -> None:
    trips = demo.lake.scan(TRIPS).collect()
    second = fleet(home, "demo", *SMALL, "--no-ui")
    assert second.returncode == 0, second.stderr
    assert "simulated already" in second.stdout
    assert "everything is up to date" in second.stdout
    assert demo.lake.scan(TRIPS).collect().equals(trips)
    table = first.stdout[first.stdout.index("What was found") : first.stdout.index("true trips")]
    assert table in second.stdout


def test_another_fleet_is_refused_with_the_way_out(demo: Installation, home: Path) -> None:
    other = fleet(home, "demo", "--vehicles", "4", "--days", "2", "--no-ui")
    assert other.returncode == 2
    assert "holds another fleet (3 vehicles, 2 days, seed 7)" in other.stderr
    assert "--fresh" in other.stderr
    assert demo.warehouse.is_published


def test_analysts_query_marts_and_tables_by_bare_name(demo: Installation) -> None:
    asked = (
        "select count(*) as n from trips t join vehicle_daily d using (vehicle_id) where d.local_date = t.local_date"
    )
    done = fleet(demo.settings.root, "query", asked, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 0


def test_the_ten_questions_are_answered(demo: Installation) -> None:
    rows = {question: demo.warehouse.query(sql).height for question, sql, _ in QUESTIONS}
    # Two days of three vehicles may pass without a theft, and without a charge that has ended.
    seldom = ("stolen", "charg")
    assert [one for one, height in rows.items() if not height and not any(word in one for word in seldom)] == []


def test_a_server_tells_the_demos_of_two_folders_apart(demo: Installation) -> None:
    assert demo.lake.identity().endswith(f":{demo.settings.root.resolve()}")


def marts_of_seldom_things(demo: Installation, home: Path) -> set[str]:
    """The marts of what need not happen in so short a demo: charges, where no simulated one is over (it may end with
    its cars on the charger), and thefts, where no event is one."""
    charges = pl.read_parquet(home / "demo" / "simulated" / "truth" / "charges.parquet")
    found = set() if charges.filter(~pl.col("is_truncated")).height else {"charging_daily", "charging_hourly_stats"}
    thefts = demo.warehouse.query("select * from fuel_events where kind = 'theft'")
    return found if thefts.height else found | {"theft_alarms"}


def test_postgresql_has_the_same_rows_in_every_mart(demo: Installation, home: Path, postgres_url: str) -> None:
    from fleet_assets.pipeline.mart_models import mart_project

    done = fleet(demo.settings.root, "build", FLEET_WAREHOUSE_URL=postgres_url)
    assert (done.returncode, done.stderr) == (0, "")
    again = fleet(demo.settings.root, "build", FLEET_WAREHOUSE_URL=postgres_url)
    assert again.stdout.strip() == "Everything is up to date."
    server = Installation(load_settings(home=demo.settings.root, warehouse_url=postgres_url)).warehouse
    compared = {}
    models = mart_project(demo).upstream
    for name in sorted(model for model in models if not model.startswith(("stg_", "int_")) and model not in OF_NOW):
        expected = demo.warehouse.query(f"select * from {name} order by all")
        found = server.query(f"select * from {name}")
        assert_frame_equal(found.sort(found.columns), expected.sort(expected.columns), check_exact=True)
        compared[name] = expected.height
    assert {name for name, rows in compared.items() if not rows} == marts_of_seldom_things(demo, home)
    assert {*MARTS, "trips_for_map", "vehicle_track"} <= compared.keys()


def test_the_ui_of_the_demo_answers(demo: Installation, home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fleet_assets", "demo", *SMALL, "--port", str(port)]
    shown = subprocess.Popen(command, env=os.environ | {"FLEET_HOME": str(home)}, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        line = ""
        while f"http://127.0.0.1:{port}/" not in line and time.monotonic() < deadline:
            line = shown.stdout.readline()  # type: ignore[union-attr]
        with urlopen(f"http://127.0.0.1:{port}/server_info") as answer:
            assert answer.status == 200
    finally:
        shown.terminate()
        assert shown.wait(timeout=60) == 0
    assert demo.settings.dagster_home.exists()
