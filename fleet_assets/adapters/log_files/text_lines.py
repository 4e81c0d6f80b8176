"""Lines of a text log as columns, with their numbers, in blocks that bound memory.

Belongs here: line ends, code pages, zero bytes, the longest line, a last line without an end. Does not belong here:
what a line says.

Text is UTF-8, else the code page 1252 of western Windows. A power failure leaves zero bytes where a file system had
made room: they are told and taken off; what stands between them is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import polars as pl

from fleet_assets.adapters.log_files.unread import DAMAGED, Skipped, Unread
from fleet_assets.contracts.errors import FileRejected

BLOCK_BYTES = 8 << 20
LONGEST_LINE = 1 << 16
"""Bytes: a CAN FD frame takes 300."""

_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


@dataclass(frozen=True)
class Lines:
    """Some lines in file order: `number` (from 1) and `text`, without what stands around it; empty ones left out."""

    rows: pl.DataFrame
    is_torn: bool = False
    """Whether this is one line, the last, and has no end."""


@dataclass
class _Position:
    number: int = 1
    zeros: int = 0
    carry: bytes = field(default=b"")


def read_lines(path: Path, stream: BinaryIO, skipped: Skipped) -> Iterator[Lines]:
    """The lines of a file. Raises FileRejected for UTF-16 and for a line that no text log has."""
    at = _Position()
    while block := stream.read(BLOCK_BYTES):
        if at.number == 1 and not at.carry:
            block = _without_mark(path, block)
        whole, end, rest = (at.carry + block).rpartition(b"\n")
        if end:
            yield Lines(_rows(whole, at, skipped))
        _keep(path, rest, at)
    if at.carry:
        yield Lines(_rows(at.carry, at, skipped), is_torn=True)
    elif at.zeros:
        skipped(Unread.of(DAMAGED, [f"line {at.number}"], [f"{at.zeros} zero bytes"]))


def _without_mark(path: Path, block: bytes) -> bytes:
    if block[:2] in _MARKS:
        raise FileRejected(path, "its text is UTF-16: save it as UTF-8")
    return block.removeprefix(b"\xef\xbb\xbf")


def _keep(path: Path, rest: bytes, at: _Position) -> None:
    """Keep the begun line; of zero bytes only their number, since loggers make room for gigabytes of them."""
    zeros = len(rest) - len(rest.lstrip(b"\0"))
    at.zeros, at.carry = at.zeros + zeros, rest[zeros:]
    if len(at.carry) > LONGEST_LINE:
        shown = at.carry[:40].decode("utf-8", errors="replace")
        raise FileRejected(
            path, f"line {at.number} is longer than {LONGEST_LINE:,} bytes ({shown!r}…): no text log is so"
        )


def _rows(whole: bytes, at: _Position, skipped: Skipped) -> pl.DataFrame:
    text = pl.Series("text", [_decoded(whole)]).str.split("\n").list.explode(empty_as_null=True, keep_nulls=True)
    rows = pl.DataFrame({"number": pl.int_range(at.number, at.number + len(text), eager=True), "text": text})
    _tell_zero_bytes(rows, at, skipped)
    at.number += len(text)
    at.zeros = 0
    return rows.with_columns(pl.col("text").str.strip_chars("\0 \t\r\x1a")).filter(pl.col("text") != "")


def _decoded(whole: bytes) -> str:
    try:
        return whole.decode("utf-8")
    except UnicodeDecodeError:
        return whole.decode("cp1252", errors="replace")


def _tell_zero_bytes(rows: pl.DataFrame, at: _Position, skipped: Skipped) -> None:
    if not at.zeros and not rows.get_column("text").str.contains("\0", literal=True).any():
        return
    before = pl.when(pl.int_range(pl.len()) == 0).then(at.zeros).otherwise(0)
    zeros = (pl.col("text").str.count_matches("\0", literal=True) + before).alias("zeros")
    counted = rows.select("number", zeros).filter(pl.col("zeros") > 0)
    line = pl.concat_str(pl.col("zeros"), pl.lit(" zero bytes"))
    skipped(Unread(DAMAGED, counted.select(place_of_line(), line.alias("line"))))


def place_of_line() -> pl.Expr:
    """Where a line stands, as people say it."""
    return pl.concat_str(pl.lit("line "), "number").alias("place")
