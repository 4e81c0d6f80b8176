"""What a log file does not say itself and a person must: vehicle, bus, time zone, start.

Belongs here: those answers, and the instants made with them. Does not belong here: any format.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import polars as pl

from fleet_assets.contracts.errors import FileRejected

OLDEST_PLAUSIBLE = datetime(1990, 1, 1, tzinfo=UTC)
"""No CAN log is older; timestamps before it count from the start of the recording."""


class AnswerMissing(FileRejected):
    """The file may well be good, but a person must say something first (vehicle, time zone, start)."""


@dataclass(frozen=True)
class LogOptions:
    """Answers for logs that do not say; what a log says itself wins."""

    vehicle_id: str | None = None
    bus: str = "can0"
    """For logs whose frames name no channel."""
    zone: tzinfo | None = None
    """Zone of the logging computer's clock, for logs that state a local time."""
    start_at: datetime | None = None
    """Start of the recording (aware), for logs that only count seconds."""


def absolute_times(path: Path, frames: pl.DataFrame, options: LogOptions) -> pl.DataFrame:
    """The rows with instants; those that count from the start of the recording get `start_at` added.

    Raises AnswerMissing when they need a start and none was given.
    """
    first = frames.get_column("recorded_at").max()
    if not isinstance(first, datetime) or first >= OLDEST_PLAUSIBLE:
        return frames
    if options.start_at is None:
        raise AnswerMissing(path, "it counts seconds from its start and does not say when that was; give --start")
    offset: timedelta = options.start_at - datetime(1970, 1, 1, tzinfo=UTC)
    return frames.with_columns(pl.col("recorded_at") + offset)
