"""Words around numbers and unknown names, the same wherever a person reads them. Does not belong here: any sentence."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str, many: str = "") -> str:
    """A count and its noun: 1 row, 1,200 rows; `many` is its plural where that is not the noun with an s."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or f'{noun}s'}"


def meant(name: str, known: Sequence[str]) -> str:
    """What an unknown name may have meant, to end a sentence with; nothing where no name is alike."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
