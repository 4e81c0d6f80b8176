"""Payload bytes of frames as NumPy arrays over Arrow's own buffers.

Belongs here: reading Arrow's view layout without copying. Does not belong here: signals.

Arrow's binary view is 16 bytes a row: the length, then up to 12 bytes of the value itself with zeros behind it, or the
value's first 4 bytes and its place in another buffer. A classical payload (8 bytes) therefore always lies in the row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from fleet_assets.core.compiled import I64, kernel, read_only

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Places = npt.NDArray[np.integer]

INLINE_BYTES = 12
"""Longest value that lies in the view itself (Arrow columnar format, variable-size binary view)."""

PAD = 9
"""Zero bytes behind each row of a byte matrix, so that a window of a 64 bit signal never leaves it."""


def views(column: pl.Series) -> U64:
    """The rows' views as two 64 bit words each (shape n, 2), without copying; no row may be null.

    The words of values that do not lie in the view itself have a meaning only within one chunk."""
    array = column.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    if not len(array):
        return read_only(np.empty((0, 2), dtype=np.uint64))
    words = np.frombuffer(array.buffers()[1], dtype="<u8", count=2 * len(array), offset=16 * array.offset)
    return words.reshape(-1, 2)


def byte_matrix(column: pl.Series, width: int) -> tuple[U8, I64]:
    """The rows' bytes as one matrix (shape n, width + PAD; zeros behind the value) and their lengths."""
    array = pa.array(column.to_arrow()).cast(pa.large_binary())
    if not len(array):
        return np.zeros((0, width + PAD), dtype=np.uint8), np.empty(0, dtype=np.int64)
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64, count=len(array) + 1, offset=8 * array.offset)
    flat = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    return padded_rows(flat, starts, width), np.diff(starts)


def padded_rows(flat: U8, starts: I64, width: int) -> U8:
    """Values that lie one behind another, cut or filled with zeros to rows of the same width plus PAD."""
    rows = np.zeros((len(starts) - 1, width + PAD), dtype=np.uint8)
    _copy_rows(flat, starts, width, rows)
    return rows


@kernel
def _copy_rows(flat: U8, starts: I64, width: int, rows: U8) -> None:
    for i in range(len(rows)):
        for k in range(min(width, starts[i + 1] - starts[i])):
            rows[i, k] = flat[starts[i] + k]
