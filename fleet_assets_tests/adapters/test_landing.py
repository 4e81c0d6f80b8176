"""Landing zone: days split at midnight, names stand for content, staged files arrive together."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters.landing import Landing
from fleet_assets.contracts import RAW_CAN
from fleet_assets.contracts.errors import ContractViolation, UsageError
from fleet_assets_tests.fixtures.can_frames import START, frame_log


def raw(count: int, start: datetime = START) -> pl.DataFrame:
    ids = pl.Series([f"e-{number:03d}" for number in range(count)], dtype=pl.String)
    return (
        frame_log(count, start=start)
        .with_columns(entry_id=ids, received_at=pl.lit(start).cast(RAW_CAN.schema["received_at"]))
        .select(RAW_CAN.schema.names())
    )


def test_rows_are_split_at_midnight_utc(tmp_path: Path) -> None:
    rows = raw(4, datetime(2026, 3, 1, 23, 59, 59, 998_000, tzinfo=UTC))
    landing = Landing(tmp_path)
    files = landing.append("can", rows, "a")
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "can/date=2026-03-01/a.parquet", "can/date=2026-03-02/a.parquet",
    ]  # fmt: skip
    assert_frame_equal(landing.scan("can", date(2026, 3, 1)).collect(), rows.head(2))
    assert_frame_equal(landing.scan("can", date(2026, 3, 2)).collect(), rows.tail(2))


def test_a_name_that_exists_is_kept_as_it_is(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.append("can", raw(3), "a")
    landing.append("can", raw(2), "a")
    assert landing.scan("can", START.date()).collect().height == 3


def test_days_and_sources_say_what_is_there(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "none")
    assert (landing.sources(), landing.days("can"), landing.files("can", START.date())) == ([], {}, ())
    assert landing.scan("can", START.date()).collect().schema == RAW_CAN.schema
    landing.append("can", raw(1), "b")
    landing.append("can", raw(1), "a")
    landing.stage("aside").append("can", raw(1), "c")
    assert landing.sources() == ["can"]
    assert [file.path.stem for file in landing.days("can")[START.date()]] == ["a", "b"]
    assert all(file.size == file.path.stat().st_size for file in landing.files("can", START.date()))


def test_no_rows_make_no_file(tmp_path: Path) -> None:
    assert Landing(tmp_path).append("can", RAW_CAN.empty(), "a") == []
    assert not list(tmp_path.rglob("*.parquet"))


def test_other_columns_and_other_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractViolation, match="landing file a has columns"):
        Landing(tmp_path).append("can", raw(1).drop("bus"), "a")
    with pytest.raises(UsageError, match="source 'lidar' does not exist; there are can, gaps, telemetry"):
        Landing(tmp_path).append("lidar", raw(1), "a")


def test_staged_files_are_invisible_until_they_are_published(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    staged = landing.stage("import")
    staged.append("can", raw(2), "a")
    assert landing.days("can") == {}
    moved = landing.publish(staged)
    assert [path.name for path in moved] == ["a.parquet"]
    assert landing.scan("can", START.date()).collect().height == 2
    assert not staged.root.exists()


def test_publishing_keeps_files_that_are_there(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.append("can", raw(3), "a")
    staged = landing.stage("again")
    staged.append("can", raw(2), "a")
    landing.publish(staged)
    assert landing.scan("can", START.date()).collect().height == 3
