"""Columns of few texts (vehicles, buses) as a code per row.

Belongs here: reading them by their views, without making texts. Does not belong here: what the texts mean.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.core.can.payload import INLINE_BYTES, U32, U64, views
from fleet_assets.core.compiled import I64, kernel

_MOST_NAMES = 256
_RUN = 1024
"""Rows that are compared at once: rows are sorted by vehicle, and most vehicles have few buses."""

NO_CODES: U32 = np.empty(0, dtype=np.uint32)
"""Stands for rows that all have the first text."""


def distinct(column: pl.Series) -> tuple[U32, list[str]]:
    """A code per row and the text each code stands for, in the order of first appearance; no row may be null.

    No codes (NO_CODES) where all rows have the same text."""
    if _is_one_text(column):
        return NO_CODES, [column[0]]
    codes = np.empty(len(column), dtype=np.uint32)
    known = np.empty((_MOST_NAMES, 2), dtype=np.uint64)
    firsts = np.empty(_MOST_NAMES, dtype=np.int64)
    count = begin = 0
    for chunk in column.get_chunks():
        count = _distinct_short(views(chunk), codes[begin : begin + len(chunk)], known, firsts, count, begin)
        begin += len(chunk)
        if count < 0:
            return _distinct_long(column)
    return codes, column.gather(firsts[:count]).to_list()


def _is_one_text(column: pl.Series) -> bool:
    """Whether all rows are seen to have one text: within a chunk equal views are equal texts, of whatever length."""
    chunks = [chunk for chunk in column.get_chunks() if len(chunk)]
    return bool(chunks) and all(_is_one_view(views(chunk)) for chunk in chunks) and len({c[0] for c in chunks}) == 1


def _distinct_long(column: pl.Series) -> tuple[U32, list[str]]:
    """The same for texts that are longer than a view holds, or of very many kinds."""
    runs = column.rle().struct.unnest()
    names = runs["value"].unique(maintain_order=True)
    numbers = runs["value"].replace_strict(names, pl.int_range(len(names), dtype=pl.UInt32, eager=True))
    return np.repeat(numbers.to_numpy(), runs["len"].to_numpy()), names.to_list()


@kernel
def _distinct_short(words: U64, codes: U32, known: U64, firsts: I64, count: int, begin: int) -> int:
    """Number of distinct values with the `count` known before, or -1 where one is longer than a view holds or there are
    more than `known` holds. `begin`: number of the first row."""
    last = 0
    for start in range(0, len(words), _RUN):
        end = min(start + _RUN, len(words))
        if count > 0 and _is_run(words[start:end], known[last, 0], known[last, 1]):
            codes[start:end] = last
            continue
        for i in range(start, end):
            low, high = words[i, 0], words[i, 1]
            if (low & np.uint64(0xFFFFFFFF)) > np.uint64(INLINE_BYTES):
                return -1
            k = last
            if count == 0 or known[last, 0] != low or known[last, 1] != high:
                k = 0
                while k < count and (known[k, 0] != low or known[k, 1] != high):
                    k += 1
            if k == count:
                if count == len(firsts):
                    return -1
                firsts[count] = begin + i
                known[count, 0], known[count, 1] = low, high
                count += 1
            codes[i] = k
            last = k
    return count


@kernel
def _is_one_view(words: U64) -> bool:
    low, high = words[0, 0], words[0, 1]
    start = 0
    while start < len(words) and _is_run(words[start : start + _RUN], low, high):
        start += _RUN
    return start >= len(words)


@kernel
def _is_run(words: U64, low: np.uint64, high: np.uint64) -> bool:
    """Whether all rows are this value: without branches, so that several rows are compared at once."""
    difference = np.uint64(0)
    for i in range(len(words)):
        difference |= (words[i, 0] ^ low) | (words[i, 1] ^ high)
    return bool(difference == 0)
