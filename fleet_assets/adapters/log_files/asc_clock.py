"""What the times in an .asc log count from: decided by its header and its first times, or refused.

Does not belong here: how dates are written (asc_dates), frames.

| Header | First time | Times count from |
|---|---|---|
| date, trigger block | smaller than the time of day of the date | the date of the trigger block, else of the header |
| date | the time of day of the date, or up to five minutes more | the midnight of that date |
| date | Unix seconds of about that date | 1970 |
| `timestamps relative` | | the line before, the first from the date |

Where the header and the frames allow two readings the file is refused with both; `--start` says at which instant 0 was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fleet_assets.adapters.log_files.asc_dates import wall_time
from fleet_assets.adapters.log_files.options import AnswerMissing, LogOptions
from fleet_assets.adapters.unix_time import unix_us
from fleet_assets.contracts.errors import FileRejected

MARK = r"(?i)^(?:date\s|base\s|begin\s+trigger\s*block)"
_DATE = re.compile(r"date\s+(.+)", re.IGNORECASE)
_BASE = re.compile(r"base\s+(hex|dec)(?:\s+timestamps\s+(\w+))?", re.IGNORECASE)
_TRIGGER = re.compile(r"begin\s+trigger\s*block\s*(.*)", re.IGNORECASE)

_SOON_S = 300.0
"""A recording that counts the seconds of the day has its first event within so many seconds of the header's time."""
_AT_ONCE_S = 60.0
"""Frames of a trigger block follow it within so many seconds."""
_UNIX_S = 6e8
"""Above it (1989) times are Unix seconds: no recording is 19 years long."""
_ZONES_S = 2 * 86_400.0


@dataclass
class AscClock:
    """The marks of one file that were read so far."""

    path: Path
    options: LogOptions
    base: int = 16
    is_relative: bool = False
    date: str = ""
    trigger: str = ""
    last_s: float = 0.0
    """Of absolute times: the last before the mark that came last."""
    origin_us: int | None = None

    def note(self, line: str) -> None:
        """Take a line that MARK matches."""
        if found := _DATE.match(line):
            self.date = self.date or found.group(1)
        elif found := _BASE.match(line):
            self.base = 10 if found.group(1).lower() == "dec" else 16
            self.is_relative = (found.group(2) or "").lower() == "relative"
        elif found := _TRIGGER.match(line):
            self.trigger = found.group(1).strip()

    def origin(self, first_s: float) -> int:
        """Unix microseconds that times count from, given the first time behind the marks."""
        if self.origin_us is None or (self.trigger and first_s < self.last_s - 1 and not self.is_relative):
            self.origin_us = self._decide(first_s)
        return self.origin_us

    def _decide(self, first_s: float) -> int:
        known = [wall_time(text) for text in (self.date, self.trigger) if text]
        dates = [date for date in known if isinstance(date, datetime)]
        try:
            if len(dates) < len(known) or not dates:
                raise _DoubtError(next((why for why in known if isinstance(why, str)), "its header states no date"))
            return self._from_dates(dates[0], dates[-1], first_s)
        except _DoubtError as doubt:
            return self._answered(str(doubt))

    def _from_dates(self, date: datetime, trigger: datetime, first_s: float) -> int:
        if first_s >= _UNIX_S:
            return _unix(trigger, first_s)
        if self.is_relative:
            return self._in_zone(trigger)
        start = _of_two(date, trigger, first_s)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        day_s = (start - midnight).total_seconds()
        # Taken off behind the zone: on a day on which clocks change, the header's time is what is known.
        offset_s = day_s if first_s > 0 and _is_of_day(start, day_s, first_s) else 0.0
        return self._in_zone(start) - round(offset_s * 1e6)

    def _answered(self, why: str) -> int:
        """The start that was answered; raises AnswerMissing with the reason why it is needed."""
        if self.options.start_at is None:
            raise AnswerMissing(self.path, f"{why}; give --start, the instant at which its times are 0")
        return unix_us(self.options.start_at)

    def _in_zone(self, start: datetime) -> int:
        zone = self.options.zone
        if zone is None:
            raise AnswerMissing(self.path, f"states the local time {start} without a zone; give --timezone")
        local = start.replace(tzinfo=zone)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            raise _DoubtError(f"its local time {start} is doubtful in {zone}: clocks were changed then")
        return unix_us(local.astimezone(UTC))


class _DoubtError(Exception):
    """What is read two ways, in a clause."""


def _unix(date: datetime, first_s: float) -> int:
    if abs(date.replace(tzinfo=UTC).timestamp() - first_s) > _ZONES_S:
        raise _DoubtError(f"its header says {date} and its first time {first_s} s is no time of that date")
    return 0


def _of_two(date: datetime, trigger: datetime, first_s: float) -> datetime:
    """Which of the two dates times count from, where a trigger block came later than the measurement began."""
    later = (trigger - date).total_seconds()
    if abs(later) <= 1 or first_s <= 0:
        return trigger
    if later > _AT_ONCE_S and abs(first_s - later) <= _AT_ONCE_S:
        return date
    if first_s <= _AT_ONCE_S:
        return trigger
    raise _DoubtError(
        f"its date is {date}, its trigger block's {trigger}, and its first time {first_s} s fits neither alone"
    )


def _is_of_day(start: datetime, day_s: float, first_s: float) -> bool:
    """Whether times are seconds of the day; they may also count from a start that is as long ago as the day is old."""
    if first_s < day_s - 1:
        return False
    if day_s >= 3600 and first_s <= day_s + _SOON_S:
        return True
    if day_s < 3600 and first_s < 10:
        return False
    raise _DoubtError(f"its first time {first_s} s may count from its start {start} or from the midnight before")


def refuse_disagreement(path: Path, clock: AscClock, steps: list[float]) -> None:
    """Raise FileRejected when the first steps between times are those of the other kind than the header says."""
    falls = sum(step < -1e-6 for step in steps)
    if clock.is_relative and len(steps) >= 20 and falls == 0 and sum(step > 0 for step in steps) > 0.9 * len(steps):
        raise FileRejected(path, "its header says relative times and its times only grow, as absolute ones do")
    if not clock.is_relative and len(steps) >= 20 and falls > 0.1 * len(steps):
        raise FileRejected(
            path, "its header says absolute times and its times fall again and again, as relative ones do"
        )
