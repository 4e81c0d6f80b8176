"""Words around numbers and unknown names, the same wherever a person reads them. Does not belong here: any sentence."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

LEAST_WORD = 3
"""Letters of a word that is looked for within other names."""


def counted(count: int, noun: str, many: str = "") -> str:
    """A count and its noun: 1 row, 1,200 rows; `many` is its plural where that is not the noun with an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or f'{noun}s'}"


def meant(name: str, known: Sequence[str]) -> list[str]:
    """The names that an unknown one may have meant, likeliest first: those spelled alike, then those around it."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3)
    word = name.lower().rstrip("s")
    around = [one for one in known if len(word) >= LEAST_WORD and (word in one or one.rstrip("s") in word)]
    return list(dict.fromkeys([*close, *around]))[:3]


def or_meant(name: str, known: Sequence[str]) -> str:
    """What an unknown name may have meant, to end a sentence with; nothing where no name is alike."""
    close = meant(name, known)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def spanned(seconds: float) -> str:
    """A length of time in units that a person counts in: 0.25 s, 45 s, 12 min, 1 h 05 min, 3 d 4 h."""
    if not isfinite(seconds):
        return f"{seconds} s"
    size, sign = abs(seconds), "-" if seconds < 0 else ""
    if size < 120:
        return f"{sign}{size:.3g} s"
    minutes = round(size / 60)
    if minutes < 60:
        return f"{sign}{minutes} min"
    if minutes < 48 * 60:
        return f"{sign}{minutes // 60} h {minutes % 60:02} min"
    hours = round(size / 3600)
    return f"{sign}{hours // 24:,} d {hours % 24} h"


def sized(byte_count: float) -> str:
    """Bytes in the unit that keeps the number below a thousand."""
    for unit in ("B", "kB", "MB"):
        if byte_count < 999.5:  # what would be rounded to a thousand is one of the next unit
            return f"{byte_count:.3g} {unit}"
        byte_count /= 1_000
    return f"{byte_count:,.1f} GB"
