"""Outages: a source is silent at hours at which it usually reports."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from fleet_assets.contracts import INGEST_HOURLY, INGEST_OUTAGES, check_frame
from fleet_assets.contracts.ingest import REGULAR_LOOK_BACK
from fleet_assets.core.outages import find_outages
from fleet_assets.core.window import Window
from fleet_assets_tests.fixtures.drives import at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = at("2026-03-16 00:00")


def heard(*hours: datetime, vehicle: str = "a", source: str = "can") -> pl.DataFrame:
    """A row at the fifth and one at the fiftieth minute of each hour."""
    return pl.DataFrame(
        [
            {
                "source": source, "vehicle_id": vehicle, "hour_at": hour, "first_seen_at": hour + 5 * HOUR / 60,
                "last_seen_at": hour + 50 * HOUR / 60, "received_count": 2,
            }
            for hour in hours
        ],
        schema=INGEST_HOURLY.schema,
    )  # fmt: skip


def working_week(*, without: tuple[datetime, ...] = (), days: int = 9) -> list[datetime]:
    """From eight to four on each day up to MONDAY, which included."""
    hours = [MONDAY - back * DAY + hour * HOUR for back in range(days) for hour in range(8, 16)]
    return [hour for hour in hours if hour not in without]


def outages(*frames: pl.DataFrame, day: datetime = MONDAY) -> pl.DataFrame:
    window = Window(day - REGULAR_LOOK_BACK, day, day + DAY)
    found = find_outages(pl.concat(frames).lazy(), window).collect()
    check_frame(INGEST_OUTAGES, found)
    return found


def test_no_rows_give_no_outage() -> None:
    assert outages(INGEST_HOURLY.empty()).equals(INGEST_OUTAGES.empty())


def test_nights_are_no_outages() -> None:
    assert outages(heard(*working_week())).is_empty()


def test_a_weekend_after_five_working_days_is_no_outage() -> None:
    assert outages(heard(*[hour for hour in working_week(days=15) if hour.weekday() < 5])).is_empty()


def test_silence_at_usual_hours_is_one_outage_from_the_last_row_to_the_first() -> None:
    lost = (MONDAY + 10 * HOUR, MONDAY + 11 * HOUR)
    found = outages(heard(*working_week(without=lost)))
    assert found.rows() == [
        ("can", MONDAY + 9 * HOUR + 50 * HOUR / 60, MONDAY + 12 * HOUR + 5 * HOUR / 60, 8100.0, 2, 1)
    ]


def test_another_vehicle_that_reports_means_no_outage() -> None:
    lost = (MONDAY + 10 * HOUR, MONDAY + 11 * HOUR)
    assert outages(heard(*working_week(without=lost)), heard(*lost, vehicle="b")).is_empty()


def test_each_source_is_judged_alone() -> None:
    lost = (MONDAY + 10 * HOUR, MONDAY + 11 * HOUR)
    found = outages(heard(*working_week(without=lost)), heard(*working_week(), source="telemetry"))
    assert found["source"].to_list() == ["can"]


def test_hours_are_regular_from_five_of_seven_days_on_with_their_own_weekday_among_them() -> None:
    lost = (MONDAY + 10 * HOUR,)

    def found(*backs: int) -> int:
        days = {(MONDAY - back * DAY).date() for back in (0, *backs)}
        return outages(heard(*[hour for hour in working_week(without=lost) if hour.date() in days])).height

    assert found(1, 2, 3, 7) == 0
    assert found(1, 2, 3, 4, 7) == 1
    assert found(1, 2, 3, 4, 5, 6) == 0


def test_an_outage_of_days_is_one_row_of_the_day_on_which_it_ended() -> None:
    silent = tuple(MONDAY - back * DAY + hour * HOUR for back in (1, 2) for hour in range(8, 16))
    hours = heard(*working_week(without=silent, days=12))
    assert outages(hours).select("started_at", "ended_at", "regular_hours").rows() == [
        (MONDAY - 3 * DAY + 15 * HOUR + 50 * HOUR / 60, MONDAY + 8 * HOUR + 5 * HOUR / 60, 16)
    ]
    assert outages(hours, day=MONDAY - DAY).is_empty()
