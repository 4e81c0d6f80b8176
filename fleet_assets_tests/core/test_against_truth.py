"""Found against true: nearest first, each event once, nothing across vehicles or beyond the tolerance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.contracts import TIMESTAMP
from fleet_assets.core.against_truth import PAIRS, pair_events

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
MINUTES_10 = timedelta(minutes=10)
SCHEMA = pl.Schema({"vehicle_id": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP, "volume": pl.Float64()})


def _events(*rows: tuple[str, float, float, float | None]) -> pl.DataFrame:
    """Vehicle, minutes after noon of start and end, volume."""
    found = [(name, NOON + timedelta(minutes=a), NOON + timedelta(minutes=b), v) for name, a, b, v in rows]
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def _pairs(found: pl.DataFrame, true: pl.DataFrame) -> list[tuple[int, int]]:
    return [(row[0], row[1]) for row in pair_events(found, true, MINUTES_10).iter_rows()]


@pytest.mark.parametrize("rows", [0, 1])
def test_nothing_pairs_with_nothing(rows: int) -> None:
    some = _events(("a", 0, 5, 20))
    assert pair_events(some.head(rows), some.head(0), MINUTES_10).equals(PAIRS.to_frame())
    assert pair_events(some.head(0), some.head(rows), MINUTES_10).equals(PAIRS.to_frame())


def test_spans_that_overlap_are_a_pair_with_the_difference_of_their_volumes() -> None:
    pairs = pair_events(_events(("a", 0, 5, 20)), _events(("a", 3, 8, 21.5)), MINUTES_10)
    assert pairs.rows() == [(0, 0, 0.0, -1.5)]


def test_an_unknown_volume_pairs_by_time_alone() -> None:
    pairs = pair_events(_events(("a", 0, 5, None)), _events(("a", 7, 8, 21.5)), MINUTES_10)
    assert pairs.rows() == [(0, 0, 120.0, None)]


def test_another_vehicle_and_a_span_beyond_the_tolerance_are_no_pair() -> None:
    assert _pairs(_events(("a", 0, 5, 20)), _events(("b", 0, 5, 20), ("a", 15.1, 20, 20))) == []
    assert _pairs(_events(("a", 0, 5, 20)), _events(("a", 15, 20, 20))) == [(0, 0)]


def test_of_two_findings_of_one_event_the_nearer_counts_and_the_other_is_false() -> None:
    assert _pairs(_events(("a", 9, 12, 20), ("a", 1, 4, 20)), _events(("a", 0, 5, 20))) == [(1, 0)]


def test_of_two_that_overlap_the_one_of_like_volume_counts() -> None:
    assert _pairs(_events(("a", 0, 30, 50)), _events(("a", 5, 10, 5), ("a", 15, 20, 48))) == [(0, 1)]


def test_what_a_nearer_pair_leaves_over_pairs_with_what_else_is_near() -> None:
    found = _events(("a", 0, 5, 10), ("a", 6, 8, 10))
    true = _events(("a", 4, 6, 10), ("a", 12, 13, 10))
    assert _pairs(found, true) == [(0, 0), (1, 1)]


spans = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.integers(0, 9), st.integers(0, 40)), max_size=8
)  # fmt: skip


@given(spans, spans)
def test_nobody_is_paired_twice_and_none_that_fit_are_left_alone(
    one: list[tuple[str, int, int, int]], other: list[tuple[str, int, int, int]]
) -> None:
    found, true = (_events(*((n, a, a + b, v) for n, a, b, v in rows)) for rows in (one, other))
    pairs = _pairs(found, true)
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)
    free_found = set(range(found.height)) - {a for a, _ in pairs}
    free_true = set(range(true.height)) - {b for _, b in pairs}
    for a in free_found:
        for b in free_true:
            assert _pairs(found[a], true[b]) == []


def test_of_found_events_with_scores_the_highest_chooses_first() -> None:
    found = _events(("a", 0, 5, 20), ("a", 9, 12, 20)).with_columns(score=pl.Series([1.0, 2.0]))
    true = _events(("a", 0, 5, 20))
    assert _pairs(found, true) == [(1, 0)]
    assert _pairs(found.drop("score"), true) == [(0, 0)]
