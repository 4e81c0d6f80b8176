"""Text logs (.asc .csv .log .trc) as chunks of frames: lines through the grammar of their format.

Belongs here: what becomes of each line by its verdict, and of a last line without an end. Does not belong here:
grammars.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl

from fleet_assets.adapters.log_files.asc import Asc
from fleet_assets.adapters.log_files.can_csv import CanCsv
from fleet_assets.adapters.log_files.candump import Candump
from fleet_assets.adapters.log_files.line_columns import IGNORED, LineFormat
from fleet_assets.adapters.log_files.options import LogOptions
from fleet_assets.adapters.log_files.text_lines import Lines, place_of_line, read_lines
from fleet_assets.adapters.log_files.trc import Trc
from fleet_assets.adapters.log_files.unread import NO_FRAME, REQUEST, TORN, Skipped, Unread
from fleet_assets.contracts import TIMESTAMP

TEXT_FORMATS: dict[str, Callable[[Path, LogOptions], LineFormat]] = {
    ".asc": Asc, ".csv": CanCsv, ".log": lambda _path, _options: Candump(), ".trc": Trc,
}  # fmt: skip

_WHOLE_BY_ITSELF = r"(?i)^(?:end\s+trigger\s*block|;.*|//.*)$"
_FRAME = (
    "bus", "arbitration_id", "is_extended", "is_fd", "is_error", "dlc", "data", "is_remote",
)  # fmt: skip


def read_text_log(
    path: Path, ending: str, stream: BinaryIO, options: LogOptions, skipped: Skipped
) -> Iterator[pl.DataFrame]:
    """The frames in file order; lines that give none are told before the frames of their block."""
    form = TEXT_FORMATS[ending](path, options)
    for lines in read_lines(path, stream, skipped):
        parsed = _judged(form, lines)
        for reason in (NO_FRAME, REQUEST, TORN):
            wrong = parsed.filter(pl.col("verdict") == reason.slug)
            if wrong.height:
                skipped(Unread(reason, wrong.select(place_of_line(), pl.col("text").alias("line"))))
        frames = parsed.filter(pl.col("verdict").is_null())
        if frames.height:
            yield frames.select(pl.col("recorded_us").cast(TIMESTAMP).alias("recorded_at"), *_FRAME)


def _judged(form: LineFormat, lines: Lines) -> pl.DataFrame:
    parsed = form.frames(lines.rows)
    if not lines.is_torn:
        return parsed
    is_whole = (pl.col("verdict").is_null() & pl.col("is_whole")) | (
        (pl.col("verdict") == IGNORED) & pl.col("text").str.contains(_WHOLE_BY_ITSELF)
    )
    kept = pl.when(is_whole.fill_null(value=False)).then("verdict").otherwise(pl.lit(TORN.slug))
    return parsed.with_columns(verdict=kept)
