"""Partitions are replaced whole, carry a record of what they were made from, and equal content is equal bytes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from fleet_assets.adapters.lake import Lake, days_between
from fleet_assets.contracts import STANDING_PERIODS, TIMESTAMP, VEHICLES
from fleet_assets.contracts.errors import ContractViolation, SettingError

DAY = date(2026, 3, 1)


def periods(*hours: int, vehicle: str = "van-1", day: int = 1) -> pl.DataFrame:
    rows = [
        {
            "vehicle_id": vehicle,
            "started_at": datetime(2026, 3, day, hour, tzinfo=UTC),
            "ended_at": datetime(2026, 3, day, hour, 30, tzinfo=UTC),
            "engine_on_s": 60.0,
            "charger_s": 0.0,
        }
        for hour in hours
    ]
    instants = pl.col("started_at", "ended_at").cast(TIMESTAMP)
    return STANDING_PERIODS.conform(pl.LazyFrame(rows).with_columns(instants)).collect()


def test_what_was_written_is_read_back_in_the_order_of_the_contract(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(STANDING_PERIODS, DAY, periods(9, 8), inputs="a")
    assert lake.scan(STANDING_PERIODS, [DAY]).collect().equals(periods(8, 9))
    assert lake.days(STANDING_PERIODS) == [DAY]


def test_the_same_rows_in_any_order_are_the_same_bytes_and_leave_the_file_alone(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    first = lake.write(STANDING_PERIODS, DAY, periods(8, 9), inputs="a")
    before = first.path.stat().st_ino, first.path.stat().st_ctime_ns
    second = lake.write(STANDING_PERIODS, DAY, periods(9, 8), inputs="b")
    assert (first.is_changed, second.is_changed) == (True, False)
    assert second.record.content == first.record.content
    assert (first.path.stat().st_ino, first.path.stat().st_ctime_ns) == before
    assert lake.record(STANDING_PERIODS, DAY) == second.record


def test_a_frame_that_breaks_the_contract_leaves_the_partition_as_it_was(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(STANDING_PERIODS, DAY, periods(8), inputs="a")
    with pytest.raises(ContractViolation, match="standing_periods: key"):
        lake.write(STANDING_PERIODS, DAY, pl.concat([periods(9), periods(9)]), inputs="b")
    assert lake.scan(STANDING_PERIODS, [DAY]).collect().equals(periods(8))


def test_days_without_a_partition_read_as_no_rows(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    assert lake.scan(STANDING_PERIODS, [DAY]).collect().equals(STANDING_PERIODS.empty())
    assert lake.scan(VEHICLES).collect().equals(VEHICLES.empty())
    assert lake.record(STANDING_PERIODS, DAY) is None


def test_a_window_holds_the_rows_from_its_start_to_before_its_end(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(STANDING_PERIODS, DAY, periods(8, 23), inputs="a")
    lake.write(STANDING_PERIODS, date(2026, 3, 2), periods(0, day=2), inputs="a")
    window = lake.window(STANDING_PERIODS, datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert window.collect().equals(pl.concat([periods(23), periods(0, day=2)]))


def test_a_partition_whose_record_was_withdrawn_has_none_and_is_read_until_it_is_made_again(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(STANDING_PERIODS, DAY, periods(8), inputs="a")
    lake.withdraw(STANDING_PERIODS, DAY)
    assert lake.record(STANDING_PERIODS, DAY) is None
    assert lake.records(STANDING_PERIODS) == {}
    assert lake.scan(STANDING_PERIODS).collect().equals(periods(8))
    again = lake.write(STANDING_PERIODS, DAY, periods(8), inputs="a")
    assert not again.is_changed
    assert lake.record(STANDING_PERIODS, DAY) == again.record


def test_a_removed_day_is_gone_under_every_name(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.write(STANDING_PERIODS, DAY, periods(8), inputs="a")
    lake.remove(STANDING_PERIODS, DAY)
    assert lake.days(STANDING_PERIODS) == []
    assert lake.scan(STANDING_PERIODS).collect().is_empty()
    assert pl.read_parquet(tmp_path / "standing_periods" / "**" / "*.parquet").is_empty()


def test_files_written_before_a_column_was_added_read_it_as_null(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    path = lake.path(STANDING_PERIODS, DAY)
    path.parent.mkdir(parents=True)
    periods(8).drop("idle_fuel_l").write_parquet(path)
    assert lake.scan(STANDING_PERIODS, [DAY]).collect().equals(periods(8))


def test_a_table_can_be_read_by_pattern_also_while_it_has_no_row(tmp_path: Path) -> None:
    Lake(str(tmp_path)).write(STANDING_PERIODS, DAY, STANDING_PERIODS.empty(), "x")
    assert pl.read_parquet(tmp_path / "standing_periods" / "**" / "*.parquet").is_empty()


@pytest.mark.parametrize("pattern", ["**/*.parquet", "date=*/standing_periods.parquet", "date=*/*.parquet"])
def test_who_reads_by_pattern_meets_nothing_that_was_replaced(tmp_path: Path, pattern: str) -> None:
    lake = Lake(str(tmp_path))
    for hour in (7, 8, 9):
        lake.write(STANDING_PERIODS, DAY, periods(hour), str(hour))
    found = duckdb.sql(f"select hour(started_at at time zone 'UTC') from '{tmp_path}/standing_periods/{pattern}'")
    assert found is not None
    assert found.fetchall() == [(9,)]


def test_a_lake_address_this_version_cannot_use_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="FLEET_LAKE_URL=s3://bucket"):
        Lake("s3://bucket/lake")


def test_an_interval_ending_at_midnight_does_not_touch_the_next_day() -> None:
    start, end = datetime(2026, 3, 1, 23, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert days_between(start, end) == [DAY]


def test_a_write_killed_before_its_commit_leaves_the_partition_and_its_record_as_they_were(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    before = lake.write(STANDING_PERIODS, DAY, periods(8), "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fleet_assets.adapters.lake_manifest.put_if_absent", _killed)
        with pytest.raises(KeyboardInterrupt):
            lake.write(STANDING_PERIODS, DAY, periods(8, 9), "b")
    assert lake.record(STANDING_PERIODS, DAY) == before.record
    assert lake.scan(STANDING_PERIODS, [DAY]).collect().equals(periods(8))
    assert lake.write(STANDING_PERIODS, DAY, periods(8, 9), "b").is_changed
    assert pl.read_parquet(lake.path(STANDING_PERIODS, DAY)).height == 2


def _killed(*_arguments: object) -> None:
    raise KeyboardInterrupt
