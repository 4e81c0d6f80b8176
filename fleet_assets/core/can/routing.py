"""Where the frames of each distinct key go: a message, a transport protocol, or nowhere with a counted reason.

Belongs here: that decision, once per (vehicle, bus, identifier). Does not belong here: passes over frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from fleet_assets.core.can.binding import Bindings, BoundDatabase, is_echo
from fleet_assets.core.can.database import Message, Protocol, is_diagnostic, parameter_group
from fleet_assets.core.can.grouping import ERROR, EXTENDED, FD, LONG, PAIR_SHIFT, KeyedFrames

TP_CONTROL, TP_DATA = 0xEC00, 0xEB00
"""Parameter groups of the J1939 transport protocol (SAE J1939-21): TP.CM and TP.DT."""


class Kind(Enum):
    """What the frames of a slot are."""

    MESSAGE = "message"
    ISO_TP = "iso_tp"
    J1939_TP = "j1939_tp"
    FAST_PACKET = "fast_packet"


@dataclass(frozen=True)
class Slot:
    """Frames that are treated alike; `message` is None where the frames themselves say which message they carry."""

    kind: Kind
    message: Message | None = None


@dataclass(frozen=True)
class Pair:
    """One bus of one vehicle and the databases that describe it (None: none)."""

    vehicle_id: str
    bus: str
    database: BoundDatabase | None
    is_echo: bool = False


@dataclass(frozen=True)
class Routes:
    """`slot_of_key`: slot per key or -1; `reasons`: frames per reason (field of DecodeCounts) for those without."""

    slots: tuple[Slot, ...]
    slot_of_key: npt.NDArray[np.int32]
    reasons: dict[str, int]


def pairs_of(keyed: KeyedFrames, names: Sequence[tuple[str, str]], bindings: Bindings) -> dict[int, Pair]:
    """The pair behind each code that occurs, with what is bound to it. `names`: (vehicle_id, bus) behind each code."""
    codes = np.unique(keyed.keys >> np.uint64(PAIR_SHIFT)).tolist()
    buses: dict[str, set[str]] = {}
    for code in codes:
        vehicle_id, bus = names[code]
        buses.setdefault(vehicle_id, set()).add(bus)
    pairs = {}
    for code in codes:
        vehicle_id, bus = names[code]
        heard = buses[vehicle_id]
        databases = bindings.find(vehicle_id, bus, heard)
        bound = bindings.bound(databases) if databases else None
        pairs[code] = Pair(vehicle_id, bus, bound, bound is None and is_echo(bus, heard))
    return pairs


def route(keyed: KeyedFrames, pairs: Mapping[int, Pair]) -> Routes:
    """The slot of each key, or the reason why its frames are not decoded."""
    numbers: dict[tuple[Kind, int], int] = {}
    slots: list[Slot] = []
    slot_of_key = np.full(len(keyed.keys), -1, dtype=np.int32)
    reasons: dict[str, int] = {}
    for k, (key, count) in enumerate(zip(keyed.keys.tolist(), keyed.counts.tolist(), strict=True)):
        found = _slot_or_reason(key, pairs[key >> PAIR_SHIFT])
        if isinstance(found, str):
            reasons[found] = reasons.get(found, 0) + count
            continue
        number = numbers.setdefault((found.kind, id(found.message)), len(slots))
        if number == len(slots):
            slots.append(found)
        slot_of_key[k] = number
    return Routes(tuple(slots), slot_of_key, reasons)


def _slot_or_reason(key: int, pair: Pair) -> Slot | str:
    if key & ERROR:
        return "error_frames"
    if pair.database is None:
        return "echo" if pair.is_echo else "unbound"
    frame_id, is_extended = key & (EXTENDED - 1), bool(key & EXTENDED)
    message = pair.database.message_of(frame_id, is_extended)
    if message is not None:
        return Slot(_kind(message, is_fd=bool(key & FD), is_long=bool(key & LONG)), message)
    is_transport = is_extended and parameter_group(frame_id) in (TP_CONTROL, TP_DATA)
    return Slot(Kind.J1939_TP) if is_transport and pair.database.has_parameter_groups else "unknown_id"


def _kind(message: Message, is_fd: bool, is_long: bool) -> Kind:
    """Classical frames of more than 8 bytes are messages some tool has put together already; a CAN FD frame holds a
    long message itself, except for diagnostic answers, which have their own identifiers."""
    if is_fd or is_long:
        return Kind.ISO_TP if is_fd and is_diagnostic(message.frame_id) else Kind.MESSAGE
    if message.protocol is Protocol.ISO_TP:
        return Kind.ISO_TP
    is_fast = message.protocol is Protocol.NMEA2000 and message.length > 8
    return Kind.FAST_PACKET if is_fast else Kind.MESSAGE
