"""`fleet import`: the table, the exit code, and what --dbc binds."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.quarantine import Quarantine
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


FOREIGN = ("time,vehicle,lat,lon,speed,note", "2026-03-01T08:00:00Z,van-1,52.1,9.7,10,x", ",van-1,52.1,9.7,20,y")
STATED = (
    "--map", "time=recorded_at", "--map", "vehicle=vehicle_id", "--map", "lat=latitude_deg", "--map",
    "lon=longitude_deg", "--map", "speed=speed_kmh",
)  # fmt: skip


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A table with names of its own: a row, and one without a time."""
    path = tmp_path / "export.csv"
    path.write_text("\n".join(FOREIGN) + "\n")
    return path


def test_a_table_with_names_of_its_own_gets_a_suggestion_for_each(
    installation: Installation, fleet_here: FleetHere, foreign: Path
) -> None:
    done = fleet_here("import", foreign, "--source", "telemetry")
    assert done.code == 1
    assert "column time is not part of the telemetry contract: did you mean recorded_at?" in done.err
    assert "column note is not part of the telemetry contract: rename it or leave it out (--map note=-)" in done.err
    assert done.err.strip().endswith(f"If that is what they mean: {' '.join(STATED)}")
    assert not installation.settings.quarantine.exists()


def test_a_mapping_is_not_saved_for_files_that_are_no_tables(
    installation: Installation, fleet_here: FleetHere, foreign: Path
) -> None:
    done = fleet_here("import", foreign, "--source", "can", "--map", "lat=latitude_deg", "--save-mapping", "tracker")
    assert (done.code, "are for tables: --source telemetry" in done.err) == (2, True)
    assert not (installation.reference.root / "column_maps").exists()


def test_what_was_stated_is_done_converted_and_kept_under_a_name(
    installation: Installation, fleet_here: FleetHere, foreign: Path
) -> None:
    told = (*STATED, "--map", "note=-", "--units", "speed=mph", "--save-mapping", "tracker")
    done = fleet_here("import", foreign, "--source", "telemetry", *told)
    assert done.code == 0, done.err
    assert "next time: --mapping tracker" in done.err
    rows = installation.landing.scan("telemetry", START.date()).collect()
    assert rows.select("vehicle_id", "latitude_deg", "speed_kmh").rows() == [("van-1", 52.1, 16.09344)]
    again = fleet_here("import", foreign, "--source", "telemetry", "--mapping", "tracker")
    assert (again.code, "1 had been imported before" in again.out) == (0, True)
    other = fleet_here("import", foreign, "--source", "telemetry", "--mapping", "traker")
    assert (other.code, "there are: tracker; did you mean tracker?" in other.err) == (2, True)


def test_a_row_set_aside_keeps_the_unit_into_which_it_was_converted(
    installation: Installation, fleet_here: FleetHere, foreign: Path
) -> None:
    told = (*STATED, "--map", "note=-", "--units", "speed=mph")
    assert fleet_here("import", foreign, "--source", "telemetry", *told).code == 0
    (item,) = Quarantine(installation.settings.quarantine).items()
    assert pl.read_parquet(item.path)["speed_kmh"].to_list() == ["32.18688"]


def test_a_mapping_is_for_tables(fleet_here: FleetHere, log: Path) -> None:
    done = fleet_here("import", log, "--source", "can", "--map", "a=speed_kmh")
    assert (done.code, "are for tables: --source telemetry" in done.err) == (2, True)
