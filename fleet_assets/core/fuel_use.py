"""Fuel burned over stretches of observations, from the counter, the rate or the tank level, and which is believed.

Belongs here: consumption. Does not belong here: refuels, thefts and the tank's balance over days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.integrals import Stretches, choose, count, integrate, median_within
from fleet_assets.core.points import Points
from fleet_assets.core.trip_rules import TripRules

SOURCES = ("counter", "rate", "level")

_COUNTER_SLACK_L = 0.5
"""l that may appear at once: one step of the J1939 counter."""


@dataclass(frozen=True)
class FuelUse:
    """Per stretch: litres, index into SOURCES (-1: not known), tank level at both ends."""

    litres: F64
    source: I64
    start_level_pct: F64
    end_level_pct: F64


def measure_fuel(points: Points, trips: Stretches, tank_l: F64, rules: TripRules) -> FuelUse:
    """Litres burned by the source with the smallest expected error; on a tie counter, rate, level.

    Expected errors: counter, its resolution; rate, 5 %; both plus what they did not observe at their own mean; level,
    its noise times the tank. A level that rises, or falls by less than its noise, says nothing.
    """
    level = points.column("fuel_level_pct")
    start = median_within(points.at, level, trips.first, trips.last, rules.level_window_s)
    end = median_within(points.at, level, trips.first, trips.last, rules.level_window_s, from_end=True)
    counted, counted_error = _by_counter(points, trips, rules)
    rated, rated_error = _by_rate(points, trips, rules)
    fall = start - end
    by_level = np.where(fall >= rules.level_noise_pct, fall / 100 * tank_l, np.nan)
    level_error = rules.level_noise_pct / 100 * tank_l
    litres, source = choose([counted, rated, by_level], [counted_error, rated_error, level_error])
    return FuelUse(litres, source, start, end)


def litres_burned(points: Points, stretches: Stretches, rules: TripRules) -> F64:
    """Litres burned by counter or rate, whichever is expected to be closer; NaN if neither was observed."""
    counted, counted_error = _by_counter(points, stretches, rules)
    rated, rated_error = _by_rate(points, stretches, rules)
    return choose([counted, rated], [counted_error, rated_error])[0]


def _by_counter(points: Points, stretches: Stretches, rules: TripRules) -> tuple[F64, F64]:
    counter, origin = points.column("fuel_used_total_l"), points.origin_of("fuel_used_total_l")
    counted = count(points.at, counter, origin, stretches, rules.max_fuel_lph, _COUNTER_SLACK_L)
    usable = counted.spanned_s > 0
    litres = np.where(usable, counted.total, np.nan)
    return litres, counted.resolution + _unseen_l(litres, counted.spanned_s, stretches.duration_s(points.at))


def _by_rate(points: Points, stretches: Stretches, rules: TripRules) -> tuple[F64, F64]:
    rated = integrate(points.at, points.column("fuel_rate_lph"), stretches, rules.limits.hold)
    litres = np.where(rated.covered_s > 0, rated.net, np.nan)
    unseen = _unseen_l(litres, rated.covered_s, stretches.duration_s(points.at))
    return litres, litres * rules.rate_error_share + unseen


def _unseen_l(litres: F64, covered_s: F64, duration_s: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        unseen: F64 = litres / covered_s * np.maximum(duration_s - covered_s, 0.0)
    return unseen
