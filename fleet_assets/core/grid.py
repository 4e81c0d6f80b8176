"""Many observations of a bus reduced to a time grid, one value a cell.

Belongs here: cells and the rule of each kind of quantity. Does not belong here: signals and their columns (`sources`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from fleet_assets.core.compiled import F64, I64, kernel


class Reduction(Enum):
    """Which value of a cell stands for all."""

    LAST = "last"
    """Speeds, counters, states, positions: what held at the end."""
    MEDIAN = "median"
    """Levels, temperatures, voltages, pressures: robust against slosh and single wrong bytes."""
    LARGEST = "largest"
    """Accelerations: the value of largest magnitude, with its sign (of two equal ones the first)."""
    MEAN = "mean"
    """Powers, currents and rates: what the integral needs."""


@dataclass(frozen=True)
class Grid:
    """Cells of frames in the order of vehicle and time. `cell` per frame, ascending; `firsts`: first frame per cell;
    `starts_us`: start of each cell in microseconds since 1970 UTC."""

    cell: I64
    firsts: I64
    starts_us: I64

    @property
    def size(self) -> int:
        return len(self.firsts)


def make_grid(vehicle: I64, at_us: I64, seconds: int) -> Grid:
    """Cells of so many seconds, counted from 1970 UTC; with 0 every instant is a cell."""
    starts = at_us // (seconds * 1_000_000) * (seconds * 1_000_000) if seconds else at_us
    if not len(starts):
        return Grid(starts, starts, starts)
    is_new = np.empty(len(starts), dtype=np.bool_)
    is_new[0] = True
    is_new[1:] = (starts[1:] != starts[:-1]) | (vehicle[1:] != vehicle[:-1])
    firsts = np.flatnonzero(is_new)
    return Grid(np.cumsum(is_new, dtype=np.int64) - 1, firsts, starts[firsts])


def reduce_to_cells(reduction: Reduction, cells: I64, values: F64, out: F64) -> None:
    """Reduce values (NaN: none) whose cells ascend, into `out` (one entry a cell, NaN before)."""
    _KERNELS[reduction](cells, values, out)


@kernel
def latest_in_cells(cells: I64, instants: I64, values: F64, out: I64) -> None:
    """The latest instant per cell among the rows that have a value; `out` keeps what is later already."""
    for i in range(len(cells)):
        if not np.isnan(values[i]):
            out[cells[i]] = max(out[cells[i]], instants[i])


@kernel
def _last(cells: I64, values: F64, out: F64) -> None:
    for i in range(len(cells)):
        if not np.isnan(values[i]):
            out[cells[i]] = values[i]


@kernel
def _largest(cells: I64, values: F64, out: F64) -> None:
    for i in range(len(cells)):
        held = out[cells[i]]
        if not np.isnan(values[i]) and (np.isnan(held) or abs(values[i]) > abs(held)):
            out[cells[i]] = values[i]


@kernel
def _mean(cells: I64, values: F64, out: F64) -> None:
    begin = 0
    while begin < len(cells):
        end, total, count = begin, 0.0, 0
        while end < len(cells) and cells[end] == cells[begin]:
            if not np.isnan(values[end]):
                total += values[end]
                count += 1
            end += 1
        if count > 0:
            out[cells[begin]] = total / count
        begin = end


@kernel
def _median(cells: I64, values: F64, out: F64) -> None:
    begin = 0
    while begin < len(cells):
        end = begin
        while end < len(cells) and cells[end] == cells[begin]:
            end += 1
        out[cells[begin]] = np.nanmedian(values[begin:end])
        begin = end


_KERNELS: dict[Reduction, Callable[[I64, F64, F64], None]] = {
    Reduction.LAST: _last,
    Reduction.MEDIAN: _median,
    Reduction.LARGEST: _largest,
    Reduction.MEAN: _mean,
}
