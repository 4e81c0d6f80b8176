"""Training, the gate, promotion and what becomes stale by it, on an installation that holds candidates."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.adapters import model_shelf
from fleet_assets.contracts import THEFT_CANDIDATES, THEFT_MODEL, THEFT_REVIEWS, THEFT_SCORES, THEFT_TRAINING_SET
from fleet_assets.contracts.errors import DataError, ModelRefused
from fleet_assets.contracts.theft import SUMS
from fleet_assets.installation import Installation
from fleet_assets.pipeline import theft_model, theft_promoted
from fleet_assets.pipeline.day_tables import Days
from fleet_assets.pipeline.plan import BuildRequest, followed_tables, plan_build
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets_tests.core.theft.model.cases import candidates, training
from fleet_assets_tests.proofs.histories.lakes import new_installation, store_model

SCORES = DAY_TABLES[THEFT_SCORES.name]


def days_of(rows: pl.DataFrame, column: str = "closed_at") -> list[date]:
    return sorted(rows[column].dt.date().unique())


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """An installation with candidates of three days."""
    installation = new_installation(tmp_path)
    rows = candidates()
    for day in days_of(rows)[10:13]:
        installation.lake.write(THEFT_CANDIDATES, day, rows.filter(pl.col("closed_at").dt.date() == day), "test")
    return installation


def scores(installation: Installation) -> pl.DataFrame:
    days = days_of(installation.lake.scan(THEFT_CANDIDATES).collect())
    list(store_days(installation, SCORES, days, only_stale=True))
    return installation.lake.scan(THEFT_SCORES).collect()


def teach(installation: Installation, rows: pl.DataFrame) -> theft_model.Trained:
    installation.lake.write(THEFT_TRAINING_SET, None, rows, "test")
    return theft_model.train(installation)


def with_worse_labels() -> pl.DataFrame:
    """The training set in which half of what is learnt from has labels at random; what is held out stays true."""
    is_wrong = pl.col("fleet").is_in(["seed 101", "seed 102", "seed 103", "seed 104"])
    wrong = training().filter(is_wrong).with_columns(pl.col("is_theft").shuffle(seed=1))
    return pl.concat([wrong, training().filter(~is_wrong)])


def with_fewer_rows() -> pl.DataFrame:
    return pl.concat([training().filter(~pl.col("is_held")).head(1_200), training().filter("is_held")])


def review(installation: Installation, rows: pl.DataFrame, verdict: str) -> None:
    told = rows.select(
        pl.format("r-{}", "event_id").alias("review_id"), "vehicle_id", "event_id",
        pl.col("started_at").alias("event_started_at"), pl.col("ended_at").alias("event_ended_at"),
        pl.lit(verdict).alias("verdict"),
        pl.lit("other").alias("reason"), pl.col("closed_at").alias("reviewed_at"),
    )  # fmt: skip
    installation.lake.write(THEFT_REVIEWS, None, THEFT_REVIEWS.conform(told.lazy()).collect(), "test")


def test_before_there_is_a_model_candidates_are_counted_and_not_scored(here: Installation) -> None:
    assert theft_model.promoted(here) is None
    assert scores(here).is_empty()
    day = days_of(here.lake.scan(THEFT_CANDIDATES).collect())[0]
    record = here.lake.record(THEFT_SCORES, day)
    assert record is not None
    assert record.notes["not_scored"] > 0  # type: ignore[operator]
    store_model(here)
    assert not SCORES.is_current(here, day, here.lake.record(THEFT_SCORES, day))


def test_a_first_model_is_trained_from_simulated_fleets_where_there_is_something_to_score(
    here: Installation, tmp_path: Path
) -> None:
    assert theft_promoted.is_model_stale(here)
    assert not theft_promoted.is_model_stale(new_installation(tmp_path / "empty"))
    store_model(here)
    assert not theft_promoted.is_model_stale(here)
    found = theft_model.promoted(here)
    assert found is not None
    assert found.version == theft_promoted.shelf_of(here).promoted
    assert scores(here)["model_version"].unique().to_list() == [found.version]
    falls = here.lake.scan(THEFT_CANDIDATES).filter(~pl.col("kind").is_in(SUMS)).collect()
    assert scores(here).height == falls.height


def test_a_full_rebuild_with_the_promoted_model_equals_the_stored_scores(here: Installation) -> None:
    store_model(here)
    before = scores(here)
    days = days_of(before, "scored_at")
    assert all(not stored.written.is_changed for stored in store_days(here, SCORES, days, only_stale=False)
               if stored.written is not None)  # fmt: skip
    whole = SCORES.made_of(here, Days(days[0], days[-1])).frame.collect()
    assert_frame_equal(whole.sort(THEFT_SCORES.order), before.sort(THEFT_SCORES.order), check_exact=True)


def test_the_same_training_set_is_not_trained_again(here: Installation) -> None:
    first = teach(here, training())
    assert (first.is_new, first.is_promoted) == (True, True)
    again = teach(here, training().sample(fraction=1.0, shuffle=True, seed=1))
    assert (again.version, again.is_new, again.is_promoted) == (first.version, False, False)


def test_a_worse_model_is_kept_and_never_promoted(here: Installation) -> None:
    first = teach(here, training())
    worse = teach(here, with_worse_labels())
    assert (worse.is_new, worse.is_promoted) == (True, False)
    assert worse.sentence.startswith("not promoted: worse in ")
    shelf = theft_promoted.shelf_of(here)
    assert shelf.promoted == first.version
    assert shelf.versions() == [first.version, worse.version]


def test_a_better_model_is_promoted(here: Installation) -> None:
    store = theft_promoted.shelf_of(here)
    first = teach(here, with_worse_labels())
    better = teach(here, training())
    assert better.is_promoted, better.sentence
    assert [one.version for one in store.history()] == [first.version, better.version]


def test_a_promotion_makes_scores_stale_and_nothing_else_and_going_back_gives_the_first_scores(
    here: Installation,
) -> None:
    first = teach(here, training())
    store_model(here)
    before = scores(here)
    second = teach(here, with_worse_labels())
    calm = plan_build(here, BuildRequest(), followed_tables()).reasons
    shelf = theft_promoted.shelf_of(here)
    shelf.promote(second.version, "by hand")
    assert theft_promoted.is_model_stale(here)
    store_model(here)
    stale = [day for day in days_of(before, "scored_at")
             if not SCORES.is_current(here, day, here.lake.record(THEFT_SCORES, day))]  # fmt: skip
    assert stale == days_of(before, "scored_at")
    moved = plan_build(here, BuildRequest(), followed_tables()).reasons
    assert moved.keys() - calm.keys() <= {THEFT_SCORES.name}
    after = scores(here)
    assert after["model_version"].unique().to_list() == [second.version]
    assert not after["probability"].equals(before["probability"])
    shelf.promote(shelf.before(), "went back")
    store_model(here)
    assert theft_model.promoted(here).version == first.version  # type: ignore[union-attr]
    assert_frame_equal(scores(here), before, check_exact=True)


def test_a_promoted_model_that_was_changed_is_replaced_by_one_that_is_trained_anew(here: Installation) -> None:
    store_model(here)
    shelf = theft_promoted.shelf_of(here)
    file = shelf.folder / shelf.promoted / "model.json"
    file.write_text(file.read_text().replace('"thefts":', '"thieves":'))
    assert theft_promoted.usable(here) == ""
    with pytest.raises(ModelRefused):
        theft_model.loaded(here, shelf.promoted)
    assert theft_promoted.is_model_stale(here)
    store_model(here)
    assert theft_promoted.usable(here) == shelf.promoted


def test_a_lost_key_is_made_anew_by_the_next_training(here: Installation) -> None:
    store_model(here)
    shelf = theft_promoted.shelf_of(here)
    (shelf.folder / "key").unlink()
    assert theft_promoted.usable(here) == ""
    store_model(here)
    assert theft_promoted.usable(here) == shelf.promoted


def test_without_reviews_the_training_set_is_the_packaged_one(here: Installation) -> None:
    rows, inputs, _ = theft_model.training_set(here)
    assert_frame_equal(rows, training())
    assert inputs == theft_model.training_set(here)[1]


def test_reviews_join_the_training_set_by_vehicle_and_count_from_the_next_training_on(here: Installation) -> None:
    store_model(here)
    before = scores(here)
    judged = here.lake.scan(THEFT_CANDIDATES).filter(~pl.col("kind").is_in(SUMS)).collect()
    review(here, judged, "no_theft")
    rows, inputs, _ = theft_model.training_set(here)
    own = rows.filter(pl.col("fleet") == "own")
    assert own.height == judged.height
    assert not own["is_theft"].any()
    assert own.group_by("vehicle_id").agg(pl.col("is_held").n_unique())["is_held"].max() == 1
    assert own["is_held"].n_unique() == 2
    assert_frame_equal(scores(here), before)
    here.lake.write(THEFT_TRAINING_SET, None, rows, inputs)
    trained = theft_model.train(here)
    facts = theft_promoted.shelf_of(here).facts(trained.version)
    assert (facts["own_labels"], facts["own_thefts"]) == (own.filter(~pl.col("is_held")).height, 0)
    assert facts["trained_on"]["own"] == facts["own_labels"]


def test_a_training_set_that_teaches_nothing_is_refused_in_a_sentence(here: Installation) -> None:
    with pytest.raises(DataError, match="no model of thefts: 12 labelled candidates"):
        teach(here, training().filter(~pl.col("is_held")).head(12))
    assert here.lake.record(THEFT_MODEL, None) is None


def test_a_model_of_fewer_rows_has_another_name(here: Installation) -> None:
    assert teach(here, training()).version != teach(here, with_fewer_rows()).version


def test_a_model_of_another_scikit_learn_still_scores_what_is_stored_and_is_replaced_by_the_next_build(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = model_shelf.libraries()
    monkeypatch.setattr(model_shelf, "libraries", lambda: installed | {"scikit-learn": "0.99"})
    monkeypatch.setattr(theft_promoted, "libraries", model_shelf.libraries)
    monkeypatch.setattr(theft_model, "libraries", model_shelf.libraries)
    store_model(here)
    first = theft_promoted.shelf_of(here).promoted
    monkeypatch.undo()
    assert scores(here)["model_version"].unique().to_list() == [first]
    with pytest.raises(ModelRefused, match=r"was made with scikit-learn 0\.99"):
        theft_model.loaded(here, first)
    assert theft_promoted.is_model_stale(here)
    store_model(here)
    second = theft_promoted.shelf_of(here).promoted
    assert second != first
    assert scores(here)["model_version"].unique().to_list() == [second]


def test_a_loss_of_weeks_that_is_told_twice_is_one_label(here: Installation) -> None:
    rows = here.lake.scan(THEFT_CANDIDATES).collect().head(1)
    later = rows["closed_at"].dt.offset_by("7d")
    again = rows.with_columns(closed_at=later)
    here.lake.write(THEFT_CANDIDATES, later.dt.date().item(), again, "test")
    review(here, rows, "theft")
    own = theft_model.training_set(here)[0].filter(pl.col("fleet") == "own")
    assert own.select("event_id", "is_theft").rows() == [(rows["event_id"].item(), True)]


def test_a_review_of_a_sum_of_nights_labels_no_fall_beside_it(here: Installation) -> None:
    fall = here.lake.scan(THEFT_CANDIDATES).filter(~pl.col("kind").is_in(SUMS)).collect().head(1)
    start, end = fall["started_at"].item(), fall["ended_at"].item()
    nights = fall.with_columns(
        kind=pl.lit("nights"), event_id=pl.lit("of nights"),
        started_at=pl.lit(start - timedelta(days=3), THEFT_CANDIDATES.schema["started_at"]),
        ended_at=pl.lit(end + timedelta(minutes=5), THEFT_CANDIDATES.schema["ended_at"]),
    )  # fmt: skip
    day = fall["closed_at"].dt.date().item()
    rows = here.lake.scan(THEFT_CANDIDATES, [day]).collect()
    here.lake.write(THEFT_CANDIDATES, day, pl.concat([rows, nights]).sort(THEFT_CANDIDATES.order), "test")
    review(here, nights, "theft")
    found, _, unmet = theft_model.training_set(here)
    assert (found.filter(pl.col("fleet") == "own").height, unmet) == (0, 0)


def test_reviews_that_meet_nothing_are_counted(here: Installation) -> None:
    fall = here.lake.scan(THEFT_CANDIDATES).collect().head(1)
    elsewhere = fall.with_columns(
        pl.col("started_at", "ended_at") - timedelta(days=90), event_id=pl.lit("gone"),
    )  # fmt: skip
    review(here, elsewhere, "theft")
    assert theft_model.training_set(here)[2] == 1
