"""When each file has frames of each bus, so that two loggers whose buses have one name do not become one in silence.

Belongs here: spans of the files of one import and of what had landed before, and which of them overlap. Does not belong
here: naming buses (readers).

A logger writes one file after the other. Two files that both bring new frames of one bus of one vehicle at the same
time are of two loggers, or of two channels whose names the format does not keep. So is a file of whose frames none is
known, where frames of its bus have landed within its time; one of which some are known is the same recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from fleet_assets.collector.file_identity import DIGEST_LETTERS

_TOLERANCE = timedelta(seconds=1)
"""Files of one logger may overlap by the frames that were under way when it changed them."""


@dataclass(frozen=True)
class SharedBus:
    """A bus of which two files have new frames between `first` and `last`; `more` counts the other pairs. Where `one`
    is None, the frames beside those of the other had landed before."""

    vehicle_id: str
    bus: str
    one: Path | None
    other: Path
    first: datetime
    last: datetime
    more: int


_Owner = tuple[str, str]
_Span = tuple[datetime, datetime]


class BusSpans:
    """The spans of one import."""

    def __init__(self) -> None:
        self._spans: dict[_Owner, dict[Path, _Span]] = {}
        self._landed: dict[_Owner, dict[Path, _Span]] = {}
        self._known: set[tuple[_Owner, Path]] = set()
        self._wholly_known: set[Path] = set()
        self._digests: set[str] = set()

    def add(self, path: Path, rows: pl.DataFrame) -> None:
        """Note new rows of a file (columns of RAW_CAN)."""
        self._digests.add(_digest(rows))
        _merge(self._spans, path, rows)

    def add_landed(self, path: Path, beside: pl.DataFrame, rows: pl.DataFrame, new: pl.DataFrame) -> None:
        """Note the landed rows within the time of a file's rows, of which `new` had not landed."""
        if new.is_empty():
            self._wholly_known.add(path)
            return
        known = rows.join(new, on="entry_id", how="anti").select("vehicle_id", "bus").unique()
        self._known |= {(owner, path) for owner in known.rows()}
        of_this_import = pl.Series(sorted(self._digests), dtype=pl.String)
        is_of_it = pl.col("entry_id").str.head(DIGEST_LETTERS).is_in(of_this_import)
        _merge(self._landed, path, beside.filter(~is_of_it))

    def shared(self) -> list[SharedBus]:
        """The buses of which files overlap, each once, in order of vehicle and bus."""
        found = (_shared(*owner, files) or self._with_landed(owner) for owner, files in sorted(self._spans.items()))
        return [one for one in found if one is not None]

    def _with_landed(self, owner: _Owner) -> SharedBus | None:
        """The first file whose frames lie beside others that landed before, and how many more there are."""
        pairs: list[tuple[Path, datetime, datetime]] = []
        for path, landed in self._landed.get(owner, {}).items():
            new, is_known = self._spans[owner].get(path), (owner, path) in self._known or path in self._wholly_known
            if new and not is_known and _overlap(new, landed):
                pairs.append((path, max(new[0], landed[0]), min(new[1], landed[1])))
        if not pairs:
            return None
        path, first, last = pairs[0]
        return SharedBus(*owner, None, path, first, last, more=len(pairs) - 1)


def _merge(spans: dict[_Owner, dict[Path, _Span]], path: Path, rows: pl.DataFrame) -> None:
    for vehicle, bus, first, last in _spans(rows) if rows.height else ():
        files = spans.setdefault((vehicle, bus), {})
        before = files.get(path, (first, last))
        files[path] = (min(first, before[0]), max(last, before[1]))


def _digest(rows: pl.DataFrame) -> str:
    return str(rows.item(0, "entry_id"))[:DIGEST_LETTERS]


def _overlap(one: _Span, other: _Span) -> bool:
    return max(one[0], other[0]) + _TOLERANCE < min(one[1], other[1])


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
