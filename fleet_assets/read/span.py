"""From and to: half-open spans of instants or days as people write them.

Belongs here: understanding a bound and refusing an ambiguous one. Does not belong here: which column it bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from fleet_assets.contracts.errors import UsageError

Bound = date | datetime | str | None
"""A day (`date`, "2026-03-02"), an aware instant (`datetime`, "2026-03-02T08:00Z"), or None for no bound."""


@dataclass(frozen=True)
class Span:
    """From `start` (inclusive) to `end` (exclusive); None where it is open. A bound stays the day or instant it was."""

    start: date | datetime | None
    end: date | datetime | None

    @classmethod
    def of(cls, start: Bound, end: Bound) -> Span:
        """Raises UsageError for an instant without offset, text that is neither, and a span that holds nothing."""
        span = cls(_bound("start", start), _bound("end", end))
        if span.start is not None and span.end is not None and instant(span.start) >= instant(span.end):
            raise UsageError(f"nothing lies from {start} to {end}: `end` is the first moment that is no longer wanted")
        return span

    @property
    def is_open(self) -> bool:
        return self.start is None and self.end is None

    @property
    def instants(self) -> tuple[datetime | None, datetime | None]:
        """Both bounds as instants: a day begins at midnight UTC."""
        return (
            None if self.start is None else instant(self.start),
            None if self.end is None else instant(self.end),
        )

    def days(self, table: str) -> tuple[date | None, date | None]:
        """Both bounds as days, for rows that are local days; raises UsageError for an instant."""
        for bound in (self.start, self.end):
            if isinstance(bound, datetime):
                raise UsageError(f"rows of {table} are local days: bound them by dates, not by {bound.isoformat()}")
        return self.start, self.end


def instant(bound: date | datetime) -> datetime:
    """The instant itself, or midnight UTC at which a day begins."""
    return bound if isinstance(bound, datetime) else datetime.combine(bound, time(), UTC)


def _bound(name: str, value: Bound) -> date | datetime | None:
    understood = _understood(name, value) if isinstance(value, str) else value
    if isinstance(understood, datetime):
        if understood.tzinfo is None:
            raise UsageError(
                f"{name} {value} has no offset, and a local time would be a guess: "
                f"write {understood.isoformat()}Z for UTC, or a datetime with tzinfo"
            )
        return understood.astimezone(UTC)
    return understood


def _understood(name: str, text: str) -> date | datetime:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text.strip())
        except ValueError:
            continue
    raise UsageError(f"{name} {text!r} is neither a day (2026-03-02) nor an instant (2026-03-02T08:00Z)")
