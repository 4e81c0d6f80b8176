"""What has landed already: the rows of a frame that no file of the landing zone holds yet.

Belongs here: that comparison, by content. Does not belong here: duplicates by entry_id (`core.raw`), writing.

Two rows are the same when they agree in everything but `received_at` and `entry_id`. Rows count: what a frame holds
twice and the landing zone once is new once. Only files whose instants overlap are opened, known by their Parquet
statistics, so importing a recording that overlaps nothing reads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from fleet_assets.adapters.landing import Landing
from fleet_assets.contracts import registry


@dataclass(frozen=True)
class _Span:
    """First and last instant (unix microseconds) and vehicle of one file."""

    first: int
    last: int
    lowest: str
    highest: str


class LandedRows:
    """The landed rows of one source."""

    def __init__(self, landing: Landing, source: str) -> None:
        self._landing, self._source = landing, source
        names = registry().folder(source).table.schema.names()
        self._content = [name for name in names if name not in ("received_at", "entry_id")]

    def beside(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The landed rows of the vehicles of `frame` within its time, each entry once."""
        files = self._overlapping(frame)
        return _rows_like(frame, files) if files else frame.clear()

    def new(self, frame: pl.DataFrame, beside: pl.DataFrame | None = None) -> pl.DataFrame:
        """The rows of `frame` (columns of the source's table) that have not landed, in their order; `beside` as above,
        where it is known."""
        landed = (self.beside(frame) if beside is None else beside).select(self._content)
        if landed.is_empty():
            return frame
        if landed.equals(frame.select(self._content)):
            # The same file again, which is the usual case: no need to count.
            return frame.clear()
        counted = frame.with_columns(_nth=self._nth())
        there = landed.with_columns(_nth=self._nth())
        keys = [*self._content, "_nth"]
        return counted.join(there, on=keys, how="anti", nulls_equal=True, maintain_order="left").drop("_nth")

    def _nth(self) -> pl.Expr:
        return pl.int_range(pl.len()).over(self._content)

    def _overlapping(self, frame: pl.DataFrame) -> list[Path]:
        if frame.is_empty():
            return []
        wanted = _Span(*frame.select(
            pl.col("recorded_at").to_physical().min().alias("first"),
            pl.col("recorded_at").to_physical().max().alias("last"),
            pl.col("vehicle_id").min().alias("lowest"), pl.col("vehicle_id").max().alias("highest"),
        ).row(0))  # fmt: skip
        days = frame.get_column("recorded_at").dt.date().unique().sort().to_list()
        files = [file.path for day in days for file in self._landing.files(self._source, day)]
        return [path for path in files if _overlap(_span(path), wanted)]


def _rows_like(frame: pl.DataFrame, files: list[Path]) -> pl.DataFrame:
    """Landed rows of the frame's vehicles within its time; an entry that was delivered twice counts once."""
    instants = frame.get_column("recorded_at")
    vehicles = frame.get_column("vehicle_id").unique().to_list()
    return (
        pl.scan_parquet(files, hive_partitioning=False)
        .filter(pl.col("recorded_at").is_between(pl.lit(instants.min()), pl.lit(instants.max())))
        .filter(pl.col("vehicle_id").is_in(vehicles))
        .unique(["vehicle_id", "entry_id"], maintain_order=True)
        .collect()
    )


def _overlap(one: _Span, other: _Span) -> bool:
    is_same_time = one.first <= other.last and other.first <= one.last
    return is_same_time and one.lowest <= other.highest and other.lowest <= one.highest


@lru_cache(maxsize=100_000)
def _span(path: Path) -> _Span:
    # Landed files never change, so that a path stands for its content.
    metadata = pq.read_metadata(path)
    installation = {metadata.schema.column(index).name: index for index in range(metadata.num_columns)}
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    times = [group.column(installation["recorded_at"]).statistics for group in groups]
    vehicles = [group.column(installation["vehicle_id"]).statistics for group in groups]
    # Instants as they are stored: to make datetimes of them pyarrow loads pandas, half a second.
    return _Span(
        min(item.min_raw for item in times), max(item.max_raw for item in times),
        min(item.min for item in vehicles), max(item.max for item in vehicles),
    )  # fmt: skip
