"""Readings of the charge that a battery cannot have had are no readings; all others are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fleet_assets.core.state_of_charge import believed

NAN = float("nan")
MINUTE = 60_000_000


def seen(*readings: float, step_s: float = 60.0, vehicle: list[int] | None = None) -> list[float]:
    at = (np.arange(len(readings)) * step_s * 1e6).astype(np.int64)
    numbers = np.array(vehicle or [0] * len(readings), dtype=np.int64)
    found: list[float] = believed(numbers, at, np.array(readings)).tolist()
    return found


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((60, 0, 60), (60, NAN, 60)),
        ((60, 100, 60.5, 60), (60, NAN, 60.5, 60)),
        ((60, 0, 0, NAN, 0, 59, 58), (60, NAN, NAN, NAN, NAN, 59, 58)),
        ((60, NAN, 0, 60, 25.5, 60), (60, NAN, NAN, 60, NAN, 60)),
        ((60, 45, 0, 60, 45), (60, NAN, NAN, 60, 45)),
    ],
)
def test_a_charge_that_is_suddenly_back_where_it_was_was_never_away(
    told: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    assert_array_equal(seen(*told), expected)


@pytest.mark.parametrize(
    "told",
    [
        (60, 0, 0), (60, 55, 60), (20, 28, 36, 44, 52), (60, 48, 54, 60), (NAN, 0, 60), (0, 60, 61),
        (60, *[0] * 20, 60),
    ],
)  # fmt: skip
def test_what_may_be_true_is_believed(told: tuple[float, ...]) -> None:
    assert_array_equal(seen(*told), told)


def test_a_charge_between_seldom_readings_is_believed() -> None:
    """Ten minutes are enough to drive 20 points, or to charge them."""
    assert seen(60, 40, 60, step_s=600) == [60, 40, 60]


def test_another_vehicle_says_nothing_of_this_one() -> None:
    assert seen(60, 0, 60, vehicle=[0, 1, 1]) == [60, 0, 60]
    assert seen(60, 0, 60, vehicle=[0, 0, 1]) == [60, 0, 60]


@given(st.lists(st.floats(0, 100) | st.just(NAN), max_size=30))
def test_only_readings_go_and_none_changes(readings: list[float]) -> None:
    told = np.array(seen(*readings))
    kept = ~np.isnan(told)
    assert_array_equal(told[kept], np.array(readings)[kept])
    if readings:
        first = [value for value in readings if not np.isnan(value)][:1]
        assert told[kept][:1].tolist() == first
