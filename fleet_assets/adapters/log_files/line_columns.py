"""Columns that every text format makes of its lines: groups of a pattern, bytes, instants.

Belongs here: these conversions, and the shape in which a format answers. Does not belong here: any format.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.adapters.frame_batch import binary_column

LATEST_S = 253_402_300_800
"""Unix seconds of the year 10000: behind it nothing is an instant."""

IGNORED = ""
"""Verdict on a header, a comment or an event that is no frame."""

PARSED = (
    "number", "text", "verdict", "recorded_us", "bus", "arbitration_id", "is_extended", "is_fd", "is_error",
    "is_remote", "dlc", "data", "is_whole",
)  # fmt: skip
"""What a format makes of lines. `verdict` is null for a frame, IGNORED, or the slug of a reason. `is_whole` says of a
frame that its line cannot have lost anything at its end."""


def with_verdict(found: pl.DataFrame, is_frame: pl.Expr, others: pl.Expr) -> pl.DataFrame:
    """With `verdict`: null for frames; `others` is asked only of lines that are none, which are few."""
    is_one = found.select(is_frame.fill_null(value=False)).to_series()
    if is_one.all():
        return found.with_columns(verdict=pl.lit(None, dtype=pl.String))
    rest = found.filter(~is_one).select("number", others.alias("verdict"))
    return found.join(rest, on="number", how="left", maintain_order="left")


class LineFormat(Protocol):
    """One text format, reading one file: it keeps what the file's header says."""

    def frames(self, rows: pl.DataFrame) -> pl.DataFrame:
        """PARSED, a row for each of the lines (`number`, `text`), in their order."""
        ...


def groups(rows: pl.DataFrame, pattern: str, names: tuple[str, ...]) -> pl.DataFrame:
    """The groups of the pattern as columns of these names, all null where it does not match, behind `number`,
    `text`."""
    found = rows.select("number", "text", pl.col("text").str.extract_groups(pattern).alias("_found"))
    return found.unnest("_found").rename({str(place): name for place, name in enumerate(names, 1)})


def number_of(name: str, base: int) -> pl.Expr:
    """The digits of a column as a whole number, null where it is none."""
    return pl.col(name).str.to_integer(base=base, strict=False)


def numbers_of(rows: pl.DataFrame, name: str, base: int) -> npt.NDArray[np.int64]:
    """The same for a whole column, 0 where it is none."""
    return rows.select(number_of(name, base).fill_null(0)).to_series().cast(pl.Int64).to_numpy()


def microseconds(seconds: pl.Expr) -> pl.Expr:
    """Seconds as whole microseconds, rounded; null beyond what an instant can be."""
    possible = pl.when(seconds.is_finite() & (seconds.abs() < LATEST_S)).then(seconds)
    return (possible * 1e6).round().cast(pl.Int64)


def bytes_of_tokens(frames: pl.DataFrame, tokens: str, count: str, base: int) -> pl.Series:
    """The first `count` bytes, written one by one with spaces between; null where a byte is missing or is none."""
    if base == 10:
        return _of_decimals(frames, tokens, count)
    begun = frames.select(pl.col(tokens).str.strip_chars_start().alias("text"), pl.col(count).cast(pl.Int64))
    if begun.get_column("text").str.contains(r"[ \t]{2}|\t").any():
        begun = begun.with_columns(pl.col("text").str.replace_all(r"[ \t]+", " "))
    head = pl.col("text").str.head((pl.col(count) * 3 - 1).clip(lower_bound=0))
    # Digits may be of one byte and the next: each pair must stand for itself.
    is_each = head.str.contains(r"^(?:[0-9A-Fa-f]{2}(?: |$))*$")
    digits = head.str.replace_all(" ", "", literal=True)
    is_all = is_each & (digits.str.len_bytes() == pl.col(count) * 2)
    return begun.select(pl.when(is_all).then(digits).str.decode("hex", strict=False)).to_series()


def _of_decimals(frames: pl.DataFrame, tokens: str, count: str) -> pl.Series:
    listed = pl.col(tokens).str.extract_all(r"\d+").list.head(pl.col(count))
    numbers = frames.select(listed.list.eval(pl.element().cast(pl.UInt8, strict=False)).alias("n"), count)
    is_all = (pl.col("n").list.len() == pl.col(count)) & ~pl.col("n").list.contains(None)
    kept = numbers.select(pl.when(is_all.fill_null(value=False)).then("n")).to_series()
    lengths = kept.list.len().fill_null(0).cast(pl.UInt8).to_numpy()
    flat = kept.drop_nulls().list.explode(empty_as_null=False, keep_nulls=False)
    column = binary_column(flat.to_numpy().astype(np.uint8).tobytes(), lengths)
    return pl.select(pl.when(kept.is_not_null()).then(column)).to_series()
