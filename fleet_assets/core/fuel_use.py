"""Fuel burned over stretches of observations, by the counter or the rate, and which is believed.

Belongs here: consumption by what counts it, and levels at both ends. Does not belong here: what levels of the tank say
of consumption (`fuel.burned`, `trips.by_level`), refuels, thefts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.integrals import Counted, Stretches, choose, count, integrate, median_within, unseen_share
from fleet_assets.core.track import Track

SOURCES = ("counter", "rate", "level")

COUNTER_SLACK_L = 0.5
"""l that may appear at once: one step of the J1939 counter."""


@dataclass(frozen=True)
class FuelRules:
    """What counter, rate and level say of consumption."""

    level_most_share: float = 0.25
    """Standard deviation of litres by level over what was expected to be burned, from which they are not told: up to
    there no trip by chance burns less than nothing (four deviations, one in 30 000)."""
    level_window_s: float = 300.0
    """s at either end of a trip over which the tank level's median is taken."""
    rate_error_share: float = 0.05
    """Expected error of an integrated fuel rate."""
    max_rate_lph: float = 500.0
    """l/h above which a step of the fuel counter is a jump (range of the contract)."""


@dataclass(frozen=True)
class FuelUse:
    """Per stretch: litres, their expected error, index into SOURCES (-1: not known), tank level at both ends."""

    litres: F64
    error_l: F64
    source: I64
    start_level_pct: F64
    end_level_pct: F64


def measure_fuel(track: Track, trips: Stretches, rules: FuelRules) -> FuelUse:
    """Litres burned by counter or rate, whichever has the smaller expected error; on a tie by the counter.

    Expected errors: counter, its resolution; rate, 5 %; both plus the share of the trip that they did not observe.
    """
    level = track.column("fuel_level_pct")
    start = median_within(track.at, level, trips.first, trips.last, rules.level_window_s)
    end = median_within(track.at, level, trips.first, trips.last, rules.level_window_s, from_end=True)
    litres, errors = _measured(track, trips, rules)
    chosen, source = choose(litres, errors)
    return FuelUse(chosen, choose(errors, errors)[0], source, start, end)


def litres_burned(track: Track, stretches: Stretches, rules: FuelRules) -> F64:
    """Litres burned by counter or rate, whichever is expected to be closer; NaN if neither was observed."""
    return choose(*_measured(track, stretches, rules))[0]


def litres_counted(track: Track, stretches: Stretches, rules: FuelRules) -> F64:
    """Litres burned by the counter alone, which tells of silences too; NaN where it was not read at both ends."""
    counted = _counted(track, stretches, rules)
    whole = counted.spanned_s >= stretches.duration_s(track.at)
    return np.where(whole & (counted.spanned_s > 0), counted.total, np.nan)


def _counted(track: Track, stretches: Stretches, rules: FuelRules) -> Counted:
    counter, origin = track.column("fuel_used_total_l"), track.points.origin_of("fuel_used_total_l")
    return count(track.at, counter, origin, stretches, rules.max_rate_lph, COUNTER_SLACK_L)


def _measured(track: Track, stretches: Stretches, rules: FuelRules) -> tuple[list[F64], list[F64]]:
    """Litres by counter and by rate, and the expected error of each."""
    duration_s = stretches.duration_s(track.at)
    counted = _counted(track, stretches, rules)
    rated = integrate(track.at, track.column("fuel_rate_lph"), stretches, track.thresholds)
    by_counter = np.where(counted.spanned_s > 0, counted.total, np.nan)
    by_rate = np.where(rated.covered_s > 0, rated.net, np.nan)
    # Shares of one and the same amount: of its own, a rate that is stuck at zero would have no error.
    most = np.fmax(by_counter, by_rate)
    counter_error = counted.resolution + most * unseen_share(counted.spanned_s, duration_s)
    rate_error = most * (rules.rate_error_share + unseen_share(rated.covered_s, duration_s))
    return [by_counter, by_rate], [counter_error, rate_error]
