"""Log files: every kind gives back the frames that were written, and says in a sentence why it cannot."""

from __future__ import annotations

import gzip
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import can
import numpy as np
import polars as pl
import pytest
from asammdf import MDF, Signal
from can.io.logger import MESSAGE_WRITERS

from fleet_assets.adapters.log_files import AnswerMissing, LogOptions, read_log
from fleet_assets.contracts.errors import FileRejected
from fleet_assets_tests.fixtures.can_frames import START, frame_log, message, numbers

UTC_ZONE = LogOptions(vehicle_id="v1", zone=ZoneInfo("UTC"))


def write(path: Path, count: int) -> Path:
    with MESSAGE_WRITERS[path.suffix](path) as writer:
        for number in range(count):
            writer(message(number))
    return path


def write_mf4(path: Path, channels: list[int], *, edl: bool = False, lengths: list[int] | None = None) -> Path:
    """A bus log as loggers write them: one group of frames with a channel number each."""
    count = len(channels)
    data = np.arange(count * 8, dtype=np.uint8).reshape(count, 8)
    prefix = "CAN_DataFrame"
    fields: list[tuple[str, np.ndarray]] = [
        (f"{prefix}.BusChannel", np.array(channels, np.uint16)),
        (f"{prefix}.ID", np.full(count, 0x18FEF100, np.uint32)),
        (f"{prefix}.IDE", np.ones(count, np.uint8)), (f"{prefix}.DLC", np.full(count, 8, np.uint8)),
        (f"{prefix}.DataLength", np.array(lengths or [8] * count, np.uint8)), (f"{prefix}.DataBytes", data),
        (f"{prefix}.EDL", np.full(count, edl, np.uint8)),
    ]  # fmt: skip
    samples = np.rec.fromarrays([values for _, values in fields], dtype=[
        (name, values.dtype, values.shape[1:]) for name, values in fields
    ])  # fmt: skip
    with MDF() as mdf:
        mdf.start_time = START
        mdf.append(Signal(samples, np.arange(count) * 0.001, name=prefix))
        mdf.save(path, overwrite=True)
    return path


def read(path: Path, options: LogOptions = UTC_ZONE, chunk_rows: int = 7) -> pl.DataFrame:
    return pl.concat(read_log(path, options, chunk_rows))


@pytest.mark.parametrize("ending", [".asc", ".blf", ".log", ".trc", ".csv", ".db"])
def test_every_kind_gives_back_the_frames(tmp_path: Path, ending: str) -> None:
    frames = read(write(tmp_path / f"drive{ending}", 20))
    expected = frame_log(20)
    same = ["arbitration_id", "is_extended", "is_error", "dlc", "data", "vehicle_id"]
    assert frames.select(same).equals(expected.select(same))
    drift = (frames.get_column("recorded_at") - expected.get_column("recorded_at")).dt.total_microseconds().abs()
    furthest = drift.to_numpy().max()
    # .trc holds tenths of a millisecond and the day as a fraction; all others are exact to the microsecond.
    assert furthest <= (1_000 if ending == ".trc" else 100)
    assert frames.get_column("is_remote").sum() == 0


@pytest.mark.parametrize("ending", [".asc", ".blf", ".log", ".trc", ".csv"])
def test_a_gzipped_log_is_read_too(tmp_path: Path, ending: str) -> None:
    plain, packed = write(tmp_path / f"drive{ending}", 5), tmp_path / f"drive{ending}.gz"
    with gzip.open(packed, "wb") as target, plain.open("rb") as source:
        shutil.copyfileobj(source, target)
    assert read(packed).equals(read(plain))


def test_mf4_buses_are_the_channels_of_the_frames(tmp_path: Path) -> None:
    frames = read(write_mf4(tmp_path / "drive.mf4", [1, 9, 1, 2]))
    assert frames.get_column("bus").to_list() == ["CAN1", "CAN9", "CAN1", "CAN2"]
    assert frames.get_column("recorded_at").to_list() == [START + timedelta(milliseconds=n) for n in range(4)]
    assert frames.get_column("data").to_list() == [bytes(range(n * 8, n * 8 + 8)) for n in range(4)]
    assert frames.select("arbitration_id", "is_extended", "is_fd", "dlc").row(0) == (0x18FEF100, True, False, 8)


def test_mf4_buses_of_high_numbers_keep_them(tmp_path: Path) -> None:
    frames = read(write_mf4(tmp_path / "drive.mf4", [700, 1, 256]))
    assert frames.get_column("bus").to_list() == ["CAN700", "CAN1", "CAN256"]


def test_mf4_payloads_are_as_long_as_recorded(tmp_path: Path) -> None:
    frames = read(write_mf4(tmp_path / "drive.mf4", [1] * 4, lengths=[8, 0, 3, 8]))
    whole = [bytes(range(n * 8, n * 8 + 8)) for n in range(4)]
    assert frames.get_column("data").to_list() == [whole[0], b"", whole[2][:3], whole[3]]


def test_mf4_without_frames_is_refused(tmp_path: Path) -> None:
    with MDF() as mdf:
        mdf.append(Signal(np.arange(3), np.arange(3), name="Speed"))
        mdf.save(tmp_path / "a.mf4")
    with pytest.raises(FileRejected, match="it holds no raw CAN frames"):
        read(tmp_path / "a.mf4")


def test_a_parquet_log_names_its_own_vehicle(tmp_path: Path) -> None:
    frame_log(12, vehicle="own").write_parquet(tmp_path / "a.parquet")
    frames = read(tmp_path / "a.parquet")
    assert numbers(frames) == list(range(12))
    assert frames.get_column("vehicle_id").unique().to_list() == ["own"]


def test_remote_and_error_frames_are_kept_apart(tmp_path: Path) -> None:
    with can.CanutilsLogWriter(tmp_path / "a.log") as writer:
        writer(can.Message(timestamp=1.7e9, arbitration_id=5, is_remote_frame=True, is_extended_id=False, channel="c"))
        writer(can.Message(timestamp=1.7e9, is_error_frame=True, channel="c"))
        writer(can.Message(timestamp=1.7e9, arbitration_id=5, data=b"\x00\x00", is_extended_id=False, channel="c"))
    frames = read(tmp_path / "a.log")
    assert frames.select("is_remote", "is_error", "data", "bus").rows()[::2] == [
        (True, False, b"", "c"), (False, False, b"\x00\x00", "c"),
    ]  # fmt: skip
    assert frames.row(1, named=True)["is_error"]


def test_an_asc_states_local_time_and_needs_a_zone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.asc", 1)
    with pytest.raises(AnswerMissing, match="without a zone; give --timezone"):
        read(path, LogOptions("v1"))
    there = read(path, LogOptions("v1", zone=ZoneInfo("Asia/Kolkata"))).item(0, "recorded_at")
    assert read(path).item(0, "recorded_at") - there == timedelta(hours=5, minutes=30)


def test_seconds_from_the_start_need_the_start(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("(0000000012.500000) can0 100#00\n")
    with pytest.raises(AnswerMissing, match="give --start"):
        read(path)
    frames = read(path, LogOptions("v1", start_at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert frames.item(0, "recorded_at") == datetime(2026, 1, 1, 0, 0, 12, 500_000, tzinfo=UTC)


def test_a_log_that_names_no_vehicle_needs_one(tmp_path: Path) -> None:
    with pytest.raises(AnswerMissing, match="give --vehicle-id"):
        read(write(tmp_path / "a.log", 1), LogOptions())


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.xyz", b"", r"is no log of a known kind \(\.xyz; known are"),
        ("a", b"", "it has no ending"),
        ("a.mf4", b"MDF     4.10", r"is not a readable \.mf4 file"),
        ("a.blf", b"nonsense", "is no BLF log: it begins with b'nons'"),
        ("a.db", b"nonsense of any kind", "is no SQLite file"),
        ("a.log", b"x" * 70_000, "line 1 is longer than 65,536 bytes"),
        ("a.log", "hello".encode("utf-16"), "its text is UTF-16: save it as UTF-8"),
        ("a.trc", b";$FILEVERSION=9.9\n;$STARTTIME=46082.5\n", "its FILEVERSION '9.9' is none of 1.0 to 2.1"),
        ("a.trc", b";$FILEVERSION=1.1\n;$STARTTIME=noon\n", "its STARTTIME 'noon' is no number of days"),
        ("a.csv", b"a,b\n1,2\n", "is no CSV log of CAN frames"),
        ("a.parquet", b"PAR1", r"is not a readable \.parquet file"),
    ],
)
def test_what_is_no_log_is_refused_with_its_name_and_the_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileRejected, match=reason) as caught:
        read(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    frame_log(2).drop("data", "dlc").write_parquet(tmp_path / "a.parquet")
    with pytest.raises(FileRejected, match="is no frame log: it lacks the columns dlc, data"):
        read(tmp_path / "a.parquet")
    frame_log(2).with_columns(data=pl.Series([b"", None])).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(FileRejected, match=r"values are missing in data \(1 rows\)"):
        read(tmp_path / "b.parquet")


def test_real_loggers_files_are_read_by_channel(real_data: Path) -> None:
    frames = pl.concat(
        read(path, chunk_rows=50_000) for path in sorted((real_data / "css_mf4" / "day164").glob("*.MF4"))
    )
    assert frames.height == 292_097
    assert dict(frames.get_column("bus").value_counts().rows()) == {"CAN1": 33_710, "CAN2": 258_387}
