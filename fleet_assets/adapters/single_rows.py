"""Entries of one frame each as rows: every column read at once, wrong entries set aside with the first thing wrong.

Belongs here: what the fields of the single form mean. Does not belong here: the packed form (can_entries), ids of rows
(entry_columns).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import polars as pl

from fleet_assets.adapters.can_stream import DEFAULT_BUS, Entry
from fleet_assets.adapters.entry_bounds import (
    EARLIEST_US,
    KNOWN_FLAGS,
    LATEST_US,
    MAX_BYTES,
    MAX_IDENTIFIER,
    MAX_NAME,
    NO_INSTANT,
    is_name,
)
from fleet_assets.adapters.entry_columns import Values, no_texts, single_ids, stream_ids, texts, values_of
from fleet_assets.adapters.frame_batch import ERROR, EXTENDED, FD, REMOTE, binary_column
from fleet_assets.contracts import TIMESTAMP
from fleet_assets.core.frame_lengths import bytes_stated, is_fd_by_length

_NUMBERING = "its numbering cannot be read"
_TEXTS = ("id", "ts", "ts_us", "dlc", "vehicle", "bus", "flags")


def single_rows(
    entries: Sequence[Entry], default_vehicle: str | None, origin: str
) -> tuple[pl.DataFrame, list[tuple[Entry, str]]]:
    """The frames of some entries as rows, and the wrong entries, each with its reason."""
    ids = stream_ids(entries)
    values = values_of(entries, (*_TEXTS, "data", "producer", "first"))
    columns = [_text(values.get(name), len(entries)).alias(name) for name in _TEXTS]
    fields = pl.DataFrame([*columns, _data(values.get("data"), len(entries)).alias("data")])
    parsed = fields.select(_columns(default_vehicle, is_in_us=not fields.get_column("ts_us").null_count()))
    rows = parsed.with_columns(
        *_flags(), *single_ids(entries, ids, values, origin).get_columns(),
        received_at=(ids.get_column("ms") * 1_000).cast(TIMESTAMP),
    )  # fmt: skip
    return _judged(entries, _with_lengths(rows))


def _text(values: Values | None, count: int) -> pl.Series:
    return no_texts(count) if values is None else texts(values)


def _data(values: Values | None, count: int) -> pl.Series:
    """The bytes that were written in hex, null where that is not so."""
    if values is None:
        return no_texts(count).cast(pl.Binary)
    if (column := _plain_data(values)) is not None:
        return column
    return texts(values).str.replace_all(" ", "", literal=True).str.decode("hex", strict=False)


def _plain_data(values: Values) -> pl.Series | None:
    """The same in one go, where all are pairs of hex digits with no space within a pair; else None."""
    try:
        joined = b" ".join(values)  # type: ignore[arg-type]
        payload = bytes.fromhex(joined.decode("ascii"))
    except (TypeError, ValueError):
        return None
    letters = np.fromiter(map(len, values), np.int64, len(values))  # type: ignore[arg-type]
    if joined.count(b" ") >= len(values):
        letters -= np.array([value.count(b" ") for value in values])  # type: ignore[union-attr]
    # Other white space is passed over too, and is counted here.
    return binary_column(payload, letters // 2) if int(letters.sum()) == 2 * len(payload) else None


@lru_cache(maxsize=16)
def _columns(default_vehicle: str | None, *, is_in_us: bool) -> list[pl.Expr]:
    ident = pl.col("id").str.strip_prefix("0x").str.strip_prefix("0X").str.to_integer(base=16, strict=False)
    carried, given = pl.col("data").bin.size().cast(pl.UInt8, strict=False), pl.col("dlc").cast(pl.UInt8, strict=False)
    return [
        _within(_instant(is_in_us=is_in_us), EARLIEST_US, LATEST_US).cast(TIMESTAMP).alias("recorded_at"),
        pl.coalesce(_given("vehicle"), pl.lit(default_vehicle, dtype=pl.String)).alias("vehicle_id"),
        pl.coalesce(_given("bus"), pl.lit(DEFAULT_BUS)).alias("bus"),
        _within(ident, 0, MAX_IDENTIFIER).cast(pl.UInt32).alias("arbitration_id"),
        pl.col("data"),
        pl.when(pl.col("dlc").is_null()).then(carried).otherwise(given).alias("dlc"),
        pl.col("flags").cast(pl.UInt8, strict=False),
        pl.col("flags").is_not_null().alias("has_flags"),
    ]


def _instant(*, is_in_us: bool) -> pl.Expr:
    microseconds = pl.col("ts_us").cast(pl.Int64, strict=False)
    if is_in_us:
        return microseconds
    milliseconds = (pl.col("ts").cast(pl.Float64, strict=False) * 1000).round().cast(pl.Int64, strict=False)
    return pl.when(pl.col("ts_us").is_null()).then(milliseconds).otherwise(microseconds)


def _within(number: pl.Expr, low: int, high: int) -> pl.Expr:
    return pl.when(number.is_between(low, high)).then(number)


def _given(name: str) -> pl.Expr:
    return pl.when(pl.col(name).str.len_bytes() > 0).then(pl.col(name))


@lru_cache(maxsize=1)
def _flags() -> list[pl.Expr]:
    flags = pl.col("flags")
    return [
        pl.coalesce((flags & int(EXTENDED)) != 0, pl.col("arbitration_id") > 0x7FF).alias("is_extended"),
        pl.coalesce((flags & int(FD)) != 0, pl.lit(value=False)).alias("is_fd"),
        pl.coalesce((flags & int(ERROR)) != 0, pl.lit(value=False)).alias("is_error"),
        pl.coalesce((flags & int(REMOTE)) != 0, pl.lit(value=False)).alias("is_remote"),
    ]


def _with_lengths(rows: pl.DataFrame) -> pl.DataFrame:
    """With `dlc` in bytes, and CAN FD where only that has such lengths, for writers that say no flags.

    They state a length or its code; ours state bytes.
    """
    if rows.get_column("has_flags").all():
        return rows
    carried = rows.get_column("data").bin.size().fill_null(0).clip(0, 255).to_numpy()
    stated, is_ours = rows.get_column("dlc").fill_null(0).to_numpy(), rows.get_column("has_flags").to_numpy()
    is_fd = np.where(is_ours, rows.get_column("is_fd").to_numpy(), is_fd_by_length(stated, carried))
    dlc = pl.lit(pl.Series(np.where(is_ours, stated, bytes_stated(stated, carried, is_fd))))
    return rows.with_columns(dlc=pl.when(pl.col("dlc").is_not_null()).then(dlc), is_fd=pl.Series(is_fd))


def _judged(entries: Sequence[Entry], rows: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[Entry, str]]]:
    checks = _checks(rows)
    is_wrong = rows.select(pl.any_horizontal(checks.values()).fill_null(value=False)).to_series()
    if not is_wrong.any():
        return rows, []
    said = {reason: pl.lit(reason) for reason in checks} | {_NUMBERING: pl.col("fault")}
    first = pl.coalesce(pl.when(wrong).then(said[reason]) for reason, wrong in checks.items())
    reasons = rows.filter(is_wrong).select(first).to_series()
    installation = is_wrong.arg_true()
    return rows.filter(~is_wrong), [(entries[place], why) for place, why in zip(installation, reasons, strict=True)]


def _checks(rows: pl.DataFrame) -> dict[str, pl.Expr]:
    """What may be wrong with a single entry, in the order in which it is said."""
    names = rows.select(pl.col("vehicle_id", "bus").unique().implode())
    unknown_flags = (pl.col("flags") & (255 - KNOWN_FLAGS)) != 0
    return {
        NO_INSTANT: pl.col("received_at").is_null(),
        _NUMBERING: pl.col("fault").is_not_null(),
        "id is not a hex number of at most 29 bits": pl.col("arbitration_id").is_null(),
        "data is not hex": pl.col("data").is_null(),
        f"data is longer than {MAX_BYTES} bytes": pl.col("data").bin.size() > MAX_BYTES,
        f"dlc is no number from 0 to {MAX_BYTES}": pl.col("dlc").is_null() | (pl.col("dlc") > MAX_BYTES),
        "data has more bytes than dlc states": ~pl.col("has_flags") & (pl.col("data").bin.size() > pl.col("dlc")),
        "ts or ts_us is no number, or not within the years 1 to 9999": pl.col("recorded_at").is_null(),
        f"flags is no number from 0 to {KNOWN_FLAGS}": pl.col("has_flags")
        & (pl.col("flags").is_null() | unknown_flags),
        "vehicle is missing, and the worker has no --vehicle to use instead": pl.col("vehicle_id").is_null(),
        f"vehicle is not a name of 1 to {MAX_NAME} characters of UTF-8 text": _is_no_name(names, "vehicle_id"),
        f"bus is not a name of 1 to {MAX_NAME} characters of UTF-8 text": _is_no_name(names, "bus"),
    }


def _is_no_name(names: pl.DataFrame, column: str) -> pl.Expr:
    wrong = [text for text in names.get_column(column)[0] if text is not None and not is_name(text)]
    return pl.col(column).is_in(wrong) if wrong else pl.lit(value=False)
