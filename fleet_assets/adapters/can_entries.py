"""Stream entries to raw CAN rows: both wire forms, whole columns at a time, bad entries set aside with their reason.

Belongs here: the decoding of many entries at once. Does not belong here: the format itself (can_stream), Redis, files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from fleet_assets.adapters.can_stream import (
    DEFAULT_BUS,
    NUMBER_DIGITS,
    Batch,
    Entry,
    Fields,
    beyond_bounds,
    numbered_id,
    numbering,
    padded_id,
    received_us,
    unpack,
)
from fleet_assets.adapters.entry_bounds import (
    EARLIEST_US,
    KNOWN_FLAGS,
    LATEST_US,
    MAX_BYTES,
    MAX_IDENTIFIER,
    MAX_NAME,
    NOT_IN_NAMES,
    EntryError,
    name,
)
from fleet_assets.adapters.frame_batch import ERROR as ERROR_BIT
from fleet_assets.adapters.frame_batch import EXTENDED, FD, REMOTE, FrameBatch, frame_of_batch
from fleet_assets.contracts import RAW_CAN, TIMESTAMP
from fleet_assets.core.frame_lengths import bytes_stated, is_fd_by_length

_Number = tuple[str, int] | None
_Numbered = tuple[Entry, _Number]
_Packed = tuple[tuple[str, int, int], Batch]

_WRONG: _Number = ("", -1)

_SINGLE_FIELDS = ("id", "data", "ts", "ts_us", "dlc", "vehicle", "bus", "flags")


@dataclass
class DecodedEntries:
    """What some entries held: data frames, remote frames (same columns, no data), entries that were wrong."""

    frames: pl.DataFrame
    remote: pl.DataFrame
    rejected: list[tuple[Entry, str]] = field(default_factory=list)


def decode_entries(entries: Sequence[Entry], default_vehicle: str | None = None, origin: str = "") -> DecodedEntries:
    """All frames of the entries as RAW_CAN rows, packed entries first; one wrong entry does not touch the others.

    `default_vehicle` names the vehicle of single entries that state none; without it such entries are wrong. `origin`
    names the stream: ids of two streams may be equal, and stand behind it in the entry_id of frames without number.
    """
    try:
        return _decoded(entries, default_vehicle, origin)
    except (OSError, MemoryError):
        raise
    except _ANY_FAULT as error:
        # Whatever an entry holds that nobody thought of, it holds up no other one.
        if not entries:
            raise
        if len(entries) == 1:
            return DecodedEntries(RAW_CAN.empty(), RAW_CAN.empty(), [(entries[0], f"cannot be decoded: {error}")])
    each = [decode_entries([entry], default_vehicle, origin) for entry in entries]
    return DecodedEntries(
        pl.concat([one.frames for one in each]),
        pl.concat([one.remote for one in each]),
        [wrong for one in each for wrong in one.rejected],
    )


_ANY_FAULT = (Exception, pl.exceptions.PanicException)


def _decoded(entries: Sequence[Entry], default_vehicle: str | None, origin: str) -> DecodedEntries:
    rejected: list[tuple[Entry, str]] = []
    numbered = [(entry, number) for entry in entries if (number := _number(entry, rejected)) is not _WRONG]
    packed = _packed_rows([one for one in numbered if b"packed" in one[0][1]], origin, rejected)
    lone = [one for one in numbered if b"packed" not in one[0][1]]
    ids = [_row_id(entry, number, origin) for entry, number in lone]
    single = _single_rows([entry for entry, _ in lone], ids, default_vehicle, rejected)
    rows = pl.concat([packed, single])
    is_remote = rows.get_column("is_remote")
    return DecodedEntries(
        rows.filter(~is_remote).select(RAW_CAN.schema.names()),
        rows.filter(is_remote).select(RAW_CAN.schema.names()),
        rejected,
    )


def entries_as_rows(rejected: Sequence[tuple[Entry, str]]) -> pl.DataFrame:
    """Wrong entries as rows for the quarantine: entry_id, reason, and the fields as names and bytes."""
    return pl.DataFrame(
        {
            "entry_id": [padded_id(stream_id) for (stream_id, _), _ in rejected],
            "reason": [reason for _, reason in rejected],
            "field_names": [[name.decode(errors="replace") for name in fields] for (_, fields), _ in rejected],
            "field_values": [list(fields.values()) for (_, fields), _ in rejected],
        },
        schema={
            "entry_id": pl.String, "reason": pl.String, "field_names": pl.List(pl.String),
            "field_values": pl.List(pl.Binary),
        },
    )  # fmt: skip


def _number(entry: Entry, rejected: list[tuple[Entry, str]]) -> _Number:
    """Producer and number of its first frame, None of another writer; _WRONG where frames of it cannot be given an
    entry_id or an instant of arrival: then it is among the rejected."""
    if received_us(entry[0]) == LATEST_US:
        rejected.append((entry, "the id of the entry is no instant"))
        return _WRONG
    try:
        return numbering(entry[1])
    except EntryError as error:
        rejected.append((entry, str(error)))
        return _WRONG


def _row_id(entry: Entry, number: _Number, origin: str) -> str:
    """The entry_id of a single entry's frame."""
    return numbered_id(*number) if number else f"{origin}-{padded_id(entry[0])}".lstrip("-")


def _packed_id(entry: Entry, number: _Number, origin: str) -> tuple[str, int, int]:
    """What the ids of a packed entry's frames begin with, the number of the first, and its digits."""
    return (*number, NUMBER_DIGITS) if number else (f"{origin}-{padded_id(entry[0])}".lstrip("-"), 0, 6)


def _packed_rows(entries: Sequence[_Numbered], origin: str, rejected: list[tuple[Entry, str]]) -> pl.DataFrame:
    unpacked: list[tuple[Entry, _Packed]] = []
    for entry, number in entries:
        try:
            unpacked.append((entry, (_packed_id(entry, number, origin), _named(entry[1], unpack(entry[1])))))
        except EntryError as error:
            rejected.append((entry, str(error)))
    batches = [batch for _, batch in unpacked]
    if not batches:
        return _EMPTY
    joined = _joined([batch.frames for _, batch in batches])
    if beyond_bounds(joined):
        # Frames of one entry stand and fall together: their bytes lie behind one another.
        faults = [(entry, beyond_bounds(batch.frames)) for entry, (_, batch) in unpacked]
        rejected.extend((entry, fault) for entry, fault in faults if fault)
        batches = [batch for batch, (_, fault) in zip(batches, faults, strict=True) if not fault]
        return _rows_of(batches, _joined([batch.frames for _, batch in batches])) if batches else _EMPTY
    return _rows_of(batches, joined)


def _named(fields: Fields, batch: Batch) -> Batch:
    """The batch, if its names can be names; raises EntryError."""
    name(fields, b"vehicle")
    name(fields, b"bus")
    return batch


def _rows_of(batches: list[_Packed], joined: FrameBatch) -> pl.DataFrame:
    counts = np.array([len(batch.frames) for _, batch in batches])
    owners = pl.DataFrame(
        {
            "received_at": [batch.received_us for _, batch in batches],
            "vehicle_id": [batch.vehicle for _, batch in batches],
            "bus": [batch.bus for _, batch in batches],
            "prefix": [prefix for (prefix, _, _), _ in batches],
            "first": [first for (_, first, _), _ in batches],
            "digits": [digits for (_, _, digits), _ in batches],
        }
    )[np.repeat(np.arange(len(batches)), counts)]
    ordinals = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return _rows(frame_of_batch(joined), owners, pl.Series(ordinals))


def _joined(batches: list[FrameBatch]) -> FrameBatch:
    return FrameBatch(
        ts_us=np.concatenate([batch.ts_us for batch in batches]),
        arbitration_id=np.concatenate([batch.arbitration_id for batch in batches]),
        flags=np.concatenate([batch.flags for batch in batches]),
        dlc=np.concatenate([batch.dlc for batch in batches]),
        length=np.concatenate([batch.length for batch in batches]),
        payload=b"".join(batch.payload for batch in batches),
    )


def _rows(frames: pl.DataFrame, owners: pl.DataFrame, ordinals: pl.Series) -> pl.DataFrame:
    number = (pl.col("first") + ordinals).cast(pl.String).str.zfill(pl.col("digits"))
    named = owners.select(
        pl.col("received_at").cast(TIMESTAMP), "vehicle_id", "bus",
        pl.concat_str("prefix", number, separator="-").alias("entry_id"),
    )  # fmt: skip
    return pl.concat([frames, named], how="horizontal").select(_EMPTY.columns)


_EMPTY = RAW_CAN.empty().with_columns(is_remote=pl.lit(value=False))


def _single_rows(
    entries: Sequence[Entry], ids: list[str], default_vehicle: str | None, rejected: list[tuple[Entry, str]]
) -> pl.DataFrame:
    if not entries:
        return _EMPTY
    rows = pl.DataFrame({name: _text_column(entries, name) for name in _SINGLE_FIELDS})
    parsed = rows.select(_single_columns(default_vehicle)).with_columns(
        entry_id=pl.Series(ids),
        received_at=pl.Series([received_us(entry[0]) for entry in entries]).cast(TIMESTAMP),
    )
    parsed = parsed.with_columns(_single_flags()).pipe(_with_lengths).with_columns(reason=_single_reason())
    wrong = parsed.get_column("reason").is_not_null()
    for index, reason in zip(wrong.arg_true(), parsed.filter(wrong).get_column("reason"), strict=True):
        rejected.append((entries[index], reason))
    return parsed.filter(~wrong).select(_EMPTY.columns)


def _text_column(entries: Sequence[Entry], name: str) -> pl.Series:
    key = name.encode()
    values = [entry[1].get(key) for entry in entries]
    try:
        return pl.Series(values, dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        # One value is no text: it becomes a text that no check below accepts, and the others stay as they are.
        return pl.Series([None if v is None else v.decode(errors="replace") for v in values], dtype=pl.String)


def _single_columns(default_vehicle: str | None) -> list[pl.Expr]:
    data = pl.col("data").str.replace_all(" ", "", literal=True).str.decode("hex", strict=False)
    milliseconds = (pl.col("ts").cast(pl.Float64, strict=False) * 1000).round().cast(pl.Int64, strict=False)
    microseconds = pl.col("ts_us").cast(pl.Int64, strict=False)
    instant = pl.when(pl.col("ts_us").is_null()).then(milliseconds).otherwise(microseconds)
    ident = pl.col("id").str.strip_prefix("0x").str.strip_prefix("0X").str.to_integer(base=16, strict=False)
    given = pl.col("dlc").cast(pl.UInt8, strict=False)
    return [
        _within(instant, EARLIEST_US, LATEST_US).cast(TIMESTAMP).alias("recorded_at"),
        pl.coalesce(_given("vehicle"), pl.lit(default_vehicle, dtype=pl.String)).alias("vehicle_id"),
        pl.coalesce(_given("bus"), pl.lit(DEFAULT_BUS)).alias("bus"),
        _within(ident, 0, MAX_IDENTIFIER).cast(pl.UInt32).alias("arbitration_id"),
        data.alias("data"),
        pl.when(pl.col("dlc").is_null())
        .then(data.bin.size().cast(pl.UInt8, strict=False))
        .otherwise(given)
        .alias("dlc"),
        pl.col("flags").cast(pl.UInt8, strict=False),
        pl.col("flags").is_not_null().alias("has_flags"),
    ]


def _within(number: pl.Expr, low: int, high: int) -> pl.Expr:
    return pl.when(number.is_between(low, high)).then(number)


def _single_flags() -> list[pl.Expr]:
    flags = pl.col("flags")
    return [
        pl.coalesce((flags & int(EXTENDED)) != 0, pl.col("arbitration_id") > 0x7FF).alias("is_extended"),
        pl.coalesce((flags & int(FD)) != 0, pl.lit(value=False)).alias("is_fd"),
        pl.coalesce((flags & int(ERROR_BIT)) != 0, pl.lit(value=False)).alias("is_error"),
        pl.coalesce((flags & int(REMOTE)) != 0, pl.lit(value=False)).alias("is_remote"),
    ]


def _with_lengths(parsed: pl.DataFrame) -> pl.DataFrame:
    """With `dlc` in bytes, and CAN FD where only that has such lengths, for writers that say no flags.

    They state a length or its code; ours state bytes.
    """
    carried = parsed.get_column("data").bin.size().fill_null(0).clip(0, 255).to_numpy()
    stated = parsed.get_column("dlc").fill_null(0).to_numpy()
    is_ours = parsed.get_column("has_flags").to_numpy()
    is_fd = np.where(is_ours, parsed.get_column("is_fd").to_numpy(), is_fd_by_length(stated, carried))
    dlc = np.where(is_ours, stated, bytes_stated(stated, carried, is_fd))
    return parsed.with_columns(dlc=pl.Series(dlc), is_fd=pl.Series(is_fd))


def _single_reason() -> pl.Expr:
    """The first thing that is wrong with a single entry, or null."""
    unknown_flags = (pl.col("flags") & (255 - KNOWN_FLAGS)) != 0
    checks = {
        "id is not a hex number of at most 29 bits": pl.col("arbitration_id").is_null(),
        "data is not hex": pl.col("data").is_null(),
        f"data is longer than {MAX_BYTES} bytes": pl.col("data").bin.size() > MAX_BYTES,
        f"dlc is no number from 0 to {MAX_BYTES}": pl.col("dlc").is_null() | (pl.col("dlc") > MAX_BYTES),
        "data has more bytes than dlc states": ~pl.col("has_flags") & (pl.col("data").bin.size() > pl.col("dlc")),
        "ts or ts_us is no number, or not within the years 1 to 9999": pl.col("recorded_at").is_null(),
        f"flags is no number from 0 to {KNOWN_FLAGS}": pl.col("has_flags")
        & (pl.col("flags").is_null() | unknown_flags),
        "vehicle is missing, and the worker has no --vehicle to use instead": pl.col("vehicle_id").is_null(),
        f"vehicle is not a name of 1 to {MAX_NAME} characters of UTF-8 text": _is_no_name("vehicle_id"),
        f"bus is not a name of 1 to {MAX_NAME} characters of UTF-8 text": _is_no_name("bus"),
    }
    return pl.coalesce(pl.when(wrong).then(pl.lit(reason)) for reason, wrong in checks.items())


def _is_no_name(column: str) -> pl.Expr:
    return pl.col(column).str.contains(NOT_IN_NAMES) | (pl.col(column).str.len_chars() > MAX_NAME)


def _given(name: str) -> pl.Expr:
    return pl.when(pl.col(name).str.len_bytes() > 0).then(pl.col(name))
