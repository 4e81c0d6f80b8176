"""Quarantine: rows and files set aside with reason and count; time bounds."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from fleet_assets.adapters.quarantine import Quarantine, QuarantineNote, Reason
from fleet_assets.adapters.time_bounds import TimeBounds
from fleet_assets_tests.fixtures.can_frames import START, frame_log, numbers

REASON = Reason("too-odd", "nobody knows what it means")


def test_rows_keep_their_columns_and_get_a_note_with_reason_and_count(tmp_path: Path) -> None:
    rows = pl.DataFrame({"anything": [1, 2], "at": ["x", None]})
    path = Quarantine(tmp_path).put("can", rows, "f", REASON)
    assert pl.read_parquet(path).equals(rows)
    tally: list[tuple[str | None, str | None, int]] = [(None, None, 2)]
    assert Quarantine(tmp_path).notes() == [QuarantineNote("can", "f", "too-odd", REASON.explanation, 2, tally)]


def test_the_same_again_changes_nothing_and_keeps_the_day_on_which_it_came_first(tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": [1]})
    path = Quarantine(tmp_path).put("can", rows, "f", REASON)
    stated = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(stated | {"set_aside_at": START.isoformat()}))
    before = Quarantine(tmp_path).stamps()
    Quarantine(tmp_path).put("can", rows, "f", REASON)
    assert len(list((tmp_path / "can").iterdir())) == 2
    assert Quarantine(tmp_path).stamps() == before
    assert list(before) == [START.date()]
    Quarantine(tmp_path).put("can", pl.DataFrame({"a": [1, 2]}), "f", REASON)
    assert list(Quarantine(tmp_path).stamps()) != [START.date()]


def test_a_note_of_an_earlier_version_was_set_aside_when_its_file_was_written(tmp_path: Path) -> None:
    path = Quarantine(tmp_path).put("can", pl.DataFrame({"a": [1]}), "f", REASON)
    note = path.with_suffix(".json")
    stated = json.loads(note.read_text())
    del stated["set_aside_at"]
    note.write_text(json.dumps(stated))
    os.utime(note, (START.timestamp(), START.timestamp()))
    status = note.stat()
    (item,) = Quarantine(tmp_path).items(START.date())
    assert item.set_aside_at == START
    known = f"can/{note.name}:{status.st_size}:{status.st_mtime_ns}"
    assert Quarantine(tmp_path).earlier_stamps() == {START.date(): [known]}


def test_a_copy_without_times_was_set_aside_when_the_original_was(tmp_path: Path) -> None:
    Quarantine(tmp_path / "one").put("can", pl.DataFrame({"a": [1]}), "f", REASON)
    subprocess.run(["cp", "-r", str(tmp_path / "one"), str(tmp_path / "copy")], check=True)
    (original,), (copy,) = Quarantine(tmp_path / "one").items(), Quarantine(tmp_path / "copy").items()
    assert copy.set_aside_at == original.set_aside_at
    assert Quarantine(tmp_path / "copy").stamps() == Quarantine(tmp_path / "one").stamps()


def test_a_refused_file_is_copied_beside_its_reason(tmp_path: Path) -> None:
    (tmp_path / "drive.json").write_bytes(b"broken")
    quarantine = Quarantine(tmp_path / "q")
    kept = quarantine.put_file("can", tmp_path / "drive.json", "0123", "it was cut", {"bus": "can1"})
    assert kept.read_bytes() == b"broken"
    assert quarantine.notes() == [
        QuarantineNote("can", "drive.json", "refused", "it was cut", 1, answers={"bus": "can1"}, file="drive.json")
    ]


def test_a_note_says_whose_rows_of_which_days_there_are(tmp_path: Path) -> None:
    rows = frame_log(3).with_columns(vehicle_id=pl.Series(["b", "a", "b"]))
    Quarantine(tmp_path).put("can", rows, "f", REASON)
    (item,) = Quarantine(tmp_path).items()
    assert item.note.tally == [("a", "2026-03-01", 1), ("b", "2026-03-01", 2)]
    assert (item.name, len(item.short), item.is_file) == ("can/f-too-odd", 8, False)


def test_what_is_taken_out_is_gone_and_what_is_kept_has_the_rows_that_are_left(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path)
    for name in ("one", "two"):
        quarantine.put("can", frame_log(4), name, REASON)
    one, two = quarantine.items()
    quarantine.keep(one, frame_log(4).head(1))
    quarantine.keep(two, frame_log(0))
    (left,) = quarantine.items()
    assert (left.name, left.note.count, numbers(pl.read_parquet(left.path))) == ("can/one-too-odd", 1, [0])
    assert len(list((tmp_path / "can").iterdir())) == 2


def test_rows_before_the_start_date_and_far_ahead_are_split_off_the_bounds_themselves_stay() -> None:
    now = START + timedelta(seconds=1)
    instants = [datetime(2026, 2, 27, 23, 59, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC), START,
                now + timedelta(days=1), now + timedelta(days=1, microseconds=1)]  # fmt: skip
    rows = frame_log(5).with_columns(recorded_at=pl.Series(instants).cast(pl.Datetime("us", "UTC")))
    kept, outside = TimeBounds(date(2026, 2, 28), now).split(rows)
    assert numbers(kept) == [1, 2, 3]
    assert [(reason.slug, numbers(part)) for reason, part in outside] == [
        ("before-start-date", [0]),
        ("in-the-future", [4]),
    ]


def test_rows_inside_the_bounds_are_returned_as_they_are() -> None:
    rows = frame_log(3)
    kept, outside = TimeBounds(date(2026, 1, 1), START).split(rows)
    assert (kept.equals(rows), outside) == (True, [])
