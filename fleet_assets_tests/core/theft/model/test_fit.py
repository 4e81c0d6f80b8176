"""What is learnt is a sum of step functions, the same for the same rows, and knows nothing but features."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fleet_assets.adapters.model_shelf import packed
from fleet_assets.contracts.theft import FEATURES
from fleet_assets.core.theft.calibration import fit_platt
from fleet_assets.core.theft.model.estimators import additive, scores_of
from fleet_assets.core.theft.model.features import DIRECTIONS, KINDS, NAMES, numbers
from fleet_assets.core.theft.model.fit import Recalibration, arrays, fit, out_of_fold, recalibrated
from fleet_assets.core.theft.model.limits import BUDGETS, threshold_at, thresholds
from fleet_assets_tests.core.theft.model.cases import fitted, own, prior, training


def test_terms_add_up_to_the_log_odds_of_the_trees_on_the_line_of_calibration() -> None:
    told = numbers(training())
    found = fitted()
    expected = found.curve.intercept + found.curve.slope * scores_of(found.trees)(told)
    assert np.abs(found.terms.log_odds(told) - expected).max() < 1e-7


def test_the_average_candidate_has_the_base() -> None:
    told, _, weights = arrays(training().filter(~pl.col("is_held")))
    added = fitted().terms.contributions(told)
    assert added.keys() <= set(NAMES)
    assert all(abs(np.average(one, weights=weights)) < 1e-6 for one in added.values())


def test_equal_rows_in_any_order_give_an_equal_model_byte_by_byte() -> None:
    again = fit(training().sample(fraction=1.0, shuffle=True, seed=5), prior().months(is_held=False))
    assert (again.terms, again.thresholds) == (fitted().terms, fitted().thresholds)
    assert packed(again.trees) == packed(fitted().trees)


def test_held_out_rows_teach_nothing() -> None:
    is_held = pl.col("is_held")
    turned = training().with_columns(is_theft=pl.col("is_theft") ^ is_held)
    assert not turned.equals(training())
    assert fit(turned, prior().months(is_held=False)).terms == fitted().terms


def test_a_larger_fall_is_never_less_likely_and_one_of_the_whole_source_never_more() -> None:
    for name, steps in fitted().terms.steps.items():
        rises = np.sign(np.diff(steps.values))
        assert (rises * DIRECTIONS.get(name, 0) >= 0).all(), name
    assert "size_over_noise" in fitted().terms.steps


def test_a_model_is_told_features_and_kinds_alone() -> None:
    assert {*NAMES} <= {column.name for column in FEATURES} | {*KINDS}
    turned = training().with_columns(
        pl.col("is_theft").not_(), pl.lit("another").alias("vehicle_id"), pl.lit(9.0).alias("weight"),
        pl.lit("another").alias("event_id"), pl.col("started_at").dt.offset_by("1y"),
    )  # fmt: skip
    assert np.array_equal(numbers(turned), numbers(training()), equal_nan=True)


def test_permuted_labels_teach_nothing_about_vehicles_that_were_not_seen() -> None:
    rows = training().filter(~pl.col("is_held")).sort("fleet", "event_id")
    permuted = rows.with_columns(pl.col("is_theft").shuffle(seed=3))
    unseen = out_of_fold(permuted, additive)
    labels = permuted["is_theft"].to_numpy()
    order = np.argsort(np.argsort(unseen)) + 1
    wins = order[labels].sum() - labels.sum() * (labels.sum() + 1) / 2
    area = wins / (labels.sum() * (~labels).sum())
    assert abs(area - 0.5) < 0.05


def test_each_vehicle_is_scored_by_a_model_that_has_not_seen_it() -> None:
    rows = training().filter(~pl.col("is_held")).sort("fleet", "event_id")
    told = numbers(rows)
    seen: list[set[bytes]] = []

    def learn(known: np.ndarray, *_: object) -> object:
        seen.append({row.tobytes() for row in known})
        return lambda new: np.array([row.tobytes() in seen[-1] for row in new], dtype=float)

    out_of_fold(rows, learn)  # type: ignore[arg-type]
    assert len(seen) == 5
    vehicles = rows["fleet"] + "/" + rows["vehicle_id"]
    for known in seen:
        is_known = pl.Series([row.tobytes() in known for row in told])
        both = {*vehicles.filter(is_known)} & {*vehicles.filter(~is_known)}
        assert not both


def test_too_little_to_learn_from_is_refused() -> None:
    few = training().filter(~pl.col("is_held"))
    with pytest.raises(ValueError, match="10 labelled candidates"):
        fit(few.head(10), 1.0)
    with pytest.raises(ValueError, match="0 of them thefts"):
        fit(few.filter(~pl.col("is_theft")), 1.0)


def test_without_own_labels_nothing_moves() -> None:
    nothing = np.empty(0)
    curve = recalibrated(nothing, nothing, Recalibration())
    assert (curve.intercept, curve.slope) == (0.0, 1.0)
    assert fitted().own_labels == 0


def test_own_labels_move_probabilities_towards_them_the_more_of_them_there_are() -> None:
    few, many = (recalibrated(np.zeros(count), np.ones(count), Recalibration()) for count in (4, 64))
    assert 0 < few.intercept < many.intercept
    sixteen = recalibrated(np.zeros(16), np.full(16, 0.75), Recalibration())
    alone = recalibrated(np.zeros(16), np.full(16, 0.75), Recalibration(offset_sd=1e6, slope_sd=1e6))
    # Sixteen labels at one half weigh about as much as what was known before.
    assert sixteen.intercept / alone.intercept == pytest.approx(0.5, abs=0.05)


def test_reviews_that_find_no_theft_lower_the_probability_of_what_looks_like_them() -> None:
    alarms = training().filter(~pl.col("is_held") & (pl.col("size_over_noise") > 5)).head(40)
    found = fit(pl.concat([training(), own(alarms, is_theft=False)]), prior().months(is_held=False))
    assert found.own_labels == 40
    told = numbers(alarms)
    assert found.terms.log_odds(told).mean() < fitted().terms.log_odds(told).mean() - 1


def test_thresholds_keep_to_their_budget_where_they_were_learnt() -> None:
    odds, labels = np.arange(100.0), np.zeros(100)
    found = thresholds(odds, labels, vehicle_months=50.0)
    assert [int((odds >= found[budget]).sum()) for budget in BUDGETS] == [int(50 * budget) for budget in BUDGETS]
    assert found[0.05] > threshold_at(found, 0.06) > found[0.07]
    assert threshold_at(found, 0.001) == found[0.01]
    assert threshold_at(found, 50.0) == found[2.0]


def test_a_curve_is_found_where_an_undamped_step_overshoots() -> None:
    scores = np.concatenate((np.full(400, -7.0), np.full(20, -4.0), np.full(20, 4.0), np.full(5, -6.0)))
    labels = np.concatenate((np.zeros(420), np.ones(25)))
    weights = np.where(labels > 0, 0.2, 1.0)
    curve = fit_platt(scores, labels, weights)
    assert curve.slope > 0
    told = curve.of(np.array([-7.0, 4.0]))
    assert told[0] < 0.02
    assert told[1] > 0.5
