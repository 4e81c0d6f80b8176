"""Import: each row once whatever is imported again, each file wholly or not at all, every refusal in a sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.log_files import LogOptions, read_log
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.collector import importer
from fleet_assets.collector.importer import FileResult, ImportReport, import_files
from fleet_assets.contracts import RAW_CAN, RAW_TELEMETRY, check_frame
from fleet_assets.contracts.errors import UsageError
from fleet_assets.core.raw import deduplicate
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.fixtures.can_frames import START, frame_log, numbers


def run(folder: Path, *paths: Path, source: str = "can", **options: object) -> ImportReport:
    landing, quarantine = Landing(folder / "landing"), Quarantine(folder / "q")
    return import_files(paths, source, landing, quarantine=quarantine, **options)  # type: ignore[arg-type]


def raw(folder: Path, source: str = "can") -> pl.DataFrame:
    """All landed rows as raw tables keep them."""
    landing, table = Landing(folder / "landing"), {"can": RAW_CAN, "telemetry": RAW_TELEMETRY}[source]
    days = [landing.scan(source, day).collect() for day in landing.days(source)]
    rows = deduplicate(pl.concat([table.empty(), *days]), table)
    check_frame(table, rows)
    return rows


def log(folder: Path, name: str, first: int, count: int, total: int = 100) -> Path:
    path = folder / name
    frame_log(total).slice(first, count).write_parquet(path)
    return path


def test_a_file_lands_with_ids_of_its_content_in_file_order(tmp_path: Path) -> None:
    report = run(tmp_path, log(tmp_path, "a.parquet", 0, 20))
    path = tmp_path / "a.parquet"
    assert report.files == [FileResult(path, rows=20, new_rows=20, days={START.date()})]
    rows = raw(tmp_path)
    assert numbers(rows) == list(range(20))
    (digest,) = rows.get_column("entry_id").str.split("-").list.first().unique()
    assert rows.get_column("entry_id").to_list() == [f"{digest}-{number:010d}" for number in range(20)]


def test_the_same_file_again_or_under_another_name_adds_nothing(tmp_path: Path) -> None:
    first = log(tmp_path, "a.parquet", 0, 20)
    shutil.copy(first, tmp_path / "b.parquet")
    run(tmp_path, first)
    before = sorted((tmp_path / "landing").rglob("*.parquet"))
    report = run(tmp_path, first, tmp_path / "b.parquet")
    assert [(file.rows, file.new_rows, file.known_rows) for file in report.files] == [(20, 0, 20)] * 2
    assert sorted((tmp_path / "landing").rglob("*.parquet")) == before


def test_the_same_frames_in_another_format_add_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("".join(f"({1_750_000_000 + n}.000100) can0 100#{n:02X}\n" for n in range(9)))
    run(tmp_path, tmp_path / "a.log", vehicle_id="v1")
    pl.concat(read_log(tmp_path / "a.log", LogOptions("v1"))).drop("is_remote").write_parquet(tmp_path / "a.parquet")
    assert run(tmp_path, tmp_path / "a.parquet").files[0].new_rows == 0


def test_overlapping_files_add_only_what_is_new(tmp_path: Path) -> None:
    report = run(tmp_path, log(tmp_path, "a.parquet", 0, 50), log(tmp_path, "b.parquet", 30, 50))
    assert [file.new_rows for file in report.files] == [50, 30]
    assert numbers(raw(tmp_path)) == list(range(80))


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(1, 30)), min_size=1, max_size=5))
@settings(max_examples=12)
def test_any_pieces_in_any_order_give_each_frame_once(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("import")
    paths = [log(folder, f"{index}.parquet", *piece, total=30) for index, piece in enumerate(pieces)]
    run(folder, *paths)
    expected = {number for first, count in pieces for number in range(first, min(first + count, 30))}
    assert numbers(raw(folder)) == sorted(expected)


def test_the_same_log_of_two_vehicles_lands_for_both(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("(1750000000.0) can0 100#00\n")
    for vehicle in ("v1", "v2", "v1"):
        run(tmp_path, tmp_path / "a.log", vehicle_id=vehicle)
    assert raw(tmp_path).get_column("vehicle_id").to_list() == ["v1", "v2"]


def test_a_broken_file_is_refused_and_set_aside_and_the_others_are_imported(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    log(files, "a.parquet", 0, 10)
    (files / "b.parquet").write_bytes((files / "a.parquet").read_bytes()[:200])
    log(files, "c.parquet", 10, 10)
    (files / "notes.txt").write_text("not a log, and not meant")
    report = run(tmp_path, files)
    assert [(file.path.name, file.new_rows) for file in report.files] == [
        ("a.parquet", 10),
        ("b.parquet", 0),
        ("c.parquet", 10),
    ]
    assert [file.refusal for file in report.refused] == [report.files[1].refusal]
    assert "is not a readable .parquet file" in report.files[1].refusal
    (note,) = Quarantine(tmp_path / "q").notes()
    assert (note.name, note.reason) == ("b.parquet", "refused")
    assert numbers(raw(tmp_path)) == list(range(20))


def test_a_link_that_is_refused_is_not_followed_into_the_quarantine(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    (tmp_path / "drive.parquet").symlink_to(secret)
    report = run(tmp_path, tmp_path / "drive.parquet")
    assert report.refused
    assert [*(tmp_path / "q").rglob("*refused*")] == []
    with pytest.raises(OSError, match="symbolic links"):
        Quarantine(tmp_path / "q").put_file("can", tmp_path / "drive.parquet", "0123", "it was refused")


def test_a_file_that_breaks_in_its_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "FILE_ROWS", 1)
    lines = [f"({1_750_000_000 + n}.0) can0 100#00\n" for n in range(400_010)]
    (tmp_path / "a.log").write_text("".join(lines) + "x" * 100_000)
    report = run(tmp_path, tmp_path / "a.log", vehicle_id="v1")
    assert "line 400011 is longer than 65,536 bytes" in report.files[0].refusal
    assert not list((tmp_path / "landing").rglob("*.parquet"))


def test_a_line_that_is_no_frame_is_set_aside_with_its_place_and_the_others_land(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("(1750000000.0) can0 100#00\nhello\n(1750000001.0) can0 100#01\n(17500")
    (result,) = run(tmp_path, tmp_path / "a.log", vehicle_id="v1").files
    assert (result.new_rows, result.rejected, result.refusal) == (2, {"no-frame": 1, "torn-line": 1}, "")
    assert result.examples == {"no-frame": "line 2: 'hello'", "torn-line": "line 4: '(17500'"}


def test_a_file_without_a_row_is_refused_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("")
    (tmp_path / "a.csv").write_text("recorded_at,vehicle_id\n")
    assert run(tmp_path, tmp_path / "a.log", vehicle_id="v1").files[0].refusal == "it holds no frames"
    assert run(tmp_path, tmp_path / "a.csv", source="telemetry").files[0].refusal == "it holds no rows"
    assert Quarantine(tmp_path / "q").notes() == []


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.log")
    log(tmp_path, "b.parquet", 0, 10)
    report = run(tmp_path, tmp_path / "a.log", tmp_path / "b.parquet", vehicle_id="v1")
    assert "is no regular file" in report.files[0].refusal
    assert report.files[1].new_rows == 10


def test_a_file_that_only_lacks_an_answer_is_not_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("(1750000000.0) can0 100#00\n")
    report = run(tmp_path, tmp_path / "a.log")
    assert report.files[0].refusal == "it does not say which vehicle it is from; give --vehicle-id"
    assert Quarantine(tmp_path / "q").notes() == []


def test_rows_outside_the_bounds_and_remote_frames_are_counted_and_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        "(1230000000.0) can0 100#00\n(946684800.0) can0 100#00\n"
        "(1750000000.0) can0 100#R\n(1750000000.0) can0 100#00\n(9750000000.0) can0 100#00\n"
    )
    report = run(tmp_path, tmp_path / "a.log", vehicle_id="v1", start_date=date(2009, 1, 1))
    rejected = {"remote-frame": 1, "clock": 2, "before-start-date": 1}
    assert (report.files[0].rows, report.files[0].new_rows, report.files[0].rejected) == (5, 1, rejected)
    assert {note.reason: note.count for note in Quarantine(tmp_path / "q").notes()} == rejected
    again = run(tmp_path, tmp_path / "a.log", vehicle_id="v1", start_date=date(2009, 1, 1))
    assert (again.files[0].new_rows, again.files[0].known_rows) == (0, 1)


def test_an_earlier_start_date_lets_the_older_rows_in(tmp_path: Path) -> None:
    path = log(tmp_path, "a.parquet", 0, 10)
    assert run(tmp_path, path, start_date=date(2026, 4, 1)).files[0].new_rows == 0
    assert run(tmp_path, path, start_date=date(2026, 3, 1)).files[0].new_rows == 10


def test_a_log_over_midnight_lands_in_both_days(tmp_path: Path) -> None:
    frame_log(4, start=datetime(2026, 3, 1, 23, 59, 59, 998_000, tzinfo=UTC)).write_parquet(tmp_path / "a.parquet")
    assert run(tmp_path, tmp_path / "a.parquet").files[0].days == {date(2026, 3, 1), date(2026, 3, 2)}


def test_large_files_pass_through_in_pieces(tmp_path: Path) -> None:
    frame_log(450_000, step_us=100).write_parquet(tmp_path / "a.parquet")
    seen = list[int]()
    report = run(tmp_path, tmp_path / "a.parquet", progress=lambda _path, rows: seen.append(rows))
    assert report.files[0].new_rows == 450_000
    assert seen == [200_000, 400_000, 450_000]
    assert len(list((tmp_path / "landing" / "can").rglob("*.parquet"))) == 3
    assert run(tmp_path, tmp_path / "a.parquet").files[0].new_rows == 0


def test_telemetry_lands_and_its_wrong_rows_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "recorded_at,speed_kmh\n2026-03-01T08:00:00Z,10\n2026-03-01T08:00:01Z,fast\n2026-03-01T08:00:02Z,\n"
    )
    report = run(tmp_path, tmp_path / "a.csv", source="telemetry", vehicle_id="v1")
    assert (report.files[0].rows, report.files[0].new_rows, report.files[0].rejected) == (3, 2, {"bad-value": 1})
    rows = raw(tmp_path, "telemetry")
    assert rows.get_column("speed_kmh").to_list() == [10.0, None]
    assert rows.get_column("received_at").null_count() == 0
    assert run(tmp_path, tmp_path / "a.csv", source="telemetry", vehicle_id="v1").files[0].new_rows == 0


@pytest.mark.parametrize("is_alone", [False, True])
def test_lines_of_a_log_that_give_no_frame_are_set_aside_and_the_frames_land(tmp_path: Path, is_alone: bool) -> None:
    wrong = ["#!garbage", "5) 800.5 Rx 0123 8 01 02"]
    frames = [] if is_alone else [f"{n}) {n}00.5 Rx 0123 1 0{n}" for n in range(1, 5)]
    lines = [";$FILEVERSION=1.1", ";$STARTTIME=46082.5", *frames[:2], wrong[0], *frames[2:], wrong[1]]
    (tmp_path / "a.trc").write_text("\n".join(lines) + "\n")
    for new in (len(frames), 0):
        (result,) = run(tmp_path, tmp_path / "a.trc", vehicle_id="v1").files
        assert (result.rows, result.new_rows, result.known_rows) == (len(frames) + 2, new, len(frames) - new)
        assert (result.rejected, result.refusal) == ({"no-frame": 2}, "")
    (note,) = Quarantine(tmp_path / "q").notes()
    assert (note.reason, note.count) == ("no-frame", 2)
    (path,) = (tmp_path / "q" / "can").glob("*-no-frame.parquet")
    assert pl.read_parquet(path).get_column("line").to_list() == wrong
    assert raw(tmp_path).height == len(frames)


def test_files_that_bring_frames_of_one_bus_at_the_same_time_are_named(tmp_path: Path) -> None:
    for name, first in (("a", 0), ("b", 5), ("c", 20)):
        lines = [f"({1_750_000_000 + first + n}.0) can0 {first + 1:03X}#{n:02X}\n" for n in range(10)]
        (tmp_path / f"{name}.log").write_text("".join(lines))
    files = [tmp_path / f"{name}.log" for name in "cab"]
    (found,) = run(tmp_path, *files, vehicle_id="v1").shared
    assert found.one is not None
    assert (found.bus, found.one.name, found.other.name, found.more) == ("can0", "a.log", "b.log", 0)
    assert (found.last - found.first).total_seconds() == 4
    assert run(tmp_path, *files, vehicle_id="v1").shared == [], "known rows are of the same logger"


def _seconds(path: Path, *seconds: int, identifier: int) -> Path:
    """A log of one frame at each of these seconds, numbered by the second."""
    path.write_text("".join(f"({1_750_000_000 + s}.0) can0 {identifier:03X}#{s:02X}\n" for s in seconds))
    return path


def test_a_file_whose_frames_lie_among_others_that_landed_before_is_named(tmp_path: Path) -> None:
    front = _seconds(tmp_path / "front.log", *range(10), identifier=1)
    rear = _seconds(tmp_path / "rear.log", *range(5, 15), identifier=2)
    assert run(tmp_path, front, vehicle_id="v1").shared == []
    (found,) = run(tmp_path, rear, vehicle_id="v1").shared
    assert (found.vehicle_id, found.bus, found.one, found.other.name) == ("v1", "can0", None, "rear.log")
    assert (found.last - found.first).total_seconds() == 4
    assert run(tmp_path, rear, vehicle_id="v1").shared == []
    assert run(tmp_path, rear, vehicle_id="v2").shared == []
    assert run(tmp_path, rear, vehicle_id="v1", logger="rear").shared == []


def test_what_a_logger_sends_later_of_its_own_recording_is_not_named(tmp_path: Path) -> None:
    run(tmp_path, _seconds(tmp_path / "a.log", 0, 1, 2, 6, 7, 8, identifier=1), vehicle_id="v1")
    whole = _seconds(tmp_path / "whole.log", *range(12), identifier=1)
    report = run(tmp_path, whole, vehicle_id="v1")
    assert (report.files[0].known_rows, report.shared) == (6, []), "some of it is known: the same recording"
    first = _seconds(tmp_path / "first.log", *range(20, 25), identifier=1)
    third = _seconds(tmp_path / "third.log", *range(30, 35), identifier=1)
    second = _seconds(tmp_path / "second.log", *range(25, 30), identifier=1)
    assert run(tmp_path, first, third, vehicle_id="v1").shared == []
    assert run(tmp_path, second, vehicle_id="v1").shared == [], "between two others, in no order of arrival"


def test_a_logger_gives_its_buses_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("(1750000000.0) can0 100#00\n")
    run(tmp_path, tmp_path / "a.log", vehicle_id="v1")
    assert run(tmp_path, tmp_path / "a.log", vehicle_id="v1", logger="rear").files[0].new_rows == 1
    assert sorted(raw(tmp_path).get_column("bus")) == ["can0", "rear-can0"]


def test_wrong_use_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--source 'lidar' does not exist; there are can, telemetry"):
        run(tmp_path, tmp_path, source="lidar")
    with pytest.raises(UsageError, match="there is no such file or folder"):
        run(tmp_path, tmp_path / "nothing")
    with pytest.raises(UsageError, match="no file below it ends in"):
        run(tmp_path, tmp_path)
    with pytest.raises(UsageError, match="'Madrid' is not an IANA time zone"):
        run(tmp_path, tmp_path, timezone="Madrid")


def test_an_import_that_was_killed_is_completed_by_the_next(tmp_path: Path) -> None:
    frame_log(600_000, step_us=100).write_parquet(tmp_path / "a.parquet")
    code = (
        "import sys; from pathlib import Path; from fleet_assets_tests.collector.test_importer import run;"
        "print('ready', flush=True); run(Path(sys.argv[1]), Path(sys.argv[1]) / 'a.parquet')"
    )
    for wait in (0.1, 0.35):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    run(tmp_path, tmp_path / "a.parquet")
    assert numbers(raw(tmp_path)) == list(range(600_000))
    assert not (tmp_path / "landing" / "_staging").exists() or not list((tmp_path / "landing" / "_staging").iterdir())


def test_a_real_commute_lands_alike_in_any_order_and_batching(real_data: Path, tmp_path: Path) -> None:
    files = sorted((real_data / "css_mf4" / "day164").glob("*.MF4"))
    content = [name for name in RAW_CAN.schema if name not in ("received_at", "entry_id")]
    assert run(tmp_path / "1", *files, vehicle_id="v1").files[0].rows == 65_296
    for path in [*reversed(files), files[2]]:
        run(tmp_path / "2", path, vehicle_id="v1")
    first, second = raw(tmp_path / "1"), raw(tmp_path / "2")
    assert first.height == 292_097
    assert first.select(content).sort(content).equals(second.select(content).sort(content))
    assert first.select(*content, "entry_id").equals(second.select(*content, "entry_id"))


def test_real_telemetry_is_imported_as_often_as_one_likes(real_data: Path, tmp_path: Path) -> None:
    samples = pl.read_parquet(real_data / "nrel_cmap" / "samples.parquet")
    table = samples.select(
        "vehicle_id", recorded_at="ts_local", speed_kmh=pl.col("speed_mph") * 1.609344,
        received_at=pl.lit("2010-01-01T00:00:00Z"),
    )  # fmt: skip
    table.write_csv(tmp_path / "cmap.csv")
    counts = [
        run(tmp_path, tmp_path / "cmap.csv", source="telemetry", timezone="America/Chicago").files[0].new_rows
        for _ in range(2)
    ]
    assert counts == [154_648, 0]
