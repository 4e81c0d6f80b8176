"""Ingest figures: rows counted per vehicle and day, what was expected, how late it came, where it was silent."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.contracts import INGEST_DAILY, INGEST_HOURLY, INGEST_QUARANTINED, TIMESTAMP, check_frame
from fleet_assets.core.ingest import NEEDED, count_quarantined, daily_ingest, hourly_ingest
from fleet_assets_tests.fixtures.drives import at

SCHEMA = {"vehicle_id": pl.String(), "recorded_at": TIMESTAMP, "received_at": TIMESTAMP}


def rows(vehicle: str, start: datetime, seconds: int, *, lag_s: float = 2.0) -> pl.DataFrame:
    """A row a second."""
    instants = [start + timedelta(seconds=number) for number in range(seconds)]
    late = [instant + timedelta(seconds=lag_s) for instant in instants]
    return pl.DataFrame(
        {"vehicle_id": [vehicle] * seconds, "recorded_at": instants, "received_at": late}, schema=SCHEMA
    )


def daily(*frames: pl.DataFrame) -> pl.DataFrame:
    found = daily_ingest(pl.concat(frames).lazy(), "can").collect()
    check_frame(INGEST_DAILY, found)
    return found


def test_no_rows_give_no_rows() -> None:
    nothing = pl.LazyFrame(schema=SCHEMA).select(NEEDED)
    assert daily_ingest(nothing, "can").collect().equals(INGEST_DAILY.empty())
    assert hourly_ingest(nothing, "can").collect().equals(INGEST_HOURLY.empty())


def test_a_steady_vehicle_has_the_rows_that_were_expected() -> None:
    found = daily(rows("van-1", at("2026-03-02 08:00"), 3600))
    assert found.rows() == [
        (
            "can", "van-1", date(2026, 3, 2), at("2026-03-02 08:00"), at("2026-03-02 08:59") + timedelta(seconds=59),
            at("2026-03-02 09:00") + timedelta(seconds=1), 3600, 3600, 2.0, 2.0, None, 1.0, 0, 0.0,
        )
    ]  # fmt: skip


def test_rows_lost_here_and_there_are_missing_from_what_was_expected() -> None:
    steady = rows("van-1", at("2026-03-02 08:00"), 7200)
    lossy = steady.filter(
        ~pl.col("recorded_at").dt.minute().is_between(20, 22) | (pl.col("recorded_at").dt.second() % 3 == 0)
    )
    found = daily(lossy)
    assert found.select("received_count", "expected_count").row(0) == (7200 - 240, 7200)


def test_a_silence_is_counted_and_not_expected_to_be_filled() -> None:
    found = daily(rows("van-1", at("2026-03-02 08:00"), 3600), rows("van-1", at("2026-03-02 12:00"), 3600))
    assert found.select("received_count", "expected_count", "silence_count", "silence_s").row(0) == (
        7200,
        7200,
        1,
        10_801.0,
    )


def test_nothing_is_expected_of_a_vehicle_that_spoke_briefly_or_by_occasion() -> None:
    brief = rows("brief", at("2026-03-02 08:00"), 900)
    unsteady = rows("unsteady", at("2026-03-02 08:00"), 7200).filter(
        (pl.col("recorded_at").dt.minute() % 2 == 0) | (pl.col("recorded_at").dt.second() % 20 == 0)
    )
    assert daily(brief, unsteady).select("vehicle_id", "expected_count").rows() == [("brief", None), ("unsteady", None)]


def test_each_vehicle_and_day_is_counted_alone_in_any_order() -> None:
    over_midnight = rows("a", at("2026-03-02 23:59"), 120)
    other = rows("b", at("2026-03-02 08:00"), 1, lag_s=-5.0)
    found = daily(other, over_midnight.reverse())
    assert found.select("vehicle_id", "date", "received_count", "lag_p50_s", "silence_count").rows() == [
        ("a", date(2026, 3, 2), 60, 2.0, 0),
        ("a", date(2026, 3, 3), 60, 2.0, 0),
        ("b", date(2026, 3, 2), 1, -5.0, 0),
    ]


def test_hours_have_their_first_and_last_row() -> None:
    found = hourly_ingest(rows("a", at("2026-03-02 08:59"), 120).lazy(), "can").collect()
    check_frame(INGEST_HOURLY, found)
    assert found.drop("source").rows() == [
        ("a", at("2026-03-02 08:00"), at("2026-03-02 08:59"), at("2026-03-02 08:59") + timedelta(seconds=59), 60),
        ("a", at("2026-03-02 09:00"), at("2026-03-02 09:00"), at("2026-03-02 09:00") + timedelta(seconds=59), 60),
    ]


def test_rows_set_aside_are_counted_by_vehicle_and_reason() -> None:
    entries = [
        ("can", "a", "in-the-future", at("2026-03-02 08:00"), 3, 0),
        ("can", "a", "in-the-future", at("2026-03-02 09:00"), 4, 0),
        ("can", None, "refused", at("2026-03-02 07:00"), 0, 1),
    ]
    found = count_quarantined(entries)
    check_frame(INGEST_QUARANTINED, found)
    assert found.drop("source").rows() == [
        (None, "refused", date(2026, 3, 2), at("2026-03-02 07:00"), 0, 1),
        ("a", "in-the-future", date(2026, 3, 2), at("2026-03-02 09:00"), 7, 0),
    ]
    assert count_quarantined([]).equals(INGEST_QUARANTINED.empty())


@pytest.mark.parametrize("step_s", [120, 300, 600])
def test_a_tracker_is_silent_by_its_own_cadence_and_expected_by_it(step_s: int) -> None:
    day = rows("van-1", at("2026-03-02 00:00"), 86_400)[::step_s]
    quiet = day.with_row_index("n").filter(~pl.col("n").is_between(40, 49) & (pl.col("n") != 60)).drop("n")
    found = daily(quiet).select("cadence_s", "silence_count", "silence_s", "received_count", "expected_count").row(0)
    # Ten rows in a row are a silence, which nobody expects to be filled; the one that was lost elsewhere is expected.
    assert found == (step_s, 1, 11 * step_s, day.height - 11, day.height - 10)


def behind(frame: pl.DataFrame) -> list[float | None]:
    """What each day of it says of the clock, in hours."""
    return [None if one is None else round(one / 3600, 2) for one in daily(frame)["clock_behind_s"]]


def arriving(recorded: list[datetime], arrived: list[datetime]) -> pl.DataFrame:
    columns = {"vehicle_id": ["a"] * len(recorded), "recorded_at": recorded, "received_at": arrived}
    return pl.DataFrame(columns, schema=SCHEMA)


@pytest.mark.parametrize(
    ("lag_s", "hours"), [(7_203.0, [2.0]), (901.0, [0.25]), (900.0, [None]), (2.0, [None]), (-600.0, [None])]
)
def test_rows_that_come_late_all_day_by_one_time_tell_of_a_clock_that_is_behind(
    lag_s: float, hours: list[float | None]
) -> None:
    assert behind(rows("a", at("2026-03-02 06:00"), 7_200, lag_s=lag_s)) == hours


def test_a_clock_needs_twenty_minutes_and_some_rows_may_wait_in_a_buffer() -> None:
    assert behind(rows("a", at("2026-03-02 06:00"), 19 * 60, lag_s=7_200)) == [None]
    day = rows("a", at("2026-03-02 06:00"), 7_200, lag_s=7_200)
    waited = day.with_columns(
        pl.when(pl.col("recorded_at").dt.minute() % 30 == 7)
        .then(pl.col("received_at") + timedelta(minutes=20)).otherwise("received_at").alias("received_at")
    )  # fmt: skip
    assert behind(waited) == [2.0]


def test_each_vehicle_and_day_has_a_clock_of_its_own() -> None:
    wrong = rows("a", at("2026-03-02 23:00"), 7_200, lag_s=3_600)
    assert daily(wrong, rows("b", at("2026-03-02 23:00"), 7_200)).select("vehicle_id", "clock_behind_s").rows() == [
        ("a", 3600.0), ("a", 3600.0), ("b", None), ("b", None),
    ]  # fmt: skip


@given(
    st.integers(5, 900), st.lists(st.tuples(st.integers(8, 200), st.integers(0, 400)), min_size=1, max_size=6),
    st.integers(0, 3 * 86_400),
)  # fmt: skip
def test_uploads_at_once_of_eight_minutes_or_more_never_look_like_a_clock(
    cadence_s: int, drives: list[tuple[int, int]], late_s: int
) -> None:
    """Drives of so many minutes after pauses of so many, each uploaded at once, all of them equally late."""
    recorded, arrived, clock = [], [], at("2026-03-02 00:00")
    for minutes, pause in drives:
        clock += timedelta(minutes=pause)
        drive = [clock + timedelta(seconds=s) for s in range(0, max(minutes * 60, 8 * cadence_s), cadence_s)]
        clock = drive[-1]
        recorded += drive
        arrived += [clock + timedelta(seconds=late_s)] * len(drive)
    # A day may begin within a drive, and hold a few minutes of it: those of a whole drive are asked for.
    first = daily(arriving(recorded, arrived)).filter(pl.col("date") == date(2026, 3, 2))
    is_whole = all(one.date() == date(2026, 3, 2) for one in recorded)
    assert not is_whole or first["clock_behind_s"].to_list() == [None]


@given(
    st.integers(1, 600), st.floats(901, 40 * 86_400), st.lists(st.integers(0, 290), min_size=1, max_size=20),
    st.integers(0, 300),
)  # fmt: skip
def test_a_constant_offset_is_always_told_and_by_its_size(
    cadence_s: int, offset_s: float, delays_s: list[int], pause_s: int
) -> None:
    instants = [
        at("2026-03-02 00:00") + timedelta(seconds=number * cadence_s + (pause_s if number > 60 else 0))
        for number in range(max(120, 21 * 60 // cadence_s))
    ]
    delayed = [delays_s[number % len(delays_s)] for number in range(len(instants))]
    arrived = [one + timedelta(seconds=offset_s + delay) for one, delay in zip(instants, delayed, strict=True)]
    found = daily(arriving(instants, arrived))
    (told,) = found.filter(pl.col("date") == date(2026, 3, 2))["clock_behind_s"]
    assert offset_s - 0.001 <= told <= offset_s + 290.001
