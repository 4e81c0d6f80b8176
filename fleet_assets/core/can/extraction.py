"""Signals out of payload words, whole columns at a time: shift, sign, scale.

Belongs here: the arithmetic, equal to cantools' (raw x scale + offset in double precision, or in whole numbers).
Does not belong here: grouping of frames, and which signals a payload holds (`multiplexing`).

A signal's bits come to the top of a 64 bit word by one shift to the left and to its bottom by one to the right;
big-endian signals do so in the byte-swapped word. Blocks of words stay in the first-level cache while all signals are
read from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet_assets.core.can.database import Signal
from fleet_assets.core.can.payload import PAD, U8, U64, Places
from fleet_assets.core.compiled import F64, I64, kernel

UNSIGNED, SIGNED, FLOAT32, FLOAT64 = range(4)

_BLOCK = 1024
"""Words of a block: 8 KiB, and as much again byte-swapped, in a first-level cache of 32 KiB."""

_EXACT = 1 << 53
"""Whole numbers up to here are exact in double precision."""

_NO_LIMIT = (1 << 63) - 1


@dataclass(frozen=True)
class Plan:
    """Parameters of the signals of one message, one entry a signal, as the kernels want them."""

    signals: tuple[Signal, ...]
    shifts: I64
    """Columns: left, right, kind, whether big-endian, highest valid raw value, raw value that is none, payload bytes in
    which the signal is complete."""
    scale: F64
    offset: F64
    whole_numbers: tuple[int, ...]
    """Places of the signals that `needs_whole_numbers` names."""
    named: tuple[int, ...]
    """Places of the signals that have single values among the codes for none."""
    has_names: bool
    """Whether values of a signal have names."""


def plan_of(signals: Sequence[Signal], *, is_raw: bool = False) -> Plan:
    """Parameters for words that begin with the payload's first byte; `is_raw`: without scale and without codes."""
    shifts = np.array([_shifts(signal, is_raw) for signal in signals], dtype=np.int64).reshape(-1, 7)
    scale = np.array([1.0 if is_raw else float(signal.scale) for signal in signals])
    offset = np.array([0.0 if is_raw else float(signal.offset) for signal in signals])
    exact = () if is_raw else tuple(j for j, signal in enumerate(signals) if needs_whole_numbers(signal))
    named = () if is_raw else tuple(j for j, signal in enumerate(signals) if signal.limit and signal.limit.named)
    return Plan(tuple(signals), shifts, scale, offset, exact, named, any(signal.choices for signal in signals))


def _shifts(signal: Signal, is_raw: bool) -> tuple[int, ...]:
    left = signal.first_bit if signal.is_big_endian else 64 - signal.first_bit - signal.length
    limit = None if is_raw else signal.limit
    highest = min(limit.highest, _NO_LIMIT) if limit else _NO_LIMIT
    hole = limit.hole if limit and limit.hole is not None else _NO_LIMIT
    return (max(left, 0), 64 - signal.length, _kind(signal), signal.is_big_endian, highest, hole, signal.needed_bytes)


def _kind(signal: Signal) -> int:
    if signal.is_float:
        return FLOAT64 if signal.length == 64 else FLOAT32 if signal.length == 32 else UNSIGNED
    return SIGNED if signal.is_signed else UNSIGNED


def needs_whole_numbers(signal: Signal) -> bool:
    """Whether cantools' result needs arithmetic beyond double precision: whole-number scale, products above 2**53."""
    if signal.is_float:
        return signal.length == 16
    is_identity = signal.scale == 1 and signal.offset == 0
    largest = (1 << signal.length) * abs(signal.scale) + abs(signal.offset)
    return not is_identity and float(signal.scale).is_integer() and largest > _EXACT


def extract(words: U64, plan: Plan, values: F64) -> I64:
    """Fill `values` (a row a signal) from payload words; how many of each signal were codes for "not available"."""
    unavailable = np.zeros(len(plan.signals), dtype=np.int64)
    _extract(words, plan.shifts, plan.scale, plan.offset, values, unavailable)
    return unavailable


@kernel
def _extract(words: U64, shifts: I64, scale: F64, offset: F64, values: F64, unavailable: I64) -> None:
    swapped = np.empty(_BLOCK, dtype=np.uint64)
    has_big_endian = shifts[:, 3].any()
    for begin in range(0, len(words), _BLOCK):
        end = min(begin + _BLOCK, len(words))
        block = words[begin:end]
        if has_big_endian:
            for i in range(len(block)):
                swapped[i] = _swap(block[i])
        for j in range(len(shifts)):
            source = swapped[: len(block)] if shifts[j, 3] else block
            unavailable[j] += _column(source, shifts[j], scale[j], offset[j], values[j, begin:end])


@kernel
def blank_short(short: Places, lengths: Places, shifts: I64, values: F64) -> None:
    """Null what is not completely in its payload. `short`: places of the payloads that end before their message does;
    `lengths`: bytes of these; `shifts`: those of the plan."""
    for j in range(len(shifts)):
        for k in range(len(short)):
            if lengths[k] < shifts[j, 6]:
                values[j, short[k]] = np.nan


@kernel
def _swap(word: np.uint64) -> np.uint64:
    w = word
    w = ((w >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)) | ((w & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8))
    w = ((w >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)) | ((w & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16))
    return (w >> np.uint64(32)) | (w << np.uint64(32))


@kernel
def _column(words: U64, shift: I64, scale: float, offset: float, values: F64) -> int:
    left, right = np.uint64(shift[0]), np.uint64(shift[1])
    highest, hole = shift[4], shift[5]
    count = 0
    if shift[2] == FLOAT32:
        singles = (words << left >> right).astype(np.uint32).view(np.float32)
        for i in range(len(words)):
            values[i] = np.float64(singles[i]) * scale + offset
    elif shift[2] == FLOAT64:
        doubles = words.view(np.float64)
        for i in range(len(words)):
            values[i] = doubles[i] * scale + offset
    elif shift[2] == SIGNED:
        for i in range(len(words)):
            signed = np.int64(words[i] << left) >> np.int64(right)
            values[i] = np.float64(signed) * scale + offset
        if highest != _NO_LIMIT:
            for i in range(len(words)):
                if np.int64(words[i] << left) >> np.int64(right) > highest:
                    values[i] = np.nan
                    count += 1
    else:
        for i in range(len(words)):
            values[i] = np.float64((words[i] << left) >> right) * scale + offset
        if highest != _NO_LIMIT:
            for i in range(len(words)):
                raw = (words[i] << left) >> right
                is_code = raw > np.uint64(highest) or raw == np.uint64(hole)
                values[i] = np.nan if is_code else values[i]
                count += is_code
    return count


def raw_numbers(words: U64, signal: Signal) -> I64 | U64:
    """Raw values of one signal, signed or unsigned."""
    left, right = (np.uint64(n) for n in _shifts(signal, True)[:2])
    source = words.byteswap() if signal.is_big_endian else words
    if signal.is_signed:
        return (source << left).view(np.int64) >> np.int64(right)
    return (source << left) >> right


def whole_number_values(words: U64, signal: Signal) -> F64:
    """Values in unbounded whole numbers, for the few signals `needs_whole_numbers` names; codes are not looked at."""
    raw = raw_numbers(words, signal)
    if signal.is_float:
        halves = raw.astype(np.uint16).view(np.float16).astype(np.float64)
        return np.asarray(halves * signal.scale + signal.offset)
    exact = raw.astype(object) * signal.scale + signal.offset
    return np.asarray(exact, dtype=np.float64)


def named_values(words: U64, signal: Signal) -> tuple[I64, F64]:
    """Places and values of the payloads whose code for none is a value by its name."""
    assert signal.limit is not None
    raw = raw_numbers(words, signal)
    places = np.flatnonzero(np.isin(raw, list(signal.limit.named)))
    return places, raw[places].astype(np.float64) * signal.scale + signal.offset


def window(matrix: U8, signal: Signal) -> U64:
    """A word per row of a byte matrix in which the signal's bits stand where `local` says they do."""
    words = np.empty(len(matrix), dtype=np.uint64)
    _window(matrix, signal.first_bit // 8, signal.first_bit % 8, signal.is_big_endian, words)
    return words


@kernel
def _window(matrix: U8, byte: int, bit: int, is_big_endian: bool, words: U64) -> None:
    """Eight bytes from `byte` on, moved by `bit` so that the signal begins at the word's first bit."""
    shift, rest = np.uint64(bit), np.uint64(8 - bit)
    for i in range(len(matrix)):
        word = np.uint64(0)
        for k in range(8):
            word |= np.uint64(matrix[i, byte + k]) << np.uint64(8 * k)
        ninth = np.uint64(matrix[i, byte + 8])
        if is_big_endian:
            word = (_swap(word) << shift) | (ninth >> rest)
            words[i] = _swap(word)
        else:
            high = ninth << (np.uint64(63) - shift) << np.uint64(1)
            words[i] = (word >> shift) | high


assert PAD >= 9, "a window reads nine bytes"
