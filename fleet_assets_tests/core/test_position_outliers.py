"""A parked receiver draws no trips, and short drives are still found where positions alone tell of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleet_assets.contracts import TELEMETRY
from fleet_assets_tests.core.histories import KM_PER_DEGREE, NOON, trips_of, vehicle

PLACES = ("latitude_deg", "longitude_deg")


def _parked(seed: int, step_s: int, sigma_m: float, memory: float) -> pl.DataFrame:
    """Ten hours of a parked receiver with errors of `sigma_m` to every side, each of which keeps `memory` of the one
    ten seconds before."""
    random = np.random.default_rng(seed)
    errors = np.zeros((3600, 2))
    for row in range(1, 3600):
        errors[row] = memory * errors[row - 1] + random.normal(0, sigma_m * np.sqrt(1 - memory**2), 2)
    kept = errors[:: step_s // 10] / 1000 / KM_PER_DEGREE
    instants = [NOON + timedelta(seconds=step_s * row) for row in range(len(kept))]
    rows = pl.DataFrame({"recorded_at": instants, "latitude_deg": kept[:, 0], "longitude_deg": 10 + kept[:, 1]})
    named = rows.with_columns(pl.lit("a").alias("vehicle_id"), pl.lit("test").alias("source"))
    return TELEMETRY.conform(named.cast({"recorded_at": TELEMETRY.schema["recorded_at"]}).lazy()).collect()


@pytest.mark.parametrize("step_s", [10, 60, 300])
@pytest.mark.parametrize("sigma_m", [5.0, 15.0, 30.0])
def test_ten_hours_of_a_parked_receiver_are_no_trip(step_s: int, sigma_m: float) -> None:
    assert [trips_of(_parked(seed, step_s, sigma_m, 0.98)).height for seed in range(5)] == [0] * 5


@pytest.mark.parametrize(("step_s", "most"), [(30, 4), (60, 4)])
def test_errors_of_60_m_that_change_within_minutes_seldom_give_a_trip(step_s: int, most: int) -> None:
    """A trip came in three of four nights before the hour before was asked how far the receiver drifts."""
    nights = [trips_of(_parked(seed, step_s, 60.0, float(np.exp(-10 / 300)))).height for seed in range(30)]
    assert sum(count > 0 for count in nights) <= most


@pytest.mark.parametrize("sigma_m", [3.0, 10.0])
def test_a_move_across_the_car_park_is_found_after_an_hour_of_usual_straying(sigma_m: float) -> None:
    moved = _parked(1, 10, sigma_m, 0.98).head(720)
    metres = (pl.int_range(pl.len()).cast(pl.Float64) - 400).clip(0, 6) * 25
    north = pl.col("latitude_deg") + metres / 1000 / KM_PER_DEGREE
    (trip,) = trips_of(moved.with_columns(latitude_deg=north)).rows(named=True)
    assert trip["started_at"] - NOON <= timedelta(seconds=4020)
    assert trip["distance_km"] == pytest.approx(0.15, abs=0.06)


@pytest.mark.parametrize(
    ("kmh", "seconds", "step_s"), [(3, 1800, 10), (10, 60, 5), (12, 45, 5), (30, 3600, 60), (8, 3600, 120)]
)
def test_creeping_traffic_car_parks_and_ferries_are_trips(kmh: float, seconds: float, step_s: float) -> None:
    history = vehicle(*PLACES, step_s=step_s).stand(900).drive(seconds, kmh).stand(900).frame()
    (trip,) = trips_of(history).rows(named=True)
    assert trip["distance_km"] == pytest.approx(kmh * seconds / 3600, rel=0.2)
    assert trip["distance_source"] == "gps"


def test_a_round_in_the_yard_cannot_be_told_from_a_receiver_that_drifts() -> None:
    out = vehicle(*PLACES, step_s=5).stand(900).drive(45, 12).frame()
    back = out.tail(9).with_columns(pl.col("recorded_at") + timedelta(seconds=45), pl.col("latitude_deg").reverse())
    home = out.head(100).with_columns(pl.col("recorded_at") + timedelta(seconds=990))
    assert trips_of(pl.concat([out, back, home])).is_empty()
