"""Lines of `candump -L` and its kin (.log): `(1773136800.000100) can0 18FEF100#0102 R`.

The grammar is that of can-utils (lib.h). Does not belong here: lines, code pages.

Behind `##` stand a digit of flags and the bytes of a CAN FD frame. `R` asks for data, `_9` to `_F` behind eight bytes
is the length code that the controller saw. Eight digits with the bit 0x20000000 are an error frame of any class: the
other bits say which. Nothing in a line says how long it should be, so that a last line without an end is whole only
when it is full.
"""

from __future__ import annotations

import polars as pl

from fleet_assets.adapters.log_files.line_columns import PARSED, groups, microseconds, number_of
from fleet_assets.adapters.log_files.unread import NO_FRAME
from fleet_assets.core.frame_lengths import LONGEST_CLASSIC, LONGEST_FD

_LINE = (
    r"^\(([0-9]{1,12}\.[0-9]{1,9})\)[ \t]+([^ \t]+)[ \t]+([0-9A-Fa-f]{1,8})#"
    r"(?:(#)[0-9A-Fa-f])?((?:[0-9A-Fa-f]{2})*)(?:([Rr])[0-9]?)?(?:_[0-9A-Fa-f])?(?:[ \t]+[RTrt])?$"
)
_NAMES = ("seconds", "channel", "id", "fd", "digits", "remote")

_EXTENDED, _REMOTE, _ERROR, _ID = 0x8000_0000, 0x4000_0000, 0x2000_0000, 0x1FFF_FFFF


class Candump:
    """One such file."""

    def frames(self, rows: pl.DataFrame) -> pl.DataFrame:
        found = groups(rows, _LINE, _NAMES).with_columns(
            word=number_of("id", 16), recorded_us=microseconds(pl.col("seconds").cast(pl.Float64, strict=False)),
            is_fd=pl.col("fd").is_not_null(), length=pl.col("digits").str.len_bytes() // 2,
            is_long=pl.col("id").str.len_bytes() > 3,
        )  # fmt: skip
        flags = pl.col("word")
        known = found.with_columns(
            is_error=pl.col("is_long") & ((flags & _ERROR) != 0),
            is_remote=pl.col("remote").is_not_null() | ((flags & _REMOTE) != 0),
        )
        return known.with_columns(
            verdict=pl.when(_is_frame().fill_null(value=False)).then(None).otherwise(pl.lit(NO_FRAME.slug)),
            bus=_bus(), arbitration_id=(flags & _ID).cast(pl.UInt32, strict=False),
            is_extended=pl.col("is_long") & ~pl.col("is_error"), dlc=pl.col("length").cast(pl.UInt8, strict=False),
            data=pl.col("digits").str.decode("hex", strict=False),
            is_whole=pl.col("length") == pl.when("is_fd").then(LONGEST_FD).otherwise(LONGEST_CLASSIC),
        ).select(PARSED)  # fmt: skip


def _is_frame() -> pl.Expr:
    """Whether the identifier and the length are possible; a line that does not match has nulls."""
    longest = pl.when("is_fd").then(LONGEST_FD).otherwise(LONGEST_CLASSIC)
    is_id = pl.col("is_long") | (pl.col("word") <= 0x7FF)
    is_empty_request = pl.col("remote").is_null() | (pl.col("length") == 0)
    return pl.col("recorded_us").is_not_null() & is_id & (pl.col("length") <= longest) & is_empty_request


def _bus() -> pl.Expr:
    """The interface; a number alone is a channel as in other logs."""
    name = pl.col("channel")
    return pl.when(name.str.contains(r"^[0-9]+$")).then(pl.concat_str(pl.lit("CAN"), name)).otherwise(name)
