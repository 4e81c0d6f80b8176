"""Vector's text logs (.asc), also of other writers: data, remote and error frames, classic and CAN FD.

Belongs here: the grammar of lines. Does not belong here: what times count from (asc_clock).

`TxRq` lines are requests to send, no frames. A frame whose line has fewer bytes than it states is none.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import polars as pl

from fleet_assets.adapters.log_files.asc_clock import MARK, AscClock, refuse_disagreement
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
from fleet_assets.adapters.log_files.unread import NO_FRAME, REQUEST
from fleet_assets.core.frame_lengths import bytes_of_code

_TIME = r"^([0-9]{1,11}[.,][0-9]{1,9})[ \t]"

_CLASSIC = (
    r"^[0-9]+[.,][0-9]+[ \t]+([0-9]{1,5})[ \t]+([0-9A-Fa-f]{1,10})([xX]?)[ \t]+([RrTt][Xx](?:[Rr][Qq])?)[ \t]+"
    r"(?:[dD][ \t]+([0-9A-Fa-f]{1,2})(|[ \t].*)|([rR])(?:|[ \t].*))$"
)
_CLASSIC_NAMES = ("channel", "id", "x", "direction", "code", "tokens", "remote")
_FD = (
    r"^[0-9]+[.,][0-9]+[ \t]+CANFD[ \t]+([0-9]{1,5})[ \t]+([RrTt][Xx](?:[Rr][Qq])?)[ \t]+([0-9A-Fa-f]{1,10})([xX]?)"
    r"[ \t]+(?:[A-Za-z_][^ \t]*[ \t]+)?[01][ \t]+[01][ \t]+([0-9A-Fa-f]{1,2})[ \t]+([0-9]{1,2})(|[ \t].*)$"
)
_FD_NAMES = ("channel", "direction", "id", "x", "code", "carried", "tokens")
_ERROR = r"(?i)^[0-9]+[.,][0-9]+[ \t]+(?:CANFD[ \t]+)?([0-9]{1,5})[ \t]+(?:Rx[ \t]+|Tx[ \t]+)?(ErrorFrame)"
_ERROR_NAMES = ("channel", "error")

_NO_FRAME = (
    # Header, comments, marks; and what happened at a time but is no CAN frame (statistics, states, triggers, assembled
    # J1939 messages, LIN, FlexRay, Ethernet), which has a word in place of the channel or of the identifier.
    r"(?i)^(?://|date\s|base\s|(no\s+)?internal\s+events|previous\s+log\s+file|(begin|end)\s+trigger\s*block"
    r"|\d+[.,]\d+\s+(CANFD\s+)?(\d+\s+)?(statistic|j1939tp|logdirect|log\s+trigger|start\s|stop\s)"
    r"|\d+[.,]\d+\s+CANFD\s+[a-z]|\d+[.,]\d+\s+(C|CA|CAN|CANF|CANF?[^FD\s].*|CAN\s.*|[abd-z].*|C[^A].*|CA[^N].*)$)"
)


class Asc:
    """One such file."""

    def __init__(self, path: Path, options: LogOptions) -> None:
        self._path, self._clock = path, AscClock(path, options)
        self._is_compared = False

    def frames(self, rows: pl.DataFrame) -> pl.DataFrame:
        timed = rows.with_columns(seconds=pl.col("text").str.extract(_TIME).str.replace(",", ".", literal=True)
                                  .cast(pl.Float64, strict=False))  # fmt: skip
        marks = timed.get_column("text").str.contains(MARK).arg_true().to_list()
        cuts = [*marks, timed.height]
        parts = [self._instants(timed.slice(0, cuts[0]))]
        for start, stop in pairwise(cuts):
            self._clock.note(timed.item(start, "text"))
            parts.append(self._instants(timed.slice(start, stop - start)))
        return self._parsed(pl.concat(parts))

    def _instants(self, part: pl.DataFrame) -> pl.DataFrame:
        """The lines between two marks with `recorded_us`."""
        seconds = part.get_column("seconds").drop_nulls()
        if seconds.is_empty():
            return part.with_columns(recorded_us=pl.lit(None, dtype=pl.Int64))
        if not self._is_compared:
            refuse_disagreement(self._path, self._clock, seconds.head(1_000).diff().drop_nulls().to_list())
            self._is_compared = True
        origin = self._clock.origin(float(seconds[0]))
        counted = pl.col("seconds")
        if self._clock.is_relative:
            part = part.with_columns(seconds=counted.cum_sum() + self._clock.last_s)
        self._clock.last_s = float(part.get_column("seconds").drop_nulls()[-1])
        return part.with_columns(recorded_us=origin + microseconds(counted))

    def _parsed(self, rows: pl.DataFrame) -> pl.DataFrame:
        instants = rows.select("number", "recorded_us")
        base = self._clock.base
        text = rows.get_column("text")
        is_fd, is_error = text.str.contains("CANFD", literal=True), text.str.contains("(?i)errorframe")
        parts = [
            _classic(groups(rows.filter(~is_fd & ~is_error), _CLASSIC, _CLASSIC_NAMES), base),
            _fd(groups(rows.filter(is_fd & ~is_error), _FD, _FD_NAMES), base),
            _error(groups(rows.filter(is_error), _ERROR, _ERROR_NAMES)),
        ]
        found = pl.concat(part for part in parts if part.height or part is parts[0])
        if sum(part.height > 0 for part in parts) > 1:
            found = found.sort("number")
        known = found.join(instants, on="number", how="left", maintain_order="left")
        return with_verdict(known, _is_frame(), _other()).with_columns(
            bus=pl.concat_str(pl.lit("CAN"), pl.col("channel").str.to_integer(strict=False)),
            arbitration_id=pl.col("word").fill_null(0).cast(pl.UInt32, strict=False), is_whole=pl.lit(value=True),
            data=pl.when(pl.col("is_error") | pl.col("is_remote")).then(pl.lit(b"")).otherwise("data"),
        ).select(PARSED)  # fmt: skip


def _classic(found: pl.DataFrame, base: int) -> pl.DataFrame:
    # A length code is one hexadecimal digit, also where other numbers are decimal and it stands as 15.
    code = numbers_of(found, "code", 16 if base == 16 else 10)
    counted = found.with_columns(dlc=pl.Series(bytes_of_code(code, is_fd=False)), is_fd=pl.lit(value=False))
    return _common(counted.with_columns(carried=pl.col("dlc")), base)


def _fd(found: pl.DataFrame, base: int) -> pl.DataFrame:
    code, carried = numbers_of(found, "code", 16), numbers_of(found, "carried", 10)
    # Frames of a CAN FD channel may be classic ones: a code above 8 with eight bytes says so.
    is_fd = ~((code > 8) & (carried <= 8) & (carried > 0))
    counted = found.with_columns(
        dlc=pl.Series(bytes_of_code(code, is_fd)), is_fd=pl.Series(is_fd), carried=pl.Series(carried),
        remote=pl.when(pl.Series((carried == 0) & (code > 0)) & pl.col("id").is_not_null()).then(pl.lit("r")),
    )  # fmt: skip
    return _common(counted, base)


def _error(found: pl.DataFrame) -> pl.DataFrame:
    none = pl.lit(None, dtype=pl.String)
    counted = found.with_columns(
        direction=none, id=none, x=none, tokens=none, remote=none, carried=pl.lit(0, dtype=pl.UInt8),
        dlc=pl.lit(0, dtype=pl.UInt8), is_fd=pl.col("text").str.contains("CANFD", literal=True),
    )  # fmt: skip
    return _common(counted, 16)


def _common(found: pl.DataFrame, base: int) -> pl.DataFrame:
    """Columns that lines of both kinds have."""
    data = bytes_of_tokens(found, "tokens", "carried", base)
    is_error = pl.col("error").is_not_null() if "error" in found.columns else pl.lit(value=False)
    return found.select(
        "number", "text", "channel", "direction", "dlc", "is_fd",
        word=number_of("id", base), is_extended=pl.col("x").str.len_bytes().fill_null(0) > 0,
        is_error=is_error, is_remote=pl.col("remote").is_not_null(),
        is_consistent=pl.col("carried") <= pl.col("dlc"), data=data,
    )  # fmt: skip


def _is_frame() -> pl.Expr:
    highest = pl.when("is_extended").then(0x1FFF_FFFF).otherwise(0x7FF)
    is_identified = (pl.col("word") <= highest).fill_null(value=False)
    is_filled = pl.col("is_remote") | (pl.col("data").is_not_null() & pl.col("is_consistent"))
    return (
        pl.col("channel").is_not_null() & pl.col("recorded_us").is_not_null() & ~_is_request()
        & (pl.col("is_error") | (is_identified & is_filled))
    )  # fmt: skip


def _is_request() -> pl.Expr:
    return (pl.col("direction").str.len_bytes() == len("TxRq")).fill_null(value=False)


def _other() -> pl.Expr:
    """What a line is that is no frame."""
    return (
        pl.when(_is_request()).then(pl.lit(REQUEST.slug))
        .when(pl.col("text").str.contains(_NO_FRAME)).then(pl.lit(IGNORED))
        .otherwise(pl.lit(NO_FRAME.slug))
    )  # fmt: skip
