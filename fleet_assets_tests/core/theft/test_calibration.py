"""Probabilities made of scores, and how far they hold."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_assets.core.compiled import F64, I64
from fleet_assets.core.theft.calibration import Platt, brier, calibration, fit_platt, reliability


def _drawn(count: int, seed: int = 1) -> tuple[F64, F64, I64]:
    """Scores, what is true by a known curve, and vehicles."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, count)
    is_true = (rng.random(count) < Platt(1.5, -1.0).of(scores)).astype(np.float64)
    return scores, is_true, rng.integers(0, 40, count)


def test_the_curve_behind_scores_is_found_again() -> None:
    scores, is_true, _ = _drawn(20_000)
    found = fit_platt(scores, is_true)
    assert [found.slope, found.intercept] == pytest.approx([1.5, -1.0], abs=0.1)


def test_scores_that_part_both_perfectly_give_no_certainty() -> None:
    found = fit_platt(np.array([1.0, 2, 3, 10, 11, 12]), np.array([0.0, 0, 0, 1, 1, 1]))
    told = found.of(np.array([1.0, 12.0]))
    assert 0.05 < told[0] < 0.5 < told[1] < 0.95


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_kind_alone_gives_no_curve(label: float) -> None:
    with pytest.raises(ValueError, match="some that are none"):
        fit_platt(np.array([1.0, 2.0]), np.full(2, label))


def test_brier_of_certainty_and_of_a_coin() -> None:
    is_true = np.array([1.0, 0.0, 1.0, 0.0])
    assert brier(is_true, is_true) == 0
    assert brier(np.full(4, 0.5), is_true) == 0.25


def test_probabilities_that_hold_have_a_small_error_and_others_a_large_one() -> None:
    scores, is_true, vehicle = _drawn(20_000)
    told = Platt(1.5, -1.0).of(scores)
    held = calibration(told, is_true, vehicle)
    assert held.error < 0.02
    assert held.error_low <= held.error_high < 0.03
    assert held.brier < held.base_brier == pytest.approx(is_true.mean() * (1 - is_true.mean()))
    off = calibration(np.clip(told + 0.2, 0, 1), is_true, vehicle)
    assert off.error == pytest.approx(0.17, abs=0.04)
    assert off.error_low > 0.1


def test_the_interval_is_the_same_each_time_and_parts_of_the_error_do_not_depend_on_vehicles() -> None:
    scores, is_true, vehicle = _drawn(4_000)
    told = Platt(1.5, -1.0).of(scores)
    many, few = (calibration(told, is_true, vehicle % count) for count in (40, 4))
    assert [many.error, many.brier] == pytest.approx([few.error, few.brier])
    assert calibration(told, is_true, vehicle) == many


def test_no_event_has_no_calibration() -> None:
    with pytest.raises(ValueError, match="no event"):
        calibration(np.array([]), np.array([]), np.array([], dtype=np.int64))


def test_what_is_told_alike_lies_in_one_bin() -> None:
    told, is_true = np.array([0.2] * 30 + [0.9] * 10), np.array([0.0] * 24 + [1.0] * 6 + [1.0] * 9 + [0.0])
    assert reliability(told, is_true).tolist() == [pytest.approx([0.2, 0.2, 30]), pytest.approx([0.9, 0.9, 10])]
