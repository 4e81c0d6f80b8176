"""What lies in FLEET_HOME is its user's own, unless the settings open it to the group; results elsewhere are not."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.can_frames import frame_log
from fleet_assets_tests.fixtures.fleet_here import FleetHere


def open_to_others(folder: Path, bits: int) -> list[str]:
    """Everything at and below a folder that has any of the permission bits."""
    found = (path for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & bits and not path.is_symlink())
    return [str(path) for path in found]


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    path = tmp_path / "drive.parquet"
    frame_log(100, start=datetime(2026, 3, 1, 8, tzinfo=UTC)).write_parquet(path)
    return path


@pytest.mark.parametrize(("shared_with", "closed"), [("user", 0o077), ("group", 0o027)])
def test_whatever_is_written_is_closed_to_others(
    installation: Installation, fleet_here: FleetHere, drive: Path, tmp_path: Path, shared_with: str, closed: int
) -> None:
    before = os.umask(0o022)
    try:
        here = {"FLEET_SHARED_WITH": shared_with}
        for command in (("import", drive, "--source", "can"), ("build", "--select", "group:raw")):
            done = fleet_here(*command, **here)
            assert done.code == 0, done.err
        fleet_here("query", "select count(*) as n from raw_can", "--output", tmp_path / "n.csv", **here)
        assert (tmp_path / "n.csv").stat().st_mode & 0o777 == 0o644
    finally:
        assert os.umask(before) == 0o022
    assert open_to_others(installation.settings.root, closed) == []
    readable = installation.lake.root.stat().st_mode & 0o777
    assert readable == (0o700 if shared_with == "user" else 0o750)


def test_the_private_server_writes_nothing_that_others_may_read(
    installation: Installation, fleet: FleetCommand, drive: Path
) -> None:
    sent = fleet("collect", "scan", "--replay", drive)
    assert sent.returncode == 0, sent.stderr
    assert (installation.settings.root / "redis" / "server.conf").exists()
    assert open_to_others(installation.settings.root, 0o077) == []


def test_another_word_for_whom_to_share_with_is_a_wrong_setting(fleet_here: FleetHere) -> None:
    refused = fleet_here("status", FLEET_SHARED_WITH="everybody")
    assert (refused.code, "FLEET_SHARED_WITH=everybody" in refused.err) == (2, True)
