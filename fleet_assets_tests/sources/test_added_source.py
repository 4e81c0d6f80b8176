"""A source that another package declares is one like those that come along: by one entry point, in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.fixtures.drives import at, drive

pytestmark = [pytest.mark.usefixtures("read_project"), pytest.mark.slow]

MORNING = """\
P;2026-03-02T08:00:00Z;van-1;52.50;13.40;30
P;2026-03-02T08:00:10Z;van-1;52.51;13.41;32
L;2026-03-02T08:00:10Z;van-1;61
L;2026-03-02T08:00:20Z;van-1;60
P;2026-02-27T08:00:00Z;van-1;52.52;13.42;33
L;2026-03-02T08:00:30Z;;59
"""

TICK = """
import json
import dagster as dg
from fleet_assets.commands.build import prepare_dagster_home
from fleet_assets.definitions import defs
from fleet_assets.installation import Installation
from fleet_assets.resources import InstallationResource
prepare_dagster_home(Installation.from_environment())
with dg.DagsterInstance.get() as instance:
    context = dg.build_sensor_context(instance, definitions=defs(), resources={"installation": InstallationResource()})
    result = defs().get_repository_def().get_sensor_def("landing_sensor").evaluate_tick(context)
    asked = [sorted(key.path[-1] for key in one.asset_selection) for one in result.run_requests]
    print(json.dumps(asked))
"""

SILENT = """
import json, sys
from datetime import datetime
from fleet_assets.pipeline.freshness import stale_sentences
from fleet_assets.installation import Installation
print(json.dumps(stale_sentences(Installation.from_environment(), datetime.fromisoformat(sys.argv[1]))))
"""

LOAD = """
from fleet_assets.installation import Installation
for loaded in Installation.from_environment().loader.load():
    if loaded.loaded:
        print(loaded.table, loaded.loaded, loaded.rows)
"""


@dataclass(frozen=True)
class Processes:
    """Runs programs in an environment that has the package installed, on the installation of the test."""

    package: Path
    installation: Installation

    def python(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(self.package), str(REPOSITORY)])
        home = {"FLEET_HOME": str(self.installation.settings.root), "FLEET_START_DATE": "2026-03-01"}
        home |= {"COLUMNS": "160", "PYTHONPATH": paths}
        return subprocess.run(
            [sys.executable, *map(str, arguments)], env=os.environ | home | environment,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def run(self, code: str, *arguments: object, **environment: str) -> str:
        done = self.python("-c", code, *arguments, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fleet(self, *arguments: object, **environment: str) -> str:
        done = self.python("-m", "fleet_assets", *arguments, **environment)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def query(self, sql: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.fleet("query", sql, "--format", "json"))
        return found


def installed_package(folder: Path, line: str) -> Path:
    """What `pip install` leaves of a package that declares one source."""
    information = folder / "depot-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: depot\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[fleet_assets.sources]\n{line}\n")
    return folder


@pytest.fixture
def processes(tmp_path: Path, installation: Installation) -> Processes:
    line = "depot = fleet_assets_tests.fixtures.depot_source:DEPOT"
    return Processes(installed_package(tmp_path / "site", line), installation)


@pytest.fixture
def imported(processes: Processes, tmp_path: Path) -> Processes:
    (tmp_path / "morning.depot").write_text(MORNING)
    said = processes.fleet("import", tmp_path / "morning.depot", "--source", "depot")
    assert "4 new rows landed" in said
    assert "2 rows are set aside" in said
    return processes


def help_of_import(processes: Processes) -> str:
    """Without the frames around it."""
    return " ".join(processes.fleet("import", "--help").replace("│", "").split())


def landed(installation: Installation) -> dict[str, list[str]]:
    root = installation.landing.root
    return {folder.name: sorted(day.name for day in folder.glob("date=*")) for folder in sorted(root.glob("depot*"))}


def test_its_files_are_imported_into_both_raw_tables_once(imported: Processes, tmp_path: Path) -> None:
    days = ["date=2026-03-02"]
    assert landed(imported.installation) == {"depot_levels": days, "depot_positions": days}
    assert "or depot (files of a depot)" in help_of_import(imported)
    again = imported.fleet("import", tmp_path / "morning.depot", "--source", "depot")
    assert "0 new rows landed" in again
    assert "4 had been imported before" in again


def test_the_landing_sensor_asks_for_both_and_all_that_is_made_of_them(imported: Processes) -> None:
    imported.fleet("build", "--select", "group:reference")
    (asked,) = [names for names in json.loads(imported.run(TICK)) if "telemetry" in names]
    assert {"depot_levels", "depot_positions", "telemetry", "ingest_daily", "ingest_hourly", "trips"} <= {*asked}
    assert not {"raw_can", "raw_telemetry"} & {*asked}


def test_its_rows_reach_telemetry_a_table_of_its_own_and_the_ingest_tables(imported: Processes) -> None:
    imported.fleet("build")
    rows = imported.query(
        "select strftime(recorded_at, '%S') as s, source, latitude_deg, gps_speed_kmh, fuel_level_pct from telemetry "
        "order by recorded_at"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("00", "depot", 52.50, 30.0, None), ("10", "depot", 52.51, 32.0, 61.0), ("20", "depot", None, None, 60.0),
    ]  # fmt: skip
    assert imported.query("select vehicle_id, source from depot_alarms") == [{"vehicle_id": "van-1", "source": "depot"}]
    counts = imported.query("select source, received_count from ingest_daily order by source")
    assert [tuple(row.values()) for row in counts] == [("depot_levels", 2), ("depot_positions", 2)]
    aside = imported.query("select source, reason, row_count from ingest_quarantined order by source")
    assert [tuple(row.values()) for row in aside] == [
        ("depot_levels", "depot-no-vehicle", 1), ("depot_positions", "before-start-date", 1),
    ]  # fmt: skip
    status = json.loads(imported.fleet("status", "--json"))
    assert {row["source"]: row["file_count"] for row in status["landing"] if row["file_count"]} == {
        "depot_levels": 1, "depot_positions": 1,
    }  # fmt: skip
    assert status["stale"] == {}


def test_a_silence_is_told_of_each_raw_table_by_its_own_cadence(imported: Processes) -> None:
    imported.fleet("build", "--select", "group:raw,telemetry,group:ingest")
    in_ten_hours = json.loads(imported.run(SILENT, "2026-03-02T18:00:00+00:00"))
    in_a_week = json.loads(imported.run(SILENT, "2026-03-09T18:00:00+00:00"))
    assert {*in_ten_hours} == {"depot_levels"}
    assert "from source depot_levels since 2026-03-02 08:00 UTC, 10 h ago" in in_ten_hours["depot_levels"]
    assert {*in_a_week} == {"depot_levels", "depot_positions", "telemetry"}


def test_landed_files_go_when_its_declaration_says(imported: Processes) -> None:
    imported.fleet("build", "--select", "group:raw")
    assert "1 file removed" in imported.fleet("landing", "prune")
    names = {
        path.parent.parent.name: path.name for path in imported.installation.landing.root.glob("depot*/*/*.parquet")
    }
    assert names["depot_levels"].startswith("sealed-")
    assert names["depot_positions"].startswith("import-")
    assert "1 file removed" in imported.fleet("landing", "prune", "--older-than", "0h")


def test_what_was_set_aside_comes_in_by_the_doors_of_all_and_by_its_own(imported: Processes, tmp_path: Path) -> None:
    early = {"FLEET_START_DATE": "2026-02-01"}
    assert "1 row landed" in imported.fleet("quarantine", "retry", "--reason", "before-start-date", **early)
    kept = imported.fleet("quarantine", "retry", "--source", "depot")
    assert "1 row still set aside (say whose they are with --vehicle-id)" in kept
    assert "1 row landed" in imported.fleet("quarantine", "retry", "--source", "depot", "--vehicle-id", "van-2")
    assert "Nothing is set aside" in imported.fleet("quarantine", "list")
    (tmp_path / "torn.depot").write_text("P;2026-03-0")
    refused = imported.python("-m", "fleet_assets", "import", tmp_path / "torn.depot", "--source", "depot")
    assert refused.returncode == 1
    assert "it is no file of a depot" in refused.stderr
    assert "it is no file of a depot" in imported.fleet("quarantine", "retry", "--source", "depot")
    imported.fleet("build", "--select", "group:raw", **early)
    assert [row["vehicle_id"] for row in imported.query("select vehicle_id from depot_levels order by 1")] == [
        "van-1", "van-1", "van-2",
    ]  # fmt: skip


def test_its_tables_are_made_and_loaded_on_a_server_and_widened(
    imported: Processes, postgres_urls: Callable[[], str]
) -> None:
    url = postgres_urls()
    imported.fleet("build", "--select", "group:raw,group:telemetry", FLEET_WAREHOUSE_URL=url)
    loaded = imported.run(LOAD, FLEET_WAREHOUSE_URL=url)
    assert {"depot_levels 1 2", "depot_positions 1 2", "telemetry 1 3", "depot_alarms 1 1"} <= {*loaded.splitlines()}
    with psycopg.connect(url) as connection:
        assert connection.execute("select sum(level_pct) from fleet.depot_levels").fetchone() == (121.0,)
        connection.execute("alter table fleet.depot_positions drop column speed_kmh")
        connection.execute("update fleet_meta.loaded set content = 'older' where table_name = 'depot_positions'")
    assert "depot_positions 1 2" in imported.run(LOAD, FLEET_WAREHOUSE_URL=url)
    with psycopg.connect(url) as connection:
        assert connection.execute("select sum(speed_kmh) from fleet.depot_positions").fetchone() == (62.0,)


def test_installing_it_leaves_every_stored_day_current(processes: Processes) -> None:
    processes.installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    without = Processes(REPOSITORY, processes.installation)
    without.fleet("build", "--select", "group:reference,group:raw,telemetry,group:events,group:insights,group:ingest")
    assert "depot" not in help_of_import(without)
    assert json.loads(processes.fleet("status", "--json"))["stale"] == {}


def test_a_package_that_cannot_be_loaded_is_named(tmp_path: Path, installation: Installation) -> None:
    package = installed_package(tmp_path / "site", "depot = fleet_assets_tests.fixtures.nothing:DEPOT")
    done = Processes(package, installation).python("-m", "fleet_assets", "import", "x.depot", "--source", "depot")
    assert done.returncode == 2
    assert "entry point depot of fleet_assets.sources" in done.stderr
    assert "cannot be loaded" in done.stderr
