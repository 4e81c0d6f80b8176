"""What is superseded goes after a while, and never what a kept generation names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.adapters.file_lock import shared_folder_lock
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_generation import UPON_A_BASE, Head
from fleet_assets.adapters.lake_sweep import Kept, Swept, kept_numbers, sweep
from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets_tests.adapters.test_lake import DAY, periods
from fleet_assets_tests.adapters.test_lake_generations import day

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NOTHING_KEPT = Kept(timedelta(0), days=1)
LATER = timedelta(seconds=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """One day stored three times, another once."""
    made = Lake(str(tmp_path))
    for hour in (7, 8, 9):
        made.write(STANDING_PERIODS, DAY, periods(hour), str(hour))
    made.write(STANDING_PERIODS, day(1), periods(1), "a")
    return made


def files(lake: Lake) -> set[Path]:
    return {path for path in (lake.root / "standing_periods" / "_files").rglob("*") if path.is_file()}


def swept(lake: Lake, kept: Kept) -> Swept:
    return sweep(lake.manifest(STANDING_PERIODS), kept, datetime.now(UTC) + LATER)


def heads(*made_at: datetime) -> list[Head]:
    return [Head(number, 1, instant, "write") for number, instant in enumerate(made_at, start=1)]


def test_all_is_kept_that_was_the_newest_within_the_grace(lake: Lake) -> None:
    before = files(lake)
    assert swept(lake, Kept(timedelta(hours=1), days=1)) == Swept()
    assert files(lake) == before


def test_superseded_files_and_generations_go_and_the_newest_stays_whole(lake: Lake) -> None:
    rows = lake.scan(STANDING_PERIODS).collect()
    found = swept(lake, NOTHING_KEPT)
    # The first generation is the base of the newest.
    assert (found.generations, found.files) == (2, 2)
    assert files(lake) == {*lake.generation(STANDING_PERIODS).files()}
    assert lake.manifest(STANDING_PERIODS).numbers() == [1, 4]
    assert Lake(str(lake.root)).scan(STANDING_PERIODS).collect().equals(rows)
    lake.write(STANDING_PERIODS, day(2), periods(2), "a")
    assert lake.generation(STANDING_PERIODS).number == 5


def test_a_dry_sweep_says_the_same_and_removes_nothing(lake: Lake) -> None:
    before, manifest = files(lake), lake.manifest(STANDING_PERIODS)
    said = sweep(manifest, NOTHING_KEPT, datetime.now(UTC) + LATER, is_dry=True)
    assert files(lake) == before
    assert said == swept(lake, NOTHING_KEPT)


def test_what_a_killed_writer_left_goes(lake: Lake) -> None:
    left = lake.root / "standing_periods" / "_files" / f"date={DAY}" / ".123.abc.tmp"
    left.write_bytes(b"half")
    (lake.manifest(STANDING_PERIODS).folder / ".000000000005.json.abc.tmp").write_bytes(b"half")
    swept(lake, NOTHING_KEPT)
    assert not left.exists()
    assert not [*lake.manifest(STANDING_PERIODS).folder.glob(".*")]


def test_nothing_goes_while_somebody_stores(lake: Lake) -> None:
    with shared_folder_lock(lake.manifest(STANDING_PERIODS).folder):
        assert swept(lake, NOTHING_KEPT) == Swept()


def test_a_reader_of_an_old_generation_is_safe_for_the_grace_after_it_was_superseded() -> None:
    made = heads(NOON - timedelta(days=30), NOON - timedelta(minutes=1))
    assert kept_numbers(made, Kept(timedelta(hours=1), days=1), NOON) == {1, 2}
    assert kept_numbers(made, Kept(timedelta(hours=1), days=1), NOON + timedelta(hours=2)) == {2}


def test_the_last_of_each_of_the_last_days_with_changes_is_kept() -> None:
    made = heads(*(NOON - timedelta(days=back, minutes=minutes) for back in (40, 9, 8, 1) for minutes in (60, 0)))
    assert kept_numbers(made, Kept(timedelta(minutes=5), days=3), NOON) == {4, 6, 8}


def test_many_writes_sweep_by_themselves(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path), NOTHING_KEPT)
    for number in range(2 * UPON_A_BASE + 2):
        lake.write(STANDING_PERIODS, DAY, periods(number % 24), str(number))
    assert len(lake.manifest(STANDING_PERIODS).numbers()) <= UPON_A_BASE
    assert len(files(lake)) <= 24


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=12), st.integers(1, 3))
def test_no_kept_generation_ever_lacks_a_file(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, int]], keep_last: int
) -> None:
    lake = Lake(str(tmp_path_factory.mktemp("swept")))
    for number, hour in writes:
        lake.write(STANDING_PERIODS, day(number), periods(hour), f"{hour}")
    manifest = lake.manifest(STANDING_PERIODS)
    made = [*manifest.heads()]
    # The instant from which on exactly the last few were still the newest.
    since = made[-min(keep_last, len(made))].made_at
    now = datetime.now(UTC)
    sweep(manifest, Kept(now - since, days=1), now)
    for number in manifest.numbers()[-keep_last:]:
        assert all(file.exists() for file in manifest.read(number).files())


def test_a_write_that_changes_nothing_sweeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = Lake(str(tmp_path), NOTHING_KEPT)
    only.write(STANDING_PERIODS, DAY, periods(8), "a")

    def refused(*_arguments: object, **_options: object) -> Swept:
        raise AssertionError

    monkeypatch.setattr(Lake, "sweep", refused)
    only.write(STANDING_PERIODS, DAY, periods(8), "a")
    assert only.generation(STANDING_PERIODS).number == 1
