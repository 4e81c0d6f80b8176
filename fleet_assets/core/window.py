"""The window of one build: which telemetry is seen, and whose events are emitted.

Belongs here: the window and its splitting into days. Does not belong here: how a partition is named or stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fleet_assets.contracts.errors import UsageError

DAY = timedelta(days=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Inputs cover [start, day_end); events with day_start <= closed_at < day_end are emitted. All three are UTC.

    `day_start - start` is the look-back. A window that `is_whole` is worked on at once: its events are those of its
    days, their numbers agree to rounding, because sums begin elsewhere; so it is for questions, not for storing.
    Raises UsageError for naive instants or instants out of order.
    """

    start: datetime
    day_start: datetime
    day_end: datetime
    is_whole: bool = False

    def __post_init__(self) -> None:
        if any(instant.utcoffset() != timedelta(0) for instant in (self.start, self.day_start, self.day_end)):
            raise UsageError(f"window {self.start}, {self.day_start}, {self.day_end} must be given in UTC")
        if not self.start <= self.day_start <= self.day_end:
            raise UsageError(f"window {self.start}, {self.day_start}, {self.day_end} must be in order")

    @property
    def look_back(self) -> timedelta:
        return self.day_start - self.start

    def days(self, look_back: timedelta) -> Iterator[Window]:
        """Windows of at most one day which together emit what this window emits.

        Each looks back as far as this window does, but at least `look_back` where this window covers it: a build of
        many days equals the builds of its days, because each day sees its own look-back and no more.
        """
        if self.is_whole:
            yield self
            return
        reach = max(self.look_back, look_back)
        first = self.day_start
        while first < self.day_end:
            last = min(first + DAY, self.day_end)
            yield Window(max(self.start, first - reach), first, last)
            first = last


def micros_of(instant: datetime) -> int:
    """Microseconds since 1970 of an instant in UTC, as the arrays of points count them."""
    return (instant - _EPOCH) // timedelta(microseconds=1)
