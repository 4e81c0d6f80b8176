"""Where the frames of each distinct key go: a message, a transport protocol, or nowhere with a counted reason.

It is decided once per (vehicle, bus, identifier). Does not belong here: passes over frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    is_named: bool = True
    """Whether the database describes these very identifiers; if not, only the OBD-II answers that all units share."""


@dataclass(frozen=True)
class Pair:
    """One bus of one vehicle and the databases that describe it (None: none)."""

    vehicle_id: str
    bus: str
    database: BoundDatabase | None
    is_echo: bool = False


@dataclass(frozen=True)
class Routes:
    """`slot_of_key`: slot per key or -1; `reasons`: frames per reason (field of DecodeCounts) for those without;
    `undecoded`: keys that no database describes."""

    slots: tuple[Slot, ...]
    slot_of_key: npt.NDArray[np.int32]
    reasons: dict[str, int]
    undecoded: tuple[int, ...]


@dataclass(frozen=True)
class Undecoded:
    """Frames of one identifier that no database of its bus describes; `is_bound`: whether the bus has any database."""

    vehicle_id: str
    bus: str
    frame_id: int
    is_extended: bool
    is_bound: bool
    count: int


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


def route(keyed: KeyedFrames, pairs: Mapping[int, Pair], are_iso_tp: Callable[[int], bool]) -> Routes:
    """The slot of each key, or the reason why its frames are not decoded.

    `are_iso_tp`: whether the frames of a key (its number) can all be of ISO-TP; asked only where their identifier and
    their database leave open whether they are whole messages.
    """
    keys = keyed.keys.tolist()
    carried = [_carried_or_reason(key, pairs[key >> PAIR_SHIFT]) for key in keys]
    whole = {_place(key) for k, key in enumerate(keys) if _may_be_whole(key, carried[k]) and not are_iso_tp(k)}
    numbers: dict[tuple[Kind, int, bool], int] = {}
    slots: list[Slot] = []
    slot_of_key = np.full(len(keys), -1, dtype=np.int32)
    reasons: dict[str, int] = {}
    for k, (key, found) in enumerate(zip(keys, carried, strict=True)):
        if isinstance(found, str):
            reasons[found] = reasons.get(found, 0) + int(keyed.counts[k])
            continue
        slot = Slot(Kind.J1939_TP) if found is None else _slot(key, found, is_whole=_place(key) in whole)
        number = numbers.setdefault((slot.kind, id(slot.message), slot.is_named), len(slots))
        if number == len(slots):
            slots.append(slot)
        slot_of_key[k] = number
    undecoded = tuple(k for k, found in enumerate(carried) if found in ("unbound", "unknown_id"))
    return Routes(tuple(slots), slot_of_key, reasons, undecoded)


def _carried_or_reason(key: int, pair: Pair) -> Message | str | None:
    """The message that frames of this key are of or carry a part of; None where they say so themselves (J1939)."""
    if key & ERROR:
        return "error_frames"
    if pair.database is None:
        return "echo" if pair.is_echo else "unbound"
    frame_id, is_extended = key & (EXTENDED - 1), bool(key & EXTENDED)
    message = pair.database.message_of(frame_id, is_extended)
    if message is not None:
        return message
    is_transport = is_extended and parameter_group(frame_id) in (TP_CONTROL, TP_DATA)
    return None if is_transport and pair.database.has_parameter_groups else "unknown_id"


def _may_be_whole(key: int, found: Message | str | None) -> bool:
    """Whether frames of a message that travels by ISO-TP could also be whole messages: those of more than 8 bytes, put
    together by some tool, or CAN FD frames of a database that does not tell CAN FD. Diagnostic answers have identifiers
    of their own: in CAN FD frames they are ISO-TP."""
    if not isinstance(found, Message) or found.protocol is not Protocol.ISO_TP or not key & LONG:
        return False
    return not (key & FD and _is_diagnostic(key))


def _place(key: int) -> int:
    """What is decided alike: all frames of an identifier, but diagnostic answers by kind of frame."""
    return key if _is_diagnostic(key) else key & ~(LONG | FD)


def _is_diagnostic(key: int) -> bool:
    return is_diagnostic(key & (EXTENDED - 1), is_extended=bool(key & EXTENDED))


def _slot(key: int, message: Message, *, is_whole: bool) -> Slot:
    is_named = (message.frame_id, message.is_extended) == (key & (EXTENDED - 1), bool(key & EXTENDED))
    if message.protocol is Protocol.ISO_TP:
        return Slot(Kind.MESSAGE if is_whole else Kind.ISO_TP, message, is_named or message.answers is None)
    # A fast packet has at most 8 bytes a frame; what is longer some tool has put together already.
    is_fast = message.protocol is Protocol.NMEA2000 and message.length > 8 and not key & LONG
    return Slot(Kind.FAST_PACKET if is_fast else Kind.MESSAGE, message)
