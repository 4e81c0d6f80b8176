"""Parquet files: exact content, declared types, equal bytes, readable by other engines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from fleet_assets.adapters.parquet import write_parquet
from fleet_assets.contracts import RAW_CAN, TELEMETRY, TIMESTAMP


def frames(count: int) -> pl.DataFrame:
    """`count` frames a millisecond apart, payloads from no byte to eight."""
    ordinal = pl.int_range(count, dtype=pl.Int64, eager=True)
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "recorded_at": pl.Series(ordinal * 1_000 + 1_700_000_000_000_000).cast(instant),
            "received_at": pl.repeat(datetime(2024, 1, 1, tzinfo=UTC), count, dtype=instant, eager=True),
            "vehicle_id": pl.repeat("truck-1", count, eager=True),
            "bus": pl.repeat("can0", count, eager=True),
            "arbitration_id": (ordinal % 7 + 0x100).cast(pl.UInt32),
            "is_extended": pl.repeat(False, count, eager=True),
            "is_fd": pl.repeat(None, count, dtype=pl.Boolean, eager=True),
            "is_error": pl.repeat(False, count, eager=True),
            "dlc": (ordinal % 9).cast(pl.UInt8),
            "data": pl.Series([bytes(range(i % 9)) for i in range(count)], dtype=pl.Binary),
            "entry_id": pl.Series([f"1700000000000-0-{i:06d}" for i in range(count)], dtype=pl.String),
        }
    )


def test_a_file_gives_back_the_same_rows_and_the_declared_types(tmp_path: Path) -> None:
    frame = frames(1_000)
    write_parquet(frame, tmp_path / "a.parquet", RAW_CAN)
    back = pl.read_parquet(tmp_path / "a.parquet")
    assert back.schema == RAW_CAN.schema
    assert back.equals(frame)


def test_an_empty_frame_keeps_its_schema(tmp_path: Path) -> None:
    for table in (RAW_CAN, TELEMETRY):
        write_parquet(table.empty(), tmp_path / "empty.parquet", table)
        assert pl.read_parquet_schema(tmp_path / "empty.parquet") == dict(table.schema)


def test_equal_frames_give_equal_bytes(tmp_path: Path) -> None:
    write_parquet(frames(500), tmp_path / "a.parquet", RAW_CAN)
    write_parquet(frames(500), tmp_path / "b.parquet", RAW_CAN)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_a_file_is_replaced_in_one_step_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.parquet"
    write_parquet(frames(5), path, RAW_CAN)
    write_parquet(frames(6), path, RAW_CAN)
    assert pl.read_parquet(path).height == 6
    assert [found.name for found in path.parent.iterdir()] == ["a.parquet"]


def test_duckdb_reads_bytes_lists_and_instants(tmp_path: Path) -> None:
    write_parquet(frames(9), tmp_path / "a.parquet", RAW_CAN)
    totals = "count(*), sum(octet_length(data)), max(entry_id), epoch_us(min(recorded_at))"
    found = duckdb.execute(f"select {totals} from '{tmp_path}/a.parquet'").fetchall()
    assert found == [(9, 36, "1700000000000-0-000008", 1_700_000_000_000_000)]
    now = [datetime(2024, 1, 1, tzinfo=UTC)]
    one = {"vehicle_id": ["v"], "source": ["can"], "dtc_codes": [["P0420"]], "recorded_at": now}
    rows = TELEMETRY.conform(pl.LazyFrame(one, schema_overrides={"recorded_at": TIMESTAMP})).collect()
    write_parquet(rows, tmp_path / "t.parquet", TELEMETRY)
    assert pl.read_parquet(tmp_path / "t.parquet").equals(rows)
    assert duckdb.execute(f"select dtc_codes from '{tmp_path}/t.parquet'").fetchall() == [(["P0420"],)]
