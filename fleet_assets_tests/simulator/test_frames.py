"""Frames: what cantools reads in them is the truth within a step and the sensors' noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleet_assets.contracts import RAW_CAN
from fleet_assets.simulator import FleetPlan, Vehicle, make_roster, real_periods, simulate_vehicle
from fleet_assets.simulator.broadcast import BUSES
from fleet_assets.simulator.packing import messages_of
from fleet_assets_tests.simulator.conftest import Fleet

Decoded = tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]


def _signal(frames: pl.DataFrame, kind: str, message: str, signal: str) -> Decoded:
    """Instants (s) and values of one signal as cantools decodes them, from all senders."""
    (bus, dbc) = next(pair for pair in BUSES[kind] if message in messages_of(pair[1]))
    layout = messages_of(dbc)[message]
    number = pl.col("arbitration_id")
    wanted = number & 0x3FFFF00 == layout.frame_id & 0x3FFFF00 if dbc == "j1939" else number == layout.frame_id
    rows = frames.filter(wanted & (pl.col("bus") == bus))
    found = [layout.decode_simple(data, decode_choices=False) for data in rows["data"].head(20_000)]
    has = np.array([signal in values for values in found])
    times = rows["recorded_at"].head(20_000).dt.epoch("us").to_numpy() / 1e6
    return times[has], np.array([float(str(values[signal])) for values in found if signal in values])


def _true(
    fleet: Fleet, name: str, column: str, at: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    samples = fleet[name][1].samples
    return np.interp(at, samples["time"], samples[column])


def test_a_log_has_the_columns_of_raw_frames_and_the_order_of_time(fleet: Fleet) -> None:
    for name, (vehicle, drive) in fleet.items():
        frames = drive.frames
        assert dict(frames.schema) == {k: v for k, v in RAW_CAN.schema.items() if k not in ("received_at", "entry_id")}
        assert frames["recorded_at"].is_sorted()
        assert frames["vehicle_id"].unique().to_list() == [name]
        assert set(frames["bus"].unique()) == {bus for bus, _ in BUSES[vehicle.kind]}
        assert (frames["data"].bin.size() == frames["dlc"]).all()
        assert frames.null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize(
    ("name", "message", "signal", "column", "factor", "tolerance"),
    [
        ("lorry-01", "CCVS1", "WheelBasedVehicleSpeed", "speed", 3.6, 0.3),
        ("lorry-01", "LFE1", "EngineFuelRate", "fuel_lph", 1.0, 0.026),
        ("hybrid-01", "OBD2", "VehicleSpeed", "speed", 3.6, 0.8),
        ("hybrid-01", "OBD2", "EngineFuelRate", "fuel_lph", 1.0, 0.026),
        ("hybrid-01", "BatteryStatus", "StateOfCharge", "charge", 100.0, 0.006),
        ("electric-01", "DriveStatus", "VehicleSpeed", "speed", 3.6, 0.3),
        ("electric-01", "BatteryPower", "BatteryPower", "hv_kw", 1.0, 0.006),
        ("electric-01", "BatteryPower", "BatteryVoltage", "hv_v", 1.0, 0.06),
        ("electric-01", "ChargeStatus", "ChargerPower", "charger_kw", 1.0, 0.006),
    ],
)
def test_decoded_values_are_true_within_a_step(
    fleet: Fleet, name: str, message: str, signal: str, column: str, factor: float, tolerance: float
) -> None:
    vehicle, drive = fleet[name]
    at, values = _signal(drive.frames, vehicle.kind, message, signal)
    is_known = values < 251 if message == "CCVS1" else np.ones(len(values), dtype=np.bool_)
    at, values = at[is_known], values[is_known]
    assert len(values) > 100
    assert np.abs(values - factor * _true(fleet, name, column, at)).max() <= tolerance


@pytest.mark.parametrize(
    ("name", "message", "signal", "step", "factor"),
    [
        ("lorry-02", "VDHR", "HighResolutionTotalVehicleDistance", 5.0, 1.0),
        ("hybrid-02", "OBD2", "Odometer", 0.1, 1000.0),
        ("electric-02", "VehicleDistance", "Odometer", 0.01, 1000.0),
    ],
)
def test_odometers_never_fall_and_grow_by_the_integrated_speed(
    fleet: Fleet, name: str, message: str, signal: str, step: float, factor: float
) -> None:
    vehicle, drive = fleet[name]
    at, values = _signal(drive.frames, vehicle.kind, message, signal)
    samples = drive.samples
    metres = np.interp(at[[0, -1]], samples["time"], np.cumsum(samples["speed"] * samples["step"]))
    assert (np.diff(values) >= 0).all()
    assert (values[-1] - values[0]) * factor == pytest.approx(metres[1] - metres[0], abs=step * factor)


def test_the_fuel_counter_grows_by_what_was_burned(fleet: Fleet) -> None:
    vehicle, drive = fleet["lorry-01"]
    at, total = _signal(drive.frames, vehicle.kind, "LFC1", "EngineTotalFuelUsed")
    samples = drive.samples
    burned = np.interp(at[[0, -1]], samples["time"], np.cumsum(samples["fuel_lph"]) / 3600)
    assert (np.diff(total) >= 0).all()
    assert total[-1] - total[0] == pytest.approx(burned[1] - burned[0], abs=0.5)


def test_the_tank_sloshes_on_the_road_and_settles_at_rest(fleet: Fleet) -> None:
    vehicle, drive = fleet["lorry-01"]
    at, level = _signal(drive.frames, vehicle.kind, "DD1", "FuelLevel1")
    is_known = level <= 100
    at, level = at[is_known], level[is_known]
    error = level - 100 * _true(fleet, "lorry-01", "litres", at) / vehicle.type.tank_l
    speed = _true(fleet, "lorry-01", "speed", at)
    rested = np.convolve(_true(fleet, "lorry-01", "speed", at - 30) + speed, np.ones(3), mode="same") == 0
    assert 0.8 < error[speed > 5].std() < 3
    assert error[rested].std() < 0.6


def test_a_second_sender_repeats_the_speed_message_and_never_knows_the_speed(fleet: Fleet) -> None:
    vehicle, drive = fleet["lorry-01"]
    body = drive.frames.filter(pl.col("arbitration_id") == 0x18FEF121)
    assert body.height > 100
    assert body["data"].unique().to_list() == [b"\xff" * 8]
    _, speeds = _signal(
        drive.frames.filter(pl.col("arbitration_id") != 0x18FEF121), vehicle.kind, "CCVS1", "WheelBasedVehicleSpeed"
    )
    assert speeds.max() < 251


def test_a_tank_sensor_that_just_woke_knows_nothing(fleet: Fleet) -> None:
    vehicle, drive = fleet["lorry-01"]
    at, level = _signal(drive.frames, vehicle.kind, "DD1", "FuelLevel1")
    woken = np.concatenate(([0], np.flatnonzero(np.diff(at) > 300) + 1))
    assert (level[woken] == 102.0).all()
    assert (level[woken + 1] <= 100).all()


def test_the_inertial_unit_feels_what_the_speed_does(fleet: Fleet) -> None:
    vehicle, drive = fleet["electric-01"]
    at, ahead = _signal(drive.frames, vehicle.kind, "gnss_imu", "AccelerationX")
    _, up = _signal(drive.frames, vehicle.kind, "gnss_imu", "AccelerationZ")
    moment = np.searchsorted(drive.samples["time"], at)
    change = np.diff(drive.samples["speed"], prepend=0.0)[np.minimum(moment, len(drive.samples["time"]) - 1)]
    assert np.corrcoef(ahead, change)[0, 1] > 0.8
    assert up.mean() == pytest.approx(9.81, abs=0.05)
    _, left = _signal(drive.frames, vehicle.kind, "gnss_imu", "AccelerationY")
    assert np.abs(left).max() < 6


def test_a_signal_nobody_sends_is_not_available(fleet: Fleet) -> None:
    vehicle, drive = fleet["lorry-01"]
    _, second = _signal(drive.frames, vehicle.kind, "DD1", "FuelLevel2")
    assert (second == 102.0).all()


def test_positions_with_a_fix_are_within_metres_and_those_without_are_marked(fleet: Fleet) -> None:
    vehicle, drive = fleet["lorry-01"]
    at, valid = _signal(drive.frames, vehicle.kind, "gnss_pos", "PositionValid")
    _, latitude = _signal(drive.frames, vehicle.kind, "gnss_pos", "Latitude")
    _, accuracy = _signal(drive.frames, vehicle.kind, "gnss_pos", "PositionAccuracy")
    x, y = (_true(fleet, "lorry-01", column, np.floor(at)) for column in ("x", "y"))
    true_latitude, _ = vehicle.city.terrain.degrees(x, y)
    error_m = np.abs(latitude - true_latitude) * 111_195
    assert 0.005 < (valid == 0).mean() < 0.1
    assert np.percentile(error_m[valid == 1], 99) < 30
    assert (accuracy[valid == 0] == 63).all()


def test_the_buses_sleep_while_the_vehicle_is_switched_off(fleet: Fleet) -> None:
    vehicle, drive = fleet["lorry-01"]
    assert vehicle.kind == "ice"
    at = drive.frames["recorded_at"].dt.epoch("us").to_numpy() / 1e6
    for stop in drive.truth.stops:
        start, end = stop.started_at.timestamp(), stop.ended_at.timestamp()
        heard = at[(at > start + 65) & (at < end - 50)]
        assert (len(heard) == 0) == (stop.kind != "idling")


def test_the_last_frame_of_a_drive_says_that_the_key_was_turned(fleet: Fleet) -> None:
    vehicle, drive = fleet["electric-01"]
    at, ignition = _signal(drive.frames, vehicle.kind, "DriveStatus", "IgnitionOn")
    before_sleep = np.flatnonzero(np.diff(at) > 200)
    assert len(before_sleep) > 5
    assert (ignition[before_sleep] == 0).mean() > 0.9
    assert (ignition[before_sleep + 1] == 1).all()


def test_a_charging_car_keeps_talking_slowly(fleet: Fleet) -> None:
    vehicle, drive = fleet["electric-01"]
    charge = max(drive.truth.charges, key=lambda row: row.energy_battery_kwh)
    span = drive.frames.filter(pl.col("recorded_at").is_between(charge.started_at, charge.ended_at))
    at, plugged = _signal(span, vehicle.kind, "ChargeStatus", "ChargerConnected")
    _, power = _signal(span, vehicle.kind, "BatteryPower", "BatteryPower")
    assert (plugged == 1).all()
    assert (power[:-1] <= 0).all()
    assert np.diff(at).max() < 16
    energy = np.trapezoid(power, _signal(span, vehicle.kind, "BatteryPower", "BatteryPower")[0]) / 3600
    assert -energy == pytest.approx(charge.energy_battery_kwh, rel=0.02)


def test_silences_and_losses_of_the_fix_can_be_switched_off(plan: FleetPlan) -> None:
    calm = replace(plan, silences_per_hour=0.0, gps_losses_per_hour=0.0, vehicles=1)
    vehicle = make_roster(1, plan.seed)[0]
    drive = simulate_vehicle(vehicle, calm)
    at, valid = _signal(drive.frames, vehicle.kind, "gnss_pos", "PositionValid")
    gaps = np.diff(drive.frames["recorded_at"].dt.epoch("us").to_numpy()) / 1e6
    assert not ((gaps > 10) & (gaps < 330)).any()
    woken = at[np.concatenate(([0], np.flatnonzero(np.diff(at) > 300) + 1))]
    since = at - woken[np.searchsorted(woken, at, side="right") - 1]
    assert (valid[since > 30] == 1).all()
    assert (valid[since < 1] == 0).all()


def _rates(vehicle: Vehicle, plan: FleetPlan) -> dict[int, float]:
    frames = simulate_vehicle(vehicle, plan).frames
    gaps = frames.group_by("arbitration_id").agg(pl.col("recorded_at").diff().dt.total_microseconds().median() / 1e6)
    return dict(gaps.rows())


def test_the_rates_of_a_real_bus_are_a_setting(plan: FleetPlan) -> None:
    vehicle = make_roster(1, plan.seed)[0]
    real = {name: real_periods()[name] for name in ("EEC1", "CCVS1", "gnss_pos")}
    rates = _rates(vehicle, replace(plan, days=1, periods_s=real))
    assert set(rates) == {0x0CF00400, 0x18FEF100, 3}
    assert list(dict(sorted(rates.items())).values()) == pytest.approx([0.2, 0.02, 0.1], rel=0.05)


def test_the_rates_change_nothing_about_the_truth(plan: FleetPlan) -> None:
    vehicle = make_roster(1, plan.seed)[0]
    sparse = simulate_vehicle(vehicle, replace(plan, days=2, periods_s={"CCVS1": 10.0}))
    dense = simulate_vehicle(vehicle, replace(plan, days=2))
    assert sparse.truth.trips == dense.truth.trips
    assert 0 < sparse.frames.height < dense.frames.height
