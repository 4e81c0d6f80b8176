"""Frames that landed and did not become telemetry: build and status say which, why, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.contracts import RAW_CAN
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.fleet_here import FleetHere

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
NO_MARTS = "+telemetry"


def log(path: Path, vehicle: str, *frames: tuple[int, str]) -> Path:
    """A log of frames a second apart: identifier (29 bits above 0x7FF) and payload in hexadecimal digits."""
    rows = [
        (START + timedelta(seconds=k), vehicle, "can0", ident, ident > 0x7FF, len(data) // 2, bytes.fromhex(data))
        for k, (ident, data) in enumerate(frames)
    ]
    names = ["recorded_at", "vehicle_id", "bus", "arbitration_id", "is_extended", "dlc", "data"]
    pl.DataFrame(rows, schema={name: RAW_CAN.schema[name] for name in names}, orient="row").write_parquet(path)
    return path


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Three vehicles: OBD-II on 29 bits, lorry messages, and one whose identifiers nobody knows."""
    (tmp_path / "own.dbc").write_text('VERSION ""\nBU_: E\nBO_ 256 Own: 8 E\n SG_ S : 0|8@1+ (1,0) [0|255] "" E\n')
    return [
        log(tmp_path / "car.parquet", "car", *[(0x18DAF110, "03410d09aaaaaaaa"), (0x18DB33F1, "02010d5555555555")] * 3),
        log(tmp_path / "lorry.parquet", "lorry", (0x18FEF100, "ff0040ffffffffff")),
        log(tmp_path / "own.parquet", "own", *[(0x100, "01" * 8)] * 4, (0x101, "00")),
    ]


def test_vehicles_of_which_nothing_reaches_telemetry_are_named_with_what_to_do(
    fleet: FleetCommand, fleet_here: FleetHere, logs: list[Path]
) -> None:
    assert fleet_here("import", *logs, "--source", "can").code == 0
    assert fleet_here("reference", "bind", "own", "can0", logs[0].parent / "own.dbc").code == 0
    built = fleet("build", "--select", NO_MARTS)
    wanted = [
        "vehicle car: none of its 6 frames reaches telemetry; bus can0 has no DBC file; most frequent of 2 "
        "identifiers: 18DAF110 (3), 18DB33F1 (3); by identifiers, obd2 knows 1 identifier (3 frames): "
        "`fleet reference bind car can0 obd2`, then `fleet build`",
        "vehicle lorry: its only frame does not reach telemetry; bus can0 has no DBC file; most frequent of "
        "1 identifier: 18FEF100 (1); by identifiers, j1939 knows 1 identifier (1 frame): "
        "`fleet reference bind lorry can0 j1939`, then `fleet build`",
        "vehicle own: none of its 5 frames reaches telemetry; the DBC files of bus can0 do not know them; most "
        "frequent of 1 identifier: 101 (1); no DBC file here knows one of them: "
        "`fleet reference bind own can0 FILE.dbc`; "
        "what was decoded (Own) is in no signal map or has no value: see docs/signal_maps.md",
    ]
    assert built.returncode == 0
    for sentence in wanted:
        assert sentence in built.stdout
    status = fleet_here("status").out
    assert "Nothing needs a hand" not in status
    for sentence in wanted:
        assert sentence in status
    mend(fleet, fleet_here)
    assert "none of its" not in fleet_here("status").out.replace("vehicle own: none of its", "")


def mend(fleet: FleetCommand, fleet_here: FleetHere) -> None:
    """Do what the sentences say."""
    for vehicle, dbc in (("car", "obd2"), ("lorry", "j1939")):
        assert fleet_here("reference", "bind", vehicle, "can0", dbc).code == 0
    again = fleet("build", "--select", NO_MARTS)
    assert again.returncode == 0
    assert "not decoded of 12 frames: 4 with an identifier that the DBC files of its bus do not know" in again.stdout


def test_what_is_lost_of_decoded_frames_is_counted_at_the_end(
    fleet: FleetCommand, fleet_here: FleetHere, tmp_path: Path
) -> None:
    frames = [(0x7E8, "03410d09"), (0x7E8, "06410d090cff"), (0x7E8, "05410d09f701"), (0x7E8, "100a410501010101")]
    file = log(tmp_path / "car.parquet", "car", *frames)
    assert fleet_here("import", file, "--source", "can", "--vehicle-id", "car", "--dbc", "obd2").code == 0
    built = fleet("build", "--select", NO_MARTS)
    assert (
        "values are missing where they were cut: incomplete messages of several frames: 1; payloads that end within a "
        "signal: 1; OBD-II answers that go on behind a parameter nobody knows: 1"
    ) in built.stdout
    assert "vehicle car" not in built.stdout


def test_what_a_selection_left_stale_beneath_it_is_named_with_what_to_select(
    fleet: FleetCommand, fleet_here: FleetHere, tmp_path: Path
) -> None:
    file = log(tmp_path / "car.parquet", "car", (0x7E8, "03410d09"), (0x7E8, "100a410501010101"))
    assert fleet_here("import", file, "--source", "can", "--vehicle-id", "car", "--dbc", "obd2").code == 0
    alone = fleet("build", "--select", "can_signals")
    assert "made of what is stored: " in alone.stdout
    assert "raw_can (1 day) are stale and not selected; `fleet build --select +can_signals` makes them" in alone.stdout
    whole = fleet("build", "--select", "+can_signals")
    assert "made of what is stored" not in whole.stdout
    assert "values are missing where they were cut: incomplete messages of several frames: 1" in whole.stdout
