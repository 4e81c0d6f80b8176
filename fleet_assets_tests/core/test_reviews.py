"""Reviews: rows that cannot be meant are named, and rows that are there are never changed."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from fleet_assets.contracts import THEFT_REVIEWS
from fleet_assets.core.reviews import changed_rows, review_problems, with_added

NIGHT = datetime(2026, 3, 3, 2, tzinfo=UTC)
EARLIER = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)


def reviews(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {
        "vehicle_id": "lorry-1", "event_started_at": NIGHT, "verdict": "theft", "reason": "siphoned",
        "reviewed_at": NIGHT,
    }  # fmt: skip
    return pl.DataFrame([usual | row for row in rows], schema=THEFT_REVIEWS.schema)


def test_a_reason_of_the_other_verdict_is_named_with_its_line() -> None:
    rows = reviews(
        {"review_id": "a"}, {"review_id": "b", "reason": "sensor"},
        {"review_id": "c", "verdict": "no_theft", "reason": "sensor"},
        {"review_id": "d", "verdict": "no_theft", "reason": "siphoned"},
    )  # fmt: skip
    assert review_problems(rows) == [
        "line 3: sensor is no reason of theft; those are siphoned, tapped_from_the_line, other",
        "line 5: siphoned is no reason of no_theft; those are drained_for_service, moved_between_tanks, sensor, "
        "calibration, other",
    ]


def test_times_that_cannot_be_are_named() -> None:
    rows = reviews(
        {"review_id": "a", "event_ended_at": EARLIER}, {"review_id": "b", "reviewed_at": EARLIER},
        {"review_id": "c", "event_ended_at": NIGHT},
    )  # fmt: skip
    assert review_problems(rows) == [
        "line 2: event_ended_at is before event_started_at",
        "line 3: reviewed_at is before event_started_at",
    ]


def test_no_rows_have_no_problem() -> None:
    assert review_problems(THEFT_REVIEWS.empty()) == []


def test_a_row_that_is_there_already_is_added_once_and_a_changed_one_is_named() -> None:
    stored = reviews({"review_id": "a"}, {"review_id": "b"})
    added = reviews({"review_id": "b"}, {"review_id": "c"})
    assert changed_rows(stored, added) == []
    assert with_added(stored, added)["review_id"].to_list() == ["a", "b", "c"]
    changed = reviews({"review_id": "c"}, {"review_id": "b", "note": "seen on camera"})
    assert changed_rows(stored, changed) == [
        "line 3: review b is there with other content; reviews are never changed, add a later one"
    ]
