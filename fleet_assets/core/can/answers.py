"""Answers of OBD-II service 01 (SAE J1979): one after the other, any number of parameters in one message.

Belongs here: recognising a message that describes such answers, and parting its payloads into one parameter each.
Does not belong here: how an answer travels (`transports`), and values.

An answer is its length, 0x41, and for each parameter asked for its id and as many bytes as the standard gives it. The
id alone says how long a value is, so an id that nobody knows ends what can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.payload import PAD, U8
from fleet_assets.core.compiled import I64, kernel

if TYPE_CHECKING:
    from fleet_assets.core.can.database import Signal

ANSWER = 0x41
"""Service of an answer: that of the request and 0x40 (ISO 15031-5)."""

_PID_BYTE = 2
_HEAD = 3
"""Bytes in front of a parameter's value: length, service, id."""

_REST = 255
"""Size of parameters whose length differs between editions of the standard: the rest of the answer."""

_SIZES = {
    4: (0x00, 0x01, 0x20, *range(0x24, 0x2C), *range(0x34, 0x3C), 0x40, 0x41, 0x4F, 0x50, 0x60, 0x80, 0x9B, 0x9D, 0xA0,
        *range(0xA4, 0xA9), 0xC0),
    2: (0x02, 0x03, 0x0C, 0x10, *range(0x14, 0x1C), 0x1F, 0x21, 0x22, 0x23, 0x31, 0x32, *range(0x3C, 0x40), 0x42, 0x43,
        0x44, 0x4D, 0x4E, 0x53, 0x54, 0x59, 0x5D, 0x5E, 0x63, 0x65, 0x92, 0x9E, 0xA2),
    1: (0x04, 0x05, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F, 0x11, 0x12, 0x13, 0x1C, 0x1D, 0x1E, *range(0x2C, 0x31), 0x33, 0x45,
        *range(0x46, 0x4D), 0x51, 0x52, 0x5A, 0x5B, 0x5C, 0x5F, 0x61, 0x62, 0x7D, 0x7E, 0x84, 0x8D, 0x8E, 0xA9),
    3: (0x67, 0x6F, 0x90, 0x93), 5: (0x64, 0x66, 0x6A, 0x6B, 0x6C, 0x72, 0x73, 0x74, 0x77, 0x86, 0x87, 0x91),
    6: (0x9A,), 7: (0x69, 0x75, 0x76, 0x7A, 0x7B, 0x8B, 0x8F),
    9: (0x78, 0x79, 0x7C, 0x98, 0x99, 0x9F, 0xA1, 0xA3), 10: (0x85,),
    12: (0x94,), 13: (0x7F, 0x88), 17: (0x9C,), 41: (0x81, 0x82, 0x89, 0x8A),
    _REST: (0x68, 0x6D, 0x6E, 0x70, 0x71, 0x83, 0x8C),
}  # fmt: skip
"""Bytes of a value by parameter id (SAE J1979 as publicly documented)."""

_BANKED = (*range(0x06, 0x0A), *range(0x55, 0x59))
"""Fuel trims: one byte, or two in a vehicle that has cylinder banks 3 and 4."""

_WHOLE, _UNKNOWN, _CUT = range(3)


@dataclass(frozen=True)
class AnswerLayout:
    """`selector`: name of the signal that is the parameter id; `governed`: names of those it selects, by way of others
    too; `sizes`: bytes of a value by id, without and with banks 3 and 4, 0 where nobody knows."""

    selector: str
    governed: frozenset[str]
    sizes: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """Payloads parted into parameters. `source`: the payload each is of, ascending; `is_first`: in front of all others
    in it; `matrix`, `lengths`: as if it had been answered alone. `other`: payloads that are no answers of service 01.
    `unknown`: answers that end with an id nobody knows; `cut`: answers that end within a value."""

    source: I64
    is_first: npt.NDArray[np.bool_]
    matrix: U8
    lengths: I64
    other: I64
    unknown: int
    cut: int


def answer_layout(signals: Sequence[Signal]) -> AnswerLayout | None:
    """The layout of a message whose byte 2 is a parameter id of service 01 that selects signals, else None."""
    by_name = {signal.name: signal for signal in signals}
    for name in {signal.selector for signal in signals if signal.selector}:
        selector = by_name.get(name)
        if selector is None or (selector.first_bit, selector.length) != (8 * _PID_BYTE, 8):
            continue
        service = by_name.get(selector.selector) if selector.selector else None
        if service is None or _selects_service_01(service, selector):
            return AnswerLayout(name, _governed(signals, name), _sizes(signals, name))
    return None


def _selects_service_01(service: Signal, selector: Signal) -> bool:
    """Whether the selector stands for service 01: by the low bits of byte 1, or by all of it."""
    ends_with_byte_1 = service.is_big_endian and service.first_bit + service.length == 8 * _PID_BYTE
    is_low_part = ends_with_byte_1 or (not service.is_big_endian and service.first_bit == 8)
    return is_low_part and ANSWER & (1 << service.length) - 1 in selector.selector_ids


def _governed(signals: Sequence[Signal], selector: str) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    more = frozenset({selector})
    while more:
        more = frozenset(signal.name for signal in signals if signal.selector in more) - found
        found |= more
    return found


def _sizes(signals: Sequence[Signal], selector: str) -> npt.NDArray[np.int64]:
    """Those of the standard; of other ids what the database's own signals take."""
    sizes = np.zeros(256, dtype=np.int64)
    for signal in signals:
        # Signals that another one below the id selects end within the longest of its own.
        for pid in signal.selector_ids if signal.selector == selector else ():
            if 0 <= pid < len(sizes):
                sizes[pid] = max(sizes[pid], signal.needed_bytes - _HEAD)
    for size, pids in _SIZES.items():
        sizes[list(pids)] = size
    both = np.stack((sizes, sizes))
    both[0, list(_BANKED)], both[1, list(_BANKED)] = 1, 2
    return both


def part_answers(matrix: U8, lengths: I64, layout: AnswerLayout, width: int) -> Answers:
    """Payloads (rows of bytes with padding behind) parted into one parameter each, in rows of at least `width` bytes.

    A vehicle has banks 3 and 4 or has not: of both readings the one that ends where the answer ends is taken, without
    them where neither does.
    """
    # A single frame that was cut states more than it has; what states less was put together in some other form.
    is_answer = (lengths >= _PID_BYTE) & (matrix[:, 1] == ANSWER) & (matrix[:, 0] >= (lengths - 1 & 0xFF))
    own = np.flatnonzero(is_answer)
    counts, banks, ends = (np.empty(len(own), dtype=np.int64) for _ in range(3))
    _measure(matrix, lengths, own, layout.sizes, counts, banks, ends)
    total = int(counts.sum())
    source, sizes = np.empty(total, dtype=np.int64), np.empty(total, dtype=np.int64)
    is_first = np.empty(total, dtype=np.bool_)
    parted = np.zeros((total, max(width, int(lengths[own].max(initial=0))) + PAD), dtype=np.uint8)
    _part(matrix, lengths, own, layout.sizes, counts, banks, source, is_first, parted, sizes)
    unknown, cut = (int(np.count_nonzero(ends == how)) for how in (_UNKNOWN, _CUT))
    return Answers(source, is_first, parted, sizes, np.flatnonzero(~is_answer), unknown, cut)


@kernel
def _measure(matrix: U8, lengths: I64, own: I64, sizes: I64, counts: I64, banks: I64, ends: I64) -> None:
    """How many parameters each answer has, by which of the two sizes it is read, and how it ends."""
    seen = np.full(256, -1, dtype=np.int64)
    for k in range(len(own)):
        row, length = matrix[own[k]], lengths[own[k]]
        counts[k], ends[k] = _read(row, length, sizes[0], seen, 2 * k)
        banks[k] = 0
        if ends[k] != _WHOLE:
            count, end = _read(row, length, sizes[1], seen, 2 * k + 1)
            if end == _WHOLE:
                counts[k], ends[k], banks[k] = count, end, 1


@kernel
def _read(row: U8, length: int, sizes: I64, seen: I64, stamp: int) -> tuple[int, int]:
    """Parameters of one answer and how it ends. One that comes twice has no meaning: it is as good as unknown."""
    at, count = _PID_BYTE, 0
    while at < length:
        pid = row[at]
        if sizes[pid] == 0 or seen[pid] == stamp:
            return max(count, 1), _UNKNOWN
        seen[pid] = stamp
        size = length - at - 1 if sizes[pid] == _REST else sizes[pid]
        at += 1 + size
        count += 1
        if at > length:
            return count, _CUT
    return max(count, 1), _WHOLE if count else _CUT


@kernel
def _part(
    matrix: U8, lengths: I64, own: I64, sizes: I64, counts: I64, banks: I64, source: I64,
    is_first: npt.NDArray[np.bool_], parted: U8, parted_lengths: I64,
) -> None:  # fmt: skip
    k = 0
    for j in range(len(own)):
        row, length, at = matrix[own[j]], lengths[own[j]], _PID_BYTE
        for number in range(counts[j]):
            size = sizes[banks[j], row[at]]
            end = length if size in (0, _REST) else min(at + 1 + size, length)
            source[k], is_first[k], parted_lengths[k] = own[j], number == 0, _PID_BYTE + end - at
            parted[k, 0], parted[k, 1] = row[0], row[1]
            for place in range(at, end):
                parted[k, _PID_BYTE + place - at] = row[place]
            at = end
            k += 1
