"""Freshness: a fleet that fell silent at hours at which it reports, or for longer than a weekend."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from fleet_assets.contracts import INGEST_HOURLY
from fleet_assets.core.freshness import Silence, find_silence
from fleet_assets_tests.core.test_outages import DAY, HOUR, MONDAY, heard, working_week

MINUTE = timedelta(minutes=1)
LAST = MONDAY + 15 * HOUR + 50 * MINUTE
"""The last row of the working week: Monday, ten to four in the afternoon."""


def test_where_nothing_was_ever_heard_nothing_is_expected() -> None:
    assert find_silence(INGEST_HOURLY.empty(), MONDAY) is None


@pytest.mark.parametrize("later", [MINUTE, 2 * HOUR, 16 * HOUR], ids=["at once", "in the evening", "before eight"])
def test_a_fleet_is_fresh_until_a_regular_hour_passed_in_silence(later: timedelta) -> None:
    assert find_silence(heard(*working_week()), LAST + later) is None


def test_it_is_stale_after_a_regular_hour_and_its_vehicles_are_named() -> None:
    hours = pl.concat([heard(*working_week()), heard(*working_week(days=3), vehicle="b")])
    assert find_silence(hours, MONDAY + DAY + 9 * HOUR) == Silence(LAST, 1, ("a", "b"))


def test_a_vehicle_that_rests_while_another_reports_is_no_silence_of_the_fleet() -> None:
    resting = heard(*[hour for hour in working_week() if hour < MONDAY - 2 * DAY], vehicle="b")
    assert find_silence(pl.concat([heard(*working_week()), resting]), LAST + HOUR) is None


def test_a_vehicle_that_left_the_fleet_long_before_did_not_fall_silent_with_it() -> None:
    gone = heard(MONDAY - 8 * DAY + 9 * HOUR, vehicle="gone")
    found = find_silence(pl.concat([heard(*working_week()), gone]), MONDAY + DAY + 9 * HOUR)
    assert found == Silence(LAST, 1, ("a",))


def test_a_weekend_of_a_fleet_that_works_on_weekdays_is_no_silence_and_the_monday_after_is() -> None:
    weekdays = [hour for hour in working_week(days=20) if hour.weekday() < 5 and hour < MONDAY]
    friday = MONDAY - 3 * DAY + 15 * HOUR + 50 * MINUTE
    assert find_silence(heard(*weekdays), MONDAY + 8 * HOUR) is None
    assert find_silence(heard(*weekdays), MONDAY + 9 * HOUR) == Silence(friday, 1, ("a",))


def test_without_regular_hours_three_days_are_allowed() -> None:
    once = heard(MONDAY)
    seen = MONDAY + 50 * MINUTE
    assert find_silence(once, seen + 72 * HOUR) is None
    assert find_silence(once, seen + 73 * HOUR) == Silence(seen, 0, ("a",))


def test_an_old_recording_is_stale_and_rows_of_a_clock_ahead_do_not_hide_it() -> None:
    hours = pl.concat([heard(MONDAY), heard(MONDAY + 401 * DAY, vehicle="ahead")])
    assert find_silence(hours, MONDAY + 400 * DAY) == Silence(MONDAY + 50 * MINUTE, 0, ("a",))
