"""Generations are listed, compared, and gone back to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_history import Difference, differences, generation_of, history, restore
from fleet_assets.adapters.lake_sweep import Kept, sweep
from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets.contracts.errors import DataError, UsageError
from fleet_assets_tests.adapters.test_lake import DAY, periods
from fleet_assets_tests.adapters.test_lake_generations import day


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two days; then the first has other rows, the second none of its own, and there is a third."""
    made = Lake(str(tmp_path))
    made.write(STANDING_PERIODS, DAY, periods(8, 9), "a")
    made.write(STANDING_PERIODS, day(1), periods(7, day=2), "a")
    made.write(STANDING_PERIODS, DAY, periods(8), "b")
    made.remove(STANDING_PERIODS, day(1))
    made.write(STANDING_PERIODS, day(2), periods(1, 2, 3, day=3), "a")
    return made


def test_the_history_says_of_each_generation_what_it_holds_and_changed(lake: Lake) -> None:
    found = [
        (one.number, one.made_by, one.partitions, one.rows, one.changed) for one in history(lake, STANDING_PERIODS, 9)
    ]
    assert found == [
        (5, "write", 2, 4, 1), (4, "removal", 1, 1, 1), (3, "write", 2, 2, 1), (2, "write", 2, 3, 1),
        (1, "write", 1, 2, 1),
    ]  # fmt: skip
    assert [one.number for one in history(lake, STANDING_PERIODS, 2)] == [5, 4]


def test_two_generations_differ_in_days_and_their_rows(lake: Lake) -> None:
    before, after = (generation_of(lake, STANDING_PERIODS, number) for number in (2, 5))
    assert differences(before, after) == [
        Difference(DAY, "changed", 2, 1), Difference(day(1), "removed", 1, None), Difference(day(2), "added", None, 3),
    ]  # fmt: skip
    assert differences(after, after) == []


def test_the_same_rows_made_of_other_inputs_are_told_apart_from_other_rows(lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8), "c")
    before, after = (generation_of(lake, STANDING_PERIODS, number) for number in (5, 6))
    assert differences(before, after) == [Difference(DAY, "same rows, other record", 1, 1)]


def test_a_restored_table_has_the_rows_and_records_it_had_under_every_name(lake: Lake) -> None:
    old = generation_of(lake, STANDING_PERIODS, 2)
    after, changed = restore(lake, STANDING_PERIODS, 2)
    assert (after.number, after.made_by) == (6, "restore of 2")
    assert [one.what for one in changed] == ["changed", "added", "removed"]
    assert lake.records(STANDING_PERIODS) == old.records
    assert lake.scan(STANDING_PERIODS).collect().height == 3
    assert pl.read_parquet(lake.root / "standing_periods" / "date=*" / "*.parquet").height == 3
    assert restore(lake, STANDING_PERIODS, 5)[0].records == generation_of(lake, STANDING_PERIODS, 5).records


def test_going_back_to_what_is_there_changes_nothing(lake: Lake) -> None:
    after, changed = restore(lake, STANDING_PERIODS, 5)
    assert (after.number, changed) == (5, [])


def test_a_generation_whose_files_were_swept_is_refused(lake: Lake) -> None:
    for number in range(2):
        lake.write(STANDING_PERIODS, DAY, periods(number), str(number))
    sweep(lake.manifest(STANDING_PERIODS), Kept(timedelta(0), days=1), datetime.now(UTC) + timedelta(seconds=1))
    before = lake.records(STANDING_PERIODS)
    sentence = "standing_periods cannot go back to generation 1: 1 of its 1 files were swept"
    with pytest.raises(UsageError, match=sentence):
        restore(lake, STANDING_PERIODS, 1)
    with pytest.raises(UsageError, match="standing_periods has no generation 3: there are 1 to 7"):
        restore(lake, STANDING_PERIODS, 3)
    assert lake.records(STANDING_PERIODS) == before
    assert [(one.number, one.missing) for one in history(lake, STANDING_PERIODS, 9)] == [(7, 0), (1, 1)]


def test_a_generation_that_cannot_be_read_is_refused(lake: Lake) -> None:
    lake.manifest(STANDING_PERIODS).path(2).write_text("{")
    with pytest.raises(DataError, match="generation 2 of standing_periods cannot be read"):
        restore(lake, STANDING_PERIODS, 2)
