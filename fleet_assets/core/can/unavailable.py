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
    """Raw values above `highest` but for those in `named`, and the raw value `hole`, are no observation."""

    highest: int
    hole: int | None = None
    named: frozenset[int] = frozenset()


def j1939_limit(length: int, choices: Mapping[int, str], highest_named: int | None = None) -> CodeLimit | None:
    """SAE J1939-71, tables 1 and 2: numbers end at 0xFA.. of their first byte (FB is an indicator, FE error, FF not
    available); states of 2 to 7 bits end with the codes error and not available. One bit has no room for such codes.

    A database that names codes above as values has the last word: as a state of the vehicle in its table, or in the
    range of a counter or state, up to `highest_named`. The range of two bits says nothing: all databases state 3.
    """
    if length < 2:
        return None
    top, last = (1 << length) - 1, (0xFB << (length - 8)) - 1 if length >= 8 else (1 << length) - 3
    in_range = highest_named if highest_named is not None and length > 2 else last
    return _limit(top, last, min(max(last, in_range), top), choices)


def nmea_limit(length: int, is_signed: bool, choices: Mapping[int, str]) -> CodeLimit | None:
    """NMEA 2000: the highest code is "not available"; from 4 bits on the one below is "error"."""
    if length < 2:
        return None
    top = (1 << (length - is_signed)) - 1
    if length >= 8:
        return CodeLimit(top - 2)
    last = top - 2 if length >= 4 else top - 1
    return _limit(top, last, last, choices)


def _limit(top: int, last: int, highest: int, choices: Mapping[int, str]) -> CodeLimit | None:
    """`last`: highest value of the standard; `highest`: that of the database's range."""
    states = {code for code, name in choices.items() if last < code <= top and not _NO_VALUE.search(name)}
    none = {code for code in choices if last < code <= highest} - states
    while highest + 1 in states:
        highest += 1
    while highest in none:
        none.remove(highest)
        highest -= 1
    if len(none) > 1:
        # Several holes: the codes between them are named one by one.
        states |= set(range(min(none), highest + 1)) - none
        highest, none = min(none) - 1, set()
    named = frozenset(code for code in states if code > highest)
    if named == {highest + 2} and not none:
        return CodeLimit(highest + 2, hole=highest + 1)
    if highest >= top and not none:
        return None
    return CodeLimit(highest, min(none, default=None), named)
