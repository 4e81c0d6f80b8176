"""Lines of `.trc` as its maker describes them (PEAK CAN TRC File Format, versions 1.0 to 2.1): kinds, lengths, and
what is no frame."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import can
import polars as pl
import pytest

from fleet_assets.adapters.log_files import LogOptions, Unread, read_log

START = ";$STARTTIME=46082.5\n"
HEADS = {
    "1.0": "",
    "1.1": f";$FILEVERSION=1.1\n{START}",
    "1.3": f";$FILEVERSION=1.3\n{START}",
    "2.0": f";$FILEVERSION=2.0\n{START};$COLUMNS=N,O,T,I,d,l,D\n",
    "2.1": f";$FILEVERSION=2.1\n{START};$COLUMNS=N,O,T,B,I,d,R,L,D\n",
}
OPTIONS = LogOptions(vehicle_id="v1", zone=ZoneInfo("UTC"), start_at=datetime(2026, 3, 1, tzinfo=UTC))


def spaced(count: int) -> str:
    """That many bytes, as they stand in a line."""
    return " ".join(f"{number:02X}" for number in range(count))


def read(folder: Path, version: str, *lines: str) -> tuple[pl.DataFrame, list[str]]:
    """Frames, and the slug for each line that is set aside."""
    told: list[Unread] = []
    (folder / "a.trc").write_text(HEADS[version] + "\n".join(lines) + "\n")
    frames = list(read_log(folder / "a.trc", OPTIONS, skipped=told.append))
    slugs = [one.reason.slug for one in told for _ in range(one.rows.height)]
    return pl.concat(frames) if frames else pl.DataFrame(), slugs


def counts(folder: Path, version: str, line: str) -> tuple[int, list[str]]:
    frames, told = read(folder, version, line)
    return frames.height, told


@pytest.mark.parametrize("kind", ["FD", "FB", "FE", "BI"])
@pytest.mark.parametrize(
    ("version", "line", "length"),
    [
        ("2.1", "  7 1334.416 {kind} 3 0500 Rx - 9 ", 12),
        ("2.1", "  7 1334.416 {kind} 3 18EFC034 Tx - 15 ", 64),
        ("2.1", "  7 1334.416 {kind} 3 0500 Rx - 8 ", 8),
        ("2.1", "  7 1334.416 {kind} 3 0500 Rx - 0 ", 0),
        ("2.0", "  7 1334.416 {kind} 0500 Rx 12 ", 12),
        ("2.0", "  7 1334.416 {kind} 18EFC034 Tx 64 ", 64),
    ],
)
def test_frames_of_can_fd_have_the_length_of_their_code_or_the_one_stated_as_python_can_reads_them(
    tmp_path: Path, version: str, line: str, length: int, kind: str
) -> None:
    frames, told = read(tmp_path, version, line.format(kind=kind) + spaced(length))
    found = frames.select("arbitration_id", "is_extended", "is_fd", "is_error", "is_remote", "dlc", "data").row(0)
    with can.TRCReader(tmp_path / "a.trc") as reader:
        (theirs,) = list(reader)
    read_by_them = (theirs.arbitration_id, theirs.is_extended_id, theirs.is_fd, False, False, length)
    assert (found, told) == ((*read_by_them, bytes(theirs.data)), [])
    assert bytes(theirs.data) == bytes(range(length))
    assert frames.item(0, "bus") == ("CAN3" if version == "2.1" else "CAN1")


def test_a_frame_of_can_fd_with_fewer_bytes_than_its_code_says_is_set_aside(tmp_path: Path) -> None:
    assert counts(tmp_path, "2.1", f"  7 1334.416 FD 1 0500 Rx - 9 {spaced(11)}") == (0, ["no-frame"])
    assert counts(tmp_path, "2.0", f"  7 1334.416 FD 0500 Rx 12 {spaced(11)}") == (0, ["no-frame"])


@pytest.mark.parametrize(
    ("version", "line", "data"),
    [
        ("1.0", "  2) 1842 0008 4 ERROR 00 19 08 08", "00190808"),
        ("1.1", "  6) 1349.2 Error 0008 4 00 19 08 08", "00190808"),
        ("1.3", "  6) 1349.222 1 Error 0008 - 4 00 19 08 08", "00190808"),
        ("2.0", "  6 1334.522 ER          Rx    04 00 02 00 00 ", "0400020000"),
        ("2.1", "  6 1334.222 ER 1         - Rx -  5    04 00 02 00 00 ", "0400020000"),
    ],
)
def test_error_frames_of_every_version_are_kept_as_such(tmp_path: Path, version: str, line: str, data: str) -> None:
    frames, told = read(tmp_path, version, line)
    assert frames.select("is_error", "is_extended", "is_remote", "dlc", "data").rows() == [
        (True, False, False, len(data) // 2, bytes.fromhex(data))
    ]
    assert told == []


def test_an_error_frame_without_a_length_may_be_torn_at_the_end_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.trc").write_text(f"{HEADS['2.0']}  6 1334.522 ER          Rx    04 00 02")
    told: list[Unread] = []
    assert list(read_log(tmp_path / "a.trc", OPTIONS, skipped=told.append)) == []
    assert [one.reason.slug for one in told] == ["torn-line"]


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("1.0", "  3) 1843 FFFFFFFF 4 00 00 00 04 -- -- -- --  BUSLIGHT"),
        ("1.3", "  5) 1346.834 1 Warng FFFFFFFF - 4 00 00 00 04  BUSLIGHT"),
        ("2.0", "  7 1334.531 ST          Rx    00 00 00 08"), ("2.0", "  8 1334.643 EC          Rx    02 02"),
        ("2.1", "  7 1334.224 EV 1  somebody pressed a key"), ("2.1", "  8 1334.225 EV -  somebody pressed a key"),
        ("2.1", "  9 1334.231 ST 1         - Rx -  4    00 00 00 08"),
        ("2.1", " 11 1334.643 EC 1         - Rx -  2    02 02"),
    ],
)  # fmt: skip
def test_states_counters_and_events_are_no_frames_and_need_no_word(tmp_path: Path, version: str, line: str) -> None:
    assert counts(tmp_path, version, line) == (0, [])


@pytest.mark.parametrize("length", [9, 12, 20, 99, 1785])
def test_messages_put_together_by_the_recording_program_are_set_aside_and_never_cut(
    tmp_path: Path, length: int
) -> None:
    line = f"  4 1400.000 DT 1 18ECFF00 Rx FF {length} {spaced(min(length, 256))}"
    frame = "  5 1401.000 DT 1 0123 Rx - 12 " + spaced(8)
    frames, told = read(tmp_path, "2.1", line, frame)
    assert (frames.get_column("data").to_list(), told) == ([bytes(range(8))], ["no-frame"])
