"""PEAK's text logs (.trc), versions 1.0 to 2.1: data, remote and error frames, classic and CAN FD.

Belongs here: the grammar of each version, and the start in the header. Does not belong here: lines, zones.

    1.0   1)     1059 0300  7  00 …               1.1   1)   1059.9 Rx 0300  7  00 … 1.2   1)  1059.900 1 Rx 0300 7 00
    …           1.3   1)  1059.900 1 Rx 0300 - 7 00 … 2.x   the order of ;$COLUMNS: N number, O ms, T type, B bus, I
    id, d direction, R reserved, l length or L code, D data
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from fleet_assets.adapters.log_files.line_columns import (
    IGNORED,
    PARSED,
    bytes_of_tokens,
    groups,
    microseconds,
    number_of,
    numbers_of,
    with_verdict,
)
from fleet_assets.adapters.log_files.options import LogOptions
from fleet_assets.adapters.log_files.unread import NO_FRAME
from fleet_assets.adapters.unix_time import unix_us
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.frame_lengths import LONGEST_CLASSIC, bytes_of_code

_EPOCH = datetime(1899, 12, 30)
_LATEST_DAY = 2_958_466.0
"""Days from 1899-12-30 to the year 10000."""

_HEAD, _ID = r"^[0-9]{1,9}\)?[ \t]+([0-9]{1,14}(?:\.[0-9]{1,6})?)[ \t]+", r"([0-9A-Fa-f]{1,8})[ \t]+"
_KIND, _TAIL = r"(Rx|Tx|Error)[ \t]+", r"([0-9]{1,2})(|[ \t].*)$"
_BUS = r"([0-9]{1,2})[ \t]+"
_VERSION_1 = {
    "1.0": (_HEAD + _ID + _TAIL, ("ms", "id", "code", "tokens")),
    "1.1": (_HEAD + _KIND + _ID + _TAIL, ("ms", "kind", "id", "code", "tokens")),
    "1.2": (_HEAD + _BUS + _KIND + _ID + _TAIL, ("ms", "bus", "kind", "id", "code", "tokens")),
    "1.3": (_HEAD + _BUS + _KIND + _ID + r"[^ \t]+[ \t]+" + _TAIL, ("ms", "bus", "kind", "id", "code", "tokens")),
}
_COLUMNS = {
    "N": (r"[0-9]{1,9}", ""), "O": (r"([0-9]{1,14}(?:\.[0-9]{1,6})?)", "ms"), "T": (r"([A-Z]{2})", "kind"),
    "B": (r"([0-9]{1,2}|-)", "bus"), "I": (r"([0-9A-Fa-f]{1,8}|-)", "id"), "d": (r"[A-Za-z]{2}", ""),
    "R": (r"[^ \t]+", ""), "l": (r"([0-9]{1,4})", "length"), "L": (r"([0-9]{1,4})", "code"), "D": (r"(.*)", "tokens"),
}  # fmt: skip

# Comments; states, counters, events and warnings of the adapter.
_NO_FRAME = r"^(?:;|\d+\)?\s+[\d.]+\s+(\d+\s+)?(ST|EC|EV|Warng)\b|\d+\)?\s+[\d.]+\s+FFFFFFFF\b)"

_OF_FD, _OTHERS, _ERRORS = ("FD", "FB", "FE", "BI"), ("DT", "RR", "Rx", "Tx"), ("ER", "Error")


class Trc:
    """One such file."""

    def __init__(self, path: Path, options: LogOptions) -> None:
        self._path, self._options = path, options
        self._version, self._columns, self._start_us = "1.0", "", 0

    def frames(self, rows: pl.DataFrame) -> pl.DataFrame:
        for line in rows.filter(pl.col("text").str.starts_with(";$")).get_column("text"):
            self._note(line)
        pattern, names = self._grammar()
        found = groups(rows, pattern, names)
        if self._columns and found.get_column("ms").null_count():
            found = self._with_bare_errors(found)
        if self._version == "1.0":
            found = _with_worded_errors(found)
        absent = [name for name in ("kind", "bus", "code", "length", "tokens") if name not in found.columns]
        found = found.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in absent)
        if "is_whole" not in found.columns:
            found = found.with_columns(is_whole=pl.lit(value=True))
        return self._parsed(self._sized(found))

    def _note(self, line: str) -> None:
        name, _, value = line.removeprefix(";$").partition("=")
        if name == "FILEVERSION":
            self._version = value.strip()
        elif name == "COLUMNS":
            self._columns = value.strip()
        elif name == "STARTTIME":
            self._start_us = self._start(value.strip())

    def _start(self, text: str) -> int:
        days = float(text) if re.fullmatch(r"\d{1,7}([.,]\d*)?", text.replace(",", ".")) else -1.0
        if not 0 < days < _LATEST_DAY:
            raise FileRejected(self._path, f"its STARTTIME {text!r} is no number of days since 1899-12-30")
        return unix_us((_EPOCH + timedelta(days=days)).replace(tzinfo=self._options.zone or UTC))

    def _grammar(self) -> tuple[str, tuple[str, ...]]:
        if self._version in _VERSION_1:
            return _VERSION_1[self._version]
        if not self._version.startswith("2."):
            raise FileRejected(self._path, f"its FILEVERSION {self._version!r} is none of 1.0 to 2.1")
        letters = [letter.strip() for letter in self._columns.split(",")]
        unknown = [letter for letter in letters if letter not in _COLUMNS]
        if unknown or "O" not in letters or "I" not in letters or not {"l", "L"} & set(letters):
            raise FileRejected(
                self._path, f"its COLUMNS {self._columns!r} do not say where time, identifier and length are"
            )
        parts = [_COLUMNS[letter] for letter in letters]
        # What stands last may be absent: a frame without bytes.
        pattern = r"[ \t]+".join(part for part, _ in parts[:-1]) + r"(?:[ \t]+" + parts[-1][0] + r")?$"
        return "^" + pattern, tuple(name for _, name in parts if name)

    def _with_bare_errors(self, found: pl.DataFrame) -> pl.DataFrame:
        """Error frames of version 2.0 leave out what they do not have: identifier and length are blanks."""
        letters = [letter for letter in self._columns.replace(" ", "").split(",") if letter in "NOTBdD"]
        pattern = r"[ \t]+".join(_COLUMNS[letter][0] for letter in letters if letter != "D").replace("[A-Z]{2}", "ER")
        names = (*(_COLUMNS[letter][1] for letter in letters if _COLUMNS[letter][1] and letter != "D"), "tokens")
        is_other = pl.col("ms").is_null()
        bare = groups(found.filter(is_other), rf"^{pattern}((?:[ \t]+[0-9A-Fa-f]{{2}})*)[ \t]*$", names)
        counted = bare.with_columns(
            length=pl.col("tokens").str.count_matches("[0-9A-Fa-f]{2}").cast(pl.String), is_whole=pl.lit(value=False)
        )
        return pl.concat([found.filter(~is_other), counted], how="diagonal").sort("number")

    def _sized(self, found: pl.DataFrame) -> pl.DataFrame:
        """With `dlc` in bytes and `data`."""
        is_fd = found.select(pl.col("kind").is_in(_OF_FD).fill_null(value=False)).to_series()
        code, length = numbers_of(found, "code", 10), numbers_of(found, "length", 10)
        stated = np.where(
            found.get_column("length").is_null().to_numpy(), bytes_of_code(code, is_fd.to_numpy()), length
        )
        sized = found.with_columns(
            dlc=pl.Series(np.minimum(stated, 64).astype(np.uint8)), is_fd=is_fd,
            tokens=pl.col("tokens").fill_null(""), is_error=pl.col("kind").is_in(_ERRORS).fill_null(value=False),
            is_long=pl.Series(~is_fd.to_numpy() & (np.maximum(code, length) > LONGEST_CLASSIC)),
            is_remote=(pl.col("kind") == "RR").fill_null(value=False)
            | pl.col("tokens").str.contains("RTR", literal=True).fill_null(value=False),
        )  # fmt: skip
        return sized.with_columns(data=bytes_of_tokens(sized, "tokens", "dlc", 16), is_message=_is_message(sized))

    def _parsed(self, found: pl.DataFrame) -> pl.DataFrame:
        return found.with_columns(
            is_whole=pl.col("is_whole").fill_null(value=True),
            recorded_us=microseconds(pl.col("ms").cast(pl.Float64) / 1e3) + self._start_us,
            is_extended=pl.col("id").str.len_bytes().fill_null(0) > 4, word=number_of("id", 16),
            bus=pl.concat_str(pl.lit("CAN"), pl.coalesce("bus", pl.lit("1"))),
        ).pipe(with_verdict, _is_frame(), _other()).with_columns(
            arbitration_id=pl.col("word").fill_null(0).cast(pl.UInt32, strict=False),
            data=pl.when("is_remote").then(pl.lit(b"")).otherwise("data"),
        ).select(PARSED)  # fmt: skip


def _with_worded_errors(found: pl.DataFrame) -> pl.DataFrame:
    """Version 1.0 has no column of kinds: the word stands before the bytes."""
    is_error = pl.col("tokens").str.contains("ERROR", literal=True)
    bytes_alone = pl.col("tokens").str.replace("ERROR", "", literal=True)
    return found.with_columns(kind=pl.when(is_error).then(pl.lit("Error")), tokens=bytes_alone)


def _is_frame() -> pl.Expr:
    kinds = (*_OF_FD, *_OTHERS, *_ERRORS)
    is_known = pl.col("kind").is_in(kinds) | pl.col("kind").is_null()
    highest = pl.when("is_extended").then(0x1FFF_FFFF).otherwise(0x7FF)
    is_identified = pl.col("is_error") | (pl.col("word") <= highest).fill_null(value=False)
    is_filled = pl.col("is_remote") | pl.col("data").is_not_null()
    is_filled &= ~pl.col("is_message")
    is_event = (pl.col("id") == "FFFFFFFF").fill_null(value=False)
    return pl.col("recorded_us").is_not_null() & is_known & is_identified & is_filled & ~is_event


def _is_message(sized: pl.DataFrame) -> pl.Series:
    """Whether more than eight bytes stand in the line of a classic frame: a message that the recording program put
    together from several (J1939, up to 1 785 bytes). Its frames have lines of their own, or were not recorded."""
    is_long = sized.get_column("is_long")
    if is_long.any():
        is_long &= sized.get_column("tokens").str.contains(r"^[ \t]*(?:[0-9A-Fa-f]{2}(?:[ \t]+|$)){9}")
    return is_long


def _other() -> pl.Expr:
    is_ignored = pl.col("text").str.contains(_NO_FRAME)
    return pl.when(is_ignored).then(pl.lit(IGNORED)).otherwise(pl.lit(NO_FRAME.slug))
