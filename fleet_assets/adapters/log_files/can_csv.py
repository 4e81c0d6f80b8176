"""CSV logs of python-can: `timestamp,arbitration_id,extended,remote,error,dlc,data`, data in base64.

Does not belong here: other tables in CSV.

The format has no place for the CAN FD flag and none for the channel: more than eight bytes are CAN FD, and the bus is
the one that was answered.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fleet_assets.adapters.log_files.line_columns import IGNORED, PARSED, groups, microseconds, number_of
from fleet_assets.adapters.log_files.options import LogOptions
from fleet_assets.adapters.log_files.unread import NO_FRAME
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.frame_lengths import LONGEST_CLASSIC, LONGEST_FD, is_fd_by_length

HEADER = "timestamp,arbitration_id,extended,remote,error,dlc,data"

_LINE = r"^(-?[0-9][0-9.eE+-]*),0[xX]([0-9A-Fa-f]{1,8}),([01]),([01]),([01]),([0-9]{1,3}),([A-Za-z0-9+/]*={0,2})$"
_NAMES = ("seconds", "id", "extended", "remote", "error", "stated", "base64")


class CanCsv:
    """One such file."""

    def __init__(self, path: Path, options: LogOptions) -> None:
        self._path, self._options, self._is_known = path, options, False

    def frames(self, rows: pl.DataFrame) -> pl.DataFrame:
        self._check(rows)
        found = groups(rows, _LINE, _NAMES).with_columns(
            word=number_of("id", 16), data=pl.col("base64").str.decode("base64", strict=False),
            recorded_us=microseconds(pl.col("seconds").cast(pl.Float64, strict=False)),
            is_remote=pl.col("remote") == "1", stated=number_of("stated", 10),
        )  # fmt: skip
        length = found.get_column("data").bin.size().fill_null(0)
        stated = found.get_column("stated").fill_null(0).clip(0, LONGEST_FD)
        is_fd = pl.Series("is_fd", is_fd_by_length(stated.to_numpy(), length.to_numpy()))
        longest = pl.when("is_fd").then(LONGEST_FD).otherwise(LONGEST_CLASSIC)
        known = found.with_columns(is_fd, stated, length=length).with_columns(
            dlc=pl.min_horizontal("stated", longest).cast(pl.UInt8)
        )
        return known.with_columns(
            verdict=self._verdict(), bus=pl.lit(self._options.bus), arbitration_id=pl.col("word").cast(pl.UInt32,
            strict=False), is_extended=pl.col("extended") == "1", is_error=pl.col("error") == "1",
            is_whole=pl.col("length") == pl.col("dlc"),
        ).select(PARSED)  # fmt: skip

    def _check(self, rows: pl.DataFrame) -> None:
        if not self._is_known and rows.height and rows.item(0, "text") != HEADER:
            shown = rows.item(0, "text")[:80]
            raise FileRejected(self._path, f"is no CSV log of CAN frames: its first line is not {HEADER} but {shown}")
        self._is_known = self._is_known or rows.height > 0

    @staticmethod
    def _verdict() -> pl.Expr:
        highest = pl.when(pl.col("extended") == "1").then(0x1FFF_FFFF).otherwise(0x7FF)
        is_frame = (
            pl.col("recorded_us").is_not_null() & (pl.col("word") <= highest) & (pl.col("length") <= pl.col("dlc"))
            & (pl.col("length") <= LONGEST_FD) & pl.col("data").is_not_null()
        )  # fmt: skip
        return (
            pl.when(pl.col("text") == HEADER).then(pl.lit(IGNORED))
            .when(is_frame.fill_null(value=False)).then(None).otherwise(pl.lit(NO_FRAME.slug))
        )  # fmt: skip
