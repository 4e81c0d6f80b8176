"""Losses and faults of lorries on CAN: they happen as asked for, are what the truth says, and leave all else alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from fleet_assets.simulator import Drive, FleetPlan, make_roster, simulate_vehicle
from fleet_assets.simulator.tank_faults import spoiled
from fleet_assets.simulator.truth import SenderFaultTruth, instant

CALM = FleetPlan(
    vehicles=1, days=10, seed=3, start=date(2025, 3, 3), thefts_per_day=0.0, siphonings_per_day=0.0,
    tank_zeros_per_hour=0.0, wake_up_nonsense=0.0,
)  # fmt: skip
ROBBED = replace(CALM, thefts_per_day=0.8, siphonings_per_day=1.0)


def _drive(plan: FleetPlan, index: int = 0) -> Drive:
    return simulate_vehicle(make_roster(index + 1, plan.seed)[index], plan)


@pytest.fixture(scope="module")
def calm() -> Drive:
    return _drive(CALM)


@pytest.fixture(scope="module")
def robbed() -> Drive:
    return _drive(ROBBED)


def test_a_calm_plan_takes_nothing_and_has_sound_senders(calm: Drive) -> None:
    truth = calm.truth
    assert (truth.fuel_losses, truth.sender_faults) == ([], [])
    assert truth.vehicles[0].lost_l == 0


def test_what_is_taken_lies_in_stays_and_leaves_enough_for_the_way(robbed: Drive) -> None:
    losses, stops = robbed.truth.fuel_losses, robbed.truth.stops
    assert {row.kind for row in losses} == {"theft", "siphoning"}
    for row in losses:
        assert any(stop.started_at < row.started_at < row.ended_at < stop.ended_at for stop in stops)
        assert 10 <= row.litres <= 150 if row.kind == "theft" else 2 <= row.litres <= 5
        assert row.level_before_l - row.level_after_l == pytest.approx(row.litres)
    assert robbed.samples["litres"].min() > 0
    assert robbed.truth.vehicles[0].lost_l == pytest.approx(sum(row.litres for row in losses))


def test_the_tank_holds_what_the_truth_says_before_and_after_a_loss(robbed: Drive) -> None:
    time, litres = robbed.samples["time"], robbed.samples["litres"]
    filled_to = {refuel.level_after_l for refuel in robbed.truth.refuels}
    after, before = [], []
    for row in robbed.truth.fuel_losses:
        after.append(litres[np.searchsorted(time, row.ended_at.timestamp())] - row.level_after_l)
        # Of a tank that was filled in the same stay there is no sample in between.
        if row.level_before_l not in filled_to:
            before.append(litres[np.searchsorted(time, row.started_at.timestamp()) - 1] - row.level_before_l)
    # The first second of the next leg burns a little.
    assert after == pytest.approx([0.0] * len(after), abs=0.01)
    assert before == pytest.approx([0.0] * len(before))
    assert len(before) > 3


def test_nothing_changes_before_the_first_loss(calm: Drive, robbed: Drive) -> None:
    first = min(row.started_at for row in robbed.truth.fuel_losses)
    early = [[trip for trip in drive.truth.trips if trip.ended_at < first] for drive in (calm, robbed)]
    assert early[0] == early[1]
    assert len(early[0]) > 0


def test_cars_and_vans_lose_nothing_and_have_sound_senders() -> None:
    greedy = replace(ROBBED, tank_zeros_per_hour=1.0, wake_up_nonsense=1.0, days=4)
    for index in (1, 2):
        truth = _drive(greedy, index).truth
        assert (truth.fuel_losses, truth.sender_faults) == ([], [])


def test_faults_of_a_sender_change_its_level_and_nothing_else(calm: Drive) -> None:
    sound, failing = calm, _drive(replace(CALM, tank_zeros_per_hour=0.2, wake_up_nonsense=0.5))
    faults = failing.truth.sender_faults
    assert {row.kind for row in faults} == {"zero", "wake_up"}
    assert all(row.level_pct == 0 for row in faults if row.kind == "zero")
    assert failing.truth.trips == sound.truth.trips
    changed = sound.frames.filter(sound.frames["data"] != failing.frames["data"])
    assert changed["arbitration_id"].unique().to_list() == [0x18FEFC17]
    at = changed["recorded_at"].to_list()
    # A frame shows what lies between two samples, a second apart.
    reach = [(row.started_at.timestamp() - 1, row.ended_at.timestamp() + 1) for row in faults]
    assert all(any(start <= moment.timestamp() <= end for start, end in reach) for moment in at)


def test_a_fault_is_told_where_the_sender_tells_anything() -> None:
    time, level = np.arange(6.0), np.array([np.nan, 50.0, 50.0, 50.0, 50.0, 50.0])
    fault = SenderFaultTruth("lorry-01", "wake_up", instant(0.0), instant(2.0), 93.0)
    assert spoiled(time, level, [fault]) == pytest.approx(np.array([np.nan, 93, 93, 50, 50, 50]), nan_ok=True)
