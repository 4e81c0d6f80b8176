"""Packing: columns of physical values into CAN payloads, by the layout of a DBC.

Belongs here: the inverse of decoding, whole columns at a time. Does not belong here: which message is sent when.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import cantools.database
import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.terrain import F64

U64 = npt.NDArray[np.uint64]

Message = cantools.database.can.Message
Signal = cantools.database.can.Signal

_EMPTY, _FILLED = np.uint64(0), np.uint64(2**64 - 1)


@cache
def shipped_dbc(name: str) -> str:
    """The text of a DBC file that comes with the package."""
    return (files("fleet_assets") / "dbc" / f"{name}.dbc").read_text(encoding="ascii")


@cache
def messages_of(name: str) -> Mapping[str, Message]:
    """The messages of a shipped DBC by name."""
    database = cantools.database.load_string(shipped_dbc(name), database_format="dbc")
    assert isinstance(database, cantools.database.can.Database)
    return {message.name: message for message in database.messages}


def pack(message: Message, values: Mapping[str, F64], count: int) -> U64:
    """`count` payloads as little-endian 64 bit words (byte 0 lowest), of at most 8 bytes.

    Values are rounded to the signal's steps and kept in its range; NaN, like a signal without values, is all ones in a
    J1939 message (not available) and 0 elsewhere.
    """
    is_j1939 = message.protocol == "j1939"
    words = {order: np.full(count, _FILLED if is_j1939 else _EMPTY) for order in ("little_endian", "big_endian")}
    used = dict.fromkeys(words, 0)
    for name, column in values.items():
        signal = message.get_signal_by_name(name)
        shift, mask = _lowest_bit(signal), (1 << signal.length) - 1
        used[signal.byte_order] |= mask << shift
        word = words[signal.byte_order]
        word &= np.uint64(~(mask << shift) & (2**64 - 1))
        word |= _raw(signal, column, is_j1939) << np.uint64(shift)
    if used["big_endian"] and used["little_endian"]:
        raise ValueError(f"message {message.name} mixes byte orders")
    return words["big_endian"].byteswap() if used["big_endian"] else words["little_endian"]


def _raw(signal: Signal, column: F64, is_j1939: bool) -> U64:
    steps = np.rint((column - signal.offset) / signal.scale)
    lowest, highest = _bounds(signal)
    mask = (1 << signal.length) - 1
    missing = np.isnan(steps)
    whole = np.where(missing, 0, np.clip(steps, np.ceil(lowest - 1e-6), np.floor(highest + 1e-6))).astype(np.int64)
    raw = whole.view(np.uint64) & np.uint64(mask)
    return np.where(missing, np.uint64(mask if is_j1939 else 0), raw)


def _bounds(signal: Signal) -> tuple[float, float]:
    """Lowest and highest raw value: the shipped DBCs state a range for every signal."""
    if signal.minimum is None or signal.maximum is None:
        raise ValueError(f"signal {signal.name} has no range")
    return (signal.minimum - signal.offset) / signal.scale, (signal.maximum - signal.offset) / signal.scale


def _lowest_bit(signal: Signal) -> int:
    """Position of a signal's lowest bit in the 64 bit word of its byte order."""
    if signal.byte_order == "little_endian":
        return int(signal.start)
    highest = (7 - signal.start // 8) * 8 + signal.start % 8
    return int(highest - signal.length + 1)
