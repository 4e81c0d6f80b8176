"""Columns of entry_id: what rows were counted by, a dash, and their number with leading zeros.

Belongs here: writing these columns. Does not belong here: what counts rows (can_stream, collector/importer).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

_GROUP = 4
_Numbers = npt.NDArray[np.int64]
_Text = npt.NDArray[np.uint8]


def _groups_of_digits() -> npt.NDArray[np.uint32]:
    numbers = np.arange(10**_GROUP)
    digits = np.stack([numbers // 10**power % 10 for power in reversed(range(_GROUP))], axis=1) + ord("0")
    return np.ascontiguousarray(digits.astype(np.uint8)).view(np.uint32).ravel()


_DIGITS = _groups_of_digits()
"""The four digits of each number below 10 000, in the order of text."""


def entry_ids(prefix: str, *counted: tuple[_Numbers, int]) -> pl.Series:
    """`prefix-0…number` a row; `counted` are numbers and their digits, such as 12 for numbers from 0 to below 10**12.

    Several are written one after the other with a dash between; an empty prefix has none behind it.
    """
    rows = len(counted[0][0])
    parts = [np.frombuffer(prefix.encode(), dtype=np.uint8)] if prefix else []
    parts += [_digits(numbers, digits) for numbers, digits in counted]
    width = sum(part.shape[-1] + 1 for part in parts) - 1
    text, place = np.empty((rows, width), dtype=np.uint8), 0
    for part in parts:
        if place:
            text[:, place] = ord("-")
            place += 1
        text[:, place : place + part.shape[-1]] = part
        place += part.shape[-1]
    return _column(text)


def _digits(numbers: _Numbers, digits: int) -> _Text:
    groups = -(-digits // _GROUP)
    written, rest = np.empty((len(numbers), groups), dtype=np.uint32), numbers
    for group in reversed(range(groups)):
        # Not divmod: NumPy divides by one number several times faster than it takes remainders.
        higher = rest // 10**_GROUP
        written[:, group] = _DIGITS[rest - higher * 10**_GROUP]
        rest = higher
    return written.view(np.uint8)[:, groups * _GROUP - digits :]


def _column(text: _Text) -> pl.Series:
    offsets = np.arange(len(text) + 1, dtype=np.int64) * text.shape[1]
    array = pa.LargeStringArray.from_buffers(len(text), pa.py_buffer(offsets), pa.py_buffer(text))
    column = pl.from_arrow(array)
    assert isinstance(column, pl.Series)
    return column
