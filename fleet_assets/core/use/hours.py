"""Hours: the hours of one UTC day of some vehicles, and how an amount between two instants is shared among them.

Belongs here: the sharing. Does not belong here: what rates, counters and states tell between two rows (`steps`), and
what the amounts are (`fuel`, `battery`, `way`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fleet_assets.core.compiled import F64, I8, I64, Mask, helper, kernel, read_only
from fleet_assets.core.thresholds import HOUR_US
from fleet_assets.core.track import Track


class Grid(NamedTuple):
    """The hours of a day (bounds in us) of some vehicles. Each is a slot: vehicle number x hours of a day + hour."""

    began: int
    ended: int
    vehicles: int
    per_vehicle: int


@dataclass(frozen=True)
class Hours:
    """The hours of a day of a track, and the slot of each of its rows."""

    grid: Grid
    slot: I64

    def __len__(self) -> int:
        return self.grid.vehicles * self.grid.per_vehicle


def day_hours(track: Track, began: int, ended: int) -> Hours:
    """The hours of the day, from midnight to midnight (us), in which all rows of a track lie."""
    grid = Grid(began, ended, len(track.points.vehicle_ids), -(-(ended - began) // HOUR_US))
    return Hours(grid, read_only(_slots(grid, track.points.vehicle, track.at)))


@kernel
def _slots(grid: Grid, vehicle: I64, at: I64) -> I64:
    slots = np.empty(len(at), dtype=np.int64)
    until = 0
    for i in range(len(at)):
        if i > 0 and vehicle[i] == vehicle[i - 1] and at[i] < until:
            slots[i] = slots[i - 1]
            continue
        hour = (at[i] - grid.began) // HOUR_US
        slots[i] = vehicle[i] * grid.per_vehicle + hour
        until = grid.began + (hour + 1) * HOUR_US
    return slots


UNSEEN, MOVED, STOOD, SECONDS = 0, 1, 2, 3
"""Columns of the sums of rates and counters: their parts in motion, at a stand (by the state of the row in which a step
begins) and of which nothing says it, and for rates the seconds that they cover."""


@dataclass(frozen=True)
class Shares:
    """Per slot the sums of amounts, by column; and of the amounts whether any lies in it (`marks[0]`), and whether one
    that is longer than an hour passes over it (`marks[1]`): of such an hour nobody knows what belongs to it."""

    sums: F64
    marks: I8

    @property
    def is_told(self) -> Mask:
        told: Mask = self.marks[0] > 0
        return told

    @property
    def is_passed(self) -> Mask:
        passed: Mask = self.marks[1] > 0
        return passed

    def column(self, number: int) -> F64:
        column: F64 = self.sums[:, number]
        return column

    @property
    def total(self) -> F64:
        """Of a rate or counter all of it, whatever the vehicle did."""
        return self.column(UNSEEN) + self.column(MOVED) + self.column(STOOD)


def no_shares(hours: Hours, columns: int = 1) -> Shares:
    """Nothing in any slot yet."""
    return Shares(np.zeros((len(hours), columns)), np.zeros((2, len(hours)), dtype=np.int8))


@helper
def put(sums: F64, marks: I8, column: int, grid: Grid, vehicle: int, began: int, ended: int, amount: float) -> None:
    """Add an amount between two instants to the hours that it touches.

    It is divided by time among them if it takes no longer than an hour; else it belongs to the hour of its end. What
    began before the day belongs to it from midnight on, and what ends after it lies before midnight.
    """
    if ended < grid.began or began >= grid.ended:
        return
    row = vehicle * grid.per_vehicle
    start, end = max(began, grid.began), min(ended, grid.ended)
    first = row + (start - grid.began) // HOUR_US
    last = row + min((end - grid.began) // HOUR_US, grid.per_vehicle - 1)
    if ended - began > HOUR_US:
        for slot in range(first, last):
            marks[1, slot] = 1
    elif first < last:
        until = grid.began + (last - row) * HOUR_US
        part = amount if end == until else amount * ((until - start) / (end - start))
        sums[first, column] += part
        marks[0, first] = 1
        if end == until:
            return
        amount -= part
    sums[last, column] += amount
    marks[0, last] = 1


@dataclass(frozen=True)
class Amounts:
    """Amounts of vehicles (numbers of a track's) between two instants each (us)."""

    vehicle: I64
    began: I64
    ended: I64
    amount: F64


def put_each(shares: Shares, hours: Hours, each: Amounts) -> None:
    """Add amounts to the first column, in their order."""
    vehicle, began, ended = (read_only(part) for part in (each.vehicle, each.began, each.ended))
    _put_each(shares.sums, shares.marks, hours.grid, vehicle, began, ended, read_only(each.amount))


@kernel
def _put_each(sums: F64, marks: I8, grid: Grid, vehicle: I64, began: I64, ended: I64, amount: F64) -> None:
    for k in range(len(vehicle)):
        put(sums, marks, 0, grid, vehicle[k], began[k], ended[k], amount[k])


def hours_with(hours: Hours, is_known: Mask) -> Mask:
    """Per slot whether any of its rows is known."""
    return _hours_with(hours.slot, read_only(is_known), len(hours))


@kernel
def _hours_with(slot: I64, is_known: Mask, count: int) -> Mask:
    found = np.zeros(count, dtype=np.bool_)
    for i in range(len(is_known)):
        if is_known[i]:
            found[slot[i]] = True
    return found
