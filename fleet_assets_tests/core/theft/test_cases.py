"""Cases: events and candidates as one row each, and what is to be reviewed first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from fleet_assets.contracts import FUEL_EVENTS, THEFT_REVIEWS, Table
from fleet_assets.contracts.theft import THEFT_CANDIDATES, THEFT_SCORES
from fleet_assets.core.theft.cases import CASES, cases, to_review

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def rows(table: Table, *found: dict[str, object]) -> pl.DataFrame:
    """Rows with what is given, a span of ten minutes at noon, and nothing else."""
    usual = {"vehicle_id": "v", "started_at": NOON, "ended_at": NOON + timedelta(minutes=10), "closed_at": NOON}
    named = [{name: value for name, value in (usual | one).items() if name in table.schema} for one in found]
    return pl.DataFrame(named, schema=table.schema)


def later(hours: float) -> dict[str, object]:
    at = NOON + timedelta(hours=hours)
    return {"started_at": at, "ended_at": at + timedelta(minutes=10)}


EVENTS = rows(
    FUEL_EVENTS, {"event_id": "t", "kind": "theft", "volume_l": 40.0}, {"event_id": "r", "kind": "refuel", **later(5)},
    {"event_id": "own", "kind": "unobserved_change", **later(9), "latitude_deg": 1.0},
)  # fmt: skip
CANDIDATES = rows(
    THEFT_CANDIDATES, {"event_id": "t", "kind": "fall", "volume_l": 41.0, "size_over_noise": 9.0},
    {"event_id": "week", "kind": "weekly"}, {"event_id": "small", "kind": "fall", **later(2)},
    {"event_id": "u", "kind": "unobserved", **later(9)},
)  # fmt: skip
SCORES = rows(
    THEFT_SCORES, {"event_id": "t", "probability": 0.8}, {"event_id": "small", "probability": 0.9},
    {"event_id": "week", "probability": 0.1},
)  # fmt: skip


def review(start: datetime) -> pl.DataFrame:
    row = {"review_id": "r", "vehicle_id": "v", "event_started_at": start, "verdict": "theft", "reason": "other",
           "reviewed_at": NOON}  # fmt: skip
    return pl.DataFrame([row], schema=THEFT_REVIEWS.schema)


def test_an_event_and_its_candidate_are_one_case_and_the_others_stand_alone() -> None:
    found = cases(EVENTS, CANDIDATES, SCORES, THEFT_REVIEWS.empty())
    assert found.schema == CASES
    told = found.sort("event_id").select("event_id", "kind", "how", "volume_l", "size_over_noise", "probability")
    assert told.rows() == [
        ("r", "refuel", None, None, None, None), ("small", None, "fall", None, None, 0.9),
        ("t", "theft", "fall", 40.0, 9.0, 0.8), ("u", "unobserved_change", "unobserved", None, None, None),
        ("week", None, "weekly", None, None, 0.1),
    ]  # fmt: skip
    assert found.filter(event_id="u")["latitude_deg"].to_list() == [1.0]


def test_without_candidates_and_scores_there_are_the_fuel_events() -> None:
    found = cases(EVENTS, THEFT_CANDIDATES.empty(), THEFT_SCORES.empty(), THEFT_REVIEWS.empty())
    assert found["event_id"].to_list() == ["t", "r", "own"]
    assert to_review(found)["event_id"].to_list() == ["t"]


def test_nothing_is_no_case() -> None:
    empty = (FUEL_EVENTS.empty(), THEFT_CANDIDATES.empty(), THEFT_SCORES.empty(), THEFT_REVIEWS.empty())
    assert cases(*empty).equals(pl.DataFrame(schema=CASES))


def test_a_review_is_about_a_fall_and_never_about_a_refuel() -> None:
    found = cases(EVENTS, CANDIDATES, SCORES, review(NOON + timedelta(hours=5)))
    assert found["verdict"].null_count() == found.height
    near = cases(EVENTS, CANDIDATES, SCORES, review(NOON + timedelta(hours=2, minutes=3)))
    assert near.filter(pl.col("verdict").is_not_null())["event_id"].to_list() == ["small"]


def test_the_most_probable_come_first_then_the_newest_without_a_probability() -> None:
    more = pl.concat([EVENTS, rows(FUEL_EVENTS, {"event_id": "old", "kind": "slow_loss", **later(-50)},
                                   {"event_id": "new", "kind": "theft", **later(-40)})])  # fmt: skip
    found = cases(more, CANDIDATES, SCORES, THEFT_REVIEWS.empty())
    assert to_review(found)["event_id"].to_list() == ["small", "t", "week", "new", "old"]


def test_what_was_reviewed_is_left_out_unless_asked_for() -> None:
    found = cases(EVENTS, CANDIDATES, SCORES, review(NOON + timedelta(hours=2)))
    assert to_review(found)["event_id"].to_list() == ["t", "week"]
    assert to_review(found, is_with_reviewed=True)["event_id"].to_list() == ["small", "t", "week"]
