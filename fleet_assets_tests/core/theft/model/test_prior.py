"""The packaged fleets are those of the present code, and are judged as the benchmark judges."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from fleet_assets.adapters.theft_prior import PACKAGED
from fleet_assets.contracts import check_frame
from fleet_assets.contracts.theft import SUMS, THEFT_CANDIDATES, THEFT_MODEL_METRICS, THEFT_TRAINING_SET
from fleet_assets.core.theft.baselines import BASELINES
from fleet_assets.core.theft.evaluation import judge
from fleet_assets.core.theft.model.prior import fleet_in, held_judged, held_out, training_rows
from fleet_assets.core.theft.rules import TheftRules
from fleet_assets_tests.core.theft import cases
from fleet_assets_tests.core.theft.cases import NOON
from fleet_assets_tests.core.theft.model.cases import candidates, prior, training


def test_the_packaged_fleets_have_the_features_of_the_present_rules() -> None:
    # `fleet benchmark theft-prior fleet_assets/theft_prior` makes them anew.
    assert prior().rules_version == TheftRules().version
    assert {*THEFT_CANDIDATES.schema} <= {*prior().candidates.columns}


def test_the_packaged_fleets_are_small() -> None:
    assert sum(path.stat().st_size for path in PACKAGED.glob("*.parquet")) < 1_000_000


def test_training_rows_are_rows_of_the_contract_and_siphoning_teaches_neither_way() -> None:
    check_frame(THEFT_TRAINING_SET, training())
    falls = prior().candidates.filter(~pl.col("kind").is_in(SUMS))
    assert training().height == falls.filter(pl.col("verdict") != "loss").height
    weights = training().filter("is_theft")["weight"]
    assert 0 < weights.min() < weights.max() < 1  # type: ignore[operator]


def test_no_vehicle_is_both_learnt_from_and_held_out() -> None:
    parts = training().partition_by("is_held", as_dict=True)
    held, learnt = ({*parts[is_held,]["vehicle_id"]} for is_held in (True, False))
    assert held
    assert learnt
    assert not held & learnt


def test_every_detector_in_use_elsewhere_is_recorded_on_the_held_fleets() -> None:
    check_frame(THEFT_MODEL_METRICS, prior().detectors)
    assert {*prior().detectors["method"]} == {*BASELINES}


def test_held_fleets_are_judged_as_the_benchmark_judges_them() -> None:
    scores = pl.Series(range(candidates().height), dtype=pl.Float64)
    judged = held_judged(prior(), scores)
    assert judged.found.height == held_out(prior()).height
    assert judged.thefts.height == prior().thefts.join(
        prior().fleets.filter("is_held"), on="fleet", how="semi"
    ).height  # fmt: skip
    found = judged.thefts.drop_nulls("score").height
    assert found == judged.found.filter(pl.col("verdict").is_in(["theft", "unseen"])).height


def test_a_theft_is_the_candidate_that_fits_it_best_and_one_that_was_missed_is_kept() -> None:
    rows = candidates().head(2).with_columns(
        pl.Series("started_at", [NOON, NOON]), pl.Series("ended_at", [NOON + timedelta(minutes=5)] * 2),
        pl.lit("van").alias("vehicle_id"), pl.Series("volume_l", [20.0, 31.0]), pl.Series("event_id", ["a", "b"]),
        pl.lit("fall").alias("kind"),
    )  # fmt: skip
    true = cases.thefts(("van", 0, 5, 30.0), ("van", 600, 605, 40.0))
    sizes = pl.DataFrame({"vehicle_id": ["van"], "capacity_l": [400.0]})
    losses = cases.true_events().with_columns(series=pl.lit(""), reports_while_off=pl.lit(True), snr=pl.lit(1.0))
    found = fleet_in("seed 9", rows, sizes, cases.truth(true, losses), 5.0, is_held=True)
    assert found.candidates.select("event_id", "verdict", "theft", "vehicle_id").rows() == [
        ("a", "false", None, "seed 9/van"), ("b", "theft", 0, "seed 9/van"),
    ]  # fmt: skip
    assert found.thefts.height == 2
    assert training_rows(found)["weight"].to_list() == [1.0, pytest.approx(0.2)]
    expected = judge(cases.scored(("van", 0, 5, 31.0, 2.0), ("van", 0, 5, 20.0, 1.0)), cases.truth(true)).thefts
    best = held_judged(found, pl.Series([1.0, 2.0])).thefts
    assert best["score"].to_list() == expected["score"].to_list() == [2.0, None]
