"""Lines that look like frames and give none are told, exactly those, and the frames around them are read."""

from __future__ import annotations

import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from can.io.logger import MESSAGE_WRITERS

from fleet_assets.adapters.log_files import AnswerMissing, LogOptions, Unread, read_log
from fleet_assets_tests.fixtures.can_frames import message

OPTIONS = LogOptions(vehicle_id="v1", zone=ZoneInfo("UTC"))

ASC = """date Sun Mar 1 12:00:00.000 pm 2026
base hex  timestamps absolute
internal events logged
// version 9.0.0
Begin Triggerblock Sun Mar 1 12:00:00.000 pm 2026
   0.000000 Start of measurement
"""
ASC_FRAMES = [f"   0.{n}00000 1  123             Rx   d 8 0{n} 00 00 00 00 00 00 00" for n in range(4)]
ASC_EVENTS = [
    "   0.100000 CAN 1 Status:chip status error active",
    "   0.100000 1  Statistic: D 0 R 0 XD 0 XR 0 E 0 O 0 B 0.00%",
    "   0.100000 1  J1939TP FEE3p 6 0 0 - Rx d 23 A0 0F A6 60 3B D1 40 1F DE 80",
    "   0.100000 L1 TransmErr 3A 8 checksum = 1F",
    "   0.100000 log trigger event",
    "",
    "// a comment",
]
TRC_1_1 = ";$FILEVERSION=1.1\n;$STARTTIME=46082.5\n;   a comment\n"
TRC_1_1_FRAMES = [f"     {n})      {n}00.5  Rx         0123  8  0{n} 00 00 00 00 00 00 00" for n in range(1, 5)]
TRC_2_1 = ";$FILEVERSION=2.1\n;$STARTTIME=46082.5\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n"
TRC_2_1_FRAMES = [f"      {n}      {n}00.500 DT 1      0123 Rx -  8    0{n} 00 00 00 00 00 00 00" for n in range(1, 5)]


def lines(told: list[Unread]) -> list[str]:
    """The texts that were told."""
    return [line for unread in told for line in unread.rows.get_column("line")]


def read(path: Path, head: str, text: list[str]) -> tuple[list[int], list[str]]:
    """First byte of each frame, and the lines that were told."""
    path.write_text(head + "".join(f"{line}\n" for line in text))
    told: list[Unread] = []
    chunks = list(read_log(path, OPTIONS, 2, told.append))
    return [data[0] for chunk in chunks for data in chunk.get_column("data") if data], lines(told)


@pytest.mark.parametrize(
    ("name", "head", "frames", "wrong"),
    [
        ("a.asc", ASC, ASC_FRAMES, ["#!garbage", "0.15", "0.150000 1 123x", "0.1x0 1 123 Rx d 1 00", "0.2 1 12? Rq d"]),
        ("a.trc", TRC_1_1, TRC_1_1_FRAMES, ["#!garbage", "2)", "2) 150.5 Rx 0123 8 01 02", "a line of other words"]),
        ("a.trc", TRC_2_1, TRC_2_1_FRAMES, ["#!garbage", "2", "2 150.5 DT 1 0123"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 2, 4])
def test_lines_that_give_no_frame_are_told_wherever_they_stand(
    tmp_path: Path, name: str, head: str, frames: list[str], wrong: list[str], place: int
) -> None:
    whole, told = read(tmp_path / name, head, frames)
    assert (len(whole), told) == (4, [])
    assert read(tmp_path / name, head, [*frames[:place], *wrong, *frames[place:]]) == (whole, wrong)


def test_events_that_are_no_frames_are_not_told(tmp_path: Path) -> None:
    assert read(tmp_path / "a.asc", ASC, [*ASC_EVENTS, ASC_FRAMES[1], *ASC_EVENTS, "End TriggerBlock"]) == ([1], [])
    events = ["3)  150.5  Warng  FFFFFFFF  4  00 00 00 08  BUSHEAVY", "", ";"]
    assert read(tmp_path / "a.trc", TRC_1_1, [*events, TRC_1_1_FRAMES[0], *events]) == ([1], [])
    events = ["9 150.5 ST 1 - Rx - 4 00 00 00 00", "9 150.5 EC 1 - Rx - 2 02 02", "9 150.5 EV a mark"]
    assert read(tmp_path / "a.trc", TRC_2_1, [*events, TRC_2_1_FRAMES[0], *events]) == ([1], [])


def test_times_without_a_header_need_a_start(tmp_path: Path) -> None:
    with pytest.raises(AnswerMissing, match="its header states no date; give --start"):
        read(tmp_path / "a.asc", "", ["0.5 1 123 Rx d 1 07"])


@pytest.mark.parametrize("ending", [".asc", ".trc", ".log", ".csv"])
def test_logs_as_they_are_written_have_no_such_line(tmp_path: Path, ending: str) -> None:
    with MESSAGE_WRITERS[ending](tmp_path / f"a{ending}") as writer:
        for number in range(5):
            writer(message(number))
    told: list[Unread] = []
    frames = pl.concat(read_log(tmp_path / f"a{ending}", OPTIONS, 2, told.append))
    assert (frames.height, lines(told)) == (5, [])


def test_lines_of_a_gzipped_log_are_told_too(tmp_path: Path) -> None:
    path = tmp_path / "a.asc.gz"
    path.write_bytes(gzip.compress((ASC + ASC_FRAMES[0] + "\n#!garbage\n").encode()))
    told: list[Unread] = []
    assert sum(chunk.height for chunk in read_log(path, OPTIONS, 2, told.append)) == 1
    assert lines(told) == ["#!garbage"]
