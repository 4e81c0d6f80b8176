"""Windows: order, zone, and the days they consist of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fleet_assets.contracts.errors import UsageError
from fleet_assets.core.window import DAY, Window

FIRST = datetime(2024, 5, 14, tzinfo=UTC)


def test_days_have_the_look_back_of_the_window() -> None:
    window = Window(FIRST - DAY, FIRST, FIRST + 2 * DAY)
    assert list(window.days(timedelta(0))) == [
        Window(FIRST - DAY, FIRST, FIRST + DAY), Window(FIRST, FIRST + DAY, FIRST + 2 * DAY),
    ]  # fmt: skip


def test_days_look_back_as_far_as_asked_where_there_are_data() -> None:
    window = Window(FIRST, FIRST, FIRST + 3 * DAY)
    assert [day.start for day in window.days(DAY)] == [FIRST, FIRST, FIRST + DAY]


def test_a_window_without_length_has_no_day() -> None:
    assert list(Window(FIRST, FIRST, FIRST).days(DAY)) == []


def test_a_window_that_is_no_whole_number_of_days_ends_with_the_rest() -> None:
    days = list(Window(FIRST, FIRST, FIRST + 1.5 * DAY).days(DAY))
    assert days[-1] == Window(FIRST, FIRST + DAY, FIRST + 1.5 * DAY)


@pytest.mark.parametrize(
    "instants",
    [
        (FIRST, FIRST - DAY, FIRST),
        (FIRST, FIRST, FIRST - DAY),
        (FIRST.replace(tzinfo=None),) * 3,
        (FIRST.astimezone(timezone(timedelta(hours=2))),) * 3,
    ],
)
def test_instants_out_of_order_or_not_in_utc_are_refused(instants: tuple[datetime, datetime, datetime]) -> None:
    with pytest.raises(UsageError, match="must be"):
        Window(*instants)
