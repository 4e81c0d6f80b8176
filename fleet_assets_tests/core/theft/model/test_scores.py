"""A score depends on its candidate and the model alone, and says what it rests on."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import check_frame
from fleet_assets.contracts.theft import THEFT_CANDIDATES, THEFT_MODEL, THEFT_SCORES
from fleet_assets.core.theft.checks import sum_sentences
from fleet_assets.core.theft.model.features import NAMES, numbers
from fleet_assets.core.theft.model.scores import BASE, scored
from fleet_assets.core.theft.model.stored import model_of, model_rows
from fleet_assets_tests.core.theft.model.cases import candidates, model


def test_scores_are_rows_of_the_contract_one_for_each_candidate() -> None:
    found = scored(candidates(), model())
    check_frame(THEFT_SCORES, found)
    assert found.height == candidates().height
    assert found["scored_at"].sort().equals(candidates()["closed_at"].sort().rename("scored_at"))
    assert set(found["model_version"]) == {"m1"}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 900))
def test_shuffling_rows_and_splitting_batches_changes_no_score(seed: int, size: int) -> None:
    whole = scored(candidates(), model())
    mixed = candidates().sample(fraction=1.0, shuffle=True, seed=seed)
    parts = [scored(part, model()) for part in mixed.iter_slices(size)]
    assert_frame_equal(pl.concat(parts).sort(THEFT_SCORES.order), whole, check_exact=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60))
def test_later_candidates_change_no_earlier_score(days: int) -> None:
    whole = scored(candidates(), model())
    until = candidates()["closed_at"].min() + pl.duration(days=days)
    early = scored(candidates().filter(pl.col("closed_at") < until), model())
    assert_frame_equal(early, whole.filter(pl.col("scored_at") < until), check_exact=True)


def test_contributions_and_the_base_add_up_to_the_log_odds_of_the_probability() -> None:
    found = scored(candidates(), model())
    assert sum_sentences(found.lazy()) == []
    sums = [sum(json.loads(text).values()) for text in found["contributions"]]
    told = found.with_columns(pl.Series("log_odds", sums)).filter(pl.col("probability").is_between(1e-5, 1 - 1e-5))
    odds = (told["probability"] / (1 - told["probability"])).log()
    assert np.abs((odds - told["log_odds"]).to_numpy()).max() < 1e-4
    changed = found.with_columns(pl.col("probability") * 0.9)
    assert len(sum_sentences(changed.lazy())) > changed.height / 2


def test_a_score_names_the_base_and_features_alone() -> None:
    for text in scored(candidates().head(3), model())["contributions"]:
        assert BASE in json.loads(text)
        assert {*json.loads(text)} <= {*NAMES, BASE}


def test_a_model_is_the_same_after_its_rows_were_stored() -> None:
    rows = model_rows(model())
    check_frame(THEFT_MODEL, rows)
    again = model_of(rows.sample(fraction=1.0, shuffle=True, seed=1))
    assert again == model()
    assert model_of(rows.clear()) is None


def test_a_stored_threshold_is_a_probability_that_falls_with_the_budget() -> None:
    told = [model().threshold_at(budget) for budget in (0.01, 0.05, 0.2, 1.0)]
    assert told == sorted(told, reverse=True)
    assert all(0 < one < 1 for one in told)


def test_what_is_not_known_is_no_number_and_has_a_term_of_its_own() -> None:
    empty = candidates().head(1).with_columns(pl.lit(None, pl.Float64).alias("noise_ratio"))
    told = numbers(empty)
    assert np.isnan(told[0, NAMES.index("noise_ratio")])
    steps = model().terms.steps["noise_ratio"]
    assert model().terms.contributions(told)["noise_ratio"][0] == steps.unknown


def test_no_candidates_have_no_scores() -> None:
    assert_frame_equal(scored(THEFT_CANDIDATES.empty(), model()), THEFT_SCORES.empty())
