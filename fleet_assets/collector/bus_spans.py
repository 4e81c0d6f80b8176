"""When each file has frames of each bus, so that two loggers whose buses have one name do not become one in silence.

Belongs here: spans of the files of one import, and which of them overlap. Does not belong here: naming buses (readers).

A logger writes one file after the other. Two files that both bring new frames of one bus of one vehicle at the same
time are of two loggers, or of two channels whose names the format does not keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

_TOLERANCE = timedelta(seconds=1)
"""Files of one logger may overlap by the frames that were under way when it changed them."""


@dataclass(frozen=True)
class SharedBus:
    """A bus of which two files have new frames between `first` and `last`; `more` counts the other pairs."""

    vehicle_id: str
    bus: str
    one: Path
    other: Path
    first: datetime
    last: datetime
    more: int


class BusSpans:
    """The spans of one import."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str], dict[Path, tuple[datetime, datetime]]] = {}

    def add(self, path: Path, rows: pl.DataFrame) -> None:
        """Note new rows of a file (columns of RAW_CAN)."""
        for vehicle, bus, first, last in _spans(rows):
            files = self._spans.setdefault((vehicle, bus), {})
            before = files.get(path, (first, last))
            files[path] = (min(first, before[0]), max(last, before[1]))

    def shared(self) -> list[SharedBus]:
        """The buses of which files overlap, each once, in order of vehicle and bus."""
        found = (_shared(*owner, files) for owner, files in sorted(self._spans.items()))
        return [one for one in found if one is not None]


def _spans(rows: pl.DataFrame) -> list[tuple[str, str, datetime, datetime]]:
    """Vehicle, bus, first and last instant of each bus."""
    instants = pl.col("recorded_at")
    span = [instants.min().alias("first"), instants.max().alias("last")]
    # Most chunks are of one bus, which is told sooner than rows are grouped.
    least, most = rows.select(pl.col("vehicle_id", "bus").min(), *span), rows.select(pl.col("vehicle_id", "bus").max())
    if least.row(0)[:2] == most.row(0):
        return least.rows()
    return rows.group_by("vehicle_id", "bus").agg(span).rows()


def _shared(vehicle_id: str, bus: str, files: dict[Path, tuple[datetime, datetime]]) -> SharedBus | None:
    spans = sorted((first, last, path) for path, (first, last) in files.items())
    pairs: list[tuple[Path, Path, datetime, datetime]] = []
    longest = spans[0]
    for span in spans[1:]:
        if span[0] + _TOLERANCE < longest[1]:
            pairs.append((longest[2], span[2], span[0], min(span[1], longest[1])))
        longest = max(longest, span, key=lambda one: one[1])
    return SharedBus(vehicle_id, bus, *pairs[0], more=len(pairs) - 1) if pairs else None
