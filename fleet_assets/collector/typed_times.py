"""Zones and instants as a person types them.

Belongs here: reading those two. Does not belong here: times inside files.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fleet_assets.adapters.log_files.options import Unit
from fleet_assets.contracts.errors import UsageError
from fleet_assets.core.local_time import known_zones


def zone_of(name: str) -> ZoneInfo | None:
    """The IANA zone, None for no name; raises UsageError for a name that is none."""
    if not name:
        return None
    if name not in known_zones():
        raise UsageError(f"--timezone {name!r} is not an IANA time zone such as Europe/Madrid or UTC")
    return ZoneInfo(name)


def unit_of(text: str) -> Unit:
    """The unit of Unix time; raises UsageError for a text that is none."""
    units: dict[str, Unit] = {"": "", "s": "s", "ms": "ms", "us": "us"}
    if text not in units:
        raise UsageError(f"--unix-time {text!r} is none of s, ms, us")
    return units[text]


_SHIFT = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:w|d|h|m|s))+|[+-]?0")
_LENGTHS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST_S = 200 * 366 * 86_400


def shift_of(text: str) -> timedelta | None:
    """A length of time such as 1024w, 3h30m, -45s or 0, None for no text; raises UsageError for anything else."""
    if not text:
        return None
    plain = text.strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)(w|d|h|m|s)", plain)
    seconds = sum(float(number) * _LENGTHS[unit] for number, unit in parts)
    if not _SHIFT.fullmatch(plain) or seconds > _LONGEST_S:
        raise UsageError(f"--shift {text!r} is no length of time such as 1024w, 7168d, 3h30m, -45s or 0")
    return timedelta(seconds=-seconds if plain.startswith("-") else seconds)


def instant_of(text: str) -> datetime | None:
    """The instant of an ISO 8601 text with offset, None for no text; raises UsageError for anything else."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--start {text!r} is not an instant such as 2026-01-31T08:00:00Z") from None
    if instant.tzinfo is None:
        raise UsageError(f"--start {text!r} has no offset: write {text}Z for UTC, or {text}+01:00")
    return instant.astimezone(UTC)
