"""SQLite logs of python-can (.db): the table `messages`, read by rows of the file and never written.

Belongs here: this table. Does not belong here: other tables of frames (`can_sqlite`).

The format has no place for the CAN FD flag and none for the channel: more than eight bytes are CAN FD, and the bus is
the one that was answered. Of a damaged file the rows before the damage are read; one that was cut is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleet_assets.adapters.log_files.line_columns import microseconds
from fleet_assets.adapters.log_files.options import LogOptions
from fleet_assets.adapters.log_files.unread import DAMAGED, NO_FRAME, Skipped, Unread
from fleet_assets.contracts import TIMESTAMP
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.frame_lengths import LONGEST_CLASSIC, LONGEST_FD, is_fd_by_length

_NAMES = ("ts", "arbitration_id", "extended", "remote", "error", "dlc", "data")
_RAW = pl.Schema(
    {"rowid": pl.Int64(), "ts": pl.Float64(), **dict.fromkeys(_NAMES[1:-1], pl.Int64()), "data": pl.Binary()}
)
_QUERY = f"select rowid, {', '.join(_NAMES)} from messages where rowid > ? order by rowid limit ?"
_NUMBERS = ("ts", "arbitration_id", "extended", "remote", "error", "dlc")


def read_can_db(path: Path, options: LogOptions, chunk_rows: int, skipped: Skipped) -> Iterator[pl.DataFrame]:
    """The frames in the order of their rows."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        _check(path, connection)
        after, is_whole = -(1 << 63), True
        while is_whole:
            rows, is_whole = _chunk(connection, after, chunk_rows, skipped)
            # Row numbers grow, in a damaged tree too: or the same rows would be read for ever.
            is_whole = is_whole and bool(rows) and rows[-1][0] > after
            after = rows[-1][0] if rows else after
            frames = _frames(_columns(rows), options, skipped)
            if frames.height:
                yield frames


def _check(path: Path, connection: sqlite3.Connection) -> None:
    try:
        columns = {str(row[1]) for row in connection.execute("pragma table_info(messages)")}
    except sqlite3.DatabaseError:
        raise FileRejected(path, "is no SQLite file, or its first page is damaged") from None
    _refuse_cut(path)
    missing = [name for name in _NAMES if name not in columns]
    if missing:
        raise FileRejected(path, f"is no log of python-can: its table messages has no column {', '.join(missing)}")


def _refuse_cut(path: Path) -> None:
    """SQLite reads what lies behind the end of a file as zero bytes: frames of a file that was cut may be made up."""
    with path.open("rb") as file:
        header = file.read(32)
    size, pages = int.from_bytes(header[16:18], "big"), int.from_bytes(header[28:32], "big")
    stated = (65_536 if size == 1 else size) * pages
    if (there := path.stat().st_size) < stated:
        raise FileRejected(
            path, f"it was cut: {there:,} of {stated:,} bytes are there; `sqlite3 FILE .recover` may help"
        )


def _chunk(connection: sqlite3.Connection, after: int, count: int, skipped: Skipped) -> tuple[list[Any], bool]:
    """The next rows, and whether no damaged page was met."""
    rows: list[Any] = []
    try:
        cursor = connection.execute(_QUERY, (after, count))
        while some := cursor.fetchmany(1_000):
            rows += some
    except sqlite3.DatabaseError:
        row = rows[-1][0] if rows else after
        skipped(Unread.of(DAMAGED, [f"row {row} and on"], ["a page of the SQLite file cannot be read"]))
        return rows, False
    return rows, True


def _columns(rows: list[Any]) -> pl.DataFrame:
    """The rows; a value of another type than its column's, which SQLite may hold, becomes null."""
    try:
        return pl.DataFrame(rows, schema=_RAW, orient="row")
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        kinds = {pl.Int64(): (int,), pl.Float64(): (int, float), pl.Binary(): (bytes,)}
        columns = zip(_RAW.items(), zip(*rows, strict=True), strict=True)
        typed = {name: [v if isinstance(v, kinds[kind]) else None for v in values] for (name, kind), values in columns}
        return pl.DataFrame(typed, schema=_RAW, strict=False)


def _frames(raw: pl.DataFrame, options: LogOptions, skipped: Skipped) -> pl.DataFrame:
    carries_nothing = (pl.col("dlc") == 0) | (pl.col("remote") != 0)
    empty = pl.coalesce("data", pl.lit(b""))
    raw = raw.with_columns(pl.when(carries_nothing).then(empty).otherwise("data").alias("data"))
    length = raw.get_column("data").bin.size().fill_null(0).to_numpy()
    stated = raw.get_column("dlc").fill_null(-1).clip(-1, LONGEST_FD).to_numpy()
    is_fd = is_fd_by_length(stated, length)
    dlc = np.where(is_fd, stated, np.minimum(stated, LONGEST_CLASSIC))
    found = raw.with_columns(
        recorded_us=microseconds(pl.col("ts")), dlc=pl.Series(dlc), is_fd=pl.Series(is_fd), length=pl.Series(length)
    )
    is_frame = found.select(_is_frame().fill_null(value=False)).to_series()
    if not is_frame.all():
        wrong = found.filter(~is_frame)
        line = pl.concat_str([pl.col(name).cast(pl.String).fill_null("?") for name in _NUMBERS], separator=" ")
        place = pl.concat_str(pl.lit("row "), "rowid")
        skipped(Unread(NO_FRAME, wrong.select(place.alias("place"), line.alias("line"))))
    return found.filter(is_frame).select(
        recorded_at=pl.col("recorded_us").cast(TIMESTAMP), bus=pl.lit(options.bus),
        arbitration_id=pl.col("arbitration_id").cast(pl.UInt32), is_extended=pl.col("extended") != 0,
        is_fd="is_fd", is_error=pl.col("error") != 0, dlc=pl.col("dlc").cast(pl.UInt8),
        data=pl.when(pl.col("remote") != 0).then(pl.lit(b"")).otherwise("data"), is_remote=pl.col("remote") != 0,
    )  # fmt: skip


def _is_frame() -> pl.Expr:
    highest = pl.when(pl.col("extended") != 0).then(0x1FFF_FFFF).otherwise(0x7FF)
    return (
        pl.col("recorded_us").is_not_null() & pl.col("arbitration_id").is_between(0, highest)
        & pl.col("remote").is_not_null() & pl.col("error").is_not_null() & pl.col("data").is_not_null()
        & (pl.col("dlc") >= 0) & ((pl.col("length") <= pl.col("dlc")) | (pl.col("remote") != 0))
    )  # fmt: skip
