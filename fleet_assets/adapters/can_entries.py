"""Stream entries to raw CAN rows: both wire forms, whole columns at a time, bad entries set aside with their reason.

Belongs here: the decoding of many entries at once, packed ones themselves. Does not belong here: the format itself
(can_stream), entries of one frame (single_rows), Redis, files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.adapters.can_stream import (
    NUMBER_DIGITS,
    Entry,
    Packed,
    beyond_bounds,
    frames_of,
    numbering,
    padded_id,
    received_us,
    unpack,
)
from fleet_assets.adapters.entry_bounds import LATEST_US, NO_INSTANT, EntryError, name
from fleet_assets.adapters.entry_columns import unnumbered_id
from fleet_assets.adapters.entry_ids import entry_ids
from fleet_assets.adapters.frame_batch import frame_of_batch
from fleet_assets.adapters.single_rows import single_rows
from fleet_assets.contracts import RAW_CAN, TIMESTAMP

_ORDINAL_DIGITS = 6
"""Of the ids of frames within an entry of another writer."""


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
    packed = [entry for entry in entries if b"packed" in entry[1]]
    parts = [_packed_rows(packed, origin, rejected)] if packed else []
    if len(packed) < len(entries):
        lone = [entry for entry in entries if b"packed" not in entry[1]] if packed else entries
        singles, wrong = single_rows(lone, default_vehicle, origin)
        parts.append(singles.select(_EMPTY.columns))
        rejected += wrong
    frames, remote = _split(pl.concat(parts) if parts else _EMPTY)
    return DecodedEntries(frames, remote, rejected)


def _split(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Data frames and remote frames."""
    kept = rows.clone()
    is_remote = kept.drop_in_place("is_remote")
    return (kept.filter(~is_remote), kept.filter(is_remote)) if is_remote.any() else (kept, kept.clear())


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


def _packed_rows(entries: Sequence[Entry], origin: str, rejected: list[tuple[Entry, str]]) -> pl.DataFrame:
    read: list[_Read] = []
    for entry in entries:
        try:
            read.append(_read(entry, origin))
        except EntryError as error:
            rejected.append((entry, str(error)))
    try:
        return _rows_of(read)
    except EntryError:
        # Frames of one entry stand and fall together: their bytes lie behind one another.
        faults = [_fault(one.packed) for one in read]
    rejected.extend((one.entry, fault) for one, fault in zip(read, faults, strict=True) if fault)
    return _rows_of([one for one, fault in zip(read, faults, strict=True) if not fault])


class _Read(NamedTuple):
    """A packed entry, and how its frames are called: what their ids begin with, the number of the first, digits."""

    entry: Entry
    packed: Packed
    prefix: str
    first: int
    digits: int


def _read(entry: Entry, origin: str) -> _Read:
    stream_id, fields = entry
    if received_us(stream_id) == LATEST_US:
        raise EntryError(NO_INSTANT)
    number = numbering(fields)
    packed = unpack(fields)
    name(fields, b"vehicle")
    name(fields, b"bus")
    if number:
        return _Read(entry, packed, *number, NUMBER_DIGITS)
    return _Read(entry, packed, unnumbered_id(entry, origin), 0, _ORDINAL_DIGITS)


def _fault(packed: Packed) -> str:
    try:
        return beyond_bounds(frames_of([packed]))
    except EntryError as error:
        return str(error)


def _rows_of(read: Sequence[_Read]) -> pl.DataFrame:
    """The rows of some entries; raises EntryError where one of their frames cannot be."""
    if not read:
        return _EMPTY
    frames = frames_of([one.packed for one in read])
    if fault := beyond_bounds(frames):
        raise EntryError(fault)
    counts = np.array([one.packed.frames for one in read])
    owners = pl.DataFrame(
        {
            "received_at": [one.packed.received_us for one in read],
            "vehicle_id": [one.packed.vehicle for one in read],
            "bus": [one.packed.bus for one in read],
        }
    ).with_columns(pl.col("received_at").cast(TIMESTAMP))[np.repeat(np.arange(len(read)), counts)]
    ids = _ids(read, counts)
    return pl.concat([frame_of_batch(frames), owners, pl.DataFrame([ids])], how="horizontal").select(_EMPTY.columns)


def _ids(read: Sequence[_Read], counts: npt.NDArray[np.int64]) -> pl.Series:
    first = np.array([one.first for one in read]) - (np.cumsum(counts) - counts)
    numbers = np.arange(counts.sum()) + np.repeat(first, counts)
    if len({(one.prefix, one.digits) for one in read}) == 1:
        return entry_ids(read[0].prefix, (numbers, read[0].digits)).alias("entry_id")
    of = pl.DataFrame({"prefix": [one.prefix for one in read], "digits": [one.digits for one in read]})
    written = pl.lit(pl.Series(numbers)).cast(pl.String).str.zfill(pl.col("digits"))
    named = pl.concat_str("prefix", written, separator="-").alias("entry_id")
    return of[np.repeat(np.arange(len(read)), counts)].select(named).to_series()


_EMPTY = RAW_CAN.empty().with_columns(is_remote=pl.lit(value=False))
