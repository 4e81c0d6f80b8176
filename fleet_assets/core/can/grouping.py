"""Frames grouped by what they carry: a code per distinct key, then one counting sort.

Belongs here: passes over all frames that know nothing of signals. Does not belong here: which message a key is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.arena import Arena, Memory
from fleet_assets.core.can.payload import U32, U64
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


@dataclass(frozen=True)
class FrameArrays:
    """Frames as arrays, one entry a frame: code of (vehicle, bus), identifier, flags, payload views.

    Flags without entries mean that no frame has them, codes without entries that all have the code 0. The views
    are in chunks as they lie in memory."""

    pair: U32
    arbitration_id: U32
    is_extended: Flags
    is_error: Flags
    is_fd: Flags
    views: tuple[U64, ...]

    def chunks(self) -> Iterator[tuple[U64, slice]]:
        """The payload views as they lie in memory, and which frames they are of."""
        begin = 0
        for views in self.views:
            yield views, slice(begin, begin + len(views))
            begin += len(views)


@dataclass(frozen=True)
class KeyedFrames:
    """`code`: which of `keys` each frame has. `counts`, `longest`: frames and most payload bytes per key."""

    code: U32
    keys: U64
    counts: I64
    longest: I64


@dataclass(frozen=True)
class Slots:
    """Frames in the order of their slot, within a slot in their own order. Slot k is rows starts[k]:starts[k + 1].

    `rows`: number of the frame; `words`: its first 8 bytes as a little-endian number. Of the frames that end before
    their message does (few, most often), `short` has the place within slot k and `short_lengths` the payload bytes,
    from starts[k] to short_ends[k].
    """

    starts: I64
    rows: U32
    words: U64
    short_ends: I64
    short: U32
    short_lengths: U32

    @cached_property
    def parts(self) -> list[slice]:
        """Where the frames of each slot are."""
        starts = self.starts.tolist()
        return list(map(slice, starts[:-1], starts[1:]))

    @cached_property
    def short_parts(self) -> list[slice]:
        """Where the short ones among them are."""
        return list(map(slice, self.starts.tolist(), self.short_ends.tolist()))


def key_frames(frames: FrameArrays, scratch: Arena) -> KeyedFrames:
    """Each frame's key (pair, kind, identifier) as a code, in the order of first appearance."""
    code = scratch.numbers(len(frames.arbitration_id))
    capacity = _FIRST_CAPACITY
    while True:
        table = np.full(capacity, -1, dtype=np.int32)
        keys = np.empty(capacity // 2, dtype=np.uint64)
        tally = np.zeros((2, capacity // 2), dtype=np.int64)
        count = 0
        for views, part in frames.chunks():
            count = _assign_codes(
                frames.pair[part], frames.arbitration_id[part], frames.is_extended[part], frames.is_error[part],
                frames.is_fd[part], views, count, table, keys, tally, code[part],
            )  # fmt: skip
            if count < 0:
                break
        if count >= 0:
            return KeyedFrames(code, keys[:count], tally[0, :count], tally[1, :count])
        capacity *= 8


@kernel
def _assign_codes(
    pair: U32, identifier: U32, is_extended: Flags, is_error: Flags, is_fd: Flags, payload: U64, count: int,
    table: npt.NDArray[np.int32], keys: U64, tally: I64, code: U32,
) -> int:  # fmt: skip
    """Number of distinct keys with the `count` known before, or -1 where the table is too small."""
    mask = np.uint64(len(table) - 1)
    for i in range(len(identifier)):
        key = np.uint64(identifier[i] & np.uint32(0x1FFFFFFF))
        if len(pair):
            key |= np.uint64(pair[i]) << np.uint64(PAIR_SHIFT)
        if len(is_extended) and is_extended[i]:
            key |= np.uint64(EXTENDED)
        if len(is_error) and is_error[i]:
            key |= np.uint64(ERROR)
        length = np.int64(payload[i, 0] & np.uint64(0xFFFFFFFF))
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
            count += 1
        # Unsigned indices spare the test for negative ones.
        k = np.uint32(table[place])
        tally[0, k] += 1
        if length > tally[1, k]:
            tally[1, k] = length
        code[i] = k
    return count


def slot_starts(keyed: KeyedFrames, slot_of_key: npt.NDArray[np.int32], count: int) -> I64:
    """Where the frames of each slot (0 to count - 1; -1: none) begin, and where the last ends."""
    used = slot_of_key >= 0
    sizes = np.bincount(slot_of_key[used], weights=keyed.counts[used], minlength=count).astype(np.int64)
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))


def sort_into_slots(
    frames: FrameArrays, keyed: KeyedFrames, slot_of_key: npt.NDArray[np.int32], needed: I64, memory: Memory
) -> Slots:
    """Frames whose key has a slot, sorted by slot. `needed`: payload bytes per slot below which a frame is short.

    Of the arrays only `rows` is kept memory."""
    starts = slot_starts(keyed, slot_of_key, len(needed))
    count, scratch = int(starts[-1]), memory.scratch
    rows, words, short_ends = memory.kept.numbers(count), scratch.words(count), starts[:-1].copy()
    short, short_lengths = scratch.numbers(count), scratch.numbers(count)
    free = starts[:-1].copy()
    for views, part in frames.chunks():
        _scatter(
            part.start, keyed.code[part], slot_of_key, needed, views, starts, free, rows, words, short_ends, short,
            short_lengths,
        )  # fmt: skip
    return Slots(starts, rows, words, short_ends, short, short_lengths)


@kernel
def _scatter(
    begin: int, code: U32, slot_of_key: npt.NDArray[np.int32], needed: I64, payload: U64, starts: I64, free: I64,
    rows: U32, words: U64, short_free: I64, short: U32, short_lengths: U32,
) -> None:  # fmt: skip
    for i in range(len(code)):
        if slot_of_key[code[i]] < 0:
            continue
        slot = np.uint32(slot_of_key[code[i]])
        place = np.uint64(free[slot])
        free[slot] += 1
        low = payload[i, 0]
        rows[place] = begin + i
        words[place] = (low >> np.uint64(32)) | (payload[i, 1] << np.uint64(32))
        length = np.int64(low & np.uint64(0xFFFFFFFF))
        if length < needed[slot]:
            found = np.uint64(short_free[slot])
            short_free[slot] += 1
            short[found], short_lengths[found] = place - np.uint64(starts[slot]), length
