"""`fleet import`: the table, the exit code, and what --dbc binds."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_assets.contracts import DBC_BINDINGS, DBC_FILES
from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.can_frames import START, frame_log
from fleet_assets_tests.fixtures.fleet_here import FleetHere

DBC = 'VERSION ""\nBU_: ECU\nBO_ 256 A: 8 ECU\n SG_ S : 0|8@1+ (1,0) [0|255] "" ECU\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of ten frames of vehicle v1."""
    frame_log(10).write_parquet(tmp_path / "a[1].parquet")
    return tmp_path / "a[1].parquet"


def test_a_table_says_what_became_of_each_file(installation: Installation, fleet: FleetCommand, log: Path) -> None:
    done = fleet("import", log, "--source", "can")
    assert done.returncode == 0
    row = next(line for line in done.stdout.splitlines() if "a[1].parquet" in line)
    assert row.split() == ["a[1].parquet", "10", "10", "2026-03-01"]
    assert "10 new rows landed; run `fleet build` to use them" in done.stdout
    assert installation.landing.scan("can", START.date()).collect().height == 10
    again = fleet("import", log, "--source", "can")
    assert (again.returncode, "10 had been imported before" in again.stdout) == (0, True)


def test_a_refused_file_gives_exit_code_1_and_the_others_are_imported(
    installation: Installation, fleet: FleetCommand, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    done = fleet("import", tmp_path / "broken.parquet", log, "--source", "can")
    assert done.returncode == 1
    assert "1 of 2 files refused" in done.stderr
    reason = "is not a readable .parquet file"
    assert f"broken.parquet: {reason}" in done.stderr
    assert (done.stdout + done.stderr).count(reason) == 1, "a person reads the same sentence twice"
    row = next(line for line in done.stdout.splitlines() if "broken.parquet" in line)
    assert "refused" in row
    assert installation.landing.scan("can", START.date()).collect().height == 10


def test_two_loggers_in_two_commands_are_named_where_they_become_one_bus(fleet_here: FleetHere, tmp_path: Path) -> None:
    for name, identifier in (("front", "100"), ("rear", "200")):
        lines = [f"({1_773_136_800 + number}.0) can0 {identifier}#{number:02X}\n" for number in range(9)]
        (tmp_path / f"{name}.log").write_text("".join(lines))
    options = ("--source", "can", "--vehicle-id", "v1")
    assert "both brought" not in fleet_here("import", tmp_path / "front.log", *options).out
    done = fleet_here("import", tmp_path / "rear.log", *options)
    assert done.code == 0
    assert (
        "what had landed before and rear.log both brought frames of v1 can0 between 2026-03-10 10:00:00 and 10:00:08 "
        "UTC: if these are two loggers, or two channels, they are one bus now; give each a name with --logger, or --bus"
    ) in done.out


def test_dbc_files_and_shipped_names_are_bound_to_the_vehicle(
    installation: Installation, fleet_here: FleetHere, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.dbc").write_text(DBC)
    options = ["--dbc", tmp_path / "mine.dbc", "--dbc", "CAN9=canmod_gps.dbc"]
    for _ in range(2):
        assert fleet_here("import", log, "--source", "can", "--vehicle-id", "v1", *options).code == 0
    assert installation.reference.read(DBC_BINDINGS).rows() == [("v1", "*", "mine"), ("v1", "CAN9", "canmod_gps")]
    assert "mine" in installation.reference.texts(DBC_FILES).get_column("name").to_list()


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--source", "lidar"], 2, "--source 'lidar' does not exist; there are can, telemetry"),
        (["--source", "can", "--dbc", "mine.dbc"], 2, "say which with --vehicle-id"),
        (
            ["--source", "can", "--vehicle-id", "v1", "--dbc", "absent.dbc"],
            2,
            "there is no such file, and no DBC of that name",
        ),
        (["--source", "can", "--vehicle-id", "v1", "--dbc", "CAN1="], 2, "is neither FILE nor BUS=FILE"),
        (["--source", "can", "--vehicle-id", "v1", "--dbc", "a[1].parquet"], 1, "a[1]"),
        (["--source", "can", "--timezone", "Madrid"], 2, "'Madrid' is not an IANA time zone"),
    ],
)
def test_wrong_use_changes_nothing(
    installation: Installation, fleet_here: FleetHere, log: Path, options: list[str], code: int, sentence: str
) -> None:
    done = fleet_here("import", log, *options)
    assert done.code == code
    assert sentence in done.err
    assert installation.landing.sources() == []
    assert installation.reference.read(DBC_BINDINGS).is_empty()
