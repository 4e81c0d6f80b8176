"""Senders: what is read differs from what is in the tank as the sender's kind says, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_assets.simulator.fuel.rows import litres_in
from fleet_assets.simulator.fuel.senders import height_share, read, situation, stepped, volume_share
from fleet_assets.simulator.fuel.vehicles import SENDER_KINDS
from fleet_assets.simulator.fuel.weeks import keep_diary
from fleet_assets.simulator.fuel_fleet import CALM, FuelFleetPlan, make_fuel_roster

PLAN = FuelFleetPlan(vehicles=len(SENDER_KINDS), days=7, seed=2, rates=CALM)


def test_a_lying_cylinder_is_half_full_at_half_height_and_steepest_there() -> None:
    shares = volume_share(np.array([0.0, 0.25, 0.5, 0.75, 1.0]))
    assert shares == pytest.approx(np.array([0.0, 0.1955, 0.5, 0.8045, 1.0]), abs=1e-4)
    assert height_share(shares) == pytest.approx(np.array([0.0, 0.25, 0.5, 0.75, 1.0]), abs=1e-3)


def test_steps_are_whole_and_between_empty_and_full() -> None:
    assert stepped(np.array([-3.0, 0.19, 0.21, 99.9, 140.0]), 0.4).tolist() == [0.0, 0.0, 0.4, 100.0, 100.0]


@pytest.mark.parametrize("kind", SENDER_KINDS)
def test_at_rest_a_reading_is_true_within_slope_heat_and_noise(kind: str) -> None:
    vehicle = make_fuel_roster(PLAN.vehicles, PLAN.seed)[SENDER_KINDS.index(kind)]
    diary, sender = keep_diary(vehicle, PLAN), vehicle.sender
    time = np.arange(PLAN.start_s, PLAN.end_s, 60.0)
    litres, now = litres_in(diary, 1, time), situation(diary, time)
    share = litres / vehicle.tank_l
    level = read(diary, time, litres, vehicle.tank_l, np.random.default_rng(1))
    error = level - 100 * (height_share(share) if sender.is_nonlinear else share)
    rested = ~now.is_moving & (now.since_s > 120)
    parts = (sender.slope_pct, 12 * sender.heat_pct_k, 1.2 * sender.noise_pct, 0.6)
    assert error[rested].std() < 1.5 * np.sqrt(sum(part**2 for part in parts))
    assert error[now.is_moving].std() > 0.8 * sender.slosh_pct


def test_a_float_swings_by_up_to_25_points_on_the_road_and_none_at_rest() -> None:
    vehicle = make_fuel_roster(PLAN.vehicles, PLAN.seed)[SENDER_KINDS.index("car_float")]
    diary = keep_diary(vehicle, PLAN)
    time = np.arange(PLAN.start_s, PLAN.end_s, 30.0)
    litres, now = litres_in(diary, 1, time), situation(diary, time)
    error = read(diary, time, litres, vehicle.tank_l, np.random.default_rng(1)) - 100 * litres / vehicle.tank_l
    rested = ~now.is_moving & (now.since_s > 300)
    assert np.abs(error[now.is_moving]).max() > 20
    changes = np.abs(np.diff(error))[rested[1:] & rested[:-1] & (np.diff(now.stay) == 0)]
    assert changes.max() < 6 * vehicle.sender.noise_pct
