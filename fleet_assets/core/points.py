"""Points: the telemetry of some vehicles as arrays, one observation per vehicle and instant, in order of time.

Belongs here: batching by vehicles with bounded memory, ordering, and merging of several sources at one instant.
Does not belong here: what the observations mean (motion, trips).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, I8, I64
from fleet_assets.core.merge import COUNTERS, instant_starts, merge_sources, ranked
from fleet_assets.core.trip_rules import TripRules

CELLS_PER_BATCH = 12_000_000
"""Values held in memory per batch (8 bytes each); a vehicle is never split."""

WORKERS = 2
"""Batches worked on at once: reading and the kernels run free of Python's lock, and memory stays at two batches."""

Result = TypeVar("Result")

_NO_FLOATS: F64 = np.empty(0, dtype=np.float64)
_NO_CODES: I8 = np.empty(0, dtype=np.int8)


@dataclass(frozen=True)
class Points:
    """One row per vehicle and instant, sorted. `columns` holds observed quantities (NaN = not observed) and lacks those
    never observed; `origin` holds, for counters of several sources, the rank of the source each value came from."""

    vehicle_ids: pl.Series
    vehicle: I64
    at: I64
    row_count: I64
    columns: Mapping[str, F64]
    origin: Mapping[str, I8]

    def __len__(self) -> int:
        return len(self.at)

    def column(self, name: str) -> F64:
        """Values of a quantity; an empty array if it was never observed."""
        return self.columns.get(name, _NO_FLOATS)

    def origin_of(self, counter: str) -> I8:
        """Source rank of each value of a counter; an empty array if there is one source only."""
        return self.origin.get(counter, _NO_CODES)


def each_batch(
    telemetry: pl.LazyFrame, columns: Sequence[str], rules: TripRules, work: Callable[[Points], Result]
) -> list[Result]:
    """What `work` makes of the points of all vehicles, batch by batch in order of vehicle_id.

    `telemetry` may come in any order and with repeated rows. Columns it lacks count as never observed. Memory is
    bounded by `WORKERS` batches of `CELLS_PER_BATCH` values; a vehicle with more makes a batch of its own.
    """
    present = telemetry.collect_schema().names()
    wanted = ["vehicle_id", "recorded_at", *[c for c in ("source", *columns) if c in present]]
    selected = telemetry.select(wanted)

    def read_and_work(ids: tuple[str, str]) -> Result:
        rows = selected.filter(pl.col("vehicle_id").is_between(pl.lit(ids[0]), pl.lit(ids[1])))
        return work(points_of(rows.collect(engine="streaming"), rules))

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(read_and_work, _vehicle_ranges(telemetry, CELLS_PER_BATCH // len(wanted))))


def within(telemetry: pl.LazyFrame, start: datetime, end: datetime) -> pl.LazyFrame:
    """The rows with start <= recorded_at < end."""
    at = pl.col("recorded_at")
    return telemetry.filter((at >= pl.lit(start)) & (at < pl.lit(end)))


def points_of(frame: pl.DataFrame, rules: TripRules) -> Points:
    """Points of one frame of telemetry."""
    vehicle_ids, vehicle = _vehicle_codes(frame["vehicle_id"])
    at = frame["recorded_at"].to_physical().to_numpy()
    rank = ranked(frame, rules.source_priority)
    columns = _observed(frame)
    if not _is_strictly_ordered(vehicle, at):
        order = _order(vehicle, at, rank)
        vehicle, at, rank = vehicle[order], at[order], rank[order] if len(rank) else rank
        columns = {name: values[order] for name, values in columns.items()}
    starts = instant_starts(vehicle, at)
    if not len(rank) and len(starts) == len(at):
        return Points(vehicle_ids, vehicle, at, np.ones(len(at), dtype=np.int64), columns, {})
    columns, origin, row_count = merge_sources(vehicle, at, rank, starts, columns, rules)
    return Points(vehicle_ids, vehicle[starts], at[starts], row_count, columns, origin)


def _vehicle_ranges(telemetry: pl.LazyFrame, rows: int) -> list[tuple[str, str]]:
    counts = telemetry.group_by("vehicle_id").agg(pl.len().alias("rows")).collect(engine="streaming")
    counts = counts.sort("vehicle_id")
    ranges: list[tuple[str, str]] = []
    held = 0
    for vehicle_id, count in counts.iter_rows():  # one row per vehicle
        if ranges and held + count <= rows:
            ranges[-1] = (ranges[-1][0], vehicle_id)
            held += count
        else:
            ranges.append((vehicle_id, vehicle_id))
            held = count
    return ranges


def _vehicle_codes(vehicle_id: pl.Series) -> tuple[pl.Series, I64]:
    runs = vehicle_id.rle().struct.unnest()
    vehicle_ids = runs["value"].unique().sort()
    codes = runs["value"].replace_strict(vehicle_ids, pl.int_range(len(vehicle_ids), eager=True), return_dtype=pl.Int64)
    return vehicle_ids, np.repeat(codes.to_numpy(), runs["len"].to_numpy())


def _observed(frame: pl.DataFrame) -> dict[str, F64]:
    names = [n for n in frame.columns if n not in ("vehicle_id", "recorded_at", "source")]
    seen = [n for n in names if frame[n].null_count() < frame.height]
    return {name: frame[name].cast(pl.Float64).to_numpy() for name in seen}


def _is_strictly_ordered(vehicle: I64, at: I64) -> bool:
    same = vehicle[1:] == vehicle[:-1]
    return bool(np.all(np.where(same, at[1:] > at[:-1], vehicle[1:] > vehicle[:-1])))


def _order(vehicle: I64, at: I64, rank: I8) -> I64:
    origin = int(at.min())
    bits = max(int(at.max()) - origin, 1).bit_length()
    key = (vehicle << bits) | (at - origin)
    # Two day files in order of vehicle are two sorted runs, which the stable sort merges in linear time.
    return np.lexsort((rank, key)) if len(rank) else np.argsort(key, kind="stable")


__all__ = ["COUNTERS", "Points", "each_batch", "points_of", "within"]
