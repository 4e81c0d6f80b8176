"""What a field of a stream entry may hold, the same for single and packed entries and for statements.

Belongs here: bounds, and reading one field within them. Does not belong here: the wire forms (can_stream,
stream_notices), whole columns (can_entries).

Bounds are those of what comes after: an instant must be one of the calendar (years 1 to 9999), a number of a frame must
fit the twelve digits of an entry_id, a name must be text that every database takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from fleet_assets.adapters.frame_batch import ERROR, EXTENDED, FD, REMOTE
from fleet_assets.adapters.unix_time import unix_us
from fleet_assets.contracts.errors import DataError

EARLIEST_US = unix_us(datetime.min.replace(tzinfo=UTC))
LATEST_US = unix_us(datetime.max.replace(tzinfo=UTC))

MAX_IDENTIFIER = 0x1FFF_FFFF
"""29 bits."""

MAX_BYTES = 64
"""Data of a CAN FD frame."""

KNOWN_FLAGS = int(EXTENDED | FD | ERROR | REMOTE)
"""A bit that nobody has defined says something that would be lost."""

MAX_FRAMES = 100_000
"""Of one packed entry; our scanners send a thousand."""

MAX_NUMBER = 10**12
"""Numbers of frames are below; their twelve digits keep text order."""

LONGEST_NUMBER = 21
"""Characters of a 64-bit number with its sign."""

MAX_NAME = 200
"""Characters of a vehicle, bus or producer."""

NOT_IN_NAMES = "[\\x00-\\x1f\\x7f\ufffd]"
"""Control characters, and what stands for bytes that were no UTF-8: two names would become one."""


NO_INSTANT = "the id of the entry is no instant"


class EntryError(DataError):
    """A stream entry that is not of the wire format."""


@lru_cache(maxsize=4_096)
def is_name(text: str) -> bool:
    """Whether a text can name a vehicle, bus or producer."""
    return 0 < len(text) <= MAX_NAME and not re.search(NOT_IN_NAMES, text)


def name(fields: Mapping[bytes, bytes], field: bytes) -> str:
    """A field that names something; raises EntryError."""
    text = _shown(fields.get(field, b""))
    if not is_name(text):
        raise EntryError(f"{field.decode()} is not a name of 1 to {MAX_NAME} characters of UTF-8 text")
    return text


def whole(fields: Mapping[bytes, bytes], field: bytes, low: int, high: int) -> int:
    """A field that is a whole number from `low` to `high`; raises EntryError."""
    text = fields.get(field, b"")
    # The length first: Python refuses to read numbers of thousands of digits, each in its own words.
    is_number = len(text) <= LONGEST_NUMBER and (text.isdigit() or text.removeprefix(b"-").isdigit())
    number = int(text) if is_number else None
    if number is None or not low <= number <= high:
        raise EntryError(f"{field.decode()} is {shown(text)!r}, not a whole number from {low} to {high}")
    return number


def within(number: object, low: int, high: int) -> int:
    """A number from JSON that must be whole and within bounds; raises EntryError."""
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise EntryError(f"{str(number)[:40]!r} is not a whole number from {low} to {high}")
    return number


def shown(value: bytes | None) -> str:
    """Bytes as text for people, at most as much as a name may hold."""
    return "" if value is None else _shown(value)


@lru_cache(maxsize=4_096)
def _shown(value: bytes) -> str:
    return value[: 4 * (MAX_NAME + 1)].decode(errors="replace")[: MAX_NAME + 1]
