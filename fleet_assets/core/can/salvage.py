"""What is left of a DBC text that the parser refuses: message by message, whatever can be read alone.

Belongs here: finding the readable parts and a sentence for each other. Does not belong here: decoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fleet_assets.core.can.dbc_lines import starting_lines

_HEAD = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: Vector__XXX\n\n'
_MESSAGE = re.compile(r"^BO_ (?P<id>\d+) (?P<name>\w+) *: *(?P<length>\d+) .*$")
_SIGNAL = re.compile(r"^(?P<head>\s*SG_ .*?\)\s*\[.*?\]\s*\".*?\").*$")
_EXTRA = re.compile(r"^(VAL_|SIG_VALTYPE_|SG_MUL_VAL_)\s+(?P<id>\d+) .*;\s*$")
_FORMAT_OF_MESSAGE = re.compile(r'^BA_ "VFrameFormat" BO_ (?P<id>\d+) \d+;\s*$')
_REFERENCE = re.compile(
    r'^(BO_ |VAL_ |SIG_VALTYPE_ |SG_MUL_VAL_ |BO_TX_BU_ |CM_ (?:BO_|SG_) |BA_ ".*?" (?:BO_|SG_) )(?P<id>\d+)'
)
_EXTENDED = 1 << 31
_UNMARKED = range(0x800, 1 << 29)

_FORMAT = re.compile(
    r'^(BA_DEF_ +BO_ +"VFrameFormat"|BA_DEF_ +"ProtocolType"|BA_DEF_DEF_ +"(VFrameFormat|ProtocolType)"|'
    r'BA_ +"ProtocolType") .*;\s*$'
)
"""Lines that say of all messages how they travel."""


def load_dbc(text: str) -> Any:
    """The database of a DBC text, a cantools one; raises whatever its parsing runs into."""
    # Loaded here: cantools brings python-can, which brings pandas and asammdf, and `fleet status` parses nothing.
    import cantools

    return cantools.database.load_string(text, "dbc", strict=False)


def salvage(text: str) -> tuple[Any, list[str]]:
    """A database of the messages that can be read, and one sentence for each that cannot or was corrected."""
    every = text.splitlines()
    lines, corrected = _marked_extended([every[number] for number in starting_lines(every)])
    if corrected and not _problem(lines):
        return load_dbc(_text(lines)), corrected
    parsed, dropped = _by_message(lines)
    return parsed, corrected + dropped


def _marked_extended(lines: list[str]) -> tuple[list[str], list[str]]:
    """Identifiers of more than 11 bits carry bit 31 in a DBC; some files forget it."""
    found = (_MESSAGE.match(line) for line in lines)
    names = {match["id"]: match["name"] for match in found if match and int(match["id"]) in _UNMARKED}
    marked = [
        _REFERENCE.sub(lambda m: m[1] + str(int(m["id"]) + _EXTENDED * (m["id"] in names)), line) for line in lines
    ]
    sentences = [
        f"message {name}: its identifier {int(number):#x} is not marked as one of 29 bits; it is taken as one"
        for number, name in names.items()
    ]
    return marked, sentences


def _by_message(lines: list[str]) -> tuple[Any, list[str]]:
    blocks, dropped = _blocks(lines)
    formats = [line for line in lines if _FORMAT.match(line)]
    formats = [] if _problem(formats) else formats
    kept: list[str] = []
    extras: list[str] = []
    for number, block in blocks.items():
        name = block[0].split()[2].rstrip(":")
        extra = [line for line in lines if _belongs(line, number)]
        block_extras, problem = _readable(block, formats, extra)
        if problem:
            dropped.append(f"message {name}: {problem}")
        else:
            kept += [*block, ""]
            extras += block_extras
    return load_dbc(_text([*kept, *formats, *extras])), dropped


def _belongs(line: str, number: str) -> bool:
    found = _EXTRA.match(line) or _FORMAT_OF_MESSAGE.match(line)
    return found is not None and found["id"] == number


def _blocks(lines: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Lines of each message by its identifier, signals without their receivers; a sentence per unreadable line."""
    blocks: dict[str, list[str]] = {}
    dropped: list[str] = []
    current: list[str] | None = None
    for line in lines:
        message = _MESSAGE.match(line)
        signal = _SIGNAL.match(line)
        if message:
            current = blocks.setdefault(message["id"], [])
            current[:] = [f"BO_ {message['id']} {message['name']}: {message['length']} Vector__XXX"]
        elif line.lstrip().startswith(("SG_ ", "BO_ ")):
            if signal and current is not None:
                current.append(f"{signal['head']} Vector__XXX")
            else:
                dropped.append(f"line {line.strip()!r}: it cannot be read")
        elif line.strip():
            current = None
    return blocks, dropped


def _readable(block: list[str], formats: list[str], extras: list[str]) -> tuple[list[str], str]:
    """Which extras (names of values, multiplexing) the block can be read with, or why it cannot be read at all."""
    problem = _problem([*block, *formats, *extras])
    if not problem:
        return extras, ""
    alone = _problem(block)
    return ([], alone) if alone else ([line for line in extras if not _problem([*block, *formats, line])], "")


def _problem(lines: list[str]) -> str:
    try:
        load_dbc(_text(lines))
    # The parser raises whatever it runs into: its own errors, ValueError, KeyError, TypeError, ...
    except Exception as error:  # noqa: BLE001
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return ""


def _text(lines: list[str]) -> str:
    text = "\n".join(lines) + "\n"
    return text if "BS_:" in text else _HEAD + text
