"""The same frame in every format: one length, one set of flags; errors, requests and remote frames told apart."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import can
import numpy as np
import polars as pl
import pytest
from asammdf import MDF, Signal, Source
from asammdf.blocks.v4_constants import BUS_TYPE_CAN, SOURCE_BUS
from can.io.logger import MESSAGE_WRITERS

from fleet_assets.adapters.log_files import LogOptions, Unread, read_log
from fleet_assets.contracts.errors import FileRejected
from fleet_assets_tests.adapters.log_files.blf_bytes import header, lobj
from fleet_assets_tests.fixtures.can_frames import START

OPTIONS = LogOptions(vehicle_id="v1", zone=ZoneInfo("UTC"))
ASC = "date Sun Mar 1 08:00:00.000 2026\nbase hex  timestamps absolute\n"
TRC = ";$FILEVERSION=2.1\n;$STARTTIME=46082.5\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n"
CSV = "timestamp,arbitration_id,extended,remote,error,dlc,data\n"


def read(path: Path, options: LogOptions = OPTIONS) -> tuple[pl.DataFrame, list[Unread]]:
    told: list[Unread] = []
    return pl.concat(list(read_log(path, options, skipped=told.append)) or [pl.DataFrame()]), told


def text(folder: Path, name: str, content: str) -> tuple[pl.DataFrame, list[Unread]]:
    (folder / name).write_text(content)
    return read(folder / name)


def kinds(frames: pl.DataFrame) -> list[tuple[object, ...]]:
    return frames.select("arbitration_id", "is_extended", "is_fd", "is_error", "is_remote", "dlc", "data").rows()


@pytest.mark.parametrize("length", [0, 1, 8, 12, 64])
@pytest.mark.parametrize("ending", [".asc", ".blf", ".csv", ".db", ".log", ".trc"])
def test_a_frame_has_the_same_length_in_every_format(tmp_path: Path, ending: str, length: int) -> None:
    is_fd = length > 8
    if is_fd and ending == ".trc":
        pytest.skip("python-can writes no CAN FD frames to .trc")
    frame = can.Message(timestamp=START.timestamp(), arbitration_id=0x123, is_extended_id=False, is_fd=is_fd,
                        data=bytes(range(1, length + 1)), channel=0)  # fmt: skip
    with MESSAGE_WRITERS[ending](tmp_path / f"a{ending}") as writer:
        writer(frame)
    frames, told = read(tmp_path / f"a{ending}")
    assert (kinds(frames), told) == ([(0x123, False, is_fd, False, False, length, bytes(range(1, length + 1)))], [])


DATA, SPACED, WHOLE = "1122334455667788", "11 22 33 44 55 66 77 88", bytes.fromhex("1122334455667788")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.log", f"(1773136800.0) can0 123#{DATA}_C\n"),
        ("a.asc", f"{ASC} 0.5 1 123 Rx d C {SPACED}\n"),
        ("a.asc", f"{ASC} 0.5 CANFD 1 Rx 123 0 0 C 8 {SPACED}\n"),
        ("a.trc", f"{TRC} 1 1.5 DT 1 0123 Rx - 12 {SPACED}\n"),
        ("a.csv", f"{CSV}1773136800.0,0x123,0,0,0,12,ESIzRFVmd4g=\n"),
    ],
)
def test_a_length_code_above_eight_is_eight_bytes_of_a_classic_frame(tmp_path: Path, name: str, content: str) -> None:
    frames, told = text(tmp_path, name, content)
    assert (kinds(frames), told) == ([(0x123, False, False, False, False, 8, WHOLE)], [])


def test_length_codes_in_blf_are_lengths_in_bytes(tmp_path: Path) -> None:
    classic = lobj(1, struct.pack("<HBBL8s", 1, 0, 15, 0x123, WHOLE), 0)
    fd = lobj(100, struct.pack("<HBBLLBBB5x64s", 1, 0, 9, 0x124, 0, 0, 1, 12, bytes(range(64))), 1)
    short = lobj(
        101, struct.pack("<BBBBLLLLLLLHBBL", 1, 13, 32, 0, 0x125, 0, 0x1000, 0, 0, 0, 0, 0, 0, 0, 0) + b"abc", 2
    )
    (tmp_path / "a.blf").write_bytes(header(3) + classic + fd + short.ljust(len(short) + 1, b"\0"))
    frames, told = read(tmp_path / "a.blf")
    assert (kinds(frames), told) == ([
        (0x123, False, False, False, False, 8, WHOLE), (0x124, False, True, False, False, 12, bytes(range(12))),
        (0x125, False, True, False, False, 32, b"abc"),
    ], [])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.log", "(1773136800.0) can0 123#R4\n"),
        ("a.asc", f"{ASC} 0.5 1 123 Rx r 4\n"),
        ("a.trc", f"{TRC} 1 1.5 RR 1 0123 Rx - 4\n"),
        ("a.trc", ";$FILEVERSION=1.1\n;$STARTTIME=46082.5\n 1) 1.5 Rx 0123 4 RTR\n"),
        ("a.csv", f"{CSV}1773136800.0,0x123,0,1,0,4,\n"),
    ],
)
def test_remote_frames_carry_nothing(tmp_path: Path, name: str, content: str) -> None:
    frames, told = text(tmp_path, name, content)
    assert ([row[:5] + row[6:] for row in kinds(frames)], told) == ([(0x123, False, False, False, True, b"")], [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("a.log", f"(1773136800.0) can0 {0x20000000 | word:08X}#000C000000000000\n") for word in (1, 4, 0x80, 0x208)),
        ("a.asc", f"{ASC} 0.5 1 ErrorFrame ECC: 10100010\n"),
        ("a.asc", f"{ASC} 0.5 CANFD 1 Rx ErrorFrame Not Acknowledge error, dominant error flag\n"),
        ("a.trc", f"{TRC} 1 1.5 ER 1 - Rx - 5 04 00 02 00 00\n"),
        ("a.trc", ";$FILEVERSION=1.1\n;$STARTTIME=46082.5\n 1) 1.5 Error 0008 4 00 19 08 08\n"),
        ("a.csv", f"{CSV}1773136800.0,0x4,0,0,1,0,\n"),
    ],
)
def test_error_frames_are_kept_as_such(tmp_path: Path, name: str, content: str) -> None:
    frames, told = text(tmp_path, name, content)
    assert (frames.select("is_error", "is_extended").rows(), told) == ([(True, False)], [])


@pytest.mark.parametrize("kind", [2, 73, 104])
def test_error_objects_of_every_kind_in_blf_are_kept_as_such(tmp_path: Path, kind: int) -> None:
    (tmp_path / "a.blf").write_bytes(header(1) + lobj(kind, struct.pack("<HHL", 1, 0, 0).ljust(96, b"\0"), 5_000))
    frames, told = read(tmp_path / "a.blf")
    assert (frames.select("is_error", "bus", "dlc", "data").rows(), told) == ([(True, "CAN1", 0, b"")], [])


def test_requests_to_send_are_told_and_are_no_frames(tmp_path: Path) -> None:
    lines = f"{ASC} 0.5 1 123 TxRq d 1 01\n 0.6 1 123 Tx d 1 01\n 0.7 CANFD 1 TxRq 123 0 0 1 1 01\n"
    frames, told = text(tmp_path, "a.asc", lines)
    assert frames.height == 1
    assert [(one.reason.slug, one.rows.get_column("place").to_list()) for one in told] == [
        ("transmit-request", ["line 3", "line 5"])
    ]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.asc", f"{ASC} 0.5 1 123 Rx d 4 01 02\n", 3),
        ("a.asc", f"{ASC} 0.5 CANFD 1 Rx 123 0 0 9 12 01 02\n", 3),
        ("a.trc", f"{TRC} 1 1.5 DT 1 0123 Rx - 4 01 02\n", 4),
        ("a.csv", f"{CSV}1773136800.0,0x123,0,0,0,1,ESIzRFVmd4g=\n", 2),
        ("a.log", "(1773136800.0) can0 123#112\n", 1),
        ("a.log", "(1773136800.0) can0 FFF#11\n", 1),
        ("a.log", "(99999999999999.0) can0 123#11\n", 1),
    ],
)
def test_lines_that_contradict_themselves_are_told_and_give_no_value(
    tmp_path: Path, name: str, content: str, line: int
) -> None:
    frames, told = text(tmp_path, name, content)
    assert (frames.height, [one.rows.get_column("place").to_list() for one in told]) == (0, [[f"line {line}"]])


def mf4(
    path: Path, groups: list[tuple[str, dict[str, np.ndarray]]], start: datetime = START, step: float = 0.001
) -> Path:
    """A bus log of groups, each with the name of its source and the members that it records."""
    with MDF() as mdf:
        mdf.start_time = start
        for source, members in groups:
            fields = [(f"CAN_DataFrame.{name}", values) for name, values in members.items()]
            samples = np.rec.fromarrays(
                [values for _, values in fields],
                dtype=[(name, values.dtype, values.shape[1:]) for name, values in fields],
            )
            origin = Source(name=source, path=source, comment="", source_type=SOURCE_BUS, bus_type=BUS_TYPE_CAN)
            signal = Signal(
                samples, np.arange(len(samples)) * step, name="CAN_DataFrame", source=origin if source else None
            )
            mdf.append(signal, acq_source=origin if source else None, common_timebase=True)
        mdf.save(path, overwrite=True)
    return path


def members(count: int = 2, width: int = 8, **more: int) -> dict[str, np.ndarray]:
    whole: dict[str, np.ndarray] = {"ID": np.full(count, 0x123, np.uint32), "IDE": np.zeros(count, np.uint8)}
    whole |= {name: np.full(count, value, np.uint8) for name, value in more.items()}
    return whole | {"DataBytes": np.tile(np.arange(1, width + 1, dtype=np.uint8), (count, 1))}


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ({"DLC": 8}, (False, 8, 8)), ({"DataLength": 8}, (False, 8, 8)), ({"DLC": 3}, (False, 3, 3)),
        ({"DLC": 15, "DataLength": 8}, (False, 8, 8)), ({"DLC": 8, "DataLength": 5}, (False, 8, 5)),
        ({"DLC": 9, "EDL": 1}, (True, 12, 12)), ({"DLC": 9, "DataLength": 12}, (True, 12, 12)),
        ({"DLC": 12, "DataLength": 12, "EDL": 1}, (True, 12, 12)),
        ({"DLC": 12, "DataLength": 16, "EDL": 1}, (True, 24, 16)),
    ],
)  # fmt: skip
def test_mf4_lengths_come_from_what_is_recorded(
    tmp_path: Path, recorded: dict[str, int], expected: tuple[bool, int, int]
) -> None:
    width = 8 if expected[2] <= 8 else 16
    frames, told = read(mf4(tmp_path / "a.mf4", [("", members(width=width, BusChannel=1, **recorded))]))
    is_fd, dlc, length = expected
    assert told == []
    assert frames.select("is_fd", "dlc", "data").row(0) == (is_fd, dlc, bytes(range(1, length + 1)))


def test_mf4_frames_without_any_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRejected, match="its frames state no length: they have neither DataLength nor DLC"):
        read(mf4(tmp_path / "a.mf4", [("", members())]))


def test_mf4_times_are_rounded_to_microseconds(tmp_path: Path) -> None:
    start = datetime(2026, 3, 1, 22, 13, 19, 999_000, tzinfo=START.tzinfo)
    frames, _ = read(mf4(tmp_path / "a.mf4", [("", members(1001, DLC=8))], start, step=1e-6 * 0.9999999))
    assert frames.item(1000, "recorded_at") == start + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("groups", "buses"),
    [
        ([("CAN 1", {}), ("CAN2", {})], ["CAN1", "CAN2"]),
        ([("", {})], ["can0"]),
        ([("", {}), ("", {})], ["CAN-group0", "CAN-group1"]),
        ([("Powertrain", {}), ("Powertrain", {})], ["Powertrain-group0", "Powertrain-group1"]),
        ([("Logger A", {"BusChannel": 1}), ("Logger B", {"BusChannel": 1})], ["CAN1", "CAN1-Logger_B"]),
        ([("CAN", {"BusChannel": 1}), ("CAN", {"BusChannel": 2})], ["CAN1", "CAN2"]),
    ],
)
def test_two_buses_of_an_mf4_never_become_one(
    tmp_path: Path, groups: list[tuple[str, dict[str, int]]], buses: list[str]
) -> None:
    frames, _ = read(mf4(tmp_path / "a.mf4", [(source, members(DLC=8, **more)) for source, more in groups]))
    assert frames.get_column("bus").unique(maintain_order=True).to_list() == buses
