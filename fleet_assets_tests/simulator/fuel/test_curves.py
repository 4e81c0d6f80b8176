"""Curves: integrals and flows are those of a sum done by hand, whatever the knots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_assets.simulator.fuel.curves import Curve, EngineLog, Flow, flowed, leg_speeds

floats = st.floats(0, 100)


def test_a_curve_of_nothing_is_nothing() -> None:
    nothing = Curve(np.zeros(0), np.zeros(0))
    assert nothing.at(np.array([1.0, 2.0])).tolist() == [0.0, 0.0]
    assert nothing.integral(np.array([1.0, 2.0])).tolist() == [0.0, 0.0]
    assert flowed([], 1, np.array([1.0])).tolist() == [0.0]


@given(st.lists(st.tuples(st.floats(0.1, 100), floats), min_size=2, max_size=8), st.floats(0, 1))
def test_an_integral_between_knots_is_the_area_below_the_line(pairs: list[tuple[float, float]], share: float) -> None:
    time, value = np.cumsum([step for step, _ in pairs]), np.array([height for _, height in pairs])
    instant = time[0] + share * (time[-1] - time[0])
    fine = np.unique(np.concatenate((np.linspace(time[0], instant, 2_000), time[time < instant])))
    area = np.trapezoid(np.interp(fine, time, value), fine) / 3600
    assert Curve(time, value).integral(np.array([instant]))[0] == pytest.approx(area, abs=1e-9)


@given(st.lists(st.tuples(floats, st.floats(0.1, 50), st.floats(-80, 80)), min_size=1, max_size=6))
def test_flows_that_overlap_add_up(parts: list[tuple[float, float, float]]) -> None:
    flows = [Flow(start, start + length, litres) for start, length, litres in parts]
    at = np.array([-1.0, 30.0, 60.0, 1_000.0])
    by_hand = [sum(f.litres * np.clip((t - f.start) / (f.end - f.start), 0, 1) for f in flows) for t in at]
    assert flowed(flows, 1, at) == pytest.approx(np.array(by_hand), abs=1e-6)
    assert flowed(flows, 2, at).tolist() == [0.0] * 4


def test_an_engine_burns_at_idle_between_legs_and_nothing_while_off() -> None:
    engine = EngineLog(idle_lph=2.0)
    engine.start(0.0)
    engine.work(600.0, 1_200.0, 8.0)
    engine.stop(1_800.0)
    engine.start(9_000.0)
    engine.stop(9_900.0)
    assert engine.burned_l == pytest.approx(2 * 2_100 / 3600 + 8 * 600 / 3600, abs=1e-4)
    _, rate = engine.curves()
    assert rate.integral(np.array([1e6]))[0] == pytest.approx(engine.burned_l)
    assert rate.at(np.array([5_000.0, 300.0, 900.0])).tolist() == [0.0, 2.0, 8.0]


@given(st.floats(1, 90), st.floats(30, 80), st.integers(0, 1_000))
def test_a_leg_covers_its_distance_and_begins_and_ends_at_rest(distance: float, cruise: float, seed: int) -> None:
    time, speed = leg_speeds(distance, cruise, np.random.default_rng(seed))
    assert np.trapezoid(speed, time) / 3600 == pytest.approx(distance)
    assert speed[[0, -1]].tolist() == [0.0, 0.0]
    assert (np.diff(time) > 0).all()
