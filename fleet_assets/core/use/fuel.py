"""Fuel burned by the hour: all of it, whether the vehicle drove, stood or nobody knows what it did.

Belongs here: which of counter and rate is believed for an hour. Does not belong here: sums by hour (`steps`), how fast
an engine may burn (`fuel_use`), fuel of trips, the tank.
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.fuel_use import COUNTER_SLACK_L, FuelRules
from fleet_assets.core.track import Track
from fleet_assets.core.use.hours import MOVED, STOOD, Hours, put_each
from fleet_assets.core.use.rises import Rises
from fleet_assets.core.use.steps import counter_by_hour, rate_by_hour

COUNTER, RATE = 0, 1
SOURCES = ("counter", "rate")


def fuel_columns(track: Track, hours: Hours, rises: Rises, rules: FuelRules) -> dict[str, F64 | I64]:
    """Columns of HOURLY_USE on fuel, per slot: litres (NaN: not known), their source (-1: none), and their parts in
    motion and at a stand.

    The counter is believed wherever it was read before and after: its hours add up to its rise. The rate tells of hours
    of which it says nothing. An hour over which a longer step of the counter passes is not known; what it burned is in
    the hour of the reading that ends the step.
    """
    counted = counter_by_hour(track, hours, "fuel_used_total_l", rules.max_rate_lph, COUNTER_SLACK_L)
    put_each(counted, hours, rises.plausible("fuel", rules.max_rate_lph, COUNTER_SLACK_L))
    rated = rate_by_hour(track, hours, track.column("fuel_rate_lph"))
    by_counter = counted.is_told
    by_rate = rated.is_told & ~by_counter & ~counted.is_passed
    parts = {
        "fuel_used_l": (counted.total, rated.total),
        "fuel_moving_l": (counted.column(MOVED), rated.column(MOVED)),
        "fuel_standing_l": (counted.column(STOOD), rated.column(STOOD)),
    }
    litres: dict[str, F64 | I64] = {
        name: np.where(by_counter, counter, np.where(by_rate, rate, np.nan)) for name, (counter, rate) in parts.items()
    }
    return litres | {"fuel_source": np.where(by_counter, COUNTER, np.where(by_rate, RATE, -1))}
