"""Found against true at every threshold: small cases with known answers."""

from __future__ import annotations

from statistics import NormalDist

import polars as pl
import pytest

from fleet_assets.core.theft.evaluation import (
    Point,
    at_rate,
    at_threshold,
    average_precision,
    curve,
    false_by_cause,
    is_found,
    judge,
)
from fleet_assets.core.theft.siphoning import slow_losses
from fleet_assets.core.theft.strata import by_stratum
from fleet_assets.core.theft.truth import OTHER_LOSSES
from fleet_assets_tests.core.theft.cases import scored, thefts, true_events, truth

HOUR = 60.0
TRUE = thefts(("a", 0, 10, 30), ("a", 5 * HOUR, 5 * HOUR + 10, 15), ("b", 0, 10, 50))
FOUND = scored(
    ("a", 0, 12, 29, 9), ("b", 9 * HOUR, 9 * HOUR + 5, 12, 8), ("b", 0, 8, 44, 5), ("b", 20 * HOUR, 21 * HOUR, 9, 4),
)  # fmt: skip


def test_recall_precision_and_false_alarms_at_each_score() -> None:
    points = curve(judge(FOUND, truth(TRUE, months=2)))
    assert points["threshold"].to_list() == [9, 8, 5, 4]
    assert points["recall"].to_list() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert points["precision"].to_list() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert points["false_a_month"].to_list() == [0, 0.5, 0.5, 1]
    assert average_precision(points) == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)


def test_the_lowest_threshold_within_a_rate_of_false_alarms() -> None:
    points = curve(judge(FOUND, truth(TRUE, months=2)))
    assert at_rate(points, 0.6) == Point(5, 2 / 3, 2 / 3, 0.5)
    assert at_rate(points, 0.1) == Point(9, 1 / 3, 1, 0)
    assert at_threshold(points, 8.5) == Point(8.5, 1 / 3, 1, 0)
    assert at_threshold(points, None) == Point(None, 0, None, 0)
    assert at_threshold(points, 10) == Point(10, 0, None, 0)


def test_a_rate_that_the_first_alarm_exceeds_allows_none() -> None:
    points = curve(judge(FOUND.filter(pl.col("score") == 8), truth(TRUE, months=2)))
    assert at_rate(points, 0.2) == Point(None, 0, None, 0)


def test_events_of_one_score_are_alarms_together() -> None:
    tied = FOUND.with_columns(score=pl.lit(1.0))
    assert curve(judge(tied, truth(TRUE, months=2))).rows() == [(1.0, 4, pytest.approx(2 / 3), 0.5, 1.0)]


def test_a_second_alarm_of_one_theft_is_false_and_the_surer_one_is_right() -> None:
    twice = scored(("a", 0, 5, 20, 1), ("a", 6, 12, 10, 2))
    judged = judge(twice, truth(thefts(("a", 0, 10, 30))))
    assert judged.found.sort("score")["verdict"].to_list() == ["false", "theft"]
    assert judged.thefts["score"].to_list() == [2]


def test_other_losses_are_neither_right_nor_false() -> None:
    losses = true_events(*(("a", kind, 600 * k, 600 * k + 10, 4) for k, kind in enumerate(OTHER_LOSSES)))
    found = scored(("a", 0, 5, 4, 3), ("a", 600, 605, 4, 2), ("a", 3000, 3005, 9, 1))
    judged = judge(found, truth(thefts(("a", 5000, 5010, 30)), losses=losses))
    assert judged.found["verdict"].to_list() == ["loss", "loss", "false"]
    assert curve(judged)["precision"].to_list() == [None, None, 0]


def test_cans_that_a_driver_may_fill_are_false_and_told_apart() -> None:
    others = true_events(("a", "parked_step", 0, 0, 0), ("a", "cans", 0, 5, 12), ("b", "outage", 0, 60, 0))
    found = scored(("a", 0, 5, 12, 3), ("b", 55, 70, 30, 2), ("b", 900, 910, 9, 1))
    judged = judge(found, truth(others=others, months=2))
    assert false_by_cause(judged, 1).rows() == [("cans", 1, 0.5, 12), ("noise", 1, 0.5, 9), ("outage", 1, 0.5, 30)]
    assert false_by_cause(judged, 2.5).rows() == [("cans", 1, 0.5, 12)]
    assert false_by_cause(judged, None).is_empty()


def test_a_theft_that_cannot_be_seen_is_told_apart_and_counts_neither_way() -> None:
    weak, hidden = thefts(("b", 0, 10, 12), snr=2.9), thefts(("c", 0, 10, 12), is_masked=True)
    found = scored(("a", 0, 10, 30, 3), ("b", 0, 10, 12, 2), ("c", 0, 10, 12, 1))
    judged = judge(found, truth(pl.concat([thefts(("a", 0, 10, 30)), weak, hidden])))
    assert judged.thefts["is_seen"].to_list() == [True, False, False]
    assert judged.found["verdict"].to_list() == ["theft", "unseen", "unseen"]
    assert curve(judged)["recall"].to_list() == [1, 1, 1]
    assert curve(judged)["false_a_month"].to_list() == [0, 0, 0]
    rows = by_stratum(judged.thefts, {"found": is_found(1.5).mean()}).filter(pl.col("by") == "sight")
    assert rows.select("stratum", "thefts", "found").rows() == [
        ("below the noise", 1, 1), ("can be seen", 1, 1), ("hidden by a refuel", 1, 0),
    ]  # fmt: skip


def test_what_begins_after_the_last_day_that_is_judged_is_left_out() -> None:
    late = scored(("a", 31 * 24 * HOUR, 31 * 24 * HOUR + 5, 20, 9))
    assert judge(late, truth(TRUE)).found.is_empty()


def test_nothing_found_and_nothing_to_find() -> None:
    nothing = curve(judge(FOUND.clear(), truth(TRUE)))
    assert (average_precision(nothing), at_rate(nothing, 1)) == (0, Point(None, 0, None, 0))
    assert average_precision(curve(judge(FOUND, truth()))) is None


def test_strata_are_told_from_low_to_high_and_none_that_is_empty() -> None:
    found = by_stratum(judge(FOUND, truth(TRUE)).thefts, {"recall": is_found(5).mean()})
    litres = found.filter(pl.col("by") == "litres").drop("by")
    assert litres.rows() == [("below 20", 1, 0), ("20 to 50", 1, 1), ("50 and more", 1, 1)]
    assert found.group_by("by").agg(pl.col("thefts").sum())["thefts"].unique().to_list() == [3]


def test_a_series_of_nights_is_found_early_if_that_was_told_within_five_of_them() -> None:
    day = 24 * HOUR
    nights = true_events(*(("a", "siphoning", k * day, k * day + 10, 4) for k in range(9)))
    events = nights.with_columns(series=pl.lit("a/1"), reports_while_off=pl.lit(True), snr=pl.lit(2.0))
    for found_on, early in ((4, True), (5, True), (8, False)):
        told = scored(("a", found_on * day, found_on * day + 5, 4, 1))
        rows = slow_losses(told.with_columns(closed_at=pl.col("ended_at")), events)
        assert rows.select("kind", "volume", "is_found", "is_early").rows() == [("siphoning", 36, True, early)]
    missed = slow_losses(scored(("b", 0, 5, 4, 1)), events)
    assert missed["is_found"].to_list() == [False]
    # Five nights of two deviations are 4.47 together; one night in 300 exceeds 2.71 by chance.
    assert missed["bound"].to_list() == pytest.approx([NormalDist().cdf(2 * 5**0.5 - 2.713)], abs=1e-3)
