"""What happened to the bytes of a stored partition is noticed, said, and makes the partition stale."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_damage import Damage, partition_count, withdraw_damaged
from fleet_assets.adapters.lake_patterns import MEMORY
from fleet_assets.contracts import STANDING_PERIODS, VEHICLES
from fleet_assets.contracts.errors import DataError
from fleet_assets_tests.adapters.test_lake import DAY, periods

LATER = date(2026, 3, 2)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two days and a table without days."""
    made = Lake(str(tmp_path / "lake"))
    made.write(STANDING_PERIODS, DAY, periods(8, 9), inputs="a")
    made.write(STANDING_PERIODS, LATER, periods(7, day=2), inputs="a")
    made.write(VEHICLES, None, VEHICLES.empty(), inputs="a")
    return made


def flipped(path: Path, *, keeps_time: bool = False) -> None:
    """One bit in the middle."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    if keeps_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def states(lake: Lake) -> dict[Path, tuple[int, int, int]]:
    """What says of each file that nobody wrote it."""
    found = {path: path.stat() for path in lake.root.rglob("*")}
    return {path: (status.st_ino, status.st_size, status.st_ctime_ns) for path, status in found.items()}


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def test_a_sound_lake_has_no_damage_and_stays_as_it_is(lake: Lake) -> None:
    before = states(lake)
    assert withdraw_damaged(lake) == []
    assert withdraw_damaged(lake, deep=True) == []
    (lake.root / MEMORY).unlink()
    assert states(lake) == before
    assert partition_count(lake) == 3
    assert withdraw_damaged(Lake(str(lake.root / "nothing"))) == []


@pytest.mark.parametrize("harm", [flipped, cut, emptied])
def test_a_changed_partition_is_named_and_stale_and_the_others_are_not(
    lake: Lake, harm: Callable[[Path], None]
) -> None:
    harm(lake.path(STANDING_PERIODS, DAY))
    (damage,) = withdraw_damaged(lake)
    assert (damage.table, damage.day) == ("standing_periods", DAY)
    assert damage.sentence.startswith("standing_periods of 2026-03-01: its ")
    assert lake.record(STANDING_PERIODS, DAY) is None
    assert lake.record(STANDING_PERIODS, LATER) is not None
    assert withdraw_damaged(lake, deep=True) == []
    assert lake.write(STANDING_PERIODS, DAY, periods(8, 9), inputs="a").is_changed
    assert withdraw_damaged(lake, deep=True) == []


def test_the_sentence_says_how_many_bytes_are_there(lake: Lake) -> None:
    path = lake.path(STANDING_PERIODS, DAY)
    size = path.stat().st_size
    cut(path)
    assert withdraw_damaged(lake) == [
        Damage("standing_periods", DAY, f"its file has {size - 20:,} bytes, {size:,} were stored")
    ]


def test_what_neither_size_nor_time_betrays_is_found_by_a_deep_look(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    flipped(lake.path(STANDING_PERIODS, DAY), keeps_time=True)
    monkeypatch.setattr("fleet_assets.adapters.lake_damage.SAMPLE_PARTITIONS", 0)
    assert withdraw_damaged(lake) == []
    assert [damage.day for damage in withdraw_damaged(lake, deep=True)] == [DAY]


def test_samples_come_round_to_every_partition(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    flipped(lake.path(STANDING_PERIODS, DAY), keeps_time=True)
    monkeypatch.setattr("fleet_assets.adapters.lake_damage.SAMPLE_PARTITIONS", 1)
    assert [damage.day for _ in range(200) for damage in withdraw_damaged(lake)] == [DAY]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}\n{}\n", "\0\0"])
def test_a_generation_that_cannot_be_read_is_named_and_the_one_before_is_what_the_table_is(
    lake: Lake, text: str
) -> None:
    lake.manifest(STANDING_PERIODS).path(2).write_text(text)
    assert [*lake.records(STANDING_PERIODS)] == [DAY]
    (damage,) = withdraw_damaged(lake)
    assert damage.sentence == "standing_periods: its generation 2 cannot be read; the one before it counts"
    assert withdraw_damaged(lake, deep=True) == []
    lake.write(STANDING_PERIODS, LATER, periods(7, day=2), inputs="a")
    assert [*lake.records(STANDING_PERIODS)] == [DAY, LATER]


def test_a_day_is_stored_upon_a_generation_that_cannot_be_read_too(lake: Lake) -> None:
    lake.manifest(STANDING_PERIODS).path(2).write_text("{")
    lake.write(STANDING_PERIODS, LATER, periods(7, day=2), inputs="a")
    assert lake.generation(STANDING_PERIODS).number == 3
    assert withdraw_damaged(lake) == []
    (damage,) = withdraw_damaged(lake, deep=True)
    assert damage.sentence == "standing_periods: its generation 2 cannot be read; the one before it counts"
    assert [*lake.records(STANDING_PERIODS)] == [DAY, LATER]


def test_a_lake_of_a_newer_version_is_refused_and_left_alone(lake: Lake) -> None:
    path = lake.manifest(STANDING_PERIODS).path(2)
    lines = path.read_text().replace('"format": 1', '"format": 2').encode()[:-65]
    newer = lines + hashlib.sha256(lines).hexdigest().encode() + b"\n"
    path.write_bytes(newer)
    with pytest.raises(DataError, match="the lake was written by a newer version"):
        withdraw_damaged(lake)
    assert path.read_bytes() == newer


def test_a_file_that_is_missing_is_named_and_its_day_is_not_there(lake: Lake) -> None:
    file = lake.generation(STANDING_PERIODS).file(DAY)
    assert file is not None
    file.unlink()
    assert withdraw_damaged(lake) == [Damage("standing_periods", DAY, "its file is missing")]
    assert lake.days(STANDING_PERIODS) == [LATER]
    assert lake.scan(STANDING_PERIODS).collect().height == 1


def test_a_name_that_stands_for_something_else_is_mended(lake: Lake) -> None:
    path = lake.path(STANDING_PERIODS, DAY)
    path.unlink()
    lake.path(STANDING_PERIODS, LATER).unlink()
    lake.path(STANDING_PERIODS, LATER).write_bytes(b"of a run that was killed before its commit")
    assert withdraw_damaged(lake) == []
    assert pl.read_parquet(path).height == 2
    assert pl.read_parquet(lake.path(STANDING_PERIODS, LATER)).height == 1


def test_a_copy_without_times_is_compared_once_and_is_as_current_as_the_original(lake: Lake, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", str(lake.root), str(tmp_path / "copy")], check=True)
    copy = Lake(str(tmp_path / "copy"))
    assert copy.records(STANDING_PERIODS) == lake.records(STANDING_PERIODS)
    assert withdraw_damaged(copy) == []
    times = [file.stat().st_mtime_ns for file in copy.generation(STANDING_PERIODS).files()]
    original = [file.stat().st_mtime_ns for file in lake.generation(STANDING_PERIODS).files()]
    assert [-(-time // 1_000_000) for time in times] == [-(-time // 1_000_000) for time in original]


def test_a_file_without_rows_that_is_broken_is_written_anew(lake: Lake) -> None:
    empty = lake.root / "standing_periods" / "empty.parquet"
    before = empty.read_bytes()
    empty.write_bytes(before[: len(before) // 2])
    (damage,) = withdraw_damaged(lake)
    assert damage.sentence == "standing_periods: its file without rows could not be read and was written anew"
    assert empty.read_bytes() == before


@pytest.mark.parametrize("place", [-20, -6])
def test_a_file_without_rows_that_breaks_later_is_noticed_too(lake: Lake, place: int) -> None:
    assert withdraw_damaged(lake) == []
    empty = lake.pattern(STANDING_PERIODS)
    before, status = empty.read_bytes(), empty.stat()
    empty.write_bytes(before[:place] + b"broken" + before[place:][6:])
    os.utime(empty, ns=(status.st_mtime_ns, status.st_mtime_ns))
    (damage,) = withdraw_damaged(lake)
    assert damage.table == "standing_periods"
    assert (empty.read_bytes(), withdraw_damaged(lake)) == (before, [])


def test_what_is_known_of_files_without_rows_may_be_lost(lake: Lake) -> None:
    assert withdraw_damaged(lake) == []
    memory = lake.root / MEMORY
    known = memory.read_text()
    memory.write_text(known[:40])
    assert withdraw_damaged(lake) == []
    assert memory.read_text() == known


def test_pages_carry_checksums_that_readers_compare(lake: Lake) -> None:
    path = lake.path(STANDING_PERIODS, DAY)
    content = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(1)
    # The last byte of the column's last page.
    content[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(path, page_checksum_verification=True)


def test_who_may_only_read_is_told_of_damage(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    flipped(lake.path(STANDING_PERIODS, DAY))

    def refused(*_arguments: object) -> bool:
        raise PermissionError

    monkeypatch.setattr("fleet_assets.adapters.lake_manifest.put_if_absent", refused)
    (damage,) = withdraw_damaged(lake)
    assert damage.sentence.endswith("and this user may not change the lake")
