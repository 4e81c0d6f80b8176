"""Columns of entry_id: what rows were counted by, a dash, and their number with leading zeros.

Belongs here: writing these columns. Does not belong here: what counts rows (can_stream, collector/importer).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

_GROUP, _GROUPS = 4, 3
MOST_DIGITS = _GROUP * _GROUPS


def _groups_of_digits() -> npt.NDArray[np.uint32]:
    numbers = np.arange(10**_GROUP)
    digits = np.stack([numbers // 10**power % 10 for power in reversed(range(_GROUP))], axis=1) + ord("0")
    return np.ascontiguousarray(digits.astype(np.uint8)).view(np.uint32).ravel()


_DIGITS = _groups_of_digits()
"""The four digits of each number below 10 000, in the order of text."""


def entry_ids(prefix: str, numbers: npt.NDArray[np.int64], digits: int) -> pl.Series:
    """`prefix-000…number` for each number from 0 to below 10**digits, with at most MOST_DIGITS of these."""
    written = np.empty((len(numbers), _GROUPS), dtype=np.uint32)
    rest = numbers
    for group in reversed(range(_GROUPS)):
        # Not divmod: NumPy divides by one number several times faster than it takes remainders.
        higher = rest // 10**_GROUP
        written[:, group] = _DIGITS[rest - higher * 10**_GROUP]
        rest = higher
    begun = np.frombuffer(f"{prefix}-".encode(), dtype=np.uint8)
    text = np.empty((len(numbers), len(begun) + digits), dtype=np.uint8)
    text[:, : len(begun)] = begun
    text[:, len(begun) :] = written.view(np.uint8)[:, MOST_DIGITS - digits :]
    offsets = np.arange(len(numbers) + 1, dtype=np.int64) * text.shape[1]
    column = pl.from_arrow(pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(text)))
    assert isinstance(column, pl.Series)
    return column
