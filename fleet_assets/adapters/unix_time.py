"""Unix microseconds and instants, exactly, whatever the floating point of the standard library makes of them.

Belongs here: the two conversions. Does not belong here: clocks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(us: int) -> datetime:
    """Unix microseconds as an instant (UTC)."""
    return _EPOCH + timedelta(microseconds=us)


def unix_us(at: datetime) -> int:
    """An aware instant as unix microseconds."""
    return (at - _EPOCH) // _MICROSECOND
