"""What a log file does not say itself and a person must: vehicle, bus, time zone, start.

Belongs here: those answers, and the instants made with them. Does not belong here: any format.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Literal

import polars as pl

from fleet_assets.adapters.reading_budget import USUAL_BUDGET, ReadingBudget
from fleet_assets.adapters.unix_time import unix_us
from fleet_assets.contracts.errors import FileRejected
from fleet_assets.sources.column_map import AS_THEY_ARE, ColumnMap

Unit = Literal["", "s", "ms", "us"]
"""A unit of Unix time."""

OLDEST_PLAUSIBLE = datetime(1990, 1, 1, tzinfo=UTC)
"""No CAN log is older; timestamps before it count from the start of the recording."""
_OLDEST_US = unix_us(OLDEST_PLAUSIBLE)


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
    logger: str = ""
    """Put before the names of buses, where several loggers of a vehicle use the same."""
    unix_unit: Unit = ""
    """What bare numbers count since 1970, for tables whose instants are such."""
    budget: ReadingBudget = USUAL_BUDGET
    """What reading the file may cost."""
    columns: ColumnMap = AS_THEY_ARE
    """Which columns of a table are which of the contract, where it has names of its own."""


def absolute_times(path: Path, frames: pl.DataFrame, options: LogOptions) -> pl.DataFrame:
    """The rows with instants; those that count from the start of the recording get `start_at` added.

    Raises AnswerMissing when they need a start and none was given.
    """
    times = frames.get_column("recorded_at")
    newest = times.to_physical().max()
    if not isinstance(newest, int) or newest >= _OLDEST_US:
        return frames
    if options.start_at is None:
        raise AnswerMissing(path, "it counts seconds from its start and does not say when that was; give --start")
    return frames.with_columns(recorded_at=(times.to_physical() + unix_us(options.start_at)).cast(times.dtype))
