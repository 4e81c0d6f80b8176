"""What is copied belongs together, though somebody writes it meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from fleet_assets.adapters.backup import (
    BackupWriter,
    Manifest,
    copy_lake,
    copy_sqlite,
    new_backup,
)  # fmt: skip
from fleet_assets.adapters.backup.manifest import sha256_of
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets_tests.adapters.query_cache.installation import periods

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def backup(folder: Path, hour: int = 12) -> Iterator[BackupWriter]:
    with new_backup(folder / "store", folder, NOON.replace(hour=hour)) as writer:
        yield writer


def test_every_copied_partition_is_the_one_of_its_record_while_a_build_replaces_them(tmp_path: Path) -> None:
    lake, stop = Lake(str(tmp_path / "lake")), threading.Event()
    days = [date(2026, 3, day) for day in range(1, 9)]
    for day in days:
        lake.write(STANDING_PERIODS, day, periods(day.day, 1), "test")

    def build() -> None:
        rows = 2
        while not stop.is_set():
            for day in days:
                lake.write(STANDING_PERIODS, day, periods(day.day, rows), "test")
            rows = rows % 50 + 1

    builder = threading.Thread(target=build)
    builder.start()
    try:
        for hour in range(5):
            with backup(tmp_path, hour) as writer:
                copy_lake(writer, "lake", lake.root)
            copied = Lake(str(writer.folder / "lake"))
            assert copied.days(STANDING_PERIODS) == days
            assert writer.manifest.left_out == {}
            generation = copied.generation(STANDING_PERIODS)
            for stored, record in generation.records.items():
                file = generation.file(stored)
                assert file is not None
                assert sha256_of(file) == record.content
            Manifest.of(writer.folder).check(writer.folder)
    finally:
        stop.set()
        builder.join()


def test_a_sqlite_database_is_copied_with_what_is_still_in_its_log(tmp_path: Path) -> None:
    source = tmp_path / "runs.db"
    with closing(sqlite3.connect(source)) as database:
        database.execute("pragma journal_mode = wal")
        database.execute("create table runs (id integer)")
        database.executemany("insert into runs values (?)", [(number,) for number in range(100)])
        database.commit()
        with backup(tmp_path) as writer:
            copy_sqlite(writer, "runs.db", source)
    with closing(sqlite3.connect(writer.folder / "runs.db")) as copy:
        assert copy.execute("select count(*) from runs").fetchone() == (100,)
    assert sorted(path.name for path in writer.folder.iterdir()) == ["manifest.json", "runs.db"]
