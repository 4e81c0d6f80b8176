"""`fleet model`, in the process of the test, on an installation that holds candidates."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from fleet_assets.contracts import THEFT_CANDIDATES, THEFT_TRAINING_SET
from fleet_assets.installation import Installation
from fleet_assets.pipeline import theft_model
from fleet_assets.pipeline.theft_promoted import shelf_of
from fleet_assets_tests.core.theft.model.cases import candidates, training
from fleet_assets_tests.fixtures.fleet_here import FleetHere
from fleet_assets_tests.proofs.histories.lakes import store_model


@pytest.fixture
def scored(installation: Installation) -> Installation:
    """An installation whose first model is trained and stored."""
    rows = candidates()
    day = rows["closed_at"].dt.date().sort()[100]
    installation.lake.write(THEFT_CANDIDATES, day, rows.filter(pl.col("closed_at").dt.date() == day), "test")
    store_model(installation)
    return installation


def another(installation: Installation) -> str:
    """A second model, of fewer rows."""
    rows = pl.concat([training().filter(~pl.col("is_held")).head(900), training().filter("is_held")])
    installation.lake.write(THEFT_TRAINING_SET, None, rows, "test")
    return theft_model.train(installation).version


@pytest.mark.usefixtures("installation")
def test_before_there_is_a_model_the_commands_say_how_to_have_one(fleet_here: FleetHere) -> None:
    assert "`fleet build` trains the first" in fleet_here("model", "list").out.replace("\n", " ")
    shown = fleet_here("model", "show")
    assert (shown.code, "no model scores yet" in shown.err) == (2, True)
    promoted = fleet_here("model", "promote", "m1")
    assert (promoted.code, "there is no model m1; `fleet model train` makes one" in promoted.err) == (2, True)
    assert "there is no model to go back to" in fleet_here("model", "rollback").err


def test_the_list_says_which_model_scores_and_why_another_cannot(scored: Installation, fleet_here: FleetHere) -> None:
    shelf = shelf_of(scored)
    first = shelf.promoted
    second = another(scored)
    (shelf.folder / second / "model.joblib").write_bytes(b"")
    lines = fleet_here("model", "list").out.splitlines()
    assert any(first in line and "thefts" in line for line in lines)
    assert "cannot be used" in " ".join(lines)
    assert "model train` makes one that is" in " ".join(lines)


def test_a_model_is_shown_with_its_thresholds_its_features_and_pictures(
    scored: Installation, fleet_here: FleetHere, tmp_path: Path
) -> None:
    shown = fleet_here("model", "show", "--pictures", tmp_path)
    assert (shown.code, shown.err) == (0, "")
    for said in (shelf_of(scored).promoted, "which scores", "Reviews of this fleet: none", "size_over_noise",
                 "probability from which it alarms", "scikit-learn"):  # fmt: skip
        assert said in shown.out
    for name in ("theft_reliability.png", "theft_precision_and_recall.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_a_model_is_promoted_by_its_name_and_gone_back_on(scored: Installation, fleet_here: FleetHere) -> None:
    shelf = shelf_of(scored)
    first = shelf.promoted
    second = another(scored)
    shelf.promote(first, "test") if shelf.promoted == second else None
    done = fleet_here("model", "promote", second)
    assert (done.code, shelf.promoted) == (0, second)
    assert "`fleet build` computes all scores with it" in done.out
    assert f"{second} scores already" in fleet_here("model", "promote", second).out
    assert fleet_here("model", "rollback").code == 0
    assert shelf.promoted == first
    assert shelf.history()[-1].why == f"went back from {second}"


def test_a_tampered_model_is_refused_with_what_to_do_and_nothing_changes(
    scored: Installation, fleet_here: FleetHere
) -> None:
    shelf = shelf_of(scored)
    second = another(scored)
    other = next(name for name in shelf.versions() if name != shelf.promoted)
    before = shelf.promoted
    (shelf.folder / other / "model.joblib").write_bytes(b"not what was written")
    done = fleet_here("model", "promote", other)
    assert (done.code, shelf.promoted) == (1, before)
    assert "`fleet model train`" in done.err.replace("\n", " ")
    assert second in shelf.versions()
