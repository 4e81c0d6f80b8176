"""Hours of small histories: the whole path from telemetry to rows, with what was read before each day.

Belongs here: running it. Does not belong here: expectations.
"""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts import HOURLY_USE, LAST_READINGS, RISES_OVER_MIDNIGHT, check_frame
from fleet_assets.core.last_readings import last_readings, rises_over_midnight
from fleet_assets.core.trips import TripRules
from fleet_assets.core.use import hourly_use
from fleet_assets.core.window import Window
from fleet_assets_tests.core.histories import DAY, fleet, whole


def rises_of(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    """What is carried over the midnights of a window."""
    readings = last_readings(frame.lazy()).collect()
    check_frame(LAST_READINGS, readings)
    reach = Window(window.day_start - RISES_OVER_MIDNIGHT.look_back, window.day_start, window.day_end)
    found = rises_over_midnight(readings.lazy(), reach).collect()
    check_frame(RISES_OVER_MIDNIGHT, found)
    return found


def hours_of(
    frame: pl.DataFrame, *, vehicles: pl.DataFrame | None = None, window: Window | None = None
) -> pl.DataFrame:
    """All hours of a history."""
    days = window or whole(frame)
    own = Window(days.day_start, days.day_start, days.day_end)
    known = (fleet() if vehicles is None else vehicles).lazy()
    found = hourly_use(frame.lazy(), rises_of(frame, own).lazy(), known, own, TripRules()).collect()
    check_frame(HOURLY_USE, found)
    return found


def day_by_day(frame: pl.DataFrame, *, vehicles: pl.DataFrame | None = None) -> pl.DataFrame:
    """The same from each day's own telemetry alone, and what was read on the days before."""
    every, at = whole(frame), pl.col("recorded_at")
    found = [HOURLY_USE.empty()]
    for day in every.days(DAY):
        own = Window(day.day_start, day.day_start, day.day_end)
        seen = frame.filter((at >= day.day_start) & (at < day.day_end))
        known = (fleet() if vehicles is None else vehicles).lazy()
        rises = rises_of(frame.filter(at < day.day_end), own)
        found.append(hourly_use(seen.lazy(), rises.lazy(), known, own, TripRules()).collect())
    return pl.concat(found).sort(HOURLY_USE.order)
