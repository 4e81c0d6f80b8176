"""Engines and batteries use what physics says they must."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_assets.simulator.battery import charge_up, discharge
from fleet_assets.simulator.combustion import run_engine
from fleet_assets.simulator.powertrain import SUSTAINED, drive
from fleet_assets.simulator.vehicles import make_roster

ROSTER = make_roster(3, seed=5)
LORRY, HYBRID, ELECTRIC = ROSTER


def test_an_idling_engine_burns_its_idle_rate_and_a_stopped_one_nothing() -> None:
    engine = LORRY.type.engine
    assert engine is not None
    ran = run_engine(engine, np.zeros(2), np.zeros(2), np.array([True, False]))
    assert ran.fuel_lph.tolist() == pytest.approx([engine.idle_lph, 0.0])
    assert ran.rpm.tolist() == [engine.idle_rpm, 0.0]


def test_braking_from_speed_cuts_the_fuel() -> None:
    engine = LORRY.type.engine
    assert engine is not None
    assert run_engine(engine, np.array([20.0]), np.array([-50.0]), np.array([True])).fuel_lph.tolist() == [0.0]


@pytest.mark.parametrize("power_kw", [20.0, 100.0, 200.0])
def test_an_engine_turns_no_more_than_its_indicated_share_of_fuel_into_work(power_kw: float) -> None:
    engine = LORRY.type.engine
    assert engine is not None
    ran = run_engine(engine, np.array([22.0]), np.array([power_kw]), np.array([True]))
    efficiency = power_kw / (ran.fuel_lph[0] * engine.energy_mj_l / 3.6)
    assert 0.15 < efficiency < engine.indicated_efficiency


def test_a_battery_loses_what_it_gives_and_its_inner_losses() -> None:
    battery = ELECTRIC.type.battery
    assert battery is not None
    flow = discharge(battery, np.full(3_600, 20.0), 0.8, 1.0)
    lost_kwh = (0.8 - flow.charge[-1]) * battery.capacity_kwh
    inner_kwh = (flow.amps**2).sum() * battery.resistance_ohm / 3.6e6
    assert lost_kwh == pytest.approx(20.0 + inner_kwh, rel=1e-9)
    assert flow.volts * flow.amps == pytest.approx(flow.power_kw * 1000)


def test_braking_fills_the_battery() -> None:
    battery = ELECTRIC.type.battery
    assert battery is not None
    flow = discharge(battery, np.full(60, -30.0), 0.5, 1.0)
    assert flow.charge[-1] > 0.5
    assert (flow.amps < 0).all()


def test_charging_tapers_and_ends_at_its_target() -> None:
    battery = ELECTRIC.type.battery
    assert battery is not None
    power = charge_up(battery, 0.2, 0.97, 60.0, 36_000)
    charge = discharge(battery, power, 0.2, 10.0).charge
    assert power[0] == -60.0
    assert -25.0 < power[-1] < 0
    assert 0.94 < charge[-1] < 1.0


def test_charging_ends_when_time_is_over() -> None:
    battery = ELECTRIC.type.battery
    assert battery is not None
    assert len(charge_up(battery, 0.2, 0.97, 11.0, 600)) == 60


def test_an_empty_hybrid_lets_its_engine_drive_and_keeps_its_charge() -> None:
    speed, wheel = np.full(3_600, 25.0), np.full(3_600, 18.0)
    full = drive(HYBRID, speed[:600], wheel[:600], 0.9, np.ones(600, dtype=np.bool_))
    empty = drive(HYBRID, speed, wheel, SUSTAINED, np.ones(3_600, dtype=np.bool_))
    assert full.engine is not None
    assert empty.engine is not None
    assert empty.battery is not None
    assert full.engine.fuel_lph.sum() == 0
    assert empty.engine.fuel_lph.mean() > 3
    assert abs(empty.battery.charge[-1] - SUSTAINED) < 0.15


def test_an_engine_that_may_not_run_does_not() -> None:
    use = drive(LORRY, np.zeros(5), np.zeros(5), 0.0, np.array([False, False, True, True, False]))
    assert use.engine is not None
    assert (use.engine.rpm > 0).tolist() == [False, False, True, True, False]
    assert use.battery is None
