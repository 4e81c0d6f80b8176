"""Frame logs in Parquet: the columns of raw CAN without received_at and entry_id.

Belongs here: reading them by row group and checking their columns. Does not belong here: other tables in Parquet.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from fleet_assets.adapters.frame_batch import FRAME_LOG_COLUMNS
from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions
from fleet_assets.adapters.log_files.unread import Skipped
from fleet_assets.adapters.reading_budget import BUFFER_BYTES
from fleet_assets.contracts import RAW_CAN, TIMESTAMP
from fleet_assets.contracts.errors import FileRejected

_OPTIONAL = {"vehicle_id", "bus", "is_fd", "is_error"}


def read_parquet_log(path: Path, options: LogOptions, chunk_rows: int, _skipped: Skipped) -> Iterator[pl.DataFrame]:
    """The rows of the log in file order."""
    with pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
        present = set(file.schema_arrow.names)
        missing = [name for name in FRAME_LOG_COLUMNS if name not in present | _OPTIONAL]
        if missing:
            raise FileRejected(path, f"is no frame log: it lacks the columns {', '.join(missing)}")
        columns = [name for name in (*FRAME_LOG_COLUMNS, "is_remote") if name in present]
        for batch in file.iter_batches(chunk_rows, columns=columns):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield _conform(path, frame, options)


def _conform(path: Path, frame: pl.DataFrame, options: LogOptions) -> pl.DataFrame:
    added = {"bus": pl.lit(options.bus), "is_fd": pl.lit(value=False), "is_error": pl.lit(value=False),
             "is_remote": pl.lit(value=False)}  # fmt: skip
    frame = frame.with_columns(**{name: value for name, value in added.items() if name not in frame.columns})
    kinds = {name: dtype for name, dtype in RAW_CAN.schema.items() if name in frame.columns and name != "recorded_at"}
    try:
        typed = frame.with_columns(
            _instant(path, frame.schema["recorded_at"], options), *(pl.col(name).cast(kinds[name]) for name in kinds)
        )
    except pl.exceptions.InvalidOperationError as error:
        raise FileRejected(path, f"a column is not of the kind of a frame log ({str(error).splitlines()[0]})") from None
    required = [name for name in RAW_CAN.required if name in typed.columns]
    counts = typed.select(pl.col(required).null_count()).row(0, named=True)
    missing = [f"{name} ({count} rows)" for name, count in counts.items() if count]
    if missing:
        raise FileRejected(path, f"values are missing in {', '.join(missing)}")
    return typed


def _instant(path: Path, dtype: pl.DataType, options: LogOptions) -> pl.Expr:
    if not isinstance(dtype, pl.Datetime):
        raise FileRejected(path, f"recorded_at is {dtype}, not a timestamp")
    if dtype.time_zone is not None:
        return pl.col("recorded_at").cast(pl.Datetime("us", dtype.time_zone)).dt.convert_time_zone("UTC")
    if options.zone is None:
        raise AnswerMissing(path, "recorded_at has no time zone; give --timezone")
    local = pl.col("recorded_at").cast(pl.Datetime("us")).dt.replace_time_zone(str(options.zone))
    return local.dt.convert_time_zone("UTC").cast(TIMESTAMP)
