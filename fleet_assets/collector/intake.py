"""The last step of every writer: rows that a day may hold go to the landing zone, the others to the quarantine.

Belongs here: the split and its count. Does not belong here: reading sources, acknowledging them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from fleet_assets.adapters.landing import Landing
from fleet_assets.adapters.quarantine import Origin, Quarantine, Reason
from fleet_assets.adapters.time_bounds import TimeBounds
from fleet_assets.contracts import registry
from fleet_assets.settings import Settings

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


@dataclass
class Landed:
    """What became of some rows: files written, rows kept, rows set aside by reason."""

    files: list[Path] = field(default_factory=list)
    kept: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    """For each reason the first instant that was set aside, and what the reason means."""


@dataclass(frozen=True)
class Intake:
    """Where rows go; one for a whole process."""

    landing: Landing
    quarantine: Quarantine
    start_date: date
    clock: Clock = utc_now

    @classmethod
    def from_settings(cls, settings: Settings) -> Intake:
        return cls(Landing(settings.landing), Quarantine(settings.quarantine), settings.start_date)

    def into(self, landing: Landing) -> Intake:
        """The same rules with another landing zone (a staged one)."""
        return Intake(landing, self.quarantine, self.start_date, self.clock)

    def land(self, source: str, frame: pl.DataFrame, name: str, origin: Origin | None = None) -> Landed:
        """Write rows durably; rows before the start date, or of a clock that cannot be right, are quarantined."""
        instant = registry().folder(source).instant
        kept, outside = TimeBounds(self.start_date, self.clock(), instant).split(frame)
        landed = Landed(kept=kept.height)
        for reason, rows in outside:
            first = rows.get_column(instant).head(1).cast(pl.String)[0]
            landed.examples[reason.slug] = f"the first is of {first}; {reason.explanation}"
            landed.rejected[reason.slug] = self.reject(source, rows, name, reason, origin)
        if kept.height:
            landed.files = self.landing.append(source, kept, name)
        return landed

    def reject(self, source: str, rows: pl.DataFrame, name: str, reason: Reason, origin: Origin | None = None) -> int:
        """Quarantine rows; returns how many."""
        self.quarantine.put(source, rows, name, reason, origin)
        return rows.height
