"""Any history: each event once, whatever the days are built one by one or at once, in whatever order rows come."""

from __future__ import annotations

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import ENERGY_PRICES, INGEST_OUTAGES, TANK_CALIBRATIONS, ZONES
from fleet_assets.core.fuel import fuel_balance, fuel_events
from fleet_assets.core.window import Window
from fleet_assets_tests.core.fuel.histories import CALLS, history
from fleet_assets_tests.core.fuel.tanks import DAY, Tank, fleet, plateaus_of, window_of


def _balance(plateaus: pl.DataFrame, window: Window) -> pl.DataFrame:
    return fuel_balance(plateaus.lazy(), fleet().lazy(), TANK_CALIBRATIONS.empty().lazy(), window).collect()


def _events(balance: pl.DataFrame, window: Window) -> pl.DataFrame:
    empty = [table.empty().lazy() for table in (INGEST_OUTAGES, ZONES, ENERGY_PRICES)]
    return fuel_events(balance.lazy(), empty[0], fleet().lazy(), empty[1], empty[2], window).collect()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CALLS, st.integers(0, 1_000))
def test_a_build_of_many_days_equals_the_builds_of_its_days_with_what_was_there_by_then(
    calls: list[tuple[str, int]], seed: int
) -> None:
    telemetry = history(calls, seed)
    window, plateaus = window_of(telemetry), plateaus_of(telemetry)
    whole = _events(_balance(plateaus, window), window)
    parts = []
    for day in window.days(31 * DAY):
        seen = plateaus.filter(pl.col("started_at") < day.day_end)
        upto = Window(window.start, window.day_start, day.day_end)
        parts.append(_events(_balance(seen, upto), day))
    assert_frame_equal(whole, pl.concat(parts).sort("vehicle_id", "started_at", "event_id"))
    assert whole["event_id"].n_unique() == whole.height


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CALLS, st.integers(0, 1_000))
def test_order_repetition_and_splitting_at_midnight_change_no_plateau(calls: list[tuple[str, int]], seed: int) -> None:
    telemetry = history(calls, seed)
    mixed = pl.concat([telemetry.sample(fraction=1.0, shuffle=True, seed=seed), telemetry.tail(50)])
    whole = plateaus_of(telemetry)
    assert_frame_equal(plateaus_of(mixed), whole)
    days = telemetry.with_columns(pl.col("recorded_at").dt.date().alias("day")).partition_by("day", include_key=False)
    assert_frame_equal(pl.concat([plateaus_of(day) for day in days]), whole)


def test_another_vehicle_beside_it_changes_nothing() -> None:
    one = Tank().drive(60).stand(20).fill(90, 4).stand(20).drive(60).frame()
    other = Tank(vehicle_id="bus", seed=7, litres=300).drive(200).stand(100).frame()
    both = pl.concat([one, other])
    alone = plateaus_of(one)
    assert_frame_equal(plateaus_of(both).filter(pl.col("vehicle_id") == "lorry"), alone)
    window = window_of(both)
    beside = _balance(plateaus_of(both), window).filter(pl.col("vehicle_id") == "lorry")
    assert_frame_equal(beside, _balance(alone, window))
