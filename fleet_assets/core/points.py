"""Points: the telemetry of some vehicles as arrays, one observation per vehicle and instant, in order of time.

Belongs here: batching by vehicles with bounded memory, ordering, and merging of several sources at one instant.
Does not belong here: what the observations mean (motion, trips).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.core.compiled import F64, I8, I64, kernel, read_only
from fleet_assets.core.merge import COUNTERS, SourceRules, instant_starts, merge_sources, ranked

CELLS_PER_BATCH = 12_000_000
"""Values held in memory per batch (8 bytes each); a vehicle is never split."""

WORKERS = 2
"""Batches worked on at once: reading and the kernels run free of Python's lock, and memory stays at two batches."""

_SHORT_RUN = 1_000
"""Rows per sorted run below which rows are sorted one by one."""

Result = TypeVar("Result")
_Value = TypeVar("_Value", bound=np.generic)

_NO_ROWS: I64 = read_only(np.empty(0, dtype=np.int64))
_NO_FLOATS: F64 = read_only(np.empty(0, dtype=np.float64))
_NO_CODES: I8 = read_only(np.empty(0, dtype=np.int8))


@dataclass(frozen=True)
class Points:
    """One row per vehicle and instant, sorted. `columns` holds observed quantities (NaN = not observed) and lacks those
    never observed; `origin` holds, for counters of several sources, the rank of the source each value came from. The
    arrays given are read-only from then on."""

    vehicle_ids: pl.Series
    vehicle: I64
    at: I64
    row_count: I64
    columns: Mapping[str, F64]
    origin: Mapping[str, I8]

    def __post_init__(self) -> None:
        arrays: list[npt.NDArray[Any]] = [self.vehicle, self.at, self.row_count]
        for array in [*arrays, *self.columns.values(), *self.origin.values()]:
            read_only(array)

    def __len__(self) -> int:
        return len(self.at)

    def column(self, name: str) -> F64:
        """Values of a quantity; an empty array if it was never observed."""
        return self.columns.get(name, _NO_FLOATS)

    def origin_of(self, counter: str) -> I8:
        """Source rank of each value of a counter; an empty array if there is one source only."""
        return self.origin.get(counter, _NO_CODES)


def vehicle_ranges(telemetry: pl.LazyFrame, columns: Sequence[str], share: float = 1.0) -> list[tuple[str, str]]:
    """First and last vehicle of each batch, so that a `share` of the rows of a batch holds `CELLS_PER_BATCH` values."""
    rows = CELLS_PER_BATCH // len(_wanted(telemetry, columns)) / share
    counts = telemetry.group_by("vehicle_id").agg(pl.len().alias("rows")).collect(engine="streaming")
    ranges: list[tuple[str, str]] = []
    held = 0
    for vehicle_id, count in counts.sort("vehicle_id").iter_rows():  # one row per vehicle
        if ranges and held + count <= rows:
            ranges[-1] = (ranges[-1][0], vehicle_id)
            held += count
        else:
            ranges.append((vehicle_id, vehicle_id))
            held = count
    return ranges


def each_batch(
    telemetry: pl.LazyFrame, columns: Sequence[str], ranges: Sequence[tuple[str, str]], rules: SourceRules,
    work: Callable[[Points], Result],
) -> list[Result]:  # fmt: skip
    """What `work` makes of the points of each range of vehicles that has any, in the order of the ranges.

    `telemetry` may come in any order and with repeated rows. Columns it lacks count as never observed. Memory is
    bounded by `WORKERS` batches of `CELLS_PER_BATCH` values; a vehicle with more makes a batch of its own.
    """
    selected = telemetry.select(_wanted(telemetry, columns))

    def read_and_work(ids: tuple[str, str]) -> list[Result]:
        chosen = selected.filter(pl.col("vehicle_id").is_between(pl.lit(ids[0]), pl.lit(ids[1])))
        points = points_of(chosen.collect(engine="streaming"), rules)  # the frame itself is let go
        return [work(points)] if len(points) else []

    with ThreadPoolExecutor(WORKERS) as pool:
        return [result for results in pool.map(read_and_work, ranges) for result in results]


def _wanted(telemetry: pl.LazyFrame, columns: Sequence[str]) -> list[str]:
    present = telemetry.collect_schema().names()
    return ["vehicle_id", "recorded_at", *[c for c in ("source", *columns) if c in present]]


def within(rows: pl.LazyFrame, start: datetime, end: datetime, instant: str = "recorded_at") -> pl.LazyFrame:
    """The rows with start <= instant < end."""
    at = pl.col(instant)
    return rows.filter((at >= pl.lit(start)) & (at < pl.lit(end)))


def points_of(frame: pl.DataFrame, rules: SourceRules) -> Points:
    """Points of one frame of telemetry."""
    if frame.is_empty():
        return Points(frame["vehicle_id"], _NO_ROWS, _NO_ROWS, _NO_ROWS, {}, {})
    vehicle_ids, vehicle = _vehicle_codes(frame["vehicle_id"])
    at = read_only(frame["recorded_at"].to_physical().to_numpy())
    rank = ranked(frame, rules.priority)
    columns = _observed(frame)
    if not _is_ordered(vehicle, at):
        runs = _sorted_runs(vehicle, at) or _order(vehicle, at, rank)
        rank = _taken(rank, runs) if len(rank) else rank
        vehicle, at = read_only(_taken(vehicle, runs)), read_only(_taken(at, runs))
        columns = {name: read_only(_taken(values, runs)) for name, values in columns.items()}
    if not len(rank) and not _has_repeats(vehicle, at):
        return Points(vehicle_ids, vehicle, at, np.ones(len(at), dtype=np.int64), columns, {})
    starts = instant_starts(vehicle, at)
    columns, origin, row_count = merge_sources(vehicle, at, rank, starts, columns, rules)
    return Points(vehicle_ids, vehicle[starts], at[starts], row_count, columns, origin)


def _vehicle_codes(vehicle_id: pl.Series) -> tuple[pl.Series, I64]:
    runs = vehicle_id.rle().struct.unnest()
    vehicle_ids = runs["value"].unique().sort()
    codes = runs["value"].replace_strict(vehicle_ids, pl.int_range(len(vehicle_ids), eager=True), return_dtype=pl.Int64)
    return vehicle_ids, read_only(np.repeat(codes.to_numpy(), runs["len"].to_numpy()))


def _observed(frame: pl.DataFrame) -> dict[str, F64]:
    names = [n for n in frame.columns if n not in ("vehicle_id", "recorded_at", "source")]
    seen = [n for n in names if frame[n].null_count() < frame.height]
    return {name: read_only(frame[name].cast(pl.Float64).to_numpy()) for name in seen}


@kernel
def _is_ordered(vehicle: I64, at: I64) -> bool:
    for i in range(1, len(at)):
        if vehicle[i] < vehicle[i - 1] or (vehicle[i] == vehicle[i - 1] and at[i] <= at[i - 1]):
            return False
    return True


@kernel
def _has_repeats(vehicle: I64, at: I64) -> bool:
    i = 1
    while i < len(at) and (at[i] != at[i - 1] or vehicle[i] != vehicle[i - 1]):
        i += 1
    return i < len(at)


def _order(vehicle: I64, at: I64, rank: I8) -> I64:
    origin = int(at.min())
    bits = max(int(at.max()) - origin, 1).bit_length()
    key = (vehicle << bits) | (at - origin)
    return np.lexsort((rank, key)) if len(rank) else np.argsort(key, kind="stable")


def _sorted_runs(vehicle: I64, at: I64) -> list[slice] | None:
    """The order as slices, where the rows are a few sorted runs (day files one behind the other): copying those is
    several times as fast as sorting rows. None where there are many, or where two of them overlap in time."""
    begins = _run_begins(vehicle, at, len(at) // _SHORT_RUN + 1)
    if not len(begins):
        return None
    lasts = np.append(begins[1:], len(at)) - 1
    order = np.lexsort((at[begins], vehicle[begins]))
    begins, lasts = begins[order], lasts[order]
    is_same = vehicle[begins[1:]] == vehicle[begins[:-1]]
    if (is_same & (at[begins[1:]] <= at[lasts[:-1]])).any():
        return None
    return [slice(begin, last + 1) for begin, last in zip(begins.tolist(), lasts.tolist(), strict=True)]


@kernel
def _run_begins(vehicle: I64, at: I64, most: int) -> I64:
    """First rows of the runs of one vehicle in order of time; nothing where there are more than `most`."""
    begins = np.zeros(most, dtype=np.int64)
    count = 1
    for i in range(1, len(at)):
        if vehicle[i] != vehicle[i - 1] or at[i] <= at[i - 1]:
            if count == most:
                return begins[:0]
            begins[count] = i
            count += 1
    return begins[:count]


def _taken(values: npt.NDArray[_Value], runs: I64 | list[slice]) -> npt.NDArray[_Value]:
    return np.concatenate([values[run] for run in runs]) if isinstance(runs, list) else values[runs]


__all__ = ["COUNTERS", "Points", "each_batch", "points_of", "vehicle_ranges", "within"]
