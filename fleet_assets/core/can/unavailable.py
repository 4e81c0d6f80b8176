"""Codes by which a bus says "not available" or "error" in place of a value.

Belongs here: the standards' ranges by width. Does not belong here: physical plausibility (`core.cleaning`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NO_VALUE = re.compile(
    r"not[ _-]*(avail|applic|used|valid|support)|n[/_.]a\b|\bsna\b|unavail|error|fault|fail|invalid|reserved|"
    r"don.?t[ _-]*care|no[ _-]*action|undefined|unknown|not[ _-]*install",
    re.IGNORECASE,
)
"""Names of codes that name no state of the vehicle."""


@dataclass(frozen=True)
class CodeLimit:
    """Raw values above `highest`, and the raw value `hole`, are no observation."""

    highest: int
    hole: int | None = None


def j1939_limit(length: int, choices: Mapping[int, str]) -> CodeLimit | None:
    """SAE J1939-71, tables 1 and 2: numbers end at 0xFA.. of their first byte (FB is an indicator, FE error, FF not
    available); states of 2 to 7 bits end with the codes error and not available. A code that the database names as a
    state of the vehicle is one. One bit has no room for such codes."""
    if length >= 8:
        return CodeLimit((0xFB << (length - 8)) - 1)
    return _states_limit(length, choices) if length >= 2 else None


def nmea_limit(length: int, is_signed: bool, choices: Mapping[int, str]) -> CodeLimit | None:
    """NMEA 2000: the highest code is "not available"; from 4 bits on the one below is "error"."""
    if length < 2:
        return None
    top = (1 << (length - is_signed)) - 1
    if length >= 8:
        return CodeLimit(top - 2)
    return _states_limit(length, choices) if length >= 4 else _named_limit(top, choices)


def _states_limit(length: int, choices: Mapping[int, str]) -> CodeLimit | None:
    top = (1 << length) - 1
    if _is_state(choices, top - 1):
        return _named_limit(top, choices)
    return CodeLimit(top, hole=top - 1) if _is_state(choices, top) else CodeLimit(top - 2)


def _named_limit(top: int, choices: Mapping[int, str]) -> CodeLimit | None:
    return None if _is_state(choices, top) else CodeLimit(top - 1)


def _is_state(choices: Mapping[int, str], code: int) -> bool:
    return code in choices and not _NO_VALUE.search(choices[code])
