"""Labels: a review follows the fall that it is about, and the newest one counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.contracts import THEFT_REVIEWS, TIMESTAMP
from fleet_assets.core.theft.labels import LABELS, labelled

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
SPANS = pl.Schema({
    "event_id": pl.String(), "vehicle_id": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP,
})  # fmt: skip


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def candidates(*rows: tuple[str, str, float, float]) -> pl.DataFrame:
    """Candidates: id, vehicle, minutes after noon of start and end."""
    return pl.DataFrame([(name, vehicle, at(a), at(b)) for name, vehicle, a, b in rows], schema=SPANS, orient="row")


def review(name: str, start: float, end: float | None, **others: object) -> dict[str, object]:
    return {
        "review_id": name, "vehicle_id": "v", "event_started_at": at(start),
        "event_ended_at": None if end is None else at(end), "verdict": "theft", "reason": "siphoned",
        "reviewed_at": at(5000), **others,
    }  # fmt: skip


def reviews(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=THEFT_REVIEWS.schema)


def labels(found: pl.DataFrame) -> dict[str, str | None]:
    return dict(found.select("event_id", "review_id").iter_rows())


def test_a_review_follows_a_fall_whose_start_and_end_moved_by_minutes() -> None:
    there = candidates(("a", "v", 4, 33), ("b", "v", 300, 310), ("c", "w", 0, 30))
    found = labelled(there, reviews(review("r", 0, 30, event_id="gone", note="seen")))
    assert labels(found.frame) == {"a": "r", "b": None, "c": None}
    assert found.frame.columns == [*there.columns, *LABELS]
    assert found.frame.filter(pl.col("event_id") == "a").select("verdict", "reason", "reviewed_at").row(0) == (
        "theft", "siphoned", at(5000),
    )  # fmt: skip
    assert (found.superseded_count, found.unmet.height) == (0, 0)


def test_a_late_reading_in_a_silence_moves_one_end_far_and_the_review_still_follows() -> None:
    found = labelled(candidates(("a", "v", 500, 720)), reviews(review("r", 0, 720)))
    assert labels(found.frame) == {"a": "r"}


def test_a_fall_within_a_reviewed_week_does_not_take_its_review() -> None:
    week = 7 * 24 * 60
    there = candidates(("fall", "v", 2000, 2010))
    found = labelled(there, reviews(review("r", 0, week)))
    assert labels(found.frame) == {"fall": None}
    assert found.unmet["review_id"].to_list() == ["r"]
    both = labelled(pl.concat([there, candidates(("week", "v", 0, week))]), reviews(review("r", 0, week)))
    assert labels(both.frame) == {"fall": None, "week": "r"}


def test_the_nearest_of_two_falls_takes_the_review() -> None:
    there = candidates(("a", "v", 0, 10), ("b", "v", 12, 20))
    found = labelled(there, reviews(review("first", 1, 10), review("second", 11, 20)))
    assert labels(found.frame) == {"a": "first", "b": "second"}


def test_a_named_fall_takes_its_review_though_another_lies_as_near() -> None:
    there = candidates(("a", "v", 0, 10), ("b", "v", 0, 10))
    assert labels(labelled(there, reviews(review("r", 0, 10, event_id="b"))).frame) == {"a": None, "b": "r"}


def test_a_review_without_an_end_is_about_its_start() -> None:
    assert labels(labelled(candidates(("a", "v", 10, 600)), reviews(review("r", 0, None))).frame) == {"a": "r"}


def test_sixteen_minutes_are_too_far_and_the_review_is_counted() -> None:
    found = labelled(candidates(("a", "v", 16, 60)), reviews(review("r", 0, 30)))
    assert labels(found.frame) == {"a": None}
    assert found.unmet["review_id"].to_list() == ["r"]


def test_the_newest_review_of_a_fall_counts_and_the_others_are_counted() -> None:
    old, new = review("z", 0, 10), review("a", 2, 10, verdict="no_theft", reason="sensor", reviewed_at=at(6000))
    found = labelled(candidates(("a", "v", 1, 10)), reviews(new, old))
    assert found.frame.select("review_id", "verdict", "reason").row(0) == ("a", "no_theft", "sensor")
    assert found.superseded_count == 1


def test_without_reviews_or_candidates_nothing_is_labelled() -> None:
    nobody = labelled(candidates(("a", "v", 0, 10)), THEFT_REVIEWS.empty())
    assert nobody.frame.select(LABELS.names()).row(0) == (None, None, None, None)
    assert nobody.frame.select(LABELS.names()).schema == LABELS
    nothing = labelled(candidates(), reviews(review("r", 0, 10)))
    assert (nothing.frame.height, nothing.unmet.height) == (0, 1)


minutes = st.integers(0, 60)


@given(
    st.lists(st.tuples(minutes, minutes, st.sampled_from("vw")), max_size=6),
    st.lists(st.tuples(minutes, minutes, st.integers(100, 102)), max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_changes_no_label(
    spans: list[tuple[int, int, str]], said: list[tuple[int, int, int]], random: object
) -> None:
    there = candidates(*((f"e{k}", who, a, a + b) for k, (a, b, who) in enumerate(spans)))
    all_reviews = reviews(*(review(f"r{k}", a, a + b, reviewed_at=at(c)) for k, (a, b, c) in enumerate(said)))
    once = labelled(there, all_reviews)
    again = labelled(there.reverse(), all_reviews.sample(fraction=1, shuffle=True, seed=random.getrandbits(32)))  # type: ignore[attr-defined]
    assert labels(once.frame) == labels(again.frame)
    assert once.superseded_count == again.superseded_count
    assert once.frame["review_id"].drop_nulls().len() + once.superseded_count + once.unmet.height == all_reviews.height
