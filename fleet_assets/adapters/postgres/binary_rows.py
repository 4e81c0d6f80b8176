"""Frames as PostgreSQL's binary COPY format, columns at a time into one buffer of rows.

Belongs here: the layout of that format. Does not belong here: sending it (`copying`), and what the columns mean.

A row is the number of its fields (int16), then each field: its length in bytes (int32, -1 for null) and its bytes, all
big-endian. Lengths differ by row, so each row has a cursor that moves on as column after column is written.
Source: PostgreSQL documentation, COPY, "Binary Format"; array layout as written by array_send.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from fleet_assets.contracts import Table

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

CHUNK_ROWS = 32_768
"""Rows encoded at a time: some megabytes, which stay in the processor's cache until they are sent."""

DAYS_TO_2000 = 10_957
MICROSECONDS_TO_2000 = DAYS_TO_2000 * 86_400_000_000
"""PostgreSQL counts dates and instants from 2000-01-01."""

TEXT_OID = 25

Bytes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FIXED = {"f64": ">f8", "i64": ">i8", "u32": ">i8", "u8": ">i2", "bool": "u1", "date": ">i4", "ts": ">i8"}

jit = numba.njit(cache=True, nogil=True)


def encoded(table: Table, frame: pl.DataFrame) -> Iterator[memoryview]:
    """The frame's rows in pieces; header and trailer are the caller's."""
    for chunk in frame.iter_slices(CHUNK_ROWS):
        yield _rows(table, chunk)


def _rows(table: Table, frame: pl.DataFrame) -> memoryview:
    fields = [_field(column.kind, frame[column.name]) for column in table.columns]
    sizes = np.full(frame.height, 2 + 4 * len(fields), dtype=np.int64)
    for field in fields:
        sizes += field.sizes
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    cursors = ends - sizes
    _begin(out, cursors, len(fields))
    for field in fields:
        field.write(out, cursors)
    return memoryview(out)  # type: ignore[arg-type]


class _Fixed:
    """A column of numbers, all of one width."""

    def __init__(self, values: npt.NDArray[Any], valid: Flags) -> None:
        self.valid = valid
        self.width = values.dtype.itemsize
        self.payload = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
        self.sizes = valid * np.int64(self.width)

    def write(self, out: Bytes, cursors: Longs) -> None:
        _put_fixed(out, cursors, self.payload, self.width, self.valid)


class _Text:
    """A column of texts or bytes."""

    def __init__(self, values: pl.Series, valid: Flags) -> None:
        self.valid = valid
        self.offsets, self.payload = _parts(values)
        # A null's place may span bytes that are nobody's.
        self.sizes = np.diff(self.offsets) * valid

    def write(self, out: Bytes, cursors: Longs) -> None:
        _put_text(out, cursors, self.offsets, self.payload, self.valid)


class _Texts:
    """A column of lists of texts."""

    def __init__(self, values: pl.Series, valid: Flags) -> None:
        self.valid = valid
        lists = values.to_arrow().cast(pa.large_list(pa.large_string()))
        self.bounds = np.frombuffer(lists.buffers()[1], dtype=np.int64)[lists.offset : lists.offset + len(lists) + 1]
        items = pl.Series(lists.values, dtype=pl.String)
        self.item_valid = items.is_not_null().to_numpy()
        self.offsets, self.payload = _parts(items)
        self.sizes = _list_sizes(self.bounds, np.diff(self.offsets) * self.item_valid, self.valid)

    def write(self, out: Bytes, cursors: Longs) -> None:
        _put_texts(out, cursors, self.sizes, self.bounds, self.offsets, self.payload, self.item_valid, self.valid)


def _field(kind: str, values: pl.Series) -> _Fixed | _Text | _Texts:
    valid = values.is_not_null().to_numpy()
    if kind == "list[str]":
        return _Texts(values, valid)
    if kind in {"str", "json", "bin"}:
        return _Text(values, valid)
    numbers = values.to_physical().fill_null(0 if kind != "bool" else False).to_numpy()
    if kind == "ts":
        numbers = numbers - MICROSECONDS_TO_2000
    elif kind == "date":
        numbers = numbers - DAYS_TO_2000
    return _Fixed(numbers.astype(FIXED[kind]), valid)


def _parts(values: pl.Series) -> tuple[Longs, Bytes]:
    """Where each value begins and ends, and the bytes of all of them."""
    array = values.to_arrow().cast(pa.large_binary())
    _, offsets, payload = array.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    held = np.frombuffer(payload, dtype=np.uint8) if payload is not None and payload.size else np.zeros(0, np.uint8)
    return bounds, held


@jit
def _put_int32(out: Bytes, at: int, value: int) -> None:
    out[at] = (value >> 24) & 0xFF
    out[at + 1] = (value >> 16) & 0xFF
    out[at + 2] = (value >> 8) & 0xFF
    out[at + 3] = value & 0xFF


@jit
def _begin(out: Bytes, cursors: Longs, fields: int) -> None:
    for row in range(len(cursors)):
        at = cursors[row]
        out[at] = (fields >> 8) & 0xFF
        out[at + 1] = fields & 0xFF
        cursors[row] = at + 2


@jit
def _put_fixed(out: Bytes, cursors: Longs, payload: Bytes, width: int, valid: Flags) -> None:
    for row in range(len(cursors)):
        at = cursors[row]
        if valid[row]:
            _put_int32(out, at, width)
            for position in range(width):
                out[at + 4 + position] = payload[row * width + position]
            cursors[row] = at + 4 + width
        else:
            _put_int32(out, at, -1)
            cursors[row] = at + 4


@jit
def _put_text(out: Bytes, cursors: Longs, offsets: Longs, payload: Bytes, valid: Flags) -> None:
    for row in range(len(cursors)):
        at, first = cursors[row], offsets[row]
        if valid[row]:
            length = offsets[row + 1] - first
            _put_int32(out, at, length)
            for position in range(length):
                out[at + 4 + position] = payload[first + position]
            cursors[row] = at + 4 + length
        else:
            _put_int32(out, at, -1)
            cursors[row] = at + 4


@jit
def _list_sizes(bounds: Longs, lengths: Longs, valid: Flags) -> Longs:
    """Bytes of each list: 12 of an empty one, else 20 and 4 more for each item besides its own."""
    sizes = np.zeros(len(valid), dtype=np.int64)
    for row in range(len(valid)):
        items = bounds[row + 1] - bounds[row]
        if valid[row]:
            sizes[row] = 12 if items == 0 else 20 + 4 * items + lengths[bounds[row] : bounds[row + 1]].sum()
    return sizes


@jit
def _put_texts(
    out: Bytes, cursors: Longs, sizes: Longs, bounds: Longs, offsets: Longs, payload: Bytes, item_valid: Flags,
    valid: Flags,
) -> None:  # fmt: skip
    for row in range(len(cursors)):
        at = cursors[row]
        if not valid[row]:
            _put_int32(out, at, -1)
            cursors[row] = at + 4
            continue
        first, last = bounds[row], bounds[row + 1]
        _put_int32(out, at, sizes[row])
        _put_int32(out, at + 4, 1 if last > first else 0)
        _put_int32(out, at + 8, 0 if item_valid[first:last].all() else 1)
        _put_int32(out, at + 12, TEXT_OID)
        at += 16
        if last > first:
            _put_int32(out, at, last - first)
            _put_int32(out, at + 4, 1)
            at += 8
        for item in range(first, last):
            length = offsets[item + 1] - offsets[item] if item_valid[item] else 0
            _put_int32(out, at, length if item_valid[item] else -1)
            at += 4
            for position in range(length):
                out[at + position] = payload[offsets[item] + position]
            at += length
        cursors[row] = at
