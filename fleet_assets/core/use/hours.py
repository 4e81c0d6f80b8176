"""Hours: the hours of one UTC day of some vehicles, and how an amount between two instants is shared among them.

Belongs here: the sharing, and sums of rates, counters and states by hour that know nothing of their unit. Does not
belong here: what the amounts are (`fuel`, `battery`, `way`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fleet_assets.core.cadence import hold_of_states, holds
from fleet_assets.core.compiled import F64, I8, I64, Mask, helper, kernel, read_only
from fleet_assets.core.integrals import is_plausible, shared, trapezoid
from fleet_assets.core.thresholds import HOUR_US, MICROS, Thresholds
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


UNSEEN, MOVED, STOOD, SECONDS = 0, 1, 2, 3
"""Columns of the sums of rates and counters: their parts in motion, at a stand (by the state of the row in which a step
begins) and of which nothing says it, and for rates the seconds that they cover."""


def rate_by_hour(track: Track, hours: Hours, values: F64, left_out: I8 | None = None) -> Shares:
    """Integral of a rate per hour in trapezoids, none longer than a value stands for on that day (`cadence.holds`).
    Rows marked in `left_out` begin and end none."""
    found, days = no_shares(hours, 4), track.by_vehicle
    reach = holds(track.at, values, days.first, days.last, track.thresholds)
    marks = read_only(np.zeros(len(track), dtype=np.int8)) if left_out is None else left_out
    _rates(
        found.sums,
        found.marks,
        hours.grid,
        hours.slot,
        track.points.vehicle,
        track.at,
        values,
        track.states,
        marks,
        reach,
    )
    return found


@kernel
def _rates(
    sums: F64,
    marks: I8,
    grid: Grid,
    slot: I64,
    vehicle: I64,
    at: I64,
    values: F64,
    states: I8,
    left_out: I8,
    reach: I64,
) -> None:
    before = -1
    for i in range(len(values)):
        if np.isnan(values[i]):
            continue
        if before >= 0 and vehicle[before] == vehicle[i] and left_out[before] == 0 and left_out[i] == 0:
            step = min(at[i] - at[before], reach[vehicle[i]])
            area = trapezoid(values[before], values[i], step)
            until = at[before] + step
            part = STOOD - states[before] if states[before] >= 0 else UNSEEN
            if slot[before] == slot[i]:
                sums[slot[i], SECONDS] += step / MICROS
                sums[slot[i], part] += area
                marks[0, slot[i]] = 1
            else:
                put(sums, marks, SECONDS, grid, vehicle[i], at[before], until, step / MICROS)
                put(sums, marks, part, grid, vehicle[i], at[before], until, area)
        before = i


def counter_by_hour(track: Track, hours: Hours, name: str, max_per_hour: float, slack: float) -> Shares:
    """Plausible increments of a counter, as `integrals.count` adds them up."""
    found, points = no_shares(hours, 3), track.points
    values, origin = track.column(name), points.origin_of(name)
    _counters(
        found.sums,
        found.marks,
        hours.grid,
        hours.slot,
        points.vehicle,
        track.at,
        values,
        origin,
        track.states,
        max_per_hour,
        slack,
    )
    return found


@kernel
def _counters(
    sums: F64, marks: I8, grid: Grid, slot: I64, vehicle: I64, at: I64, values: F64, origin: I8, states: I8,
    max_per_hour: float, slack: float,
) -> None:  # fmt: skip
    before, changed_at = -1, 0
    for i in range(len(values)):
        if np.isnan(values[i]):
            continue
        if before < 0 or vehicle[before] != vehicle[i]:
            changed_at = at[i]
        elif len(origin) == 0 or origin[before] == origin[i]:
            step = values[i] - values[before]
            if is_plausible(step, at[i] - changed_at, max_per_hour, slack):
                is_seen = states[before] >= 0 and at[i] - at[before] <= HOUR_US
                part = STOOD - states[before] if is_seen else UNSEEN
                if slot[before] == slot[i]:
                    sums[slot[i], part] += step
                    marks[0, slot[i]] = 1
                else:
                    put(sums, marks, part, grid, vehicle[i], at[before], at[i], step)
            if step != 0:
                changed_at = at[before]
        before = i


def time_by_hour(track: Track, hours: Hours, states: I8) -> Shares:
    """Seconds in state 1 (negative states are not observed), as `integrals.time_in_state` counts them."""
    found, days = no_shares(hours), track.by_vehicle
    _times(found.sums, found.marks, hours.grid, hours.slot, track.at, states, days.first, days.last, track.thresholds)
    return found


@kernel
def _times(
    sums: F64, marks: I8, grid: Grid, slot: I64, at: I64, states: I8, first: I64, last: I64, thresholds: Thresholds
) -> None:
    for k in range(len(first) if len(states) > 0 else 0):
        reach, before = hold_of_states(at, states, first[k], last[k], thresholds), -1
        for i in range(first[k], last[k] + 1):
            if states[i] < 0:
                continue
            was, is_now = before >= 0 and states[before] == 1, states[i] == 1
            if before >= 0 and (was or is_now):
                spent = shared(at[i] - at[before], was, is_now, reach, thresholds.silence_us, thresholds.dense_us)
                begin = at[before] if was else at[i] - int(spent)
                if slot[before] == slot[i]:
                    sums[slot[i], 0] += spent / MICROS
                    marks[0, slot[i]] = 1
                else:
                    put(sums, marks, 0, grid, k, begin, begin + int(spent), spent / MICROS)
            before = i


def spoken_by_hour(track: Track, hours: Hours, left_out: I8) -> Shares:
    """Seconds within reach of a row: between rows that are not marked, and between others."""
    found, days = no_shares(hours, 2), track.by_vehicle
    every = read_only(np.zeros(len(track), dtype=np.int8))
    _spoken(
        found.sums,
        found.marks,
        hours.grid,
        hours.slot,
        track.at,
        every,
        left_out,
        days.first,
        days.last,
        track.thresholds,
    )
    return found


@kernel
def _spoken(
    sums: F64,
    marks: I8,
    grid: Grid,
    slot: I64,
    at: I64,
    every: I8,
    left_out: I8,
    first: I64,
    last: I64,
    thresholds: Thresholds,
) -> None:
    for k in range(len(first)):
        reach = hold_of_states(at, every, first[k], last[k], thresholds)
        for i in range(first[k] + 1, last[k] + 1):
            step = min(at[i] - at[i - 1], reach)
            column = 1 if left_out[i - 1] == 1 or left_out[i] == 1 else 0
            if slot[i - 1] == slot[i]:
                sums[slot[i], column] += step / MICROS
            else:
                put(sums, marks, column, grid, k, at[i - 1], at[i - 1] + step, step / MICROS)


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
