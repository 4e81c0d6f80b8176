"""Frames grouped by what they carry: a code per distinct key, then one counting sort.

Belongs here: passes over all frames that know nothing of signals. Does not belong here: which message a key is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.core.can.payload import INLINE_BYTES, U8, U32, U64, views
from fleet_assets.core.compiled import I64, kernel

Flags = npt.NDArray[np.bool_]

EXTENDED = 1 << 29
"""Bit of a key that tells a 29 bit identifier from an 11 bit one of the same number."""
ERROR = 1 << 30
"""Bit of a key that marks an error frame."""
LONG = 1 << 31
"""Bit of a key that marks more than the 8 bytes of a classical frame."""
FD = 1 << 32
"""Bit of a key that marks a CAN FD frame."""
PAIR_SHIFT = 33
"""Bits of a key above which the code of (vehicle, bus) stands."""

_FIRST_CAPACITY = 1 << 12
_MOST_NAMES = 256
_RUN = 1024
"""Rows that are compared at once: rows are sorted by vehicle, and most vehicles have few buses."""


@dataclass(frozen=True)
class FrameArrays:
    """Frames as arrays, one entry a frame: code of (vehicle, bus), identifier, flags, payload views, length.

    Flags without entries mean that no frame has them."""

    pair: U32
    arbitration_id: U32
    is_extended: Flags
    is_error: Flags
    is_fd: Flags
    views: U64
    dlc: U8


@dataclass(frozen=True)
class KeyedFrames:
    """`code`: which of `keys` each frame has. `counts`, `shortest`, `longest`: frames and payload bytes per key."""

    code: U32
    keys: U64
    counts: I64
    shortest: I64
    longest: I64


@dataclass(frozen=True)
class Slots:
    """Frames in the order of their slot, within a slot in their own order. Slot k is rows starts[k]:starts[k + 1].

    `rows`: number of the frame; `words`: its first 8 bytes as a little-endian number; `lengths`: its payload bytes.
    """

    starts: I64
    rows: U32
    words: U64
    lengths: U8


def distinct(column: pl.Series) -> tuple[U32, list[str]]:
    """A code per row and the text each code stands for, in the order of first appearance; no row may be null."""
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
def _is_run(words: U64, low: np.uint64, high: np.uint64) -> bool:
    """Whether all rows are this value: without branches, so that several rows are compared at once."""
    difference = np.uint64(0)
    for i in range(len(words)):
        difference |= (words[i, 0] ^ low) | (words[i, 1] ^ high)
    return bool(difference == 0)


def key_frames(frames: FrameArrays) -> KeyedFrames:
    """Each frame's key (pair, kind, identifier) as a code, in the order of first appearance."""
    code = np.empty(len(frames.pair), dtype=np.uint32)
    capacity = _FIRST_CAPACITY
    while True:
        table = np.full(capacity, -1, dtype=np.int32)
        keys = np.empty(capacity // 2, dtype=np.uint64)
        tally = np.zeros((3, capacity // 2), dtype=np.int64)
        count = _assign_codes(
            frames.pair, frames.arbitration_id, frames.is_extended, frames.is_error, frames.is_fd, frames.views,
            frames.dlc, table, keys, tally, code,
        )  # fmt: skip
        if count >= 0:
            return KeyedFrames(code, keys[:count], tally[0, :count], tally[1, :count], tally[2, :count])
        capacity *= 8


@kernel
def _assign_codes(
    pair: U32, identifier: U32, is_extended: Flags, is_error: Flags, is_fd: Flags, payload: U64,
    dlc: U8, table: npt.NDArray[np.int32], keys: U64, tally: I64, code: U32,
) -> int:  # fmt: skip
    """Number of distinct keys, or -1 where the table is too small."""
    count = 0
    mask = np.uint64(len(table) - 1)
    for i in range(len(identifier)):
        key = (np.uint64(pair[i]) << np.uint64(PAIR_SHIFT)) | np.uint64(identifier[i] & np.uint32(0x1FFFFFFF))
        if len(is_extended) and is_extended[i]:
            key |= np.uint64(EXTENDED)
        if len(is_error) and is_error[i]:
            key |= np.uint64(ERROR)
        length = max(np.int64(payload[i, 0] & np.uint64(0xFFFFFFFF)), np.int64(dlc[i]))
        if length > 8:
            key |= np.uint64(LONG)
        if len(is_fd) and is_fd[i]:
            key |= np.uint64(FD)
        # Fibonacci hashing (Knuth 6.4): the golden ratio spreads identifiers that differ in few bits.
        place = ((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) & mask
        while table[place] >= 0 and keys[np.uint32(table[place])] != key:
            place = (place + np.uint64(1)) & mask
        if table[place] < 0:
            if count == len(keys):
                return -1
            table[place] = count
            keys[count] = key
            tally[1, count] = length
            count += 1
        # Unsigned indices spare the test for negative ones.
        k = np.uint32(table[place])
        tally[0, k] += 1
        if length < tally[1, k]:
            tally[1, k] = length
        if length > tally[2, k]:
            tally[2, k] = length
        code[i] = k
    return count


def slot_starts(keyed: KeyedFrames, slot_of_key: npt.NDArray[np.int32], count: int) -> I64:
    """Where the frames of each slot (0 to count - 1; -1: none) begin, and where the last ends."""
    used = slot_of_key >= 0
    sizes = np.bincount(slot_of_key[used], weights=keyed.counts[used], minlength=count).astype(np.int64)
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))


def sort_into_slots(
    frames: FrameArrays, keyed: KeyedFrames, slot_of_key: npt.NDArray[np.int32], starts: I64, rows: U32
) -> Slots:
    """Frames whose key has a slot, sorted by slot; `rows` is filled."""
    words = np.empty(starts[-1], dtype=np.uint64)
    lengths = np.empty(starts[-1], dtype=np.uint8)
    _scatter(keyed.code, slot_of_key, frames.views, frames.dlc, starts[:-1].copy(), rows, words, lengths)
    return Slots(starts, rows, words, lengths)


@kernel
def _scatter(
    code: U32, slot_of_key: npt.NDArray[np.int32], payload: U64, dlc: U8, free: I64,
    rows: U32, words: U64, lengths: U8,
) -> None:  # fmt: skip
    for i in range(len(code)):
        if slot_of_key[code[i]] < 0:
            continue
        slot = np.uint32(slot_of_key[code[i]])
        place = np.uint64(free[slot])
        free[slot] += 1
        low = payload[i, 0]
        rows[place] = i
        words[place] = (low >> np.uint64(32)) | (payload[i, 1] << np.uint64(32))
        lengths[place] = max(min(low & np.uint64(0xFFFFFFFF), np.uint64(255)), np.uint64(dlc[i]))
