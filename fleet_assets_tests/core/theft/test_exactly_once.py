"""Any history: each candidate once, whatever days are built one by one or at once, and whatever comes later."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import TANK_CALIBRATIONS
from fleet_assets.core.fuel import fuel_balance
from fleet_assets.core.window import Window
from fleet_assets_tests.core.fuel.histories import CALLS, history
from fleet_assets_tests.core.fuel.tanks import DAY, Tank, fleet, plateaus_of, window_of
from fleet_assets_tests.core.theft.cases import candidates_in


def _balance(plateaus: pl.DataFrame, window: Window) -> pl.DataFrame:
    return fuel_balance(plateaus.lazy(), fleet().lazy(), TANK_CALIBRATIONS.empty().lazy(), window).collect()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CALLS, st.integers(0, 1_000))
def test_a_build_of_many_days_equals_the_builds_of_its_days_with_what_was_there_by_then(
    calls: list[tuple[str, int]], seed: int
) -> None:
    telemetry = history(calls, seed)
    window, plateaus = window_of(telemetry), plateaus_of(telemetry)
    whole = candidates_in(_balance(plateaus, window), window)
    parts = []
    for day in window.days(31 * DAY):
        seen = plateaus.filter(pl.col("started_at") < day.day_end)
        parts.append(candidates_in(_balance(seen, Window(window.start, window.day_start, day.day_end)), day))
    assert_frame_equal(whole, pl.concat(parts).sort("vehicle_id", "started_at", "event_id"))
    assert whole["event_id"].n_unique() == whole.height


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CALLS, st.integers(0, 1_000))
def test_a_window_worked_on_at_once_has_the_candidates_of_its_days(calls: list[tuple[str, int]], seed: int) -> None:
    telemetry = history(calls, seed)
    window = window_of(telemetry)
    balance = _balance(plateaus_of(telemetry), window)
    by_day, at_once = (candidates_in(balance, asked) for asked in (window, replace(window, is_whole=True)))
    assert_frame_equal(at_once, by_day, rel_tol=1e-6, abs_tol=1e-6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CALLS, st.integers(0, 1_000))
@example([("drive", 5), ("drive", 119), ("drive", 180), ("fill", -43), ("stand", 2), ("drive", 5)], 0)
def test_order_and_repetition_of_rows_and_another_vehicle_change_no_candidate(
    calls: list[tuple[str, int]], seed: int
) -> None:
    telemetry = history(calls, seed)
    window = window_of(telemetry)
    alone = candidates_in(_balance(plateaus_of(telemetry), window), window)
    other = Tank(vehicle_id="bus", seed=7, litres=300, source="bus").drive(200).stand(100).frame()
    mixed = pl.concat([telemetry.sample(fraction=1.0, shuffle=True, seed=seed), telemetry.tail(50), other])
    balance = _balance(plateaus_of(mixed), window)
    assert_frame_equal(candidates_in(balance, window).filter(pl.col("vehicle_id") == "lorry"), alone)
    shuffled = balance.sample(fraction=1.0, shuffle=True, seed=seed)
    assert_frame_equal(candidates_in(shuffled, window).filter(pl.col("vehicle_id") == "lorry"), alone)
