"""Faults: they change readings where and as they say, and leave all others alone."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_assets.simulator.fuel.faults import FILLER_PCT, Fault, shifted, source_faults, spans_of, spoiled, with_sizes
from fleet_assets.simulator.fuel_fleet import FuelFleetPlan, make_fuel_roster

TIME = np.arange(0.0, 100.0, 10.0)
LEVEL = np.full(10, 50.0)
NO_KEYS = (np.zeros(0), np.zeros(0))


def test_spells_that_overlap_are_one_span() -> None:
    faults = [Fault("gap", 0, 10), Fault("gap", 5, 20), Fault("outage", 30, 40), Fault("zero", 0, 99)]
    spans = spans_of(faults, ("gap", "outage"))
    assert spans.start.tolist() == [0, 30]
    assert spans.end.tolist() == [20, 40]
    assert spans_of([], ("gap",)).start.tolist() == []


def test_a_swap_moves_all_later_readings_and_a_parked_step_those_of_its_stay() -> None:
    swap = shifted(TIME, LEVEL, [Fault("swap", 50, 50, 4.0, 0.9)])
    assert swap.tolist() == [50.0] * 5 + [49.0] * 5
    step = shifted(TIME, LEVEL, [Fault("parked_step", 20, 40, -2.0)])
    assert step.tolist() == [50.0, 50.0, 48.0, 48.0] + [50.0] * 6


def test_zeros_and_fillers_take_the_place_of_readings_and_are_named_as_spoiled() -> None:
    sender = make_fuel_roster(1, 1)[0].sender
    faults = [Fault("zero", 0, 25), Fault("filler", 50, 95)]
    level, is_spoiled = spoiled(TIME, LEVEL, faults, NO_KEYS, sender, np.random.default_rng(1))
    assert level[:3].tolist() == [0.0, 0.0, 0.0]
    assert level[3:5].tolist() == [50.0, 50.0]
    assert set(level[5:].tolist()) <= {50.0, FILLER_PCT}
    assert (level[5:] == FILLER_PCT).sum() >= 3
    assert is_spoiled.tolist() == (level != 50.0).tolist()


def test_a_source_changes_its_scale_on_a_whole_minute_and_for_each_of_its_vehicles() -> None:
    plan = FuelFleetPlan(days=600, seed=3)
    first, again = (source_faults(plan, "tracker-1") for _ in range(2))
    changes = [fault for fault in first if fault.kind == "scale_change"]
    assert first == again
    assert changes
    assert all(fault.start % 60 == 0 and fault.scale != 1 for fault in changes)
    assert np.prod([fault.scale for fault in changes]) == pytest.approx(1)
    assert first != source_faults(plan, "tracker-2")


def test_a_step_is_as_large_as_what_it_moves_in_what_was_told_before() -> None:
    there, back = Fault("scale_change", 10, 10, scale=0.8), Fault("scale_change", 60, 60, scale=1.25)
    spell = Fault("zero", 30, 40)
    sized = with_sizes([there, spell, back], {10: 50.0, 30: 45.0, 60: 40.0})
    assert [fault.size_pct for fault in sized] == [pytest.approx(-10.0), None, pytest.approx(8.0)]
