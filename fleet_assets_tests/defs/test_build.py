"""`fleet build`: one run makes what is stale, and only that; a range equals its days one by one."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from shutil import copytree, rmtree
from subprocess import PIPE, Popen

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

from fleet_assets.commands.build import build_now
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.contracts import RAW_CAN, RAW_TELEMETRY, STOPS, TELEMETRY, TRIPS
from fleet_assets.contracts.errors import BuildFailed, UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildReport, BuildRequest
from fleet_assets.project_files import project_file
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere, fleet_here
from fleet_assets_tests.fixtures.installation import wait_until
from fleet_assets_tests.fixtures.read_project import give_read_project
from fleet_assets_tests.fixtures.warehouses import duckdb_warehouse

__all__ = ["fleet_here"]

STOPPED = "fleet: stopped; what is stored is whole, and `fleet build` goes on from there\n"
pytestmark = pytest.mark.usefixtures("read_project")
NO_MARTS = "group:reference,group:raw,telemetry,group:ingest,group:events"
MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


def build(
    installation: Installation,
    first: date | None = None,
    last: date | None = None,
    select: str = "",
    *,
    full: bool = False,
) -> BuildReport:
    return build_now(installation, BuildRequest(first, last, select, full))


def land(installation: Installation, name: str, *frames: pl.DataFrame) -> None:
    installation.landing.append("telemetry", pl.concat(frames), name)


def contents(installation: Installation) -> dict[date, str]:
    """Hashes of the stored telemetry, by day."""
    records = {day: installation.lake.record(TELEMETRY, day) for day in (MONDAY, TUESDAY, WEDNESDAY)}
    return {day: record.content for day, record in records.items() if record}


def rows(installation: Installation, *columns: str) -> list[tuple[object, ...]]:
    return installation.lake.scan(TRIPS).sort("vehicle_id", "started_at").select(columns).collect().rows()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation after a whole build: two drives of a day."""
    home = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_HOME", str(home))
        installation = Installation.from_environment()
        give_read_project(home)
        land(
            installation,
            "one",
            drive("van-1", at("2026-03-02 08:00")),
            drive("van-1", at("2026-03-02 12:00"), minutes=30),
        )
        assert build(installation).failed_checks == []
    return home


@pytest.fixture
def built(installation: Installation, whole: Path) -> Installation:
    """The installation of this test, as if it had made that build."""
    copytree(whole, installation.settings.root, dirs_exist_ok=True)
    return installation


def test_landed_rows_become_trips_stops_and_marts_and_building_again_does_nothing(built: Installation) -> None:
    assert rows(built, "vehicle_id", "started_at", "distance_km") == [
        ("van-1", at("2026-03-02 08:00"), pytest.approx(12.0, abs=0.05)),
        ("van-1", at("2026-03-02 12:00"), pytest.approx(36.0, abs=0.05)),
    ]
    stop = built.lake.scan(STOPS).select("started_at", "ended_at").collect().rows()
    assert stop == [(at("2026-03-02 08:10"), at("2026-03-02 12:00"))]
    daily = built.warehouse.query("select vehicle_id, local_date, trip_count, distance_km from trip_daily_stats")
    assert daily.rows() == [("van-1", MONDAY, 2, pytest.approx(48.0, abs=0.1))]
    again = build(built)
    assert (again.days, again.tables, again.run_ids) == ([], [], [])


def test_late_rows_rebuild_their_day_and_what_reads_it_and_nothing_else(installation: Installation) -> None:
    land(installation, "one", *(drive("van-1", at(f"2026-03-0{day} 08:00")) for day in (2, 3, 4)))
    build(installation, select=NO_MARTS)
    before = contents(installation)
    land(installation, "late", drive("van-1", at("2026-03-03 15:00")))
    report = build(installation, select=NO_MARTS)
    after = contents(installation)
    assert report.days[0] == TUESDAY
    assert [day for day in before if before[day] != after[day]] == [TUESDAY]
    assert len(rows(installation, "trip_id")) == 4


def test_a_range_equals_its_days_one_by_one(installation: Installation) -> None:
    land(installation, "one", *(drive("van-1", at(f"2026-03-0{day} 23:50"), minutes=30) for day in (2, 3)))
    build(installation, select=NO_MARTS)
    at_once = installation.lake.scan(TRIPS).collect()
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        build(installation, day, day, "raw_telemetry,telemetry,trips", full=True)
    assert installation.lake.scan(TRIPS).collect().equals(at_once)
    assert at_once.height == 2


def test_a_trip_that_ends_before_midnight_is_closed_on_the_day_after(installation: Installation) -> None:
    silent = drive("van-1", at("2026-03-02 23:40"), minutes=15).filter(pl.col("recorded_at") < at("2026-03-02 23:56"))
    land(installation, "one", silent)
    build(installation, select=NO_MARTS)
    assert rows(installation, "started_at", "ended_at") == [(at("2026-03-02 23:40"), at("2026-03-02 23:55"))]
    assert installation.lake.record(TRIPS, TUESDAY).row_count == 1  # type: ignore[union-attr]


def test_a_wrong_reference_row_is_named_and_the_tables_stay(installation: Installation) -> None:
    land(installation, "one", drive("van-1", at("2026-03-02 08:00")))
    build(installation, select=NO_MARTS)
    installation.reference.root.mkdir(parents=True, exist_ok=True)
    (installation.reference.root / "vehicles.csv").write_text("vehicle_id,powertrain\nvan-1,steam\n")
    with pytest.raises(BuildFailed, match=r"vehicles\.csv.*line 2.*steam"):
        build(installation, select=NO_MARTS)
    assert len(rows(installation, "trip_id")) == 1


def test_a_changed_driver_assignment_reaches_the_trips(installation: Installation) -> None:
    land(installation, "one", drive("van-1", at("2026-03-02 08:00")))
    build(installation, select=NO_MARTS)
    installation.reference.root.mkdir(parents=True, exist_ok=True)
    (installation.reference.root / "drivers.csv").write_text("driver_id\nd-1\n")
    (installation.reference.root / "driver_assignments.csv").write_text(
        "driver_id,vehicle_id,valid_from\nd-1,van-1,2026-01-01T00:00:00Z\n"
    )
    build(installation, select=NO_MARTS)
    assert rows(installation, "driver_id") == [("d-1",)]


def test_a_plus_before_a_name_selects_all_that_it_is_made_of_as_in_the_ui(installation: Installation) -> None:
    land(installation, "one", drive("van-1", at("2026-03-02 08:00")))
    assert set(build(installation, select="+trips").tables) >= {"raw_telemetry", "telemetry", "trips"}
    assert len(rows(installation, "trip_id")) == 1
    assert not installation.lake.days(STOPS)


def test_a_part_of_the_marts_is_not_judged_by_what_was_left_as_it_was(built: Installation) -> None:
    land(built, "two", drive("van-2", at("2026-03-03 08:00")))
    assert build(built, select="+trip_daily_stats").failed_checks == []
    count = "select count(*) as n from {}"
    counts = [built.warehouse.query(count.format(name)).item() for name in ("trip_daily_stats", "vehicle_daily")]
    assert counts == [2, 1]


def test_a_table_and_its_mart_are_made_in_this_order_where_nothing_between_them_is_selected(
    built: Installation,
) -> None:
    land(built, "two", drive("van-2", at("2026-03-03 08:00")))
    build(built, select="raw_telemetry,telemetry,trips,trip_daily_stats")
    assert built.warehouse.query("select count(*) as n from trip_daily_stats").item() == 2


def test_a_mart_alone_is_current_and_what_it_is_made_of_is_said_to_be_stale(built: Installation) -> None:
    land(built, "two", drive("van-2", at("2026-03-03 08:00")))
    report = build(built, select="vehicle_daily")
    assert report.tables == []
    assert {"raw_telemetry", "telemetry", "trips"} <= report.left_stale.days.keys()


def test_a_selection_that_names_nothing_is_refused(installation: Installation) -> None:
    with pytest.raises(UsageError, match="is not an asset selection"):
        build(installation, select="trips and (")
    with pytest.raises(UsageError, match=r"no asset is called tripz; did you mean trips\b"):
        build(installation, select="stops,+tripz")


def test_an_analysts_open_connection_does_not_hold_up_a_build(built: Installation) -> None:
    import duckdb

    count = "select sum(trip_count) from trip_daily_stats"
    with duckdb.connect(str(built.settings.warehouse_file), read_only=True) as analyst:
        assert analyst.execute(count).fetchall() == [(2,)]
        land(built, "late", drive("van-1", at("2026-03-02 15:00")))
        build(built)
        assert analyst.execute(count).fetchall() == [(2,)]
    with duckdb.connect(str(built.settings.warehouse_file), read_only=True) as analyst:
        assert analyst.execute(count).fetchall() == [(3,)]


def test_rows_whose_landed_files_are_gone_leave_every_table(installation: Installation) -> None:
    land(installation, "one", *(drive("van-1", at(f"2026-03-0{day} 08:00")) for day in (2, 4)))
    build(installation, select=NO_MARTS)
    rmtree(installation.landing.root / "telemetry" / "date=2026-03-02")
    build(installation, select="raw_telemetry")
    build(installation, select=NO_MARTS)
    assert rows(installation, "started_at") == [(at("2026-03-04 08:00"),)]
    assert installation.lake.record(TELEMETRY, MONDAY).row_count == 0  # type: ignore[union-attr]


def test_a_build_killed_among_the_marts_is_finished_by_the_next(installation: Installation) -> None:
    land(installation, "one", drive("van-1", at("2026-03-02 08:00")))
    killed = Popen(
        [sys.executable, "-m", "fleet_assets", "build"],
        env=os.environ | {"FLEET_HOME": str(installation.settings.root)},
    )
    while not (duckdb_warehouse(installation).build_file.parent / "lock").exists():
        assert killed.poll() is None
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert build(installation).failed_checks == []
    assert installation.warehouse.query("select sum(trip_count) from trip_daily_stats").item() == 1


def test_days_that_fail_are_named_and_hold_up_no_other_day(installation: Installation) -> None:
    for day in (2, 3, 4):
        land(installation, f"of-{day}", drive("van-1", at(f"2026-03-0{day} 08:00")))
    broken = [file for day in (MONDAY, TUESDAY) for file in installation.landing.files("telemetry", day)]
    for file in broken:
        file.path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(BuildFailed, match=rf"raw_telemetry: 2026-03-02: .*{broken[0].path.name}.*; 2026-03-03: "):
        build(installation, select="raw_telemetry")
    assert installation.lake.days(RAW_TELEMETRY) == [WEDNESDAY]


def test_a_build_that_is_stopped_says_so_and_the_next_goes_on(installation: Installation) -> None:
    land(installation, "one", *(drive("van-1", at(f"2026-03-0{day} 08:00")) for day in (2, 3, 4)))
    stopped = Popen(
        [sys.executable, "-m", "fleet_assets", "build", "--select", NO_MARTS],
        env=os.environ | {"FLEET_HOME": str(installation.settings.root)}, stderr=PIPE, text=True,
    )  # fmt: skip
    while not installation.lake.days(RAW_TELEMETRY):
        assert stopped.poll() is None
        time.sleep(0.002)
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=60)
    assert (stopped.returncode, said) == (130, STOPPED)
    assert build(installation, select=NO_MARTS).failed_checks == []
    assert len(rows(installation, "trip_id")) == 3


def test_a_selection_that_selects_nothing_is_refused_in_a_sentence(fleet_here: FleetHere) -> None:
    done = fleet_here("build", "--select", "nosuch")
    assert done.code == 2
    assert done.err.startswith("fleet: --select: no asset is called nosuch")
    assert done.out == ""


def test_frames_without_a_dbc_file_are_named_until_one_is_bound(
    installation: Installation, fleet: FleetCommand
) -> None:
    frame = {
        "recorded_at": at("2026-03-02 08:00"), "received_at": at("2026-03-02 08:00"), "vehicle_id": "van-1",
        "bus": "can0", "arbitration_id": 0x7E8, "is_extended": False, "is_fd": False, "is_error": False, "dlc": 8,
        "data": bytes.fromhex("03410d3200000000"), "entry_id": "a-1",
    }  # fmt: skip
    installation.landing.append("can", pl.DataFrame([frame], schema=RAW_CAN.schema), "one")
    first = fleet("build", "--select", NO_MARTS)
    assert "1 of 1 frames are of a vehicle and bus without a DBC file" in first.stdout
    assert fleet("reference", "bind", "van-1", "can0", "obd2").returncode == 0
    assert "without a DBC file" not in fleet("build", "--select", NO_MARTS).stdout
    assert installation.lake.scan(TELEMETRY).select("speed_kmh").collect().rows() == [(50.0,)]


@pytest.fixture
def workspace() -> Iterator[WorkspaceRequestContext]:
    """The code location as the UI sees it, in a process of its own."""
    with dg.DagsterInstance.get() as instance:
        target = WorkspaceFileTarget([str(project_file("workspace.yaml"))])
        with WorkspaceProcessContext(instance, target) as process:
            yield process.create_request_context()


def test_a_build_is_a_run_of_the_code_location_and_can_be_executed_again_there(
    built: Installation, request: pytest.FixtureRequest
) -> None:
    land(built, "more", drive("van-1", at("2026-03-02 18:00")))
    (run_id,) = build(built, select=NO_MARTS).run_ids
    workspace: WorkspaceRequestContext = request.getfixturevalue("workspace")
    instance = workspace.instance
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.remote_job_origin is not None
    where = run.remote_job_origin.repository_origin.get_selector()
    location = workspace.get_code_location(where.location_name)
    job = location.get_job(
        JobSubsetSelector(
            where.location_name, where.repository_name, run.job_name, op_selection=None,
            asset_selection=run.asset_selection,
        )
    )  # fmt: skip
    again = instance.create_reexecuted_run(
        request_context=workspace, parent_run=run, code_location=location, remote_job=job,
        strategy=ReexecutionStrategy.ALL_STEPS, use_parent_run_tags=True,
    )  # fmt: skip
    instance.launch_run(again.run_id, workspace)
    assert wait_until(lambda: has_ended(instance, again.run_id), seconds=120)
    done = instance.get_run_by_id(again.run_id)
    assert done is not None
    assert (done.status, done.asset_selection) == (dg.DagsterRunStatus.SUCCESS, run.asset_selection)


def has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and run.is_finished


def test_a_partition_of_trips_shows_numbers_that_people_ask_for_and_a_picture(built: Installation) -> None:
    prepare_dagster_home(built)
    with dg.DagsterInstance.get() as instance:
        asked = dg.AssetRecordsFilter(dg.AssetKey("trips"), asset_partitions=[MONDAY.isoformat()])
        record = instance.fetch_materializations(asked, limit=1).records[0]
    shown = record.asset_materialization.metadata  # type: ignore[union-attr]
    assert {name: shown[name].value for name in ("vehicles", "distance km", "longest km")} == {
        "vehicles": 1, "distance km": 48.0, "longest km": 36.0,
    }  # fmt: skip
    picture = shown["picture"].value
    assert isinstance(picture, str)
    assert picture.startswith("![trips](data:image/png;base64,iVBOR")
