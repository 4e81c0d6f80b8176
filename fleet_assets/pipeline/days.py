"""Days: stretches of them, and how many a length of time touches.

Belongs here: arithmetic with UTC days. Does not belong here: Dagster's partitions of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

NEAR_DAYS = 7
"""Stretches of stale days closer than this share a run: a run's own overhead is larger than a few idle days."""


def spans(days: Iterable[date], gap: int = 1) -> list[tuple[date, date]]:
    """Days as (first, last) of stretches in which neighbours are at most `gap` days apart."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] <= timedelta(days=gap):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
