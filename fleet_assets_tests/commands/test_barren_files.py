"""A file of which no row lands ends `fleet import` with exit code 1 and the reason, whatever kind of file it is;
nothing of it vanishes without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from asammdf import MDF, Signal

from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.installation import Installation
from fleet_assets_tests.adapters.log_files.blf_bytes import container, header
from fleet_assets_tests.fixtures.fleet_here import FleetHere

Make = Callable[[Path], object]

DATE = "date Sun Mar 1 08:00:00.000 2026\nbase hex  timestamps absolute\n"
TRC = ";$FILEVERSION=2.1\n;$STARTTIME=46082.5\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n"
CAN, TELEMETRY = ("--source", "can", "--timezone", "UTC", "--vehicle-id", "v"), ("--source", "telemetry")


def text(content: str) -> Make:
    return lambda path: path.write_text(content)


def octets(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def measurement(path: Path) -> None:
    """An MF4 that holds a signal and no bus."""
    with MDF() as mdf:
        mdf.append(Signal(np.arange(5.0), np.arange(5) * 0.1, name="speed"))
        mdf.save(path, overwrite=True)


@pytest.mark.parametrize(
    ("name", "make", "options", "reasons"),
    [
        ("a.log", text("nothing\nof a log\n"), CAN, {"no-frame": 2}),
        ("a.log", text("(1773136800.0) can0 123#R\n(1773136800.1) can0 124#R4\n"), CAN, {"remote-frame": 2}),
        ("a.log", text("(1773136800.0) can0 123#11"[:-1]), CAN, {"torn-line": 1}),
        ("a.log", text("(1.0) can0 123#11\n(946684800.0) can0 123#11\n"), CAN, {"clock": 2}),
        ("a.asc", text(f"{DATE} 0.5 1 123 TxRq d 1 01\n 0.6 1 123 Rx d 4 01\n"), CAN,
         {"transmit-request": 1, "no-frame": 1}),
        ("a.trc", text(f"{TRC} 1 1.5 DT 1 0123 Rx - 4 01 02\n"), CAN, {"no-frame": 1}),
        ("a.csv", text("timestamp,arbitration_id,extended,remote,error,dlc,data\n1773136800.0,zz,0,0,0,1,AQ==\n"), CAN,
         {"no-frame": 1}),
        ("a.blf", octets(header(5) + container(b"")), CAN, {"damaged": 1}),
        ("a.blf", octets(header(0) + b"\0" * 4096), CAN, {"damaged": 1}),
        ("a.csv", text("recorded_at,vehicle_id,speed_kmh\nyesterday,v,1\nnoon,v,2\n"), TELEMETRY, {"no-time": 2}),
        ("a.csv", text("recorded_at,speed_kmh\n2026-03-01T08:00:00Z,1\n"), TELEMETRY, {"no-vehicle": 1}),
        ("a.csv", text("recorded_at,vehicle_id,speed_kmh\n2000-01-01T08:00:00Z,v,1\n"), TELEMETRY, {"clock": 1}),
        ("a.csv", text("recorded_at,vehicle_id,speed_kmh\n2019-12-31T08:00:00Z,v,1\n"), TELEMETRY,
         {"before-start-date": 1}),
    ],
)  # fmt: skip
def test_a_file_all_of_whose_rows_are_set_aside_fails_with_their_count_and_reason(
    installation: Installation, fleet_here: FleetHere, tmp_path: Path, name: str, make: Make, options: tuple[str, ...],
    reasons: dict[str, int],
) -> None:  # fmt: skip
    make(tmp_path / name)
    done = fleet_here("import", tmp_path / name, *options, FLEET_START_DATE="2020-01-01")
    assert done.code == 1
    assert f"1 of 1 file gave no row, all were set aside: {tmp_path / name}: " in done.err
    for reason, count in reasons.items():
        assert f"{count} {reason} (" in done.err
    kept = Quarantine(installation.settings.quarantine).items()
    assert {item.note.reason: item.note.count for item in kept} == reasons
    assert installation.landing.sources() == []


@pytest.mark.parametrize(
    ("name", "make", "options", "reason"),
    [
        ("a.log", text(""), CAN, "it holds no frames"),
        ("a.asc", text(DATE), CAN, "it holds no frames"),
        ("a.trc", text(TRC), CAN, "it holds no frames"),
        ("a.blf", octets(header(0)), CAN, "it holds no frames"),
        ("a.blf", octets(b"LOGG"), CAN, "a.blf: "),
        ("a.mf4", measurement, CAN, "a.mf4: "),
        ("a.mf4", octets(b"MDF     4.11"), CAN, "a.mf4: "),
        ("a.csv", text("recorded_at,vehicle_id,speed_kmh\n"), TELEMETRY, "it holds no rows"),
        ("a.csv", text("when,who\n1,2\n"), TELEMETRY, "a.csv: "),
    ],
)
def test_a_file_without_rows_or_of_no_sense_is_refused_with_the_reason(
    installation: Installation,
    fleet_here: FleetHere,
    tmp_path: Path,
    name: str,
    make: Make,
    options: tuple[str, ...],
    reason: str,
) -> None:
    make(tmp_path / name)
    done = fleet_here("import", tmp_path / name, *options)
    assert done.code == 1
    assert f"1 of 1 file refused: {tmp_path / name}: " in done.err
    assert reason in done.err
    assert done.err.strip().rpartition("a." + name[2:] + ": ")[2], "no reason stands behind the name of the file"
    assert "Error" not in done.err
    assert installation.landing.sources() == []


def test_one_barren_file_fails_the_command_and_the_others_land(
    installation: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    (tmp_path / "good.log").write_text("(1773136800.0) can0 123#11\n")
    (tmp_path / "bad.log").write_text("nothing\n")
    files = (tmp_path / "bad.log", tmp_path / "good.log")
    done = fleet_here("import", *files, "--source", "can", "--vehicle-id", "v")
    assert (done.code, "1 of 2 files gave no row" in done.err, "1 new row landed" in done.out) == (1, True, True)
    again = fleet_here("import", files[1], "--source", "can", "--vehicle-id", "v")
    assert (again.code, again.err) == (0, "")
    assert installation.landing.sources() == ["can"]
