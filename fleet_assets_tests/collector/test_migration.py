"""A legacy table lands once, whole and the same, whatever forms its values have, and the file is never written."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.quarantine import Quarantine
from fleet_assets.collector import migration
from fleet_assets.collector.intake import Intake
from fleet_assets.collector.migration import Answers, Migration, migrate
from fleet_assets.contracts import RAW_CAN
from fleet_assets.contracts.errors import DataError, FileRejected
from fleet_assets.core.raw import deduplicate
from fleet_assets.installation import Installation
from fleet_assets_tests.fixtures.fleet_here import FleetHere

COLUMNS = "timestamp, can_id, node_id, message_type, dlc, raw_data, decoded_data, created_at"
START = datetime(2026, 3, 1, 23, 59, 50, tzinfo=UTC)
VAN = Answers("van-1")


def legacy(path: Path, rows: Iterable[tuple[Any, ...]], types: str = "timestamp REAL, can_id, raw_data") -> Path:
    """A file with a table as the logger made it; columns that `types` does not name have none."""
    named = {column.split()[0] for column in types.split(", ")}
    declared = ", ".join([types, *(name for name in COLUMNS.split(", ") if name not in named)])
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"create table can_messages (id integer primary key, {declared})")
        database.executemany(f"insert into can_messages ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        database.commit()
    return path


def row(second: float, can_id: Any, data: Any, node: Any = 1, dlc: Any = 2, **more: Any) -> tuple[Any, ...]:
    kind, stored = more.get("kind", "data"), more.get("stored")
    return START.timestamp() + second, can_id, node, kind, dlc, data, '{"speed": 1}', stored


def many(count: int) -> list[tuple[Any, ...]]:
    return [row(number * 0.001, 0x100 + number % 50, number.to_bytes(4, "big"), dlc=4) for number in range(count)]


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    return Intake(Landing(tmp_path / "landing"), Quarantine(tmp_path / "quarantine"), START.date() - timedelta(days=9))


def landed(intake: Intake) -> pl.DataFrame:
    days = intake.landing.days("can")
    return pl.concat([intake.landing.scan("can", day) for day in days]).sort("entry_id").collect()


def test_frames_land_in_the_days_of_their_instants_with_every_byte(tmp_path: Path, intake: Intake) -> None:
    path = legacy(tmp_path / "old.db", [row(0.25, 0x1F0, b"\x00\xff"), row(10, 0x18FEF100, b"", dlc=0)])
    done = migrate(path, VAN, intake)
    assert (done.rows, done.landed, done.known, done.rejected, done.sampled) == (2, 2, 0, {}, 2)
    rows = landed(intake)
    assert rows["recorded_at"].to_list() == [START + timedelta(seconds=0.25), START + timedelta(seconds=10)]
    expected = {
        "vehicle_id": ["van-1"] * 2, "bus": ["can0"] * 2, "arbitration_id": [0x1F0, 0x18FEF100],
        "is_extended": [False, True], "is_fd": [False] * 2, "is_error": [False] * 2, "dlc": [2, 0],
        "data": [b"\x00\xff", b""],
    }  # fmt: skip
    schema = {name: RAW_CAN.schema[name] for name in expected}
    assert_frame_equal(rows.select(list(expected)), pl.DataFrame(expected, schema=schema))
    assert len(intake.landing.days("can")) == 2


@pytest.mark.parametrize("data", [b"\x0a\xff", "0AFF", "0aff", "0A FF", "0x0AFF", "0x0a 0xff", "0A:FF", "0a-ff"])
def test_bytes_may_be_written_in_many_ways(tmp_path: Path, intake: Intake, data: Any) -> None:
    migrate(legacy(tmp_path / "old.db", [row(0, 1, data)]), VAN, intake)
    assert landed(intake)["data"].to_list() == [b"\x0a\xff"]


@pytest.mark.parametrize(
    ("can_id", "number", "is_extended"),
    [
        (0x7FF, 0x7FF, False), (0x800, 0x800, True), ("0x123", 0x123, False), ("123", 0x123, False),
        ("18FEF100", 0x18FEF100, True), (0x80000123, 0x123, True), (0x1FFFFFFF, 0x1FFFFFFF, True),
    ],
)  # fmt: skip
def test_identifiers_may_be_numbers_or_hexadecimal_text(
    tmp_path: Path, intake: Intake, can_id: Any, number: int, is_extended: bool
) -> None:
    migrate(legacy(tmp_path / "old.db", [row(0, can_id, b"ab")]), VAN, intake)
    assert landed(intake).select("arbitration_id", "is_extended").rows() == [(number, is_extended)]


def test_a_column_that_says_extended_is_believed(tmp_path: Path, intake: Intake) -> None:
    path = legacy(tmp_path / "old.db", [row(0, 0x123, b"ab"), row(1, 0x123, b"ab")])
    with closing(sqlite3.connect(path)) as database:
        database.execute("alter table can_messages add column is_extended integer")
        database.execute("update can_messages set is_extended = id = 1")
        database.commit()
    migrate(path, VAN, intake)
    assert landed(intake)["is_extended"].to_list() == [True, False]


def test_when_it_was_stored_is_when_it_was_received(tmp_path: Path, intake: Intake) -> None:
    stored = [START.timestamp() + 5, "2026-03-02 00:00:01", "2026-03-02T00:00:01.5Z", None]
    path = legacy(tmp_path / "old.db", [row(second, 1, b"ab", stored=text) for second, text in enumerate(stored)])
    began = datetime.now(UTC)
    migrate(path, VAN, intake)
    received = landed(intake)["received_at"].to_list()
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    later = [START + timedelta(seconds=5), *(midnight + timedelta(seconds=seconds) for seconds in (1, 1.5))]
    assert received[:3] == later
    assert began - timedelta(seconds=1) < received[3] <= datetime.now(UTC)


def test_wrong_rows_are_set_aside_with_reason_and_count_and_the_others_land(tmp_path: Path, intake: Intake) -> None:
    good = row(0, 1, b"ab")
    wrong = {
        "no-time": [("yesterday", *good[1:]), (None, *good[1:]), (float("inf"), *good[1:])],
        "no-id": [row(1, "speed", b"ab"), row(1, None, b"ab"), row(1, -1, b"ab"), row(1, 1 << 33, b"ab")],
        "no-data": [row(1, 1, "0AF"), row(1, 1, "xyz"), row(1, 1, None)],
        "length-differs": [row(1, 1, b"abc"), row(1, 1, b"a" * 65, dlc=65)],
        "remote-frame": [row(1, 1, None, kind="remote"), row(1, 0x40000001, None, dlc=0)],
        "clock": [(0.0, *good[1:]), (4e9, *good[1:])],
    }
    path = legacy(tmp_path / "old.db", [good, *(item for rows in wrong.values() for item in rows)], "timestamp, can_id")
    done = migrate(path, VAN, intake)
    counts = {reason: len(rows) for reason, rows in wrong.items()}
    assert done.rejected == counts
    assert done.landed == 1
    notes = {note.reason: note.count for note in intake.quarantine.notes()}
    assert notes == done.rejected
    kept = pl.concat([pl.read_parquet(path) for path in (tmp_path / "quarantine" / "can").glob("*no-time.parquet")])
    assert kept["timestamp"].to_list()[:2] == ["'yesterday'", "NULL"]
    assert kept["decoded_data"][0] == "'{\"speed\": 1}'"


def test_each_node_is_the_vehicle_that_vehicle_refs_says(tmp_path: Path, intake: Intake) -> None:
    rows = [row(second, 1, b"ab", node=node) for second, node in enumerate([7, "esp-2", None])]
    path = legacy(tmp_path / "old.db", rows)
    done = migrate(path, Answers({"7": "van-1", "esp-2": "van-2"}, "CAN1"), intake)
    assert landed(intake).select("vehicle_id", "bus").rows() == [("van-1", "CAN1"), ("van-2", "CAN1")]
    assert done.rejected == {"no-vehicle": 1}


def test_a_node_that_nobody_knows_is_asked_for_before_anything_lands(tmp_path: Path, intake: Intake) -> None:
    path = legacy(tmp_path / "old.db", [row(0, 1, b"ab", node=7), row(1, 1, b"ab", node=8)])
    with pytest.raises(FileRejected, match="which vehicle is node 8; give --vehicle-id for all rows, or a line"):
        migrate(path, Answers({"7": "van-1"}), intake)
    assert intake.landing.days("can") == {}


def test_a_second_time_adds_nothing(tmp_path: Path, intake: Intake) -> None:
    path = legacy(tmp_path / "old.db", many(1_000))
    first = migrate(path, VAN, intake)
    rows = landed(intake)
    second = migrate(path, VAN, intake)
    assert (second.rows, second.landed, second.resumed_at) == (first.rows, first.landed, 1_000)
    assert landed(intake).equals(rows)


def test_a_chunk_of_which_one_day_had_landed_is_landed_whole(tmp_path: Path, intake: Intake) -> None:
    path = legacy(tmp_path / "old.db", many(20_000))
    migrate(path, VAN, intake)
    rows = landed(intake).drop("received_at")
    (note,) = (tmp_path / "landing" / "_migrations").iterdir()
    note.unlink()
    first, second = (intake.landing.files("can", day) for day in intake.landing.days("can"))
    assert len(first) == len(second) == 1
    second[0].path.unlink()
    done = migrate(path, VAN, intake)
    assert (done.landed, done.known) == (20_000, 0)
    assert landed(intake).drop("received_at").equals(rows)


def test_a_lost_note_lands_nothing_twice(tmp_path: Path, intake: Intake) -> None:
    path = legacy(tmp_path / "old.db", many(1_000))
    migrate(path, VAN, intake)
    rows = landed(intake)
    (note,) = (tmp_path / "landing" / "_migrations").iterdir()
    note.unlink()
    assert migrate(path, VAN, intake).known == 0
    assert landed(intake).equals(rows)


def test_a_file_that_has_grown_adds_only_what_is_new(tmp_path: Path, intake: Intake) -> None:
    rows = many(1_500)
    migrate(legacy(tmp_path / "old.db", rows[:1_000]), VAN, intake)
    done = migrate(legacy(tmp_path / "grown.db", rows), VAN, intake)
    assert (done.rows, done.landed, done.known) == (1_500, 500, 1_000)
    assert landed(intake).height == 1_500


def test_the_file_is_never_written(tmp_path: Path, intake: Intake) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    path = legacy(folder / "old.db", many(1_000))
    before = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
    migrate(path, VAN, intake)
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
    assert list(folder.iterdir()) == [path]


def test_what_landed_otherwise_than_the_file_says_is_noticed(tmp_path: Path, intake: Intake) -> None:
    path = legacy(tmp_path / "old.db", many(100))
    migrate(path, VAN, intake)
    (file,) = [file.path for file in intake.landing.files("can", START.date())]
    rows = pl.read_parquet(file, hive_partitioning=False)
    rows.with_columns(data=pl.lit(b"wrong")).write_parquet(file)
    with pytest.raises(DataError, match="rows landed with other values than the file has: rowid 1, 2, 3"):
        migrate(path, VAN, intake)
    rows.head(99).write_parquet(file)
    with pytest.raises(DataError, match=r"of 100 rows 99 landed, .*which does not add up"):
        migrate(path, VAN, intake)


def test_other_files_are_refused_in_one_sentence(tmp_path: Path, intake: Intake) -> None:
    text = tmp_path / "text.db"
    text.write_text("this is no database, and long enough to be looked at as one" * 20)
    empty = tmp_path / "empty.db"
    with closing(sqlite3.connect(empty)) as database:
        database.execute("create table other (a)")
        database.commit()
    narrow = tmp_path / "narrow.db"
    with closing(sqlite3.connect(narrow)) as database:
        database.execute("create table can_messages (timestamp, can_id)")
        database.commit()
    busy = legacy(tmp_path / "busy.db", many(1))
    (tmp_path / "busy.db-wal").write_bytes(b"rows")
    refusals = {
        text: "SQLite cannot read it: file is not a database", empty: "it has no table can_messages",
        narrow: "its table can_messages has no raw_data", tmp_path / "none.db": "there is no such file",
        busy: "busy.db-wal beside it holds rows not yet in it",
    }  # fmt: skip
    for path, sentence in refusals.items():
        with pytest.raises(FileRejected, match=sentence):
            migrate(path, VAN, intake)


def test_memory_holds_one_chunk_at_a_time(tmp_path: Path, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "CHUNK_ROWS", 300)
    seen: list[tuple[int, int]] = []
    path = legacy(tmp_path / "old.db", many(1_000))
    done = migrate(path, VAN, intake, lambda rows, total: seen.append((rows, total)))
    assert seen == [(0, 1_000), (300, 1_000), (600, 1_000), (900, 1_000), (1_000, 1_000)]
    assert done == Migration(1_000, 1_000, 1_000, 0, {}, 1_000, 0)
    assert deduplicate(landed(intake), RAW_CAN).height == 1_000


def test_the_command_finds_vehicles_in_vehicle_refs_and_says_what_came_of_it(
    installation: Installation, tmp_path: Path, fleet_here: FleetHere
) -> None:
    path = legacy(tmp_path / "old.db", [*many(100), row(1, "speed", b"ab"), row(2, 1, b"ab", node=2)])
    refused = fleet_here("migrate", "can-sqlite", path)
    assert refused.code == 1
    assert "which vehicle is node 1, 2; give --vehicle-id" in refused.err
    installation.settings.reference.mkdir(parents=True)
    refs = "source,external_id,vehicle_id\ncan-sqlite,1,van-1\ncan-sqlite,2,van-2\n"
    (installation.settings.reference / "vehicle_refs.csv").write_text(refs)
    done = fleet_here("migrate", "can-sqlite", path, "--bus", "CAN1")
    assert (done.code, done.out.splitlines()) == (0, [
        f"{path}: 102 rows, 101 of them in the landing zone; 101 compared, all equal",
        f"1 quarantined: no-id (in {installation.settings.quarantine})",
        "run `fleet build` to use them",
    ])  # fmt: skip
    rows = landed(Intake.from_settings(installation.settings))
    assert sorted(rows["vehicle_id"].unique()) == ["van-1", "van-2"]
    assert rows["bus"].unique().to_list() == ["CAN1"]


KILLED = """
import sys
from pathlib import Path
from fleet_assets.collector import migration
from fleet_assets.commands.migrate import run_can_sqlite
from fleet_assets.installation import Installation
migration.CHUNK_ROWS = 2_000
run_can_sqlite(Installation.from_environment(), Path(sys.argv[1]), "van-1", "")
"""


def test_killed_at_any_moment_it_goes_on_and_every_row_lands_once(installation: Installation, tmp_path: Path) -> None:
    path = legacy(tmp_path / "old.db", many(16_000))
    command = [sys.executable, "-c", KILLED, str(path)]
    for more_files in (1, 3):
        process = Popen(command, env=os.environ | {"FLEET_HOME": str(installation.settings.root)})
        deadline, before = time.monotonic() + 60, _files(installation)
        while _files(installation) < before + more_files and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        assert process.wait() == -9
    assert _files(installation) < 9
    Popen(command, env=os.environ | {"FLEET_HOME": str(installation.settings.root)}).wait()
    rows = landed(Intake.from_settings(installation.settings))
    assert rows["entry_id"].n_unique() == rows.height == 16_000
    assert rows["data"].n_unique() == 16_000


def _files(installation: Installation) -> int:
    return len(list(installation.settings.landing.glob("can/*/*.parquet")))
