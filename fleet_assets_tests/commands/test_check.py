"""`fleet check` says whether what is stored is what was stored, and leaves the mending to a build."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from fleet_assets.commands.build import build_now
from fleet_assets.contracts import RAW_TELEMETRY
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.fixtures.drives import drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere

YESTERDAY = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=1)
RAW = "group:raw"


@pytest.fixture
def built(installation: Installation) -> Installation:
    installation.landing.append("telemetry", drive("van-1", YESTERDAY, minutes=2), "one")
    build_now(installation, BuildRequest(select=RAW))
    return installation


def test_a_sound_installation_is_said_to_be_sound(built: Installation, fleet_here: FleetHere) -> None:
    assert fleet_here("check").out.endswith("the published warehouse can be read. No damage.\n")
    deep = fleet_here("check", "--deep")
    assert (deep.code, "compared with their hashes" in deep.out) == (0, True)
    assert built.lake.record(RAW_TELEMETRY, YESTERDAY.date()) is not None


def test_damage_is_named_by_check_and_status_and_mended_by_a_build(built: Installation, fleet_here: FleetHere) -> None:
    path = built.lake.path(RAW_TELEMETRY, YESTERDAY.date())
    sound, before = path.read_bytes(), path.stat()
    path.write_bytes(sound[:-1] + b"?")
    os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
    found = fleet_here("check", "--deep")
    named = f"raw_telemetry of {YESTERDAY.date()}: its bytes are not those that were stored"
    assert (found.code, found.out.strip()) == (1, named)
    assert "1 place damaged and stale now: `fleet build` makes anew what is there" in found.err
    build_now(built, BuildRequest(select=RAW))
    assert path.read_bytes() == sound
    path.write_bytes(sound[:-1])
    told = json.loads(fleet_here("status", "--json").out)
    assert told["damage"] == [
        f"raw_telemetry of {YESTERDAY.date()}: its file has {len(sound) - 1:,} bytes, {len(sound):,} were stored"
    ]
    assert "raw_telemetry" in told["stale"]


def test_a_damaged_published_file_is_named_and_published_anew(built: Installation, fleet_here: FleetHere) -> None:
    file = built.settings.warehouse_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"no database" * 1000)
    assert f"{file} cannot be read" in fleet_here("check").out
    page = fleet_here("status").out
    assert f"Damaged: {file} cannot be read" in page
    assert "run `fleet build`" in page
