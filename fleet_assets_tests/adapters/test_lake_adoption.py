"""What an earlier version stored is a lake of this one at the first look: same rows and records, also after a kill."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleet_assets.adapters.durable_file import content_hash
from fleet_assets.adapters.lake import Lake, PartitionRecord
from fleet_assets.adapters.lake_damage import withdraw_damaged
from fleet_assets.adapters.parquet import write_parquet
from fleet_assets.contracts import STANDING_PERIODS, VEHICLES, Table
from fleet_assets_tests.adapters.test_lake import DAY, periods
from fleet_assets_tests.adapters.test_lake_generations import day

LAYOUT = [
    "standing_periods/date=2026-03-01/standing_periods.parquet",
    "standing_periods/date=2026-03-02/standing_periods.parquet",
    "standing_periods/empty.parquet",
    "vehicles/vehicles.parquet",
]


def stored_before(root: Path, table: Table, path: Path, frame: pl.DataFrame) -> PartitionRecord:
    """A partition as versions without generations stored it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(frame.sort(table.order), file, table)
    record = PartitionRecord(content_hash(file), f"inputs of {path}", frame.height, file.stat().st_size, "", {"a": [1]})
    file.with_suffix(".json").write_text(json.dumps(asdict(record), sort_keys=True, indent=1))
    return record


@pytest.fixture
def known(tmp_path: Path) -> dict[date | None, PartitionRecord]:
    """The records of a lake in the old layout."""
    records: dict[date | None, PartitionRecord] = {}
    for number, name in enumerate(LAYOUT[:2]):
        records[day(number)] = stored_before(tmp_path, STANDING_PERIODS, Path(name), periods(8, 9, day=number + 1))
    records[None] = stored_before(tmp_path, VEHICLES, Path(LAYOUT[3]), VEHICLES.empty())
    write_parquet(STANDING_PERIODS.empty(), tmp_path / LAYOUT[2], STANDING_PERIODS)
    return records


def days_of(known: dict[date | None, PartitionRecord]) -> dict[date | None, PartitionRecord]:
    return {one: record for one, record in known.items() if one is not None}


def test_records_and_rows_are_those_that_were_stored(tmp_path: Path, known: dict[date | None, PartitionRecord]) -> None:
    lake = Lake(str(tmp_path))
    assert lake.records(STANDING_PERIODS) == days_of(known)
    assert lake.records(VEHICLES) == {None: known[None]}
    assert lake.generation(STANDING_PERIODS).number == 1
    assert lake.scan(STANDING_PERIODS).collect().height == 4
    assert withdraw_damaged(lake, deep=True) == []


def test_files_keep_their_names_and_take_no_more_room(
    tmp_path: Path, known: dict[date | None, PartitionRecord]
) -> None:
    lake = Lake(str(tmp_path))
    for file, name in zip(lake.generation(STANDING_PERIODS).files(), LAYOUT, strict=False):
        assert file.samefile(tmp_path / name)
    assert [*lake.records(VEHICLES)] == [None]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")) == LAYOUT
    assert not [*tmp_path.rglob("standing_periods.json")]
    assert known[DAY].byte_count == (tmp_path / LAYOUT[0]).stat().st_size


def test_a_day_that_is_stored_anew_leaves_the_others_as_they_were(
    tmp_path: Path, known: dict[date | None, PartitionRecord]
) -> None:
    lake = Lake(str(tmp_path))
    written = lake.write(STANDING_PERIODS, DAY, periods(1), "new")
    assert lake.records(STANDING_PERIODS) == {DAY: written.record, day(1): known[day(1)]}
    assert pl.read_parquet(tmp_path / LAYOUT[0]).height == 1
    first = lake.manifest(STANDING_PERIODS).read(1)
    assert pl.scan_parquet(first.files(), glob=False).collect().height == 4


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_a_partition_without_a_record_is_read_and_stale(tmp_path: Path, text: str | None) -> None:
    record = (tmp_path / LAYOUT[0]).with_suffix(".json")
    record.unlink()
    if text is not None:
        record.write_text(text)
    lake = Lake(str(tmp_path))
    assert lake.record(STANDING_PERIODS, DAY) is None
    assert [*lake.records(STANDING_PERIODS)] == [day(1)]
    assert lake.scan(STANDING_PERIODS).collect().height == 4


def test_killed_at_any_change_the_next_look_adopts_the_same(
    tmp_path: Path, known: dict[date | None, PartitionRecord]
) -> None:
    step, code = 0, 1
    while code:
        step += 1
        code = _adopted_by_a_child(tmp_path, step)
        assert pl.read_parquet(tmp_path / "standing_periods" / "**" / "*.parquet").height == 4
    assert step > 4
    assert Lake(str(tmp_path)).records(STANDING_PERIODS) == days_of(known)
    assert [*Lake(str(tmp_path)).manifest(STANDING_PERIODS).numbers()] == [1]


def _adopted_by_a_child(root: Path, dies_at: int) -> int:
    """Look at the lake in a process that ends at its so manyth change of a name; whether it did."""
    child = os.fork()
    if not child:
        left = dies_at

        def end(event: str, _arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in ("os.link", "os.rename", "os.remove", "os.mkdir"):
                left -= 1
                if not left:
                    os._exit(9)

        sys.addaudithook(end)
        Lake(str(root)).records(STANDING_PERIODS)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.usefixtures("known")
def test_who_may_only_read_sees_the_same_and_changes_nothing(
    tmp_path: Path, known: dict[date | None, PartitionRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(tmp_path.rglob("*"))

    def refused(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.mkdir", refused)
    lake = Lake(str(tmp_path))
    assert lake.records(STANDING_PERIODS) == days_of(known)
    assert lake.scan(STANDING_PERIODS).collect().height == 4
    assert sorted(tmp_path.rglob("*")) == before


def test_a_lake_with_nothing_in_it_stays_so(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "none"))
    assert lake.records(STANDING_PERIODS) == {}
    assert lake.generation(STANDING_PERIODS).number == 0
    assert not (tmp_path / "none").exists()
