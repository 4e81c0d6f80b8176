"""What a scanner says in the stream beside its frames: which frames are missing and why, where a numbering ended.

Belongs here: the wire form of notices. Does not belong here: frames (can_stream), noting gaps down (gap_ledger).

A notice is an entry with one field, `statement`, JSON:

    gap      the fields of a gap (gap_ledger), instants as ISO 8601; absent where nothing is missing
    numbers  [producer, first, stop]: the numbers that the gap explains; absent for frames that never had a number
    ended    [producer, stop, last_us]: that numbering goes no further, numbers below `stop` were all sent or are
             explained; the last of them is not younger than `last_us` (unix microseconds, or null)
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fleet_assets.adapters.can_stream import Fields
from fleet_assets.adapters.entry_bounds import EARLIEST_US, LATEST_US, MAX_NUMBER, EntryError, is_name, within
from fleet_assets.adapters.gap_ledger import Gap

NOTICE = b"statement"

MAX_COUNT = 2**63 - 1
"""Rows that a gap may miss."""


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
class Notice:
    """One notice; at least one of its parts is given."""

    gap: Gap | None = None
    numbers: Numbers | None = None
    ended: Ended | None = None


def pack_notice(notice: Notice) -> bytes:
    """The value of the field `statement`."""
    numbers, ended = notice.numbers, notice.ended
    parts = {
        "gap": asdict(notice.gap) if notice.gap else None,
        "numbers": [numbers.producer, numbers.first, numbers.stop] if numbers else None,
        "ended": [ended.producer, ended.stop, ended.last_us] if ended else None,
    }
    return json.dumps({name: part for name, part in parts.items() if part}, default=datetime.isoformat).encode()


def unpack_notice(fields: Fields) -> Notice:
    """The notice of an entry that has the field; raises EntryError, saying what is wrong, when it is none."""
    try:
        parts: dict[str, Any] = json.loads(fields[NOTICE])
        numbers, ended = parts.get("numbers"), parts.get("ended")
        return Notice(
            gap=_gap(parts["gap"]) if "gap" in parts else None,
            numbers=_numbers(*numbers) if numbers else None,
            ended=_ended(*ended) if ended else None,
        )
    except EntryError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise EntryError(f"the notice cannot be read: {error}") from error


def _numbers(producer: str, first: int, stop: int) -> Numbers:
    return Numbers(_name(producer), within(first, 0, MAX_NUMBER), within(stop, first, MAX_NUMBER))


def _ended(producer: str, stop: int, last_us: int | None) -> Ended:
    last = None if last_us is None else within(last_us, EARLIEST_US, LATEST_US)
    return Ended(_name(producer), within(stop, 0, MAX_NUMBER), last)


def _gap(fields: dict[str, Any]) -> Gap:
    instants = {name: datetime.fromisoformat(fields[name]) for name in ("started_at", "ended_at")}
    if any(instant.tzinfo is None for instant in instants.values()):
        raise ValueError("an instant has no offset")
    gap = Gap(**(fields | {name: instant.astimezone(UTC) for name, instant in instants.items()}))
    for given in (gap.source, gap.reason, *filter(None, (gap.vehicle_id, gap.bus))):
        _name(given)
    if gap.missing_count is not None:
        within(gap.missing_count, 0, MAX_COUNT)
    return replace(gap, detail=_text(gap.detail))


def _name(text: object) -> str:
    if not is_name(_text(text)):
        raise EntryError("a name of the notice is not one")
    return _text(text)


def _text(text: object) -> str:
    """Text that can be stored: a lone half of a pair cannot, and not every database takes NUL."""
    if not isinstance(text, str) or "\0" in text:
        raise EntryError("a text of the notice is not one")
    text.encode()
    return text
