"""A table is one generation at a time: commits of many writers, readers that keep theirs, and what stays small."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.adapters.durable_file import put_if_absent
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_generation import (
    UPON_A_BASE,
    Changes,
    Damaged,
    Entry,
    Generation,
    PartitionRecord,
    head_and_facts,
)
from fleet_assets.adapters.lake_manifest import Manifest
from fleet_assets.contracts import STANDING_PERIODS, VEHICLES
from fleet_assets_tests.adapters.test_lake import DAY, periods

CONTEXT = get_context("forkserver")
WRITERS = 4
COMMITS = 15


def day(number: int) -> date:
    return DAY + timedelta(days=number)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def _write_own_days(root: str, writer: int) -> None:
    lake = Lake(root)
    for number in range(COMMITS):
        lake.write(STANDING_PERIODS, day(writer * COMMITS + number), periods(8), f"{writer}")


def _write_the_same_day(root: str, writer: int) -> None:
    lake = Lake(root)
    for number in range(COMMITS):
        with lake.partition_lock(STANDING_PERIODS, DAY):
            seen = lake.record(STANDING_PERIODS, DAY)
            count = int(str(seen.notes["count"])) if seen else 0
            lake.write(STANDING_PERIODS, DAY, periods(count % 24), f"{writer}-{number}", count=count + 1)


def _at_once(work: object, root: Path) -> list[int | None]:
    processes = [CONTEXT.Process(target=work, args=(str(root), writer)) for writer in range(WRITERS)]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def test_writers_of_different_days_never_conflict(lake: Lake) -> None:
    assert _at_once(_write_own_days, lake.root) == [0] * WRITERS
    assert lake.days(STANDING_PERIODS) == [day(number) for number in range(WRITERS * COMMITS)]
    assert lake.manifest(STANDING_PERIODS).numbers() == list(range(1, WRITERS * COMMITS + 1))
    assert lake.scan(STANDING_PERIODS).collect().height == WRITERS * COMMITS
    assert len(lake.records(STANDING_PERIODS)) == WRITERS * COMMITS


def test_what_another_commits_between_look_and_commit_is_not_lost(lake: Lake) -> None:
    lake.write(STANDING_PERIODS, day(0), periods(8), "a")
    entry, manifest = lake.generation(STANDING_PERIODS).entry(day(0)), lake.manifest(STANDING_PERIODS)
    seen: list[int] = []

    def change(now: Generation) -> Changes:
        seen.append(now.number)
        if len(seen) == 1:
            Lake(str(lake.root)).write(STANDING_PERIODS, day(1), periods(9), "b")
        return {day(2): entry}

    assert manifest.commit(change, "test").number == 3
    assert seen == [1, 2]
    assert lake.days(STANDING_PERIODS) == [day(0), day(1), day(2)]


def test_writers_of_the_same_day_come_one_after_the_other(lake: Lake) -> None:
    assert _at_once(_write_the_same_day, lake.root) == [0] * WRITERS
    record = lake.record(STANDING_PERIODS, DAY)
    assert record is not None
    assert record.notes == {"count": WRITERS * COMMITS}


def test_who_holds_a_generation_reads_its_rows_whatever_is_stored_meanwhile(lake: Lake) -> None:
    lake.write(STANDING_PERIODS, day(0), periods(8), "a")
    lake.write(STANDING_PERIODS, day(1), periods(9), "a")
    held, rows = lake.generation(STANDING_PERIODS), lake.scan(STANDING_PERIODS)
    lake.write(STANDING_PERIODS, day(0), periods(1, 2, 3), "b")
    lake.remove(STANDING_PERIODS, day(1))
    assert rows.collect().height == 2
    assert held.days == [day(0), day(1)]
    assert all(file.exists() for file in held.files())
    assert lake.scan(STANDING_PERIODS).collect().height == 3


def test_what_changes_nothing_makes_no_generation(lake: Lake) -> None:
    for _ in range(3):
        lake.write(STANDING_PERIODS, DAY, periods(8), "a", landed_rows=3)
    assert lake.manifest(STANDING_PERIODS).numbers() == [1]
    lake.write(STANDING_PERIODS, DAY, periods(8), "b", landed_rows=3)
    assert lake.generation(STANDING_PERIODS).number == 2


def test_a_table_without_days_has_one_partition(lake: Lake) -> None:
    written = lake.write(VEHICLES, None, VEHICLES.empty(), "a")
    assert lake.records(VEHICLES) == {None: written.record}
    assert lake.days(VEHICLES) == []


def test_every_process_finds_the_newest_of_many_and_reads_what_each_was(lake: Lake) -> None:
    for number in range(2 * UPON_A_BASE + 5):
        lake.write(STANDING_PERIODS, day(number), periods(8), str(number))
        elsewhere = Lake(str(lake.root)).generation(STANDING_PERIODS)
        assert (elsewhere.number, len(elsewhere.days)) == (number + 1, number + 1)
    manifest = Manifest(lake.root / "standing_periods")
    assert [len(manifest.read(number).days) for number in manifest.numbers()] == manifest.numbers()


def test_a_commit_writes_what_changed_and_now_and_then_all(lake: Lake) -> None:
    for number in range(UPON_A_BASE + 10):
        lake.write(STANDING_PERIODS, day(number), periods(8), str(number))
    manifest = lake.manifest(STANDING_PERIODS)
    stated = [len(manifest.stated(number)[1]) for number in manifest.numbers()]
    assert stated == [1, *range(1, UPON_A_BASE), UPON_A_BASE + 1, *range(1, 10)]


def test_of_two_who_put_the_same_name_one_wins(tmp_path: Path) -> None:
    assert put_if_absent(tmp_path / "one", b"first")
    assert not put_if_absent(tmp_path / "one", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_a_file_system_without_hard_links_is_good_enough(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_names: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    lake.write(STANDING_PERIODS, DAY, periods(8), "a")
    lake.write(STANDING_PERIODS, day(1), periods(8), "a")
    assert not put_if_absent(lake.manifest(STANDING_PERIODS).path(2), b"late")
    assert lake.scan(STANDING_PERIODS).collect().height == 2
    assert lake.path(STANDING_PERIODS, DAY).read_bytes() == lake.generation(STANDING_PERIODS).files()[0].read_bytes()


def test_a_generation_is_text_that_proves_itself(lake: Lake) -> None:
    lake.write(STANDING_PERIODS, DAY, periods(8), "a")
    path = lake.manifest(STANDING_PERIODS).path(1)
    head, body, _ = path.read_text().splitlines()
    assert json.loads(head)["generation"] == json.loads(head)["base"] == 1
    (content, inputs, rows, *_), record = json.loads(body)[str(DAY)], lake.record(STANDING_PERIODS, DAY)
    assert record is not None
    assert (content, inputs, rows) == (record.content, "a", 1)


@given(st.data())
def test_no_flipped_bit_makes_another_generation(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    generation = Generation(tmp_path_factory.getbasetemp(), 7, datetime(2026, 3, 1, tzinfo=UTC), "write")
    text = bytearray(generation.changed({DAY: Entry(PartitionRecord("c" * 64, "i", 3, 9))}, 8, "write").text)
    text[data.draw(st.integers(0, len(text) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Damaged):
        head_and_facts(bytes(text))
