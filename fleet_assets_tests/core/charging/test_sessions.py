"""Charges are found once, with the energy that flowed, however they were told; what is no charge is none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from fleet_assets.core.charging import charging_sessions, power_sessions
from fleet_assets_tests.core.charging.plugged import (
    ANY,
    FRIDAY,
    MONDAY,
    RULES,
    Car,
    fleet,
    hours,
    made,
    periods_of,
    plug_ins,
    powers,
)

EVENING = MONDAY + timedelta(hours=17)
H = 3600.0


def driven(at: datetime = EVENING, **known: object) -> Car:
    return Car(at, **known).drive(600).silent(60)  # type: ignore[arg-type]


def after(seconds: float) -> datetime:
    """So long after the cable of `driven` could be plugged in."""
    return EVENING + timedelta(seconds=660 + seconds)


def row(frame: pl.DataFrame) -> dict[str, object]:
    assert frame.height == 1
    return frame.row(0, named=True)


def test_a_charge_has_its_times_its_energies_on_both_sides_and_its_loss() -> None:
    car = driven().plugged(60).charge(2 * H).plugged(1200).rest(60).drive(600)
    found = row(plug_ins(car))
    assert {name: found[name] for name in ("plugged_at", "started_at", "ended_at", "unplugged_at", "closed_at")} == {
        "plugged_at": after(0), "started_at": after(60), "ended_at": after(60 + 2 * H - 10),
        "unplugged_at": after(60 + 2 * H + 1200), "closed_at": after(60 + 2 * H + 1200),
    }  # fmt: skip
    assert found["energy_ac_kwh"] == pytest.approx(14.0)
    assert found["energy_battery_kwh"] == found["energy_added_kwh"] == pytest.approx(12.6)
    assert found["energy_loss_kwh"] == pytest.approx(1.4)
    assert (found["energy_source"], found["charge_type"], found["power_session_count"]) == ("battery", "L2", 1)
    assert (found["charging_s"], found["plugged_s"]) == (pytest.approx(2 * H), 60 + 2 * H + 1200)
    assert (found["peak_power_kw"], found["avg_power_kw"]) == (7.0, pytest.approx(7.0))
    assert found["end_soc_pct"] == pytest.approx(found["start_soc_pct"] + 25.2, abs=0.1)  # type: ignore[operator]
    assert not found["is_truncated"]


def test_pauses_under_a_quarter_of_an_hour_join_and_longer_ones_part_two_power_sessions_of_one_plug_in() -> None:
    def paused(seconds: float) -> Car:
        return driven().charge(H).plugged(seconds, kw=0.2).charge(H).rest(60).drive(600)

    joined, parted = powers(paused(880)), powers(paused(920))
    assert (joined.height, parted.height) == (1, 2)
    assert joined["charging_s"].sum() == pytest.approx(2 * H, abs=10)
    assert parted["session_id"].to_list() == 2 * plug_ins(paused(920))["session_id"].to_list()
    assert plug_ins(paused(920))["power_session_count"].to_list() == [2]
    # What trickles in the pause belongs to the session that it lies in.
    assert joined["energy_ac_kwh"].sum() == pytest.approx(14 + 0.2 * 880 / 3600, abs=0.01)


def test_a_power_session_is_final_a_quarter_of_an_hour_after_its_end_or_when_the_cable_is_out() -> None:
    still_plugged = powers(driven().charge(H).plugged(2 * H).rest(60))
    assert still_plugged["closed_at"].to_list() == [after(H - 10 + 900)]
    assert powers(driven().charge(H).plugged(60).rest(60))["closed_at"].to_list() == [after(H + 60)]
    asleep = powers(driven().charge(H).silent(6 * H).plugged(60).rest(60))
    assert asleep["closed_at"].to_list() == [after(7 * H)]


@pytest.mark.parametrize(("dense_s", "earlier_s"), [(10.0, 30), (60.0, 0)])
def test_a_charge_begins_between_two_rows_that_are_far_apart_by_the_rules_of_cadence(
    dense_s: float, earlier_s: int
) -> None:
    rules = replace(RULES, cadence=replace(RULES.cadence, dense_s=dense_s))
    car = driven(step_s=60.0).plugged(120).charge(2 * H).plugged(1200)
    found = power_sessions(periods_of(car.frame()).lazy(), fleet(), ANY, rules).collect()
    assert found["started_at"].to_list() == [after(120 - earlier_s)]


def test_plugged_in_without_power_is_a_plug_in_without_a_start() -> None:
    car = driven().plugged(H).rest(60)
    found = row(plug_ins(car))
    assert (found["plugged_at"], found["unplugged_at"], found["started_at"]) == (after(0), after(H), None)
    assert (found["power_session_count"], found["energy_added_kwh"], found["charge_type"]) == (0, None, None)
    assert powers(car).is_empty()


@pytest.mark.parametrize(
    ("kw", "volts", "expected"),
    [
        (1.4, 120.0, "L1"), (3.0, 120.0, "L1"), (7.0, 230.0, "L2"), (22.0, 400.0, "L2"), (1.2, 230.0, "L2"),
        (50.0, 400.0, "DC"), (150.0, 800.0, "DC"), (10.0, 750.0, "DC"),
    ],
)  # fmt: skip
def test_voltage_tells_the_type_before_power_does(kw: float, volts: float, expected: str) -> None:
    car = driven(soc=10.0).charge(600, kw=kw, volts=volts).rest(60)
    assert plug_ins(car)["charge_type"].to_list() == [expected]


@pytest.mark.parametrize(("kw", "expected"), [(1.8, "L1"), (2.0, "L2"), (22.0, "L2"), (22.5, "DC")])
def test_without_a_voltage_power_tells_the_type(kw: float, expected: str) -> None:
    tells = ("is_charger_connected", "charger_power_kw", "soc_pct")
    car = driven(soc=10.0, tells=tells).charge(600, kw=kw).rest(60)
    assert plug_ins(car)["charge_type"].to_list() == [expected]


def test_energy_comes_from_the_best_source_that_there_is() -> None:
    def sourced(*tells: str, capacity: float | None = 50.0) -> tuple[object, ...]:
        car = driven(tells=tells).charge(2 * H).rest(60).drive(600)
        found = row(plug_ins(car, fleet(capacity=capacity)))
        return found["energy_source"], found["energy_added_kwh"], found["energy_ac_kwh"]

    assert sourced("hv_power_kw", "soc_pct") == ("battery", pytest.approx(12.6, rel=0.001), None)
    assert sourced("charger_power_kw", "soc_pct") == (
        "charger",
        pytest.approx(14.0, rel=0.001),
        pytest.approx(14.0, rel=0.001),
    )
    assert sourced("is_charger_connected", "soc_pct") == ("soc", pytest.approx(12.6, rel=0.01), None)
    assert sourced("soc_pct") == ("soc", pytest.approx(12.6, rel=0.02), None)
    assert sourced("soc_pct", capacity=None) == (None, None, None)


def test_a_rebound_at_rest_braking_and_an_idling_engine_are_no_charge() -> None:
    rebound = driven(tells=("soc_pct",)).rest(4 * H, rise=0.3).silent(8 * H, soc=0.3).rest(60).drive(60)
    assert plug_ins(rebound).is_empty()
    braking = Car(EVENING, tells=("soc_pct", "hv_power_kw")).drive(1200, kw=-20.0).rest(30).drive(600)
    assert plug_ins(braking).is_empty()
    by_engine = Car(EVENING, tells=("soc_pct", "hv_power_kw")).drive(60).charge(1200, kw=3.0).drive(600).frame()
    idling = by_engine.with_columns(engine_speed_rpm=pl.lit(900.0))
    assert made(charging_sessions, idling).is_empty()


def test_a_charge_known_from_a_jump_over_a_silence_of_days_is_one() -> None:
    car = driven(FRIDAY + timedelta(hours=18)).silent(62 * H, soc=40.0).drive(600)
    found = row(plug_ins(car))
    assert (found["energy_source"], found["energy_added_kwh"]) == ("soc", pytest.approx(20.0, abs=0.03))
    assert (found["charging_s"], found["peak_power_kw"], found["charge_type"]) == (None, None, None)
    assert found["started_at"] == FRIDAY + timedelta(hours=18, seconds=590)
    assert found["ended_at"] == found["closed_at"] == FRIDAY + timedelta(hours=80, seconds=660)
    assert found["unplugged_at"] is None
    shared = hours(car)
    assert shared.height == 63
    assert shared["energy_added_kwh"].sum() == pytest.approx(found["energy_added_kwh"])


@pytest.mark.parametrize(
    ("powertrain", "soc", "km", "count"),
    [("bev", 40.0, 0.0, 1), ("bev", 10.0, 80.0, 0), ("bev", 40.0, 80.0, 1), ("phev", 40.0, 80.0, 0),
     ("phev", 40.0, 5.0, 1),
     ("phev", 40.0, 0.0, 1), ("hev", 10.0, 0.0, 0), (None, 40.0, 0.0, 1), ("bev", 1.9, 0.0, 0)],
)  # fmt: skip
def test_a_jump_is_a_charge_where_nothing_else_explains_it(
    powertrain: str | None, soc: float, km: float, count: int
) -> None:
    car = driven(soc=30.0).silent(10 * H, soc=soc, km=km).drive(600)
    assert plug_ins(car, fleet(powertrain)).height == count


def test_a_weekend_on_the_charger_is_one_plug_in_though_the_vehicle_sleeps() -> None:
    friday = Car(FRIDAY + timedelta(hours=18)).drive(600).plugged(60).charge(3 * H).plugged(1200)
    car = friday.silent(58 * H).plugged(60).rest(60).drive(600)
    found = row(plug_ins(car))
    assert found["plugged_at"] == FRIDAY + timedelta(hours=18, minutes=10)
    assert found["unplugged_at"] == car.now - timedelta(seconds=660)
    assert found["energy_ac_kwh"] == pytest.approx(21.0)
    assert found["power_session_count"] == 1


def test_what_is_charged_in_a_silence_after_a_seen_charge_is_added_by_the_charge() -> None:
    car = driven(soc=20.0).plugged(60).charge(600).silent(6 * H, soc=30.0).plugged(60).rest(60)
    assert powers(car)["energy_source"].to_list() == ["battery", "soc"]
    found = row(plug_ins(car))
    assert (found["energy_added_kwh"], found["energy_ac_kwh"]) == (pytest.approx(1.05 + 15, abs=0.05), None)
    assert found["energy_source"] == "soc"


@pytest.mark.parametrize("step_s", [10.0, 60.0, 300.0, 600.0, 1200.0])
def test_slow_trackers_tell_the_same_energy(step_s: float) -> None:
    slow = Car(EVENING, step_s=step_s, soc=20.0).drive(3600).charge(4 * H).rest(3600).drive(3600)
    found = row(plug_ins(slow))
    assert found["energy_ac_kwh"] == pytest.approx(28.0, rel=0.001)
    assert found["energy_added_kwh"] == pytest.approx(25.2, rel=0.001)


@pytest.mark.parametrize("begins", [MONDAY + timedelta(hours=22), datetime.fromisoformat("2026-03-31T21:30:00+00:00")])
def test_a_charge_over_midnight_and_month_end_is_one_with_nothing_lost_at_the_cut(begins: datetime) -> None:
    uncut = row(powers(Car(MONDAY + timedelta(hours=5)).drive(600).charge(5 * H).rest(60)))
    cut = row(powers(Car(begins).drive(600).charge(5 * H).rest(60)))
    for name in ("energy_ac_kwh", "energy_added_kwh", "charging_s"):
        assert cut[name] == pytest.approx(uncut[name], rel=1e-9)
    by_hour = hours(Car(begins).drive(600).charge(5 * H).rest(60))
    assert by_hour["energy_ac_kwh"].sum() == pytest.approx(cut["energy_ac_kwh"], rel=1e-9)
    inner = by_hour.sort("hour_at")[1:-1]
    assert inner["energy_ac_kwh"].to_list() == pytest.approx([7.0] * inner.height)
    assert inner["charging_s"].to_list() == pytest.approx([3600.0] * inner.height)


def test_a_hole_within_a_charge_up_to_half_an_hour_is_charged_through() -> None:
    assert powers(driven().charge(H).silent(1700, soc=6).charge(H).rest(60))["charging_s"].to_list() == [
        pytest.approx(2 * H + 1700, abs=10)
    ]
    parted = powers(driven().charge(H).silent(2 * H, soc=0).charge(H).rest(60))
    assert parted["energy_ac_kwh"].to_list() == [pytest.approx(7.0, abs=0.02)] * 2


def test_a_vehicle_that_was_driven_unseen_is_on_another_plug_in() -> None:
    car = driven().charge(H).silent(3 * H, soc=-5, km=30).charge(H).rest(60)
    assert plug_ins(car).select("unplugged_at", "power_session_count").rows() == [
        (None, 1), (after(5 * H), 1),
    ]  # fmt: skip


def test_who_is_never_heard_again_is_final_after_a_week() -> None:
    found = row(plug_ins(driven().charge(H)))
    assert found["closed_at"] == after(H - 10) + timedelta(days=7)
    assert found["unplugged_at"] is None
    assert found["energy_ac_kwh"] == pytest.approx(7.0, abs=0.02)


def test_a_vehicle_without_a_word_of_a_cable_has_one_plug_in_per_stay() -> None:
    tells = ("charger_power_kw", "soc_pct")
    car = driven(tells=tells).charge(H).silent(4 * H).charge(H).rest(600).drive(600).charge(H).rest(600).drive(600)
    found = plug_ins(car)
    assert found["power_session_count"].to_list() == [2, 1]
    assert found["unplugged_at"].to_list() == [None, None]


def test_a_curve_has_at_most_sixty_points_of_seconds_power_and_charge() -> None:
    found = row(powers(driven(soc=20.0).charge(4 * H).rest(60)))
    curve = json.loads(str(found["curve"]))
    assert len(curve) == 60
    assert [len(point) for point in curve] == [3] * 60
    assert curve[0][:2] == [0.0, 7.0]
    assert curve[-1][2] == pytest.approx(found["end_soc_pct"], abs=0.1)
    assert len(json.loads(str(row(powers(driven(soc=20.0).charge(600).rest(60)))["curve"]))) == 10


def test_reported_capacity_comes_before_that_of_the_reference() -> None:
    car = driven(tells=("soc_pct",), soc=30.0).silent(10 * H, soc=40.0).drive(600)
    telemetry = car.frame().with_columns(hv_capacity_kwh=pl.lit(60.0))
    assert row(made(charging_sessions, telemetry))["energy_added_kwh"] == pytest.approx(24.0, abs=0.03)


@pytest.mark.parametrize("nonsense", [0.0, 100.0])
def test_a_battery_unit_that_wakes_with_nonsense_charges_nothing(nonsense: float) -> None:
    """A car that tells nothing but its charge sleeps over night, and tells 0 or 100 % for a minute."""
    slept = driven(tells=()).rest(60).silent(8 * H)
    waking = replace(slept, soc=nonsense).rest(60)
    car = replace(waking, soc=slept.soc).rest(60).drive(600)
    assert powers(car).is_empty()
    assert plug_ins(car).is_empty()
