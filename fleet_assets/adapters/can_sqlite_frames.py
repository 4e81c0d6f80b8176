"""Rows of `can_messages` as CAN frames: every value form brought to one, wrong rows named.

Belongs here: what a value means. Does not belong here: reading the file (`can_sqlite`), and where rows go.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fleet_assets.adapters.quarantine import Reason
from fleet_assets.contracts import TIMESTAMP

EXTENDED_FLAG, REMOTE_FLAG, ERROR_FLAG, ID_BITS = 1 << 31, 1 << 30, 1 << 29, (1 << 29) - 1
"""SocketCAN's bits above the 29 of the identifier."""

HIGHEST_STANDARD = 0x7FF
LONGEST_CLASSIC, LONGEST_FD = 8, 64
_LATEST_S = 32_503_680_000.0
"""The year 3000: milliseconds taken for seconds lie beyond."""

REASONS = {
    "no-time": Reason("no-time", "timestamp is not a number of Unix seconds"),
    "no-id": Reason("no-id", "can_id is neither a whole number nor hexadecimal text of at most 29 bits (and flags)"),
    "no-data": Reason("no-data", "raw_data is neither bytes nor hexadecimal text, or absent although dlc is not 0"),
    "length-differs": Reason("length-differs", "dlc is not the number of bytes in raw_data, or that is above 64"),
    "no-vehicle": Reason("no-vehicle", "node_id is empty, and no --vehicle-id was given"),
    "remote-frame": Reason("remote-frame", "a remote frame asks for data and carries none"),
}
"""Why a row is set aside; the first that holds."""


@dataclass(frozen=True)
class Frames:
    """Rows of raw_can with `rowid` instead of entry_id (received_at null where unknown), and rowids by reason."""

    rows: pl.DataFrame
    wrong: list[tuple[Reason, list[int]]]


def frames_of(raw: pl.DataFrame, vehicles: dict[str, str] | str, bus: str) -> Frames:
    """The frames of a chunk; `vehicles` is the vehicle of all, or the vehicle of each node."""
    typed = raw.with_columns(
        seconds=pl.coalesce("seconds", pl.col("seconds_text").cast(pl.Float64, strict=False)),
        id=pl.coalesce("id", _hexadecimal("id_text").str.to_integer(base=16, strict=False)),
        data=pl.coalesce("data", _hexadecimal("data_text").str.decode("hex", strict=False)),
        stored=_stored(),
    ).with_columns(_vehicle(vehicles), data=_empty_where_nothing_was_sent())
    judged = typed.with_columns(reason=_first_reason())
    wrong = judged.filter(pl.col("reason").is_not_null()).group_by("reason", maintain_order=True).agg("rowid")
    named = [(REASONS[reason], rowids) for reason, rowids in wrong.iter_rows()]
    return Frames(judged.filter(pl.col("reason").is_null()).select("rowid", *_frame_columns(bus)), named)


def _hexadecimal(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all(r"0[xX]|[\s:\-]", "")


def _stored() -> pl.Expr:
    """`created_at`: a number of Unix seconds, or text in UTC; null where it is neither."""
    text = pl.col("stored_text").str.replace("T", " ").str.strip_suffix("Z")
    parsed = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False).dt.replace_time_zone("UTC")
    return pl.coalesce(_instant("stored_s"), parsed)


def _instant(column: str) -> pl.Expr:
    seconds = pl.col(column)
    possible = pl.when(seconds.is_finite() & (seconds.abs() < _LATEST_S)).then(seconds)
    return (possible * 1e6).round().cast(pl.Int64, strict=False).cast(TIMESTAMP)


def _vehicle(vehicles: dict[str, str] | str) -> pl.Expr:
    if isinstance(vehicles, str):
        return pl.lit(vehicles).alias("vehicle_id")
    return pl.col("node").replace_strict(vehicles, default=None, return_dtype=pl.String).alias("vehicle_id")


def _empty_where_nothing_was_sent() -> pl.Expr:
    is_nothing = pl.col("data_text").is_null() & (pl.col("dlc").fill_null(1) == 0)
    return pl.coalesce("data", pl.when(is_nothing).then(pl.lit(b"")))


def _first_reason() -> pl.Expr:
    length = pl.col("data").bin.size().cast(pl.Int64)
    is_remote = (pl.col("kind") == "remote") | ((pl.col("id") & REMOTE_FLAG) != 0)
    bits = pl.col("id") & ID_BITS
    is_id = pl.col("id").is_between(0, (1 << 32) - 1) & (
        (pl.col("id") <= ID_BITS) | ((pl.col("id") & (EXTENDED_FLAG | REMOTE_FLAG | ERROR_FLAG)) != 0)
    )
    is_too_long = (pl.col("extended") == 0).fill_null(value=False) & (bits > HIGHEST_STANDARD)
    return (
        pl.when(_instant("seconds").is_null()).then(pl.lit("no-time"))
        .when(~is_id.fill_null(value=False) | is_too_long).then(pl.lit("no-id"))
        .when(is_remote.fill_null(value=False)).then(pl.lit("remote-frame"))
        .when(pl.col("data").is_null()).then(pl.lit("no-data"))
        .when((length != pl.col("dlc").fill_null(length)) | (length > LONGEST_FD)).then(pl.lit("length-differs"))
        .when(pl.col("vehicle_id").is_null()).then(pl.lit("no-vehicle"))
    )  # fmt: skip


def _frame_columns(bus: str) -> list[pl.Expr]:
    length = pl.col("data").bin.size()
    identifier = pl.col("id") & ID_BITS
    is_flagged = (pl.col("id") & EXTENDED_FLAG) != 0
    stated = pl.when(pl.col("extended").is_not_null()).then(pl.col("extended") != 0)
    is_error = (pl.col("kind") == "error").fill_null(value=False) | ((pl.col("id") & ERROR_FLAG) != 0)
    return [
        _instant("seconds").alias("recorded_at"), pl.col("stored").cast(TIMESTAMP).alias("received_at"),
        pl.col("vehicle_id"),
        pl.lit(bus).alias("bus"), identifier.cast(pl.UInt32).alias("arbitration_id"),
        (pl.coalesce(stated, identifier > HIGHEST_STANDARD) | is_flagged).alias("is_extended"),
        (length > LONGEST_CLASSIC).alias("is_fd"), is_error.alias("is_error"), length.cast(pl.UInt8).alias("dlc"),
        pl.col("data"),
    ]  # fmt: skip
