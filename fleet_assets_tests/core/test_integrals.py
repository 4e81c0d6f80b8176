"""Sums over stretches, and ids of events."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.core.cadence import CadenceRules, holds
from fleet_assets.core.geo import great_circle_expr, great_circle_km, great_circle_to
from fleet_assets.core.ids import event_ids
from fleet_assets.core.integrals import Stretches, at_ends, choose, count, integrate, median_within, time_in_state
from fleet_assets.core.thresholds import Thresholds, thresholds_of
from fleet_assets_tests.core.histories import NOON

HOUR = 3_600_000_000
ONE = Stretches(np.array([0]), np.array([3]))
AT = np.arange(4) * HOUR
NO_ORIGIN = np.empty(0, dtype=np.int8)
NAN = np.nan


def _holding(seconds: float) -> Thresholds:
    """Thresholds by which a value stands for so long, however seldom values come."""
    return thresholds_of(CadenceRules(hold_s=seconds, silence_most_s=seconds, dense_s=0))


def test_a_line_through_zero_has_both_parts() -> None:
    found = integrate(AT, np.array([10.0, 10.0, -10.0, -10.0]), ONE, _holding(3600))
    assert [part[0] for part in (found.net, found.positive, found.negative, found.covered_s)] == [0, 12.5, -12.5, 10800]


def test_nothing_observed_covers_nothing() -> None:
    for values in (np.full(4, NAN), np.empty(0), np.array([NAN, 5.0, NAN, NAN])):
        found = integrate(AT, values, ONE, _holding(3600))
        assert (found.net[0], found.covered_s[0]) == (0, 0)


def test_a_long_gap_counts_for_the_hold_time_only() -> None:
    assert integrate(AT, np.array([6.0, NAN, NAN, 6.0]), ONE, _holding(1800)).net[0] == 3


def test_a_counter_is_the_sum_of_its_plausible_increments() -> None:
    found = count(AT, np.array([10.0, 12.0, 1.0, 3.5]), NO_ORIGIN, ONE, 100.0, 0.0)
    assert (found.total[0], found.start[0], found.end[0], found.spanned_s[0]) == (4.5, 10.0, 3.5, 7200)


def test_a_jump_is_no_increment_unless_the_time_allows_it() -> None:
    readings = np.array([0.0, 500.0, 510.0, 520.0])
    assert count(AT, readings, NO_ORIGIN, ONE, 100.0, 0.0).total[0] == 20
    assert count(AT, readings, NO_ORIGIN, ONE, 500.0, 0.0).total[0] == 520


def test_a_counter_counts_within_one_source_only() -> None:
    origin = np.array([0, 0, 1, 1], dtype=np.int8)
    assert count(AT, np.array([1.0, 2.0, 7.0, 9.0]), origin, ONE, 100.0, 0.0).total[0] == 3


@pytest.mark.parametrize(("step", "resolution"), [(1.0, 1.0), (0.125, 0.125), (0.005, 0.0), (3.0, 1.0)])
def test_the_resolution_is_the_lattice_of_the_readings(step: float, resolution: float) -> None:
    found = count(AT, 1000 + step * np.arange(4, dtype=np.float64), NO_ORIGIN, ONE, 100.0, 0.0)
    assert found.resolution[0] == pytest.approx(resolution)


def test_ends_and_medians_skip_what_was_not_observed() -> None:
    values = np.array([NAN, 3.0, 5.0, NAN])
    assert [end[0] for end in at_ends(values, ONE)] == [3.0, 5.0]
    assert median_within(AT, values, ONE.first, ONE.last)[0] == 4.0
    assert median_within(AT, values, ONE.first, ONE.last, 3600)[0] == 3.0
    assert median_within(AT, values, ONE.first, ONE.last, 3600, from_end=True)[0] == 5.0
    assert np.isnan(median_within(AT, np.full(4, NAN), ONE.first, ONE.last)[0])


def test_time_in_a_state_is_whole_between_two_words_of_it() -> None:
    states = np.array([1, 1, 0, 1], dtype=np.int8)
    assert time_in_state(AT, states, 1, ONE, HOUR, _holding(900))[0] == 3600 + 900 + 900


def test_the_time_between_two_states_is_shared_by_halves_and_by_dense_rows_kept() -> None:
    states = np.array([1, 0, 0, 1], dtype=np.int8)
    shared, dense = thresholds_of(CadenceRules()), thresholds_of(CadenceRules(dense_s=3600))
    minutes = AT // 60
    assert [time_in_state(minutes, states, state, ONE, HOUR, shared)[0] for state in (0, 1)] == [120, 60]
    assert [time_in_state(minutes, states, state, ONE, HOUR, dense)[0] for state in (0, 1)] == [120, 60]
    assert time_in_state(minutes[:2], states[:2], 1, Stretches(ONE.first, ONE.first + 1), HOUR, dense)[0] == 60


def test_values_that_come_seldom_stand_for_two_of_their_steps_and_dense_ones_for_a_minute() -> None:
    values = np.array([6.0, 6.0, 6.0, 6.0])
    thresholds = thresholds_of(CadenceRules())
    assert holds(AT // 60, values, ONE.first, ONE.last, thresholds).tolist() == [132_000_000]
    assert holds(AT // 3600, values, ONE.first, ONE.last, thresholds).tolist() == [60_000_000]
    # Hours between rows are silences and no cadence.
    assert holds(AT, values, ONE.first, ONE.last, thresholds).tolist() == [60_000_000]
    assert integrate(AT // 12, values, ONE, thresholds).covered_s[0] == 900


def test_the_smallest_expected_error_wins_and_the_first_on_a_tie() -> None:
    values, rows = choose(
        [[1.0, 1.0, NAN, 1.0], [2.0, 2.0, 2.0, 2.0]], [[0.1, 0.3, 0.1, np.inf], [0.1, 0.2, 0.3, np.inf]]
    )
    assert rows.tolist() == [0, 1, 1, -1]
    np.testing.assert_array_equal(values, [1.0, 2.0, 2.0, NAN])


@given(st.tuples(*[st.floats(-80, 80), st.floats(-179, 179)] * 2))
def test_the_three_forms_of_the_distance_agree(places: tuple[float, float, float, float]) -> None:
    lat0, lon0, lat1, lon1 = places
    one = great_circle_km(lat0, lon0, lat1, lon1)
    many = great_circle_to(np.array([lat0]), np.array([lon0]), lat1, lon1)[0]
    lazily = pl.select(great_circle_expr(*(pl.lit(place) for place in places))).item()
    assert one == pytest.approx(many, abs=1e-6)
    assert one == pytest.approx(lazily, abs=1e-6)


def test_a_degree_of_latitude_is_111_km() -> None:
    assert great_circle_km(50, 10, 51, 10) == pytest.approx(111.195, abs=0.001)


def test_ids_are_stable_and_differ_by_vehicle_and_instant() -> None:
    instants = pl.Series([NOON, NOON, NOON + timedelta(microseconds=1)], dtype=pl.Datetime("us", "UTC"))
    ids = event_ids(pl.Series(["a", "b", "a"]), instants).to_list()
    assert len(set(ids)) == 3
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in ids)
    assert ids == event_ids(pl.Series(["a", "b", "a"]), instants).to_list()
    assert event_ids(pl.Series([], dtype=pl.String), instants.clear()).to_list() == []
