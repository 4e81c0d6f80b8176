"""What is published for other engines is the table: read back by deltalake, row for row, without a copy of a file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_delta import PARTITION, publish
from fleet_assets.contracts import STANDING_PERIODS, TABLES, VEHICLES, Table
from fleet_assets.contracts.errors import DataError, UsageError
from fleet_assets_tests.adapters.test_lake import DAY, periods
from fleet_assets_tests.adapters.test_lake_generations import day


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(str(tmp_path / "lake"))
    made.write(STANDING_PERIODS, DAY, periods(8, 9), "a")
    made.write(STANDING_PERIODS, day(1), periods(7, day=2), "a")
    return made


def read(folder: Path, table: Table) -> pl.DataFrame:
    return pl.scan_delta(str(folder / table.name)).select(table.schema.names()).sort(table.order).collect()


def test_the_published_table_has_the_rows_of_the_lake(lake: Lake, tmp_path: Path) -> None:
    published = publish(lake, STANDING_PERIODS, tmp_path / "delta")
    assert (published.generation, published.version, published.added, published.copied) == (2, 0, 2, 0)
    assert_frame_equal(read(tmp_path / "delta", STANDING_PERIODS), lake.scan(STANDING_PERIODS).collect())
    by_day = DeltaTable(tmp_path / "delta" / "standing_periods").to_pyarrow_table(filters=[(PARTITION, "=", DAY)])
    assert by_day.num_rows == 2


def test_no_file_is_copied(lake: Lake, tmp_path: Path) -> None:
    publish(lake, STANDING_PERIODS, tmp_path / "delta")
    names = sorted((tmp_path / "delta" / "standing_periods").rglob("*.parquet"))
    for name, file in zip(names, lake.generation(STANDING_PERIODS).files(), strict=True):
        assert name.samefile(file)


def test_publishing_again_is_one_version_of_what_changed(lake: Lake, tmp_path: Path) -> None:
    publish(lake, STANDING_PERIODS, tmp_path / "delta")
    assert publish(lake, STANDING_PERIODS, tmp_path / "delta").version == 0
    lake.write(STANDING_PERIODS, DAY, periods(1), "b")
    lake.remove(STANDING_PERIODS, day(1))
    lake.write(STANDING_PERIODS, day(2), periods(2, 3, day=3), "a")
    again = publish(lake, STANDING_PERIODS, tmp_path / "delta")
    assert (again.version, again.added, again.removed) == (1, 2, 2)
    assert_frame_equal(read(tmp_path / "delta", STANDING_PERIODS), lake.scan(STANDING_PERIODS).collect())
    lake.write(STANDING_PERIODS, DAY, periods(8, 9), "a")
    assert publish(lake, STANDING_PERIODS, tmp_path / "delta").version == 2
    assert_frame_equal(read(tmp_path / "delta", STANDING_PERIODS), lake.scan(STANDING_PERIODS).collect())
    first = DeltaTable(tmp_path / "delta" / "standing_periods", version=0)
    assert first.to_pyarrow_table().num_rows == 3


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_table_can_be_published(table: Table, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.write(table, None if table.partition_by is None else DAY, table.empty(), "a")
    publish(lake, table, tmp_path / "delta")
    published = DeltaTable(tmp_path / "delta" / table.name)
    assert published.to_pyarrow_table().num_rows == 0
    assert {field.name for field in published.schema().fields} - {PARTITION} == {*table.schema}


def test_a_table_without_days_is_published_whole(lake: Lake, tmp_path: Path) -> None:
    rows = VEHICLES.conform(pl.LazyFrame({"vehicle_id": ["van-1", "van-2"]})).collect()
    lake.write(VEHICLES, None, rows, "a")
    publish(lake, VEHICLES, tmp_path / "delta")
    assert read(tmp_path / "delta", VEHICLES)["vehicle_id"].to_list() == ["van-1", "van-2"]


def test_what_is_damaged_is_not_published(lake: Lake, tmp_path: Path) -> None:
    lake.withdraw(STANDING_PERIODS, DAY)
    with pytest.raises(DataError, match="standing_periods: 2026-03-01 damaged or unfinished; `fleet build`"):
        publish(lake, STANDING_PERIODS, tmp_path / "delta")
    assert not (tmp_path / "delta").exists()


def test_a_delta_table_of_somebody_else_is_left_alone(lake: Lake, tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_delta(tmp_path / "delta" / "standing_periods")
    with pytest.raises(UsageError, match="is a Delta table of other columns: publish into an empty folder"):
        publish(lake, STANDING_PERIODS, tmp_path / "delta")
    assert pl.read_delta(str(tmp_path / "delta" / "standing_periods")).height == 1
