"""Words around numbers, the same in every command. Does not belong here: sentences of one command."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A count and its noun: 1 row, 1,200 rows."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
