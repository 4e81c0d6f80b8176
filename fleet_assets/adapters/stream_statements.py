"""What a scanner says in the stream beside its frames: which frames are missing and why, where a numbering ended.

Belongs here: the wire form of statements. Does not belong here: frames (can_stream), noting gaps down (gap_ledger).

A statement is an entry with one field, `statement`, JSON:

    gap      the fields of a gap (gap_ledger), instants as ISO 8601; absent where nothing is missing
    numbers  [producer, first, stop]: the numbers that the gap explains; absent for frames that never had a number
    ended    [producer, stop, last_us]: that numbering goes no further, numbers below `stop` were all sent or are
             explained; the last of them is not younger than `last_us` (unix microseconds, or null)
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fleet_assets.adapters.can_stream import EntryError, Fields
from fleet_assets.adapters.gap_ledger import Gap

STATEMENT = b"statement"


@dataclass(frozen=True)
class Numbers:
    """Frames `first` to `stop - 1` of one numbering."""

    producer: str
    first: int
    stop: int


@dataclass(frozen=True)
class Ended:
    """A numbering that goes no further than `stop - 1`."""

    producer: str
    stop: int
    last_us: int | None = None
    """Instant of its last frame, or one after it; unix microseconds."""


@dataclass(frozen=True)
class Statement:
    """One statement; at least one of its parts is given."""

    gap: Gap | None = None
    numbers: Numbers | None = None
    ended: Ended | None = None


def pack_statement(statement: Statement) -> bytes:
    """The value of the field `statement`."""
    numbers, ended = statement.numbers, statement.ended
    parts = {
        "gap": asdict(statement.gap) if statement.gap else None,
        "numbers": [numbers.producer, numbers.first, numbers.stop] if numbers else None,
        "ended": [ended.producer, ended.stop, ended.last_us] if ended else None,
    }
    return json.dumps({name: part for name, part in parts.items() if part}, default=datetime.isoformat).encode()


def unpack_statement(fields: Fields) -> Statement:
    """The statement of an entry that has the field; raises EntryError, saying what is wrong, when it is none."""
    try:
        parts: dict[str, Any] = json.loads(fields[STATEMENT])
        numbers, ended = parts.get("numbers"), parts.get("ended")
        return Statement(
            gap=_gap(parts["gap"]) if "gap" in parts else None,
            numbers=Numbers(str(numbers[0]), int(numbers[1]), int(numbers[2])) if numbers else None,
            ended=_ended(*ended) if ended else None,
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise EntryError(f"the statement cannot be read: {error}") from error


def _ended(producer: str, stop: int, last_us: int | None) -> Ended:
    return Ended(str(producer), int(stop), None if last_us is None else int(last_us))


def _gap(fields: dict[str, Any]) -> Gap:
    instants = {name: datetime.fromisoformat(fields[name]) for name in ("started_at", "ended_at")}
    if any(instant.tzinfo is None for instant in instants.values()):
        raise ValueError("an instant has no offset")
    return Gap(**(fields | instants))
