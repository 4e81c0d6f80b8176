"""DBC files as plan of decoding: which message, which bits, which arithmetic.

Belongs here: what a database says. Does not belong here: frames, and which vehicle a database is bound to (`binding`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any

from fleet_assets.contracts.errors import FileRejected
from fleet_assets.core.can.answers import AnswerLayout, answer_layout
from fleet_assets.core.can.dbc_lines import check_lines
from fleet_assets.core.can.salvage import load_dbc, salvage
from fleet_assets.core.can.unavailable import CodeLimit, j1939_limit, nmea_limit

NULL_ADDRESS = 0xFE
"""J1939-81: the source address nobody may send from; DBC files write it where the sender does not matter."""

_FLOAT_BITS = (16, 32, 64)
_NO_UNITS = frozenset({"", "-", "1", "count", "counts", "bit", "bits", "state", "states", "none"})
"""Units of what is counted or told apart, not measured."""

_NMEA_PGNS = range(0x1ED00, 0x20000)
"""Parameter groups of NMEA 2000 (126 208 and above): longer messages come as fast packets, not by J1939-21."""

_OBD_IDS = range(0x7E8, 0x7F0)
"""Answers of control units to an OBD-II tester on 11 bits (ISO 15765-4)."""

_PHYSICAL = 0xDA
"""PDU format of normal fixed addressing on 29 bits (ISO 15765-2): priority, 0xDA, receiver, sender."""


class Protocol(Enum):
    """How a message travels: which frames carry it, and which codes mean "not available"."""

    PLAIN = "plain"
    J1939 = "j1939"
    NMEA2000 = "nmea2000"
    ISO_TP = "iso_tp"

    @property
    def has_parameter_groups(self) -> bool:
        return self in (Protocol.J1939, Protocol.NMEA2000)


@dataclass(frozen=True)
class Signal:
    """One signal. `first_bit` counts from the payload's first bit in the order of the signal's bytes."""

    name: str
    unit: str | None
    first_bit: int
    length: int
    is_big_endian: bool
    is_signed: bool
    is_float: bool
    scale: float
    offset: float
    choices: Mapping[int, str] = field(default_factory=dict, hash=False)
    selector: str | None = None
    selector_ids: frozenset[int] = frozenset()
    limit: CodeLimit | None = None

    @property
    def needed_bytes(self) -> int:
        """Bytes a payload must have so that the signal is completely in it."""
        return (self.first_bit + self.length + 7) // 8


@dataclass(frozen=True)
class Message:
    """One message of a database."""

    database: str
    name: str
    frame_id: int
    is_extended: bool
    length: int
    protocol: Protocol
    signals: tuple[Signal, ...] = field(hash=False)
    answers: AnswerLayout | None = field(default=None, compare=False)
    """How it holds answers of OBD-II service 01; None where it holds none."""
    plans: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False, compare=False)
    """Plans of extraction by the signals they read, made where they are first needed."""

    @property
    def parameter_group(self) -> int:
        return parameter_group(self.frame_id)

    @property
    def has_senders(self) -> bool:
        """Whether the lowest byte of the identifier says who sent it, and the message is the same from all of them."""
        return self.protocol.has_parameter_groups or self.answers is not None

    @cached_property
    def needed_bytes(self) -> int:
        return max((signal.needed_bytes for signal in self.signals), default=0)

    @cached_property
    def selectors(self) -> tuple[Signal, ...]:
        """Signals whose value decides which other signals are present."""
        names = {signal.selector for signal in self.signals}
        return tuple(signal for signal in self.signals if signal.name in names)


@dataclass(frozen=True)
class CompiledDatabase:
    """A DBC ready for decoding; `dropped` says in one sentence each what of it cannot be used, and why."""

    name: str
    messages: tuple[Message, ...]
    dropped: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> dict[tuple[int, bool], Message]:
        return {(message.frame_id, message.is_extended): message for message in reversed(self.messages)}

    @cached_property
    def by_group(self) -> dict[int, Message]:
        """J1939 messages by parameter group; where several senders are described, the one for any sender wins."""
        grouped = [message for message in self.messages if message.protocol.has_parameter_groups]
        grouped.sort(key=lambda message: message.frame_id & 0xFF != NULL_ADDRESS)
        return {message.parameter_group: message for message in reversed(grouped)}

    @cached_property
    def answer(self) -> Message | None:
        """The message that describes what any control unit answers to OBD-II service 01."""
        return next((message for message in self.messages if message.answers), None)

    def message_of(self, frame_id: int, is_extended: bool) -> Message | None:
        """The message a frame with this identifier carries: the very identifier, else the parameter group."""
        exact = self.by_id.get((frame_id, is_extended))
        if exact is not None or not is_extended:
            return exact
        return self.by_group.get(parameter_group(frame_id))


def parameter_group(frame_id: int) -> int:
    """J1939-21 parameter group number: without priority and source, and without destination below PDU format 240."""
    group = frame_id >> 8 & 0x3FFFF
    return group if group >> 8 & 0xFF >= 240 else group & 0x3FF00


def is_diagnostic(frame_id: int, *, is_extended: bool) -> bool:
    """Whether control units answer a tester on this identifier, always by ISO-TP (ISO 15765-4).

    On 29 bits requests to one control unit have such identifiers too, with sender and receiver exchanged.
    """
    return frame_id >> 16 & 0x3FF == _PHYSICAL if is_extended else frame_id in _OBD_IDS


def compile_database(text: str, name: str) -> CompiledDatabase:
    """The database of one DBC text. Parsed non-strictly: what cannot be used is in `dropped`, the rest is.

    Raises FileRejected when no message can be read.
    """
    checked = check_lines(text)
    parsed, dropped = _parse(checked.text, name)
    dropped = [*checked.dropped, *dropped]
    messages = []
    seen: dict[tuple[int, bool], str] = {}
    for message in parsed.messages:
        key = (message.frame_id, message.is_extended_frame)
        if message.is_container:
            dropped.append(f"message {message.name}: it is a container of other messages")
        elif key in seen:
            dropped.append(f"message {message.name}: its identifier {message.frame_id:#x} is that of {seen[key]}")
        else:
            seen[key] = message.name
            messages.append(_message(name, parsed, message, dropped))
    return CompiledDatabase(name, tuple(_completed(messages)), tuple(dropped))


def _completed(messages: list[Message]) -> list[Message]:
    """The messages; answers of OBD-II take up what the message for any sender (0xFE) adds to them.

    A DBC file has one length for a message, and answers are as long as their values: those that a single frame cannot
    hold stand in a message of their own.
    """
    own = [message for message in messages if message.answers]
    common = next((m for m in own if m.is_extended and m.frame_id & 0xFF == NULL_ADDRESS), None)
    if common is None or len(own) == 1:
        return messages
    return [_with_common(m, common) if m.answers else m for m in messages if m is not common]


def _with_common(message: Message, common: Message) -> Message:
    names = {signal.name for signal in message.signals}
    signals = (*message.signals, *(signal for signal in common.signals if signal.name not in names))
    return replace(message, signals=signals, answers=answer_layout(signals))


def _parse(text: str, name: str) -> tuple[Any, list[str]]:
    try:
        return load_dbc(text), []
    # The parser raises whatever it runs into: its own errors, ValueError, KeyError, TypeError, ...
    except Exception as error:
        parsed, dropped = salvage(text)
        if not parsed.messages:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise FileRejected(name, f"is no DBC file with a readable message ({reason})") from error
        return parsed, dropped


def _message(database: str, parsed: Any, message: Any, dropped: list[str]) -> Message:
    protocol = _protocol(parsed, message)
    signals = []
    for signal in message.signals:
        problem = _problem(signal, message.length)
        if problem:
            dropped.append(f"signal {message.name}.{signal.name}: {problem}")
        else:
            signals.append(_signal(signal, protocol))
    signals = _with_selectors(message.name, signals, dropped)
    is_answer = protocol is Protocol.ISO_TP and is_diagnostic(message.frame_id, is_extended=message.is_extended_frame)
    return Message(
        database, message.name, message.frame_id, message.is_extended_frame, message.length, protocol, tuple(signals),
        answer_layout(signals) if is_answer else None,
    )  # fmt: skip


def _with_selectors(message: str, signals: list[Signal], dropped: list[str]) -> list[Signal]:
    """The signals of which nobody needs to ask a selector that is not there."""
    names = {signal.name for signal in signals}
    lost = [signal for signal in signals if signal.selector is not None and signal.selector not in names]
    if not lost:
        return signals
    dropped += [f"signal {message}.{signal.name}: its selector {signal.selector} cannot be used" for signal in lost]
    return _with_selectors(message, [signal for signal in signals if signal not in lost], dropped)


def _problem(signal: Any, length: int) -> str:
    if signal.conversion.is_float and signal.length not in _FLOAT_BITS:
        return f"a floating-point number of {signal.length} bits does not exist"
    if _first_bit(signal) + signal.length > 8 * length:
        return f"it ends behind the message's {length} bytes"
    return ""


def _first_bit(signal: Any) -> int:
    start = int(signal.start)
    return 8 * (start // 8) + 7 - start % 8 if signal.byte_order == "big_endian" else start


def _signal(signal: Any, protocol: Protocol) -> Signal:
    conversion = signal.conversion
    choices = {int(code): str(text) for code, text in (conversion.choices or {}).items()}
    is_number = not conversion.is_float
    return Signal(
        name=signal.name, unit=signal.unit or None, first_bit=_first_bit(signal), length=signal.length,
        is_big_endian=signal.byte_order == "big_endian", is_signed=bool(signal.is_signed) and is_number,
        is_float=not is_number, scale=conversion.scale, offset=conversion.offset, choices=choices,
        selector=signal.multiplexer_signal, selector_ids=frozenset(signal.multiplexer_ids or ()),
        limit=_limit(signal, protocol, choices) if is_number else None,
    )  # fmt: skip


def _limit(signal: Any, protocol: Protocol, choices: dict[int, str]) -> CodeLimit | None:
    if protocol is Protocol.J1939 and not signal.is_signed:
        return j1939_limit(signal.length, choices, _highest_named(signal))
    if protocol is Protocol.NMEA2000:
        return nmea_limit(signal.length, bool(signal.is_signed), choices)
    return None


def _highest_named(signal: Any) -> int | None:
    """Highest raw value that the range of a counter or state names; None for measurements, whatever their range: most
    databases state the range of their bits there."""
    conversion = signal.conversion
    is_whole = float(conversion.scale).is_integer() and float(conversion.offset).is_integer()
    if signal.maximum is None or not is_whole or (signal.unit or "").strip().lower() not in _NO_UNITS:
        return None
    return int((signal.maximum - conversion.offset) // conversion.scale)


def _protocol(parsed: Any, message: Any) -> Protocol:
    if is_diagnostic(message.frame_id, is_extended=message.is_extended_frame):
        return Protocol.ISO_TP
    if message.is_extended_frame and _is_j1939(parsed, message):
        is_nmea = parameter_group(message.frame_id) in _NMEA_PGNS
        return Protocol.NMEA2000 if is_nmea else Protocol.J1939
    # Classical frames hold 8 bytes; a longer message that is neither CAN FD nor J1939 is a diagnostic answer.
    return Protocol.ISO_TP if message.length > 8 and not message.is_fd else Protocol.PLAIN


def _is_j1939(parsed: Any, message: Any) -> bool:
    if message.protocol == "j1939" or message.frame_id & 0xFF == NULL_ADDRESS:
        return True
    attributes = getattr(parsed.dbc, "attributes", None) or {}
    declared = attributes.get("ProtocolType")
    return declared is not None and "J1939" in str(declared.value).upper()
