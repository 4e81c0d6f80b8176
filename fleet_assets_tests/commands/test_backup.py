"""A backup put into an empty place is the installation as it was: same bytes, nothing to build, same answers."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters import held_vehicles, lake_patterns
from fleet_assets.adapters.backup import Manifest, backups
from fleet_assets.adapters.lake import Lake, PartitionRecord
from fleet_assets.adapters.quarantine import Quarantine, Reason
from fleet_assets.commands import ingest_now
from fleet_assets.commands.backup import create, verify
from fleet_assets.commands.build import build_now
from fleet_assets.commands.restore import restore
from fleet_assets.contracts import STANDING_PERIODS, TABLES
from fleet_assets.contracts.errors import DataError, SettingError, UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline import planned
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets.settings import load_settings
from fleet_assets_tests.adapters.query_cache.installation import periods
from fleet_assets_tests.fixtures.drives import at, drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere

REMEMBERED = {held_vehicles.MEMORY, lake_patterns.MEMORY, planned.MEMORY, ingest_now.MEMORY}
KEPT = ("landing", "lake", "reference", "quarantine")
ANSWER = "select vehicle_id, local_date, trip_count, distance_km from vehicle_daily order by all"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def small(installation: Installation) -> Installation:
    """An installation that was never built: one partition, one reference file, one landed file, one quarantined row."""
    installation.lake.write(STANDING_PERIODS, at("2026-03-01 00:00").date(), periods(1, 3), "test")
    installation.settings.reference.mkdir()
    (installation.settings.reference / "vehicles.csv").write_text("vehicle_id\nvan-1\n")
    installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    Quarantine(installation.settings.quarantine).put(
        "can", pl.DataFrame({"a": [1]}), "drive", Reason("wrong", "It is.")
    )
    return installation


def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setenv("FLEET_HOME", str(folder))
    return Installation(load_settings())


def hashes(root: Path) -> dict[str, str]:
    """Hash and time of every file of the places that are copied byte by byte; of the lake what is not superseded, nor
    found again from it."""
    lake = Lake(str(root / "lake"))
    superseded = set((root / "lake").glob("*/_generations/*")) | set((root / "lake").glob("*/_files/**/*"))
    superseded -= {file for table in TABLES.values() for file in lake.generation(table).files()}
    found = [path for place in KEPT for path in sorted((root / place).glob("**/*")) if path.is_file()]
    return {
        str(path.relative_to(root)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in found
        if not path.name.startswith(".") and path.name not in REMEMBERED and path not in superseded
    }


def records(installation: Installation) -> dict[str, dict[date | None, PartitionRecord]]:
    return {name: installation.lake.records(table) for name, table in TABLES.items()}


def runs(installation: Installation) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(installation.settings.dagster_home / "history" / "runs.db")) as database:
        return database.execute("select run_id, status from runs order by 1").fetchall()


@pytest.mark.usefixtures("read_project")
def test_a_restored_place_has_the_same_bytes_nothing_to_build_and_the_same_answers(
    installation: Installation, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.landing.append("telemetry", drive("van-1", at("2026-03-02 08:00")), "one")
    build_now(installation, BuildRequest())
    expected, rows, ran = hashes(installation.settings.root), installation.warehouse.query(ANSWER), runs(installation)
    stored = records(installation)
    backup = create(installation, store)
    installation.settings.root.rename(tmp_path / "gone")

    there = elsewhere(tmp_path / "new home", monkeypatch)
    restore(there, backup)
    assert hashes(there.settings.root) == expected
    assert records(there) == stored
    assert runs(there) == ran
    assert there.warehouse.query(ANSWER).equals(rows)
    # Views inside the file read the new lake too.
    assert there.warehouse.query("select count(*) from fleet.staging.stg_trips").item() == 1
    report = build_now(there, BuildRequest())
    assert report.tables == []
    assert rows.rows() == [("van-1", at("2026-03-02 08:00").date(), 1, pytest.approx(12.0, abs=0.05))]


def test_the_next_backup_takes_room_for_what_is_new_only_and_both_are_whole(small: Installation, store: Path) -> None:
    first = create(small, store)
    small.landing.append("telemetry", drive("van-1", at("2026-03-03 08:00")), "two")
    first = first.rename(store / "20260101T000000Z")
    second = create(small, store)
    assert backups(store) == [first, second]
    landed = "landing/telemetry/date=2026-03-02/one.parquet"
    (file,) = small.lake.generation(STANDING_PERIODS).files()
    partition = f"lake/{file.relative_to(small.lake.root)}"
    for name in (landed, partition, "reference/vehicles.csv"):
        assert (first / name).samefile(second / name)
    assert not (first / "landing/telemetry/date=2026-03-03").exists()
    verify(first)
    verify(second)


def test_a_file_that_changed_or_is_gone_is_named_and_nothing_is_restored(
    small: Installation, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = create(small, store)
    path = backup / "landing/telemetry/date=2026-03-02/one.parquet"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    (backup / "reference/vehicles.csv").unlink()
    sentence = r"landing/telemetry/date=2026-03-02/one.parquet has changed; reference/vehicles.csv is missing"
    with pytest.raises(DataError, match=sentence):
        verify(backup)
    there = elsewhere(tmp_path / "new", monkeypatch)
    with pytest.raises(DataError, match=sentence):
        restore(there, backup)
    assert hashes(there.settings.root) == {}


def test_a_place_that_holds_anything_is_not_restored_into(small: Installation, store: Path) -> None:
    backup = create(small, store)
    before = hashes(small.settings.root)
    with pytest.raises(UsageError, match="is not empty: restore into an empty FLEET_HOME"):
        restore(small, backup)
    assert hashes(small.settings.root) == before


def test_a_restore_that_was_killed_is_done_again(
    small: Installation, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = create(small, store)
    there = elsewhere(tmp_path / "new", monkeypatch)
    (there.settings.root / ".landing.restoring" / "half").mkdir(parents=True)
    restore(there, backup)
    assert hashes(there.settings.root) == hashes(small.settings.root)
    assert not (there.settings.root / ".landing.restoring").exists()


def test_a_backup_that_was_not_finished_is_none(small: Installation, store: Path) -> None:
    (store / ".unfinished-20260101T000000Z" / "lake").mkdir(parents=True)
    backup = create(small, store)
    assert backups(store) == [backup] == list(store.iterdir())
    with pytest.raises(UsageError, match=r"is no finished backup: it has no manifest\.json"):
        verify(store)


def test_a_partition_without_record_is_left_out_and_said(
    small: Installation, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = small.lake.generation(STANDING_PERIODS).files()
    small.lake.withdraw(STANDING_PERIODS, at("2026-03-01 00:00").date())
    backup = create(small, store)
    name = f"lake/{path.relative_to(small.lake.root)}"
    assert list(Manifest.of(backup).left_out) == [name]
    assert not (backup / name).exists()
    assert f"left out {name}: it has no record" in capsys.readouterr().out
    assert Lake(str(backup / "lake")).records(STANDING_PERIODS) == {}


def test_the_command_refuses_in_one_sentence(small: Installation, store: Path, fleet_here: FleetHere) -> None:
    inside = small.settings.root / "backups"
    ended = fleet_here("backup", "create", inside)
    assert (ended.code, inside.exists()) == (2, False)
    assert "lies in the installation that it would keep safe" in ended.err
    assert fleet_here("backup", "create", store).code == 0
    assert fleet_here("backup", "verify", *backups(store)).code == 0
    assert fleet_here("backup", "restore", *backups(store)).code == 2


def test_a_backup_of_one_kind_of_warehouse_is_not_restored_into_another(
    small: Installation, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small.warehouse.building():
        small.warehouse.publish()
    backup = create(small, store)
    monkeypatch.setenv("FLEET_WAREHOUSE_URL", "postgresql://nobody@nowhere/fleet")
    with pytest.raises(SettingError, match="the backup holds a DuckDB warehouse"):
        restore(elsewhere(tmp_path / "new", monkeypatch), backup)


@pytest.mark.parametrize(
    "name",
    ["lake/../../outside", "/etc/outside", "lake//x", "lake/./x", "../outside", "lake\\..\\x", "C:x", "lake/a\0b"],
)
def test_a_manifest_that_names_a_file_outside_is_refused_before_anything_is_read(
    small: Installation, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    backup = create(small, store)
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["files"][name] = next(iter(manifest["files"].values()))
    (backup / "manifest.json").write_text(json.dumps(manifest))
    there = elsewhere(tmp_path / "new", monkeypatch)
    with pytest.raises(DataError, match="which leaves the folder: it was not written by fleet"):
        restore(there, backup)
    assert not there.settings.root.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {"a": {}}}', "\0"])
def test_a_manifest_that_is_none_is_a_sentence(small: Installation, store: Path, text: str) -> None:
    backup = create(small, store)
    (backup / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="is damaged: it is no manifest of a backup"):
        verify(backup)


def test_a_backup_whose_file_is_a_link_to_elsewhere_is_refused(
    small: Installation, store: Path, tmp_path: Path
) -> None:
    backup = create(small, store)
    path = backup / "reference/vehicles.csv"
    path.rename(tmp_path / "elsewhere.csv")
    path.symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(DataError, match=r"reference/vehicles.csv is a link to elsewhere"):
        verify(backup)


def test_files_keep_their_modes_and_secrets_stay_closed(
    small: Installation, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets, shared = small.settings.root / ".env", small.settings.reference / "vehicles.csv"
    secrets.write_text("FLEET_REDIS_URL=redis://:secret@host/0\n")
    secrets.chmod(0o600)
    shared.chmod(0o640)
    backup = create(small, store)
    there = elsewhere(tmp_path / "new", monkeypatch)
    restore(there, backup)
    assert (there.settings.root / ".env").stat().st_mode & 0o777 == 0o600
    assert (there.settings.reference / "vehicles.csv").stat().st_mode & 0o777 == 0o640
    # An earlier version noted no modes.
    manifest = json.loads((backup / "manifest.json").read_text())
    for entry in manifest["files"].values():
        del entry["mode"]
    (backup / "manifest.json").write_text(json.dumps(manifest))
    again = elsewhere(tmp_path / "again", monkeypatch)
    restore(again, backup)
    assert (again.settings.root / ".env").stat().st_mode & 0o777 == 0o600
