"""The vehicles of partitions are remembered by content, and what is remembered is never wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleet_assets.adapters.held_vehicles import MEMORY, HeldVehicles
from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import INGEST_OUTAGES, STANDING_PERIODS
from fleet_assets_tests.fixtures.drives import at

DAY = date(2026, 3, 2)


def periods(*vehicles: str) -> pl.DataFrame:
    rows = {
        "vehicle_id": vehicles, "started_at": [at("2026-03-02 08:00")] * len(vehicles),
        "ended_at": [at("2026-03-02 09:00")] * len(vehicles), "charger_s": [0.0] * len(vehicles),
    }  # fmt: skip
    return STANDING_PERIODS.conform(pl.LazyFrame(rows)).collect()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path))
    lake.write(STANDING_PERIODS, DAY, periods("van-2", "van-1"), "one")
    return lake


def test_the_vehicles_of_partitions_are_named_in_order_and_follow_the_content(lake: Lake) -> None:
    held = HeldVehicles(lake)
    partitions = [(STANDING_PERIODS, DAY), (STANDING_PERIODS, date(2026, 3, 3)), (INGEST_OUTAGES, DAY)]
    assert held.of(partitions) == ["van-1", "van-2"]
    lake.write(STANDING_PERIODS, DAY, periods("van-3"), "two")
    assert held.of(partitions) == ["van-3"]


@pytest.mark.parametrize("harm", [lambda text: text[:-2], lambda text: text.replace("van-1", "van-9"), lambda _: ""])
def test_a_damaged_memory_is_none(lake: Lake, harm: object) -> None:
    held = HeldVehicles(lake)
    held.of([(STANDING_PERIODS, DAY)])
    held.remember()
    file = lake.root / MEMORY
    assert callable(harm)
    assert "van-1" in file.read_text()
    file.write_text(harm(file.read_text()))
    assert HeldVehicles(lake).of([(STANDING_PERIODS, DAY)]) == ["van-1", "van-2"]


def test_a_damaged_partition_holds_nobody_up(lake: Lake) -> None:
    for file in lake.generation(STANDING_PERIODS).files():
        file.write_bytes(b"")
    assert HeldVehicles(lake).of([(STANDING_PERIODS, DAY)]) == []
