"""Lines of a DBC text before a parser sees them: what is outside of the format is left out, with a sentence each.

Belongs here: what a single line states, and whether that can be. Parsers take byte orders, lengths and ranges as they
come: some such lines would give wrong values, others would keep them busy for minutes. Does not belong here: parsing,
and what a parser refuses (`salvage`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_BYTES = 4096
"""Bytes of the longest message: 4095 by ISO-TP with its length in front; J1939 carries 1785."""

_MOST_SELECTED = 1 << 16
"""Values of a selector that a range may name; no selector of a real bus has more than 16 bits."""

_NO_MESSAGE = "VECTOR__INDEPENDENT_SIG_MSG"
"""The name under which the format keeps signals that no message has."""

_MESSAGE = re.compile(r"^BO_\s+(?P<id>\d+)\s+(?P<name>\w+)\s*:\s*(?P<length>\d+)\b")
_SIGNAL = re.compile(
    r"^\s*SG_\s+(?P<name>\w+)\s*(?P<mux>M|m\d*M?)?\s*:\s*(?P<start>-?[\d.]+)\s*\|\s*(?P<length>-?[\d.]+)\s*@\s*"
    r"(?P<order>-?[\d.]+)\s*[+-]\s*\(\s*(?P<factor>[^,()]+),\s*(?P<offset>[^,()]+)\)"
)
_ABOUT_SIGNAL = re.compile(r"^(?P<kind>SIG_VALTYPE_|SG_MUL_VAL_)\s+(?P<id>\d+)\s+(?P<name>\w+)(?P<rest>.*)$")
_TYPE = re.compile(r"^\s*:\s*[012]\s*;\s*$")
_RANGES = re.compile(r"^\s+(?P<selector>\w+)\s+(?P<ranges>\d+\s*-\s*\d+(\s*,\s*\d+\s*-\s*\d+)*)\s*;\s*$")
_QUOTE = re.compile(r'(?<!\\)"')


@dataclass(frozen=True)
class CheckedText:
    """What may be parsed, and a sentence for each message and signal that was left out of it."""

    text: str
    dropped: tuple[str, ...]


@dataclass
class _Signal:
    line: int
    name: str
    mux: str
    problem: str
    has_named_selector: bool = False


@dataclass
class _Message:
    line: int
    name: str
    length: int
    id: str
    signals: list[_Signal] = field(default_factory=list)

    @property
    def problem(self) -> str:
        if self.name == _NO_MESSAGE:
            return "it holds signals that are in no message"
        too_long = f"it has {self.length} bytes, more than any protocol carries ({MOST_BYTES})"
        return too_long if self.length > MOST_BYTES else ""


def check_lines(text: str) -> CheckedText:
    """The text without the lines of signals and messages that cannot be what they say."""
    lines = text.splitlines()
    starting = starting_lines(lines)
    messages = _messages(lines, starting)
    left_out = _judge_lines_about_signals(lines, starting, messages)
    dropped = []
    for message in messages:
        _judge_multiplexing(message)
        if message.problem:
            dropped.append(f"message {message.name}: {message.problem}")
            left_out |= {message.line, *(signal.line for signal in message.signals)}
            continue
        for signal in message.signals:
            if signal.problem:
                name = f"{message.name}.{signal.name}" if message.name else signal.name
                dropped.append(f"signal {name}: {signal.problem}")
                left_out.add(signal.line)
    if not left_out:
        return CheckedText(text, ())
    return CheckedText("\n".join(line for k, line in enumerate(lines) if k not in left_out) + "\n", tuple(dropped))


def starting_lines(lines: list[str]) -> list[int]:
    """Numbers of the lines that do not begin within a text in quotation marks; a text that never ends is none."""
    starting: list[int] = []
    opened: int | None = None
    for number, line in enumerate(lines):
        if opened is None:
            starting.append(number)
        if len(_QUOTE.findall(line)) % 2 == 1:
            opened = number if opened is None else None
    return starting if opened is None else [*starting, *range(opened + 1, len(lines))]


def _messages(lines: list[str], starting: list[int]) -> list[_Message]:
    messages: list[_Message] = []
    # Signals in front of all messages, or cut off from theirs.
    current = lost = _Message(-1, "", 0, "")
    for number in starting:
        line = lines[number]
        head, signal = _MESSAGE.match(line), _SIGNAL.match(line)
        if head:
            current = _Message(number, head["name"], int(head["length"]), head["id"])
            messages.append(current)
        elif signal:
            is_again = any(other.name == signal["name"] for other in current.signals)
            problem = "a signal of that name stands above it" if is_again else _problem(signal, current.length)
            problem = "its line stands in no message" if current is lost else problem
            current.signals.append(_Signal(number, signal["name"], signal["mux"] or "", problem))
        elif line.strip() and not line.lstrip().startswith("SG_ "):
            current = lost
    return [*messages, lost] if lost.signals else messages


def _problem(line: re.Match[str], message_length: int) -> str:
    for name, word in (("start", "first bit"), ("length", "length")):
        if not line[name].isdecimal():
            return f"its {word} is {line[name]}, which is no count of bits"
    length = int(line["length"])
    if line["order"] not in ("0", "1"):
        return f"its byte order is {line['order']}, and the format has 0 and 1 (some tools mean a type of number by it)"
    if not 1 <= length <= 64:
        return f"it has {length} bits, and a number has 1 to 64"
    if int(line["start"]) >= 8 * message_length:
        return f"it begins behind the message's {message_length} bytes"
    if _number(line["factor"]) == 0:
        return "its factor is 0"
    if not all(math.isfinite(_number(line[name])) for name in ("factor", "offset")):
        return "its factor or offset is no number"
    return ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _judge_lines_about_signals(lines: list[str], starting: list[int], messages: list[_Message]) -> set[int]:
    """Mark signals whose type or selector is not understood; the numbers of the lines that say so."""
    left_out = set()
    signals: dict[tuple[str, str], list[_Signal]] = {}
    for message in messages:
        for signal in message.signals:
            signals.setdefault((message.id, signal.name), []).append(signal)
    for number in starting:
        line = _ABOUT_SIGNAL.match(lines[number])
        if line is None:
            continue
        is_type = line["kind"] == "SIG_VALTYPE_"
        problem = _type_problem(line["rest"]) if is_type else _selector_problem(line["id"], line["rest"], signals)
        if problem:
            left_out.add(number)
        for signal in signals.get((line["id"], line["name"]), ()):
            signal.problem = signal.problem or problem
            signal.has_named_selector |= not is_type
    return left_out


def _type_problem(rest: str) -> str:
    return "" if _TYPE.match(rest) else f"its type of number is not understood (SIG_VALTYPE_ …{rest.rstrip()})"


def _selector_problem(owner: str, rest: str, signals: Mapping[tuple[str, str], object]) -> str:
    ranges = _RANGES.match(rest)
    if not ranges:
        return f"what selects it is not understood (SG_MUL_VAL_ …{rest.rstrip()})"
    if (owner, ranges["selector"]) not in signals:
        return f"its selector {ranges['selector']} is not in the message"
    bounds = [[int(bound) for bound in one.split("-")] for one in ranges["ranges"].split(",")]
    return "it is selected by more values than a selector has" if _is_too_wide(bounds) else ""


def _is_too_wide(bounds: list[list[int]]) -> bool:
    return any(not 0 <= last - first < _MOST_SELECTED for first, last in bounds)


def _judge_multiplexing(message: _Message) -> None:
    """Mark signals that are there only sometimes where the file does not say when."""
    selectors = [signal for signal in message.signals if signal.mux.endswith("M") and not signal.problem]
    for signal in message.signals:
        is_open = len(signal.mux) > 1 and not signal.has_named_selector and not signal.problem
        if is_open and len(selectors) != 1:
            signal.problem = f"it is multiplexed, and the message has {len(selectors) or 'no'} selectors to choose from"
