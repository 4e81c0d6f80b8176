"""Objects in bytes of a BLF file: where each begins, and where bytes are that are none.

Belongs here: walking from object to object, and finding the next one behind damage. Does not belong here: what objects
mean.

An object begins with `LOBJ`, its header size and version (16 bits each), its size and its type (32 bits each). An
object is believed when the next one, or the end, follows it within the few bytes of padding. Each step goes forward,
so that damage costs time in proportion to the bytes, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.core.compiled import I64, kernel, read_only

U8 = npt.NDArray[np.uint8]

BASE_BYTES = 16
LARGEST = 64 << 20
"""Bytes of an object: containers have 128 KiB by default, and a few MiB where a person chose so."""

_SIGNATURE = 0x4A424F4C
_PADDING = 7
_ZEROS = 32
"""Zero bytes behind an object that stand for room which was never written."""


@dataclass(frozen=True)
class Objects:
    """`places`, `header_sizes`, `sizes` and `types` of objects; `damage` as rows of place and length; bytes `done`."""

    places: I64
    header_sizes: I64
    sizes: I64
    types: I64
    damage: I64
    done: int


def find_objects(content: U8, *, is_end: bool, largest: int = LARGEST) -> Objects:
    """The whole objects in some bytes that begin with one. `is_end`: nothing follows, so that what is begun is
    damage."""
    room = content.size // BASE_BYTES + 1
    table, damage = np.empty((room, 4), dtype=np.int64), np.empty((room + 2, 2), dtype=np.int64)
    count, damaged, done = _walk(read_only(content), is_end, largest, table, damage)
    found = table[:count]
    return Objects(found[:, 0], found[:, 1], found[:, 2], found[:, 3], damage[:damaged], done)


@kernel
def _u32(content: U8, place: int) -> int:
    value = 0
    for index in range(3, -1, -1):
        value = (value << 8) | int(content[place + index])
    return value


@kernel
def _next(content: U8, place: int, stop: int) -> int:
    """The first signature from a place on; `stop` where there is none."""
    while place + 4 <= stop:
        if content[place] == 0x4C and _u32(content, place) == _SIGNATURE:
            return place
        place += 1
    return stop


@kernel
def _is_followed(content: U8, stop: int, end: int) -> bool:
    """Whether an object that ends at `stop` is followed by another, by the end, or by zero bytes."""
    if stop >= end:
        return stop == end
    near = min(end, stop + _PADDING + 4)
    if _next(content, stop, near) < near or end - stop <= _PADDING:
        return True
    return not content[stop : min(end, stop + _ZEROS)].any()


@kernel
def _walk(content: U8, is_end: bool, largest: int, table: I64, damage: I64) -> tuple[int, int, int]:
    size_all, place, count, damaged, begun = content.size, 0, 0, 0, -1
    while place < size_all:
        following = _next(content, place, size_all)
        if following == size_all and not is_end:
            # The last three bytes may be the beginning of a signature.
            reached = max(place, size_all - 3)
            if reached - place > _PADDING and begun < 0:
                begun = place
            place = reached
            break
        if following - place > _PADDING and begun < 0:
            begun = place
        place = following
        if place == size_all:
            break
        if place + BASE_BYTES > size_all:
            if is_end:
                begun = place if begun < 0 else begun
                place = size_all
            break
        header = int(content[place + 4]) | (int(content[place + 5]) << 8)
        size, kind = _u32(content, place + 8), _u32(content, place + 12)
        if header < BASE_BYTES or size < header or size > largest:
            begun = place if begun < 0 else begun
            place += 4
            continue
        stop = place + size
        if stop + _PADDING + 4 > size_all and not is_end:
            break
        if not _is_followed(content, stop, size_all):
            begun = place if begun < 0 else begun
            place += 4
            continue
        if begun >= 0:
            damage[damaged, 0], damage[damaged, 1] = begun, place - begun
            damaged, begun = damaged + 1, -1
        table[count, 0], table[count, 1], table[count, 2], table[count, 3] = place, header, size, kind
        count += 1
        place = stop
    if begun >= 0:
        damage[damaged, 0], damage[damaged, 1] = begun, place - begun
        damaged += 1
    return count, damaged, place
