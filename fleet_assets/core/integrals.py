"""Sums over stretches of observations: integrals of rates, increments of counters, time spent in a state.

A stretch is a range of rows (first to last, inclusive) of one vehicle. Values are NaN where not observed; an empty
array stands for a quantity that was never observed. Sums run in order of time, so batching never changes them.

Belongs here: sums that know nothing of their unit. Does not belong here: which source is believed (`distance`,
`fuel_use`, `energy`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.core.cadence import hold_of_states, slow_hold
from fleet_assets.core.compiled import F64, I8, I64, helper, kernel
from fleet_assets.core.thresholds import HOUR_US, MICROS, Thresholds

_LATTICE = np.array([1.0, 0.5, 0.25, 0.125, 0.1, 0.05, 0.01])


@dataclass(frozen=True)
class Stretches:
    """Ranges of rows, one per trip or standing period: `first` to `last`, inclusive, of one vehicle each."""

    first: I64
    last: I64

    def __len__(self) -> int:
        return len(self.first)

    def duration_s(self, at: I64) -> F64:
        seconds: F64 = (at[self.last] - at[self.first]) / MICROS
        return seconds


@dataclass(frozen=True)
class Integral:
    """Per stretch: signed integral over hours, its positive and negative parts, and the seconds they cover."""

    net: F64
    positive: F64
    negative: F64
    covered_s: F64


@dataclass(frozen=True)
class Counted:
    """Per stretch of a counter: sum of plausible increments, first and last reading, resolution, and the seconds that
    plausible steps span (a reset, a jump or a change of the source leaves its time unseen)."""

    total: F64
    start: F64
    end: F64
    resolution: F64
    spanned_s: F64


def integrate(at: I64, values: F64, stretches: Stretches, thresholds: Thresholds) -> Integral:
    """Trapezoidal integral of a rate per hour; between two values further apart than one stands for (`cadence.holds`)
    only that time counts."""
    return Integral(*_integrate(at, values, stretches.first, stretches.last, thresholds).T)


def count(at: I64, values: F64, origin: I8, stretches: Stretches, max_per_hour: float, slack: float) -> Counted:
    """Increments of a counter: positive, at most `max_per_hour` since its last step plus `slack`, within one source.

    Resolution is the smallest step seen, or the spacing on which all readings lie if that is finer.
    """
    return Counted(*_count(at, values, origin, stretches.first, stretches.last, max_per_hour, slack).T)


def time_in_state(at: I64, states: I8, wanted: int, stretches: Stretches, join: int, thresholds: Thresholds) -> F64:
    """Seconds per stretch in state `wanted` (negative states are not observed).

    Between two observations of the state all time counts, if they are at most `join` us, or the time that one stands
    for, apart. Between it and another state, dense rows keep the state of the one before; the time between others is
    shared by halves, since the change lies somewhere in it.
    """
    return _time_in_state(at, states, wanted, stretches.first, stretches.last, join, thresholds)


def at_ends(values: F64, stretches: Stretches) -> tuple[F64, F64]:
    """First and last observed value per stretch (NaN if none)."""
    if not len(values):
        nothing = np.full(len(stretches), np.nan)
        return nothing, nothing
    rows = ends_of(values, stretches.first, stretches.last)
    ends = np.where(rows >= 0, values[rows], np.nan)
    return ends[:, 0], ends[:, 1]


def spacing_within(values: F64, stretches: Stretches) -> F64:
    """Per stretch the coarsest usual spacing on which all its values lie; 0 where it is finer than all of them."""
    if not len(values):
        return np.zeros(len(stretches))
    return _spacings(values, stretches.first, stretches.last)


def median_within(at: I64, values: F64, first: I64, last: I64, seconds: float = np.inf, from_end: bool = False) -> F64:
    """Median per stretch of the values in its first (or last) `seconds`; NaN if there are none."""
    if not len(values):
        return np.full(len(first), np.nan)
    return _medians(at, values, first, last, seconds * MICROS, from_end)


def unseen_share(covered_s: F64, duration_s: F64) -> F64:
    """Share of the duration that was not observed, of all that was: 0 if everything was, 1 if half, NaN if nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share: F64 = np.maximum(duration_s - covered_s, 0.0) / covered_s
    return np.where(covered_s > 0, share, np.nan)


@helper
def trapezoid(before: float, after: float, step: float) -> float:
    """Integral of a rate per hour over a step (us) in which it changes evenly."""
    return (before + after) / 2 * step / HOUR_US


@kernel
def _integrate(at: I64, values: F64, first: I64, last: I64, thresholds: Thresholds) -> F64:
    sums = np.zeros((len(first), 4))
    if len(values) == 0:
        return sums
    for k in range(len(first)):
        slow_step = int(thresholds.hold_us / thresholds.silence_factor)
        slow, steps = _integrate_one(
            at, values, first[k], last[k], thresholds.hold_us, slow_step, thresholds.silence_most_us, sums[k]
        )
        if steps > 0 and 2 * slow >= steps:  # the usual case has dense values, and is read once
            reach = slow_hold(at, values, first[k], last[k], steps, thresholds)
            _integrate_one(at, values, first[k], last[k], reach, 0, 0, sums[k])
    return sums


@helper
def _integrate_one(
    at: I64, values: F64, first: int, last: int, reach: int, slow_step: int, most: int, sums: F64
) -> tuple[int, int]:  # fmt: skip
    """Fills the sums of one stretch; returns how many steps are slow, and all."""
    net = above = below = covered = 0.0
    before = -1
    slow = steps = 0
    for i in range(first, last + 1):
        if np.isnan(values[i]):
            continue
        if before >= 0:
            apart = at[i] - at[before]
            if apart <= most:
                steps += 1
                slow += apart > slow_step
            step = min(apart, reach)
            hours = step / HOUR_US
            a, b = values[before], values[i]
            if a * b >= 0:
                area = (a + b) / 2 * hours
                positive, negative = max(area, 0.0), min(area, 0.0)
            else:  # the line crosses zero: a triangle on either side
                positive = max(a, b) ** 2 / abs(a - b) / 2 * hours
                negative = -(min(a, b) ** 2) / abs(a - b) / 2 * hours
            net += positive + negative
            above += positive
            below += negative
            covered += step / MICROS
        before = i
    sums[0], sums[1], sums[2], sums[3] = net, above, below, covered
    return slow, steps


@kernel
def _count(at: I64, values: F64, origin: I8, first: I64, last: I64, max_per_hour: float, slack: float) -> F64:
    table = np.full((len(first), 5), np.nan)
    if len(values) == 0:
        return table
    for k in range(len(first)):
        before = start = -1
        changed_at = at[first[k]]
        total, smallest, spanned = 0.0, np.inf, 0
        level = 0  # finest spacing still needed
        for i in range(first[k], last[k] + 1):
            if np.isnan(values[i]):
                continue
            while level < len(_LATTICE) and not _on_lattice(values[i], _LATTICE[level]):
                level += 1
            if before < 0:
                start = i
                changed_at = at[i]
            elif len(origin) == 0 or origin[before] == origin[i]:
                step = values[i] - values[before]
                if is_plausible(step, at[i] - changed_at, max_per_hour, slack):
                    total += step
                    spanned += at[i] - at[before]
                    smallest = min(smallest, step) if step > 0 else smallest
                if step != 0:
                    changed_at = at[before]
            before = i
        if before >= 0:
            spacing = _LATTICE[level] if level < len(_LATTICE) else 0.0
            table[k, 0], table[k, 1], table[k, 2] = total, values[start], values[before]
            table[k, 3], table[k, 4] = min(spacing, smallest), spanned / MICROS
    return table


@helper
def is_plausible(step: float, elapsed: int, max_per_hour: float, slack: float) -> bool:
    """Whether a counter may have risen by a step since it last changed, some microseconds ago."""
    return bool(0 <= step <= max_per_hour * elapsed / HOUR_US + slack)


@kernel
def _spacings(values: F64, first: I64, last: I64) -> F64:
    spacings = np.zeros(len(first))
    for k in range(len(first)):
        level = 0
        for i in range(first[k], last[k] + 1):
            while level < len(_LATTICE) and not np.isnan(values[i]) and not _on_lattice(values[i], _LATTICE[level]):
                level += 1
        spacings[k] = _LATTICE[level] if level < len(_LATTICE) else 0.0
    return spacings


@helper
def spacing_of(value: float) -> float:
    """The coarsest usual spacing on which a reading lies; 0 for one that is finer than all of them."""
    for spacing in _LATTICE:
        if _on_lattice(value, spacing):
            return float(spacing)
    return 0.0


@helper
def _on_lattice(value: float, spacing: float) -> bool:
    multiple = value / spacing
    return bool(abs(multiple - np.round(multiple)) < 1e-4)


@kernel
def _time_in_state(at: I64, states: I8, wanted: int, first: I64, last: I64, join: int, thresholds: Thresholds) -> F64:
    seconds = np.zeros(len(first))
    for k in range(len(first)):
        before = -1
        reach = hold_of_states(at, states, first[k], last[k], thresholds)
        for i in range(first[k], last[k] + 1):
            if states[i] < 0:
                continue
            if before >= 0:
                was, is_now = states[before] == wanted, states[i] == wanted
                seconds[k] += shared(at[i] - at[before], was, is_now, reach, join, thresholds.dense_us) / MICROS
            before = i
    return seconds


@kernel
def shared(step: int, was: bool, is_now: bool, reach: int, join: int, dense: int) -> float:
    """Microseconds of a step between two observations that belong to a state: see `time_in_state`."""
    if was and is_now:
        return float(step if step <= max(join, reach) else reach)
    if not was and not is_now:
        return 0.0
    if step <= dense:
        return float(step) if was else 0.0
    return min(step / 2, float(reach))


@kernel
def ends_of(values: F64, first: I64, last: I64) -> I64:
    """Per stretch the rows of the first and the last value; -1 where there is none."""
    rows = np.full((len(first), 2), -1)
    if len(values) == 0:
        return rows
    for k in range(len(first)):
        low, high = first[k], last[k]
        while low <= high and np.isnan(values[low]):
            low += 1
        while high >= low and np.isnan(values[high]):
            high -= 1
        if low <= high:
            rows[k, 0], rows[k, 1] = low, high
    return rows


@kernel
def _medians(at: I64, values: F64, first: I64, last: I64, reach: float, from_end: bool) -> F64:
    medians = np.full(len(first), np.nan)
    for k in range(len(first)):
        low, high = first[k], last[k]
        if from_end:
            while at[high] - at[low] > reach:
                low += 1
        else:
            while at[high] - at[low] > reach:
                high -= 1
        part = values[low : high + 1]
        part = part[~np.isnan(part)]
        if len(part) > 0:
            medians[k] = np.median(part)
    return medians


def choose(values: npt.ArrayLike, errors: npt.ArrayLike) -> tuple[F64, I64]:
    """Per column the value of the row with the smallest expected error (first row on a tie) and that row's number.

    An infinite error, or a NaN value, rules a row out; where all are, the value is NaN and the number -1.
    """
    table, error = np.asarray(values, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    error = np.where(np.isnan(table) | np.isnan(error), np.inf, error)
    row = np.argmin(error, axis=0)
    usable = np.isfinite(np.take_along_axis(error, row[None], axis=0)[0])
    value: F64 = np.where(usable, np.take_along_axis(table, row[None], axis=0)[0], np.nan)
    return value, np.where(usable, row, -1)


__all__ = ["Counted", "Integral", "Stretches", "at_ends", "choose", "count", "ends_of", "integrate", "is_plausible",
           "median_within", "shared", "spacing_of", "spacing_within", "time_in_state", "trapezoid",
           "unseen_share"]  # fmt: skip
