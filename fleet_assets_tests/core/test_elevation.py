"""Climbs: the noise of a receiver's height adds nothing, and a real climb is kept, at any cadence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fleet_assets.core.compiled import F64, read_only
from fleet_assets.core.elevation import ClimbRules, climbs
from fleet_assets.core.integrals import Stretches

HOUR_S = 3600
CADENCES_S = (1, 10, 60, 120)


def _climbs(altitude: F64, step_s: int) -> tuple[Any, Any]:
    at = read_only(np.arange(len(altitude), dtype=np.int64) * step_s * 1_000_000)
    whole = Stretches(np.array([0]), np.array([len(altitude) - 1]))
    gain, loss = climbs(at, read_only(np.asarray(altitude, dtype=np.float64)), whole, ClimbRules())
    return float(gain[0]), float(loss[0])


def _white(count: int, seed: int) -> F64:
    return np.random.default_rng(seed).uniform(-3, 3, count)


def _wandering(count: int, step_s: int, period_s: float, seed: int) -> F64:
    """Height that wanders by 3 m either way within minutes, as that of a receiver does."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    height: F64 = 3 * np.sin(2 * np.pi * np.arange(count) * step_s / period_s + phase)
    return height


@pytest.mark.parametrize("step_s", CADENCES_S)
@pytest.mark.parametrize("seed", range(3))
def test_noise_of_3_m_on_a_flat_road_climbs_nothing(step_s: int, seed: int) -> None:
    count = HOUR_S // step_s + 1
    assert _climbs(400 + _white(count, seed), step_s) == (0.0, 0.0)


@pytest.mark.parametrize("step_s", CADENCES_S)
@pytest.mark.parametrize("period_s", [180.0, 600.0])
def test_a_height_that_wanders_by_3_m_climbs_nothing(step_s: int, period_s: float) -> None:
    count = HOUR_S // step_s + 1
    assert _climbs(400 + _wandering(count, step_s, period_s, 1), step_s) == (0.0, 0.0)


@pytest.mark.parametrize("step_s", CADENCES_S)
def test_a_real_climb_is_kept_under_the_same_noise(step_s: int) -> None:
    count = HOUR_S // step_s + 1
    hill = np.interp(np.arange(count), [0, count // 2, count - 1], [0.0, 300.0, 0.0])
    for noise in (np.zeros(count), _white(count, 5), _wandering(count, step_s, 240.0, 5)):
        assert _climbs(hill + noise, step_s) == (pytest.approx(300, abs=10), pytest.approx(300, abs=10))


def test_every_small_hill_of_a_rolling_road_counts() -> None:
    seconds = np.arange(HOUR_S + 1)
    rolling = 20 * (1 - np.cos(2 * np.pi * seconds / 600)) / 2  # six hills of 20 m
    assert _climbs(rolling, 1) == (pytest.approx(120, abs=6), pytest.approx(120, abs=6))


def test_without_an_altitude_nothing_is_known() -> None:
    gain, loss = _climbs(np.full(10, np.nan), 1)
    assert np.isnan(gain)
    assert np.isnan(loss)
