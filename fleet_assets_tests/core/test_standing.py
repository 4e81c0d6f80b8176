"""Standing periods: what is one stretch, and that midnight cuts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import STANDING_PERIODS, check_frame
from fleet_assets.core.standing import StandingRules, standing_periods
from fleet_assets_tests.core.histories import NOON, telemetry, vehicle

MIDNIGHT = datetime(2024, 5, 15, tzinfo=UTC)


def _periods(history: pl.DataFrame, rules: StandingRules | None = None) -> pl.DataFrame:
    found = standing_periods(history.lazy(), rules or StandingRules()).collect()
    check_frame(STANDING_PERIODS, found)
    return found


def _spans(history: pl.DataFrame) -> list[tuple[float, float]]:
    since = [(pl.col(name) - NOON).dt.total_seconds() for name in ("started_at", "ended_at")]
    return _periods(history).select(since).rows()


def test_no_telemetry_gives_no_period() -> None:
    assert_frame_equal(_periods(telemetry()), STANDING_PERIODS.empty())


def test_one_standing_row_is_a_period_without_length() -> None:
    assert _spans(vehicle().stand(10).frame()) == [(0, 0)]


def test_a_vehicle_that_only_drives_never_stands() -> None:
    assert _spans(vehicle().drive(600).frame()) == []


def test_movement_ends_a_period() -> None:
    assert _spans(vehicle().stand(100).drive(50).stand(100).frame()) == [(0, 90), (150, 240)]


def test_an_hourly_word_of_standing_is_one_period() -> None:
    assert _spans(vehicle(step_s=3600).stand(3 * 3600).frame()) == [(0, 7200)]


def test_a_longer_silence_ends_a_period() -> None:
    assert _spans(vehicle().stand(100).silent(3700).stand(100).frame()) == [(0, 90), (3800, 3890)]


def test_midnight_cuts_a_period_and_each_day_is_its_own() -> None:
    history = vehicle(at=MIDNIGHT - timedelta(seconds=100)).stand(200).frame()
    both = _periods(history)
    assert both.height == 2
    is_first = pl.col("recorded_at") < MIDNIGHT
    apart = pl.concat([_periods(history.filter(is_first)), _periods(history.filter(~is_first))])
    assert_frame_equal(both, apart)


def test_engine_charger_place_and_idle_fuel_are_those_of_the_stretch() -> None:
    said = {"engine_speed_rpm": 700.0, "fuel_rate_lph": 3.6, "is_charger_connected": False, "latitude_deg": 50.0,
            "longitude_deg": 10.0}  # fmt: skip
    idle = vehicle().drive(60).stand(600, **said).stand(600, engine_speed_rpm=0.0, is_charger_connected=True).frame()
    (row,) = _periods(idle).rows(named=True)
    assert row["engine_on_s"] == pytest.approx(600)
    assert row["charger_s"] == pytest.approx(590)
    assert row["idle_fuel_l"] == pytest.approx(3.6 * 590 / 3600)
    assert (row["latitude_deg"], row["longitude_deg"]) == (50.0, 10.0)


def test_a_plugged_in_vehicle_stands_also_without_a_word_about_speed() -> None:
    plugged = vehicle().drive(60).stand(600, speed_kmh=None, is_charger_connected=True).frame()
    (row,) = _periods(plugged).rows(named=True)
    assert row["charger_s"] == pytest.approx(590)


def test_what_was_not_observed_is_null() -> None:
    (row,) = _periods(vehicle().stand(600).frame()).rows(named=True)
    assert (row["idle_fuel_l"], row["latitude_deg"]) == (None, None)


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.0, 50.0]), st.sampled_from([10, 60, 3500, 40_000])), max_size=12),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40)
def test_order_repetition_and_days_change_nothing(parts: list[tuple[float, int]], random: object) -> None:
    assert hasattr(random, "randrange")
    said = vehicle(at=NOON)
    for kmh, silence in parts:
        said = said.drive(50, kmh).silent(silence)
    history = said.frame()
    shuffled = pl.concat([history, history.head(20)]).sample(fraction=1.0, shuffle=True, seed=random.randrange(99))
    assert_frame_equal(_periods(shuffled), _periods(history))
    days = history.group_by(pl.col("recorded_at").dt.date(), maintain_order=True)
    daily = [_periods(rows) for _, rows in days]
    assert_frame_equal(pl.concat([_periods(telemetry()), *daily]), _periods(history))
