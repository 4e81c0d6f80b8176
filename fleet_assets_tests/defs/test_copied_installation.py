"""An installation that was copied or is older than this version is current: nothing of it is built anew."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from shutil import rmtree

import polars as pl
import pytest

from fleet_assets.adapters.quarantine import Reason
from fleet_assets.commands.build import build_now
from fleet_assets.contracts import RAW_CAN, RAW_TELEMETRY, TABLES, Table
from fleet_assets.installation import Installation
from fleet_assets.pipeline.former_versions import former_fingerprint
from fleet_assets.pipeline.plan import BuildRequest, plan_build
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.settings import load_settings
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.can_frames import START, frame_log
from fleet_assets_tests.fixtures.installation import small_day

DAY = date(2026, 3, 2)
QUESTION = "select count(*), sum(distance_km) from trip_daily_stats"


@pytest.fixture
def landed(installation: Installation) -> Installation:
    installation.landing.append("telemetry", small_day(DAY), "one")
    installation.landing.append("telemetry", small_day(DAY, hour=10), "two")
    installation.quarantine.put("telemetry", small_day(DAY).head(3), "drive", Reason("odd", "Nobody knows."))
    return installation


@pytest.fixture
def raw(landed: Installation) -> Installation:
    """The raw partition alone, judged."""
    store_judged(landed, RAW_TELEMETRY, DAY)
    return landed


def store_judged(installation: Installation, table: Table, day: date) -> None:
    list(store_days(installation, DAY_TABLES[table.name], [day], only_stale=True))
    rmtree(installation.lake.folder(table) / "_unjudged", ignore_errors=True)


def stale(installation: Installation, table: Table = RAW_TELEMETRY) -> list[date]:
    return plan_build(installation, BuildRequest(), {table.name}).days.get(table.name, [])


def as_earlier_versions_stored(installation: Installation) -> None:
    """Put a lake into the layout that had no generations: one file a day under its known name, its record beside it."""
    for table in TABLES.values():
        for day, record in installation.lake.records(table).items():
            facts = asdict(record)
            if maker := DAY_TABLES.get(table.name):
                assert day is not None
                facts["inputs"] = former_fingerprint(maker, installation, day) or record.inputs
            installation.lake.path(table, day).with_suffix(".json").write_text(json.dumps(facts))
    for table in TABLES.values():
        for name in ("_files", "_generations"):
            rmtree(installation.lake.folder(table) / name, ignore_errors=True)


@pytest.mark.usefixtures("read_project")
def test_nothing_of_a_copy_without_times_or_of_the_old_layout_is_built_anew(
    landed: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_now(landed, BuildRequest())
    rows = landed.warehouse.query(QUESTION)
    subprocess.run(["cp", "-r", str(landed.settings.root), str(tmp_path / "copy")], check=True)
    monkeypatch.setenv("FLEET_HOME", str(tmp_path / "copy"))
    copy = Installation(load_settings())
    assert build_now(copy, BuildRequest()).tables == []
    as_earlier_versions_stored(copy)
    old = Installation(load_settings())
    assert build_now(old, BuildRequest()).tables == []
    assert {old.lake.generation(table).number for table in TABLES.values()} == {0, 1}
    assert old.warehouse.query(QUESTION).equals(rows)


@pytest.mark.usefixtures("read_project")
def test_published_views_read_the_lake_of_an_installation_that_was_moved(
    landed: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fleet: FleetCommand
) -> None:
    build_now(landed, BuildRequest())
    rows = landed.warehouse.query("select * from active_vehicle_map")
    landed.settings.root.rename(tmp_path / "moved")
    monkeypatch.setenv("FLEET_HOME", str(tmp_path / "moved"))
    moved = Installation(load_settings())
    assert "this installation was moved" in fleet("build", FLEET_HOME=str(tmp_path / "moved")).stdout
    assert moved.warehouse.query("select * from active_vehicle_map").equals(rows)
    assert "moved" not in fleet("build", FLEET_HOME=str(tmp_path / "moved")).stdout


def test_a_landed_file_that_came_or_changed_makes_its_day_stale(raw: Installation) -> None:
    assert stale(raw) == []
    first = raw.landing.files("telemetry", DAY)[0].path
    kept = first.read_bytes()
    first.write_bytes(kept + b"more")
    assert stale(raw) == [DAY]
    first.write_bytes(kept)
    assert stale(raw) == []
    raw.landing.append("telemetry", small_day(DAY, hour=12), "three")
    assert stale(raw) == [DAY]


def test_a_record_of_an_earlier_version_that_named_times_is_current(landed: Installation) -> None:
    frames = frame_log(3).with_columns(received_at="recorded_at", entry_id=pl.lit("a-1"))
    landed.landing.append("can", RAW_CAN.conform(frames.lazy()).collect(), "one")
    maker, day = DAY_TABLES[RAW_CAN.name], START.date()
    store_judged(landed, RAW_CAN, day)
    assert stale(landed, RAW_CAN) == []
    record, then = landed.lake.record(RAW_CAN, day), former_fingerprint(maker, landed, day)
    assert record is not None
    assert then not in (None, record.inputs)
    landed.lake.restate(RAW_CAN, day, replace(record, inputs=str(then)))
    assert stale(landed, RAW_CAN) == []
    landed.lake.restate(RAW_CAN, day, replace(record, inputs="another"))
    assert stale(landed, RAW_CAN) == [day]
