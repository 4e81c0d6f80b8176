"""An installation whose file times settle at once, so that tests need not wait two seconds after each write."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.contracts import STANDING_PERIODS

SETTLE_NS = 20_000_000
"""ns; the file systems of machines that run tests keep times in steps of at most ten milliseconds."""


class OwnInstallation:
    """A warehouse over a lake, counting how often it computes."""

    def __init__(self, folder: Path) -> None:
        self.lake = Lake(str(folder / "lake"))
        self.warehouse = DuckdbWarehouse(folder / "warehouse" / "fleet.duckdb", str(self.lake.root), SETTLE_NS)
        self.computed = 0

    def query(self, sql: str) -> pl.DataFrame:
        self.computed += 1
        return self.warehouse.query(sql)

    def origin(self, sql: str) -> str | None:
        return self.warehouse.origin(sql)

    def query_with_origin(self, sql: str) -> tuple[pl.DataFrame, str | None]:
        return self.query(sql), self.origin(sql)

    def write(self, day: int, rows: int) -> None:
        """A day of March with so many rows."""
        self.lake.write(STANDING_PERIODS, date(2026, 3, day), periods(day, rows), "test")

    def publish(self, *statements: str) -> None:
        with self.warehouse.building() as file:
            with duckdb.connect(str(file)) as connection:
                for statement in statements:
                    connection.execute(statement)
            self.warehouse.publish()


def periods(day: int, rows: int) -> pl.DataFrame:
    starts = [datetime(2026, 3, day, tzinfo=UTC) + timedelta(minutes=row) for row in range(rows)]
    said = pl.DataFrame({"started_at": pl.Series(starts, dtype=STANDING_PERIODS.schema["started_at"])}).with_columns(
        vehicle_id=pl.lit("van-1"), ended_at=pl.col("started_at"), is_standing=pl.lit(value=True),
        engine_on_s=pl.lit(0.0), charger_s=pl.lit(0.0),
    )  # fmt: skip
    return STANDING_PERIODS.conform(said.lazy()).collect()


def settle() -> None:
    time.sleep(2 * SETTLE_NS / 1e9)
