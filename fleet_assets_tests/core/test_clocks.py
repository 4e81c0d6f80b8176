"""Instants that cannot be right against their arrival are known row by row; late uploads of months are right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.contracts import INGEST_DAILY
from fleet_assets.core.clocks import behind_sentences, is_clock_wrong

ARRIVED = datetime(2026, 3, 10, 12, tzinfo=UTC)


def wrong(*recorded: datetime, arrived: datetime = ARRIVED) -> list[bool]:
    frame = pl.DataFrame({"recorded_at": recorded}, schema={"recorded_at": pl.Datetime("us", "UTC")})
    return frame.select(is_clock_wrong("recorded_at", pl.lit(arrived))).to_series().to_list()


@pytest.mark.parametrize(
    ("recorded", "is_wrong"),
    [
        (ARRIVED, False), (ARRIVED + timedelta(minutes=15), False),
        (ARRIVED + timedelta(minutes=15, microseconds=1), True),
        (ARRIVED + timedelta(hours=2), True), (ARRIVED - timedelta(hours=2), False),
        (ARRIVED - timedelta(days=200), False),
        (ARRIVED - timedelta(days=365 * 15), False), (ARRIVED - timedelta(weeks=1024), True),
        (ARRIVED - timedelta(weeks=1024, days=200), True), (datetime(2000, 1, 1, 0, 8, tzinfo=UTC), True),
        (datetime(1970, 1, 1, tzinfo=UTC), True), (datetime(1980, 1, 6, tzinfo=UTC), True),
    ],
)  # fmt: skip
def test_an_instant_is_judged_by_its_arrival(recorded: datetime, is_wrong: bool) -> None:
    assert wrong(recorded) == [is_wrong]


def test_where_clocks_begin_is_wrong_also_where_the_arrival_is_of_that_clock() -> None:
    reset = datetime(2000, 1, 3, tzinfo=UTC)
    assert wrong(reset, datetime(2000, 2, 2, tzinfo=UTC), arrived=reset) == [True, True]
    assert wrong(datetime(2006, 5, 1, tzinfo=UTC), arrived=datetime(2006, 5, 2, tzinfo=UTC)) == [False]


@given(st.permutations([timedelta(days=days) for days in (-9000, -7168, -400, -1, 0, 1)]), st.integers(1, 5))
def test_the_verdict_on_a_row_does_not_depend_on_its_company(ages: list[timedelta], size: int) -> None:
    alone = {age: wrong(ARRIVED + age)[0] for age in ages}
    together = [
        verdict
        for at in range(0, len(ages), size)
        for verdict in wrong(*(ARRIVED + age for age in ages[at : at + size]))
    ]
    assert together == [alone[age] for age in ages]


@pytest.mark.parametrize(
    ("seconds", "said"), [(7_203.0, "2h"), (20_705.0, "5h45m"), (1_800.0, "30m"), (1_051_205.0, "12d4h")]
)
def test_a_day_whose_clock_seems_behind_is_told_by_vehicle_source_and_offset(seconds: float, said: str) -> None:
    day = {"vehicle_id": "a", "source": "telemetry", "clock_behind_s": seconds}
    rows = pl.LazyFrame([day, day | {"vehicle_id": "b", "clock_behind_s": None}], schema_overrides={
        name: INGEST_DAILY.schema[name] for name in day
    })  # fmt: skip
    assert behind_sentences(rows) == [
        f"a: all rows from telemetry come {said} after their time, one as the other; its clock is behind, or its zone "
        "is written wrongly"
    ]
