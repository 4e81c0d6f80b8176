"""Fuel events: what is one, of which kind, how large, and what is none."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from fleet_assets.contracts import FUEL_EVENTS, INGEST_OUTAGES, TANK_CALIBRATIONS, TELEMETRY, ZONES
from fleet_assets.core.fuel import FuelEventRules
from fleet_assets_tests.core.fuel.tanks import START, Tank, balance_of, events_of, fleet, told


def assert_only(events: pl.DataFrame, kind: str, litres: float, within: float = 4.0) -> None:
    assert events["kind"].to_list() == [kind]
    assert events["volume_l"][0] == pytest.approx(litres, abs=within)


def test_no_telemetry_gives_no_event() -> None:
    row = pl.DataFrame([{"vehicle_id": "lorry", "recorded_at": START, "source": "can", "fuel_level_pct": 50.0}])
    one = row.with_columns(pl.col("recorded_at").cast(TELEMETRY.schema["recorded_at"]))
    assert events_of(TELEMETRY.conform(one.lazy()).collect()).equals(FUEL_EVENTS.empty())


def test_driving_and_parking_are_no_events() -> None:
    assert told(events_of(Tank().works(4).frame())) == []


def test_a_refuel_is_told_with_its_litres_place_and_time() -> None:
    tank = Tank().drive(60).stand(5)
    filled = tank.fill(100, 4).stand(5).drive(60).stand(60)
    found = events_of(filled.frame())
    assert_only(found, "refuel", 100)
    event = found.row(0, named=True)
    assert event["started_at"] <= tank.now + timedelta(minutes=4)
    assert event["ended_at"] >= tank.now
    assert event["ended_at"] - event["started_at"] <= timedelta(minutes=15)
    assert event["latitude_deg"] == pytest.approx(1060 / 111.195 - 45, abs=0.02)
    assert event["unexplained_l"] > 0
    assert event["confidence"] > 0.999
    assert event["closed_at"] > event["ended_at"]


def test_a_theft_at_night_is_told_with_its_reasons() -> None:
    found = events_of(Tank().drive(60).stand(240).fill(-40, 10).stand(240).drive(60).stand(60).frame())
    assert_only(found, "theft", 40)
    assert found["unexplained_l"][0] == pytest.approx(-40, abs=4)
    evidence = json.loads(found["evidence"][0])
    assert evidence["compared"] == "levels of the same stay"
    assert "while the vehicle stood" in evidence["why"]
    assert evidence["unit"] == "l"


def test_a_refuel_of_two_minutes_within_a_trip_is_found() -> None:
    assert_only(events_of(Tank().drive(60).stand(1).fill(150, 2, ignition=True).drive(60).frame()), "refuel", 150)


def test_a_refuel_after_which_no_trip_follows_is_final_a_day_later() -> None:
    tank = Tank().drive(60).stand(30).fill(120, 4).stand(120)
    found = events_of(tank.frame())
    assert_only(found, "refuel", 120)
    assert found["closed_at"][0] == found["ended_at"][0] + timedelta(days=1)


def test_a_partial_fill_of_ten_litres_into_a_car_is_found() -> None:
    car = Tank(capacity_l=50, litres=20, per_km=0.06, slosh_pct=3).drive(40).stand(5).fill(10, 1).stand(5).drive(40)
    assert_only(events_of(car.frame(), fleet(tank_capacity_l=50.0)), "refuel", 10, 1.5)


def test_ten_and_ten_litres_across_an_edge_of_an_hour_are_one_refuel() -> None:
    """One system ran a job each hour and saw half of it on either side."""
    tank = Tank(now=START + timedelta(days=-5, minutes=55), slosh_pct=0.5).works(5).drive(60)
    assert tank.now.minute == 55
    filled = tank.stand(3).fill(10, 2).fill(10, 3).stand(5).drive(60)
    assert_only(events_of(filled.frame()), "refuel", 20, 2)


def test_two_steps_of_one_fill_are_one_event() -> None:
    """One system stored two events at one and the same time."""
    filled = Tank().drive(60).stand(5).fill(80, 3).stand(6).fill(60, 3).stand(5).drive(60)
    assert_only(events_of(filled.frame()), "refuel", 140)


def test_two_fills_hours_apart_are_two_events() -> None:
    filled = Tank().drive(60).stand(20).fill(80, 3).stand(120).fill(60, 3).stand(60).drive(60)
    assert [kind for kind, _ in told(events_of(filled.frame()))] == ["refuel", "refuel"]


def test_seven_refuels_of_one_lorry_are_all_found() -> None:
    """One system lost them, because a filter was reset before the test for a refuel."""
    tank = Tank(litres=120)
    for _ in range(7):
        tank = tank.drive(120).stand(5).fill(60, 3).stand(10)
    found = events_of(tank.drive(60).frame())
    assert found["kind"].to_list() == ["refuel"] * 7
    assert found["volume_l"].to_list() == pytest.approx([60] * 7, abs=5)


def test_a_fill_across_a_gap_is_found_where_the_sender_is_silent_while_off() -> None:
    assert_only(events_of(Tank().drive(60).silent(600, litres=90).drive(60).frame()), "refuel", 90)


def test_a_theft_across_a_gap_in_which_it_did_not_drive_is_found() -> None:
    assert_only(events_of(Tank().drive(60).silent(600, litres=-60).drive(60).frame()), "theft", 60)


def test_a_fall_across_a_gap_in_which_it_drove_is_unobserved() -> None:
    tank = Tank().drive(60).stand(10).silent(120, kmh=20, litres=-80).stand(10).drive(60)
    found = events_of(tank.frame())
    assert found["kind"].to_list() == ["unobserved_change"]


def test_driving_unseen_burns_and_is_no_event() -> None:
    assert told(events_of(Tank().works(3).drive(60).silent(90, kmh=60).drive(60).stand(60).frame())) == []


def test_a_fill_across_midnight_is_one_event_with_all_its_litres() -> None:
    tank = Tank(now=datetime(2024, 5, 13, 22, 52, tzinfo=START.tzinfo)).drive(60).stand(4)
    assert (tank.now.hour, tank.now.minute) == (23, 56)
    assert_only(events_of(tank.fill(120, 8).stand(10).drive(60).stand(10).frame()), "refuel", 120)


def test_slow_siphoning_is_found_by_accumulation() -> None:
    """Four litres a night are less than any single threshold."""
    tank = Tank(litres=380, slosh_pct=0.5, step_pct=0.1, per_km=0.1, now=START + timedelta(days=-21))
    tank = tank.works(14)
    for _ in range(14):
        tank = tank.drive(60).stand(300).fill(-4, 5).stand(24 * 60 - 365)
    found = events_of(tank.drive(60).stand(60).frame())
    slow = found.filter(pl.col("kind") == "slow_loss")
    assert set(found["kind"]) == {"slow_loss"}
    assert slow["volume_l"][-1] == pytest.approx(28, abs=4)
    assert json.loads(slow["evidence"][-1])["stays"] == 7


def test_a_loss_that_only_two_weeks_show_counts_each_of_them_once() -> None:
    tank = Tank(litres=390, slosh_pct=0.1, step_pct=0.1, per_km=0.05, step_s=30, now=START + timedelta(days=-21))
    tank = tank.works(21)
    for _ in range(28):
        tank = tank.drive(30).stand(300).fill(-1.9, 5).stand(24 * 60 - 335)
    found = events_of(tank.drive(30).stand(60).frame())
    assert set(found["kind"]) == {"slow_loss"}
    spans = found.sort("started_at")
    assert (spans["ended_at"] - spans["started_at"] >= timedelta(days=12)).any()
    assert (spans["started_at"][1:] >= spans["ended_at"][:-1]).all()
    assert 0.5 * 28 * 1.9 < found["volume_l"].sum() < 28 * 1.9


def test_siphoning_in_small_steps_over_hours_is_a_slow_loss() -> None:
    tank = Tank().drive(60).stand(60)
    for _ in range(8):
        tank = tank.fill(-6, 2).stand(28)
    found = events_of(tank.stand(60).drive(60).frame())
    assert "slow_loss" in found["kind"].to_list()
    assert set(found["kind"]) <= {"slow_loss", "theft"}
    assert found["volume_l"].sum() == pytest.approx(48, abs=5)


@pytest.mark.parametrize(("first", "kind"), [(-100, "theft"), (60, "refuel")])
def test_a_leak_after_a_theft_or_a_refuel_is_a_slow_loss_beside_it(first: float, kind: str) -> None:
    """A litre every ten minutes over seven hours: no step of it shows."""
    tank = Tank(litres=200, slosh_pct=0.5, step_pct=0.1, step_s=60).drive(60).stand(60).fill(first, 5).stand(120)
    for _ in range(40):
        tank = tank.fill(-1.0, 1).stand(9)
    found = events_of(tank.stand(60).drive(60).stand(10).frame()).sort("started_at")
    assert found["kind"].to_list() == [kind, "slow_loss"]
    assert found["event_id"].is_unique().all()
    assert found["volume_l"].to_list() == pytest.approx([abs(first), 40], abs=5)
    assert found["started_at"][1] >= found["ended_at"][0]


def test_a_drop_to_zero_that_returns_is_a_fault() -> None:
    tank = Tank().drive(60).stand(30).stand(90, fuel_level_pct=0.0).stand(30).drive(60)
    assert told(events_of(tank.frame())) == [("sensor_fault", None)]


def test_a_crane_that_reports_zero_seventeen_times_and_then_nothing_for_a_day_lost_nothing() -> None:
    tank = Tank(step_s=600).drive(120).stand(120)
    tank = tank.stand(170, fuel_level_pct=0.0).silent(24 * 60).stand(30).drive(120).stand(60)
    assert "theft" not in events_of(tank.frame())["kind"].to_list()


def test_a_level_that_falls_and_comes_back_while_parked_is_a_fault() -> None:
    tank = Tank().drive(60).stand(60)
    broken = replace(tank, shift=-20.0).stand(90)
    found = events_of(replace(broken, shift=0.0).stand(60).drive(60).frame())
    assert found["kind"].to_list() == ["sensor_fault"]
    assert "came back" in json.loads(found["evidence"][0])["why"]


def test_nonsense_while_the_ignition_is_off_is_no_theft() -> None:
    tank = Tank().drive(60).stand(10, ignition=True)
    off = replace(tank, shift=-30.0).stand(600)
    on = replace(off, shift=0.0).stand(5, ignition=True).drive(60)
    assert "theft" not in events_of(on.frame())["kind"].to_list()


def test_nonsense_at_the_first_reading_of_a_stay_is_neither_a_refuel_nor_a_theft() -> None:
    arriving = Tank(slosh_pct=0.5).drive(60).stand(4, fuel_level_pct=58.0).stand(120).drive(60)
    assert events_of(arriving.stand(10).frame())["kind"].to_list() == ["sensor_fault"]
    leaving = Tank(slosh_pct=0.5).drive(60).stand(120).stand(4, fuel_level_pct=30.0).drive(60)
    assert events_of(leaving.stand(10).frame())["kind"].to_list() == ["sensor_fault"]


def test_two_tanks_whose_codes_end_one_after_the_other_lost_nothing() -> None:
    tank = Tank(step_s=300, litres=280, slosh_pct=0.5).drive(60).stand(120).stand(45, fuel_level_pct=76.8)
    tank = tank.stand(15, fuel_level_pct=76.8).stand(60).drive(60).stand(10)
    second = pl.when(pl.col("fuel_level_pct") == 76.8).then(76.8).otherwise(60.0)
    ends = START + timedelta(minutes=60 + 120 + 45)
    history = tank.frame().with_columns(
        fuel_level_2_pct=pl.when(pl.col("recorded_at") < ends).then(second).otherwise(60.0)
    )
    found = events_of(history, fleet(tank_2_capacity_l=400.0))
    assert set(found["kind"]) == {"sensor_fault"}


def test_a_code_that_stands_still_on_drives_is_no_level_however_near() -> None:
    tank = Tank(step_s=30, litres=320, slosh_pct=1.5, step_pct=0.2).drive(60).stand(60)
    tank = tank.stand(60, fuel_level_pct=76.8).drive(60, fuel_level_pct=76.8).stand(60).drive(60).stand(30)
    found = events_of(tank.frame())
    assert set(found["kind"]) <= {"sensor_fault"}
    believed = balance_of(tank.frame())
    assert believed.filter(pl.col("level_after_pct") == 76.8).is_empty()


def test_a_theft_seen_by_a_slow_sender_through_a_level_in_between_is_one() -> None:
    """Two readings of which one was taken while it went on say nothing; those before and after them do."""
    tank = Tank(step_s=300, litres=340, slosh_pct=0.5).drive(60).stand(180)
    found = events_of(tank.fill(-42, 5).stand(180).drive(60).stand(10).frame())
    assert_only(found, "theft", 42)


def test_a_slope_under_a_parked_vehicle_is_no_event() -> None:
    tank = Tank().drive(60)
    parked = replace(tank, shift=-6.0).stand(300)
    back = replace(parked, shift=0.0).drive(60)
    up = replace(back, shift=5.0).stand(300)
    assert told(events_of(replace(up, shift=0.0).drive(60).frame())) == []


def test_heat_of_the_day_is_no_event() -> None:
    tank = Tank().drive(60)
    for shift in np.sin(np.linspace(0, 2 * np.pi, 24)):
        tank = replace(tank, shift=float(shift)).stand(30)
    assert told(events_of(replace(tank, shift=0.0).drive(60).frame())) == []


def test_a_filler_between_real_levels_hides_neither_a_refuel_nor_makes_a_theft() -> None:
    """One lorry of a delivery fleet sent raw 192 for hours."""
    tank = Tank().drive(60).stand(20).stand(60, fuel_level_pct=76.8).stand(10).drive(30).drive(20, fuel_level_pct=76.8)
    tank = tank.drive(30).stand(5).fill(100, 3).stand(20).drive(30).drive(30, fuel_level_pct=76.8).drive(60).stand(60)
    found = events_of(tank.frame())
    volumes = found.filter(pl.col("kind") != "sensor_fault")
    assert_only(volumes, "refuel", 100)


def test_a_car_that_swings_from_25_to_50_percent_in_bends_has_no_event() -> None:
    car = Tank(capacity_l=60, litres=22.5, per_km=0.07, slosh_pct=8.0)
    tank = car.drive(90).stand(30).drive(90).stand(200).drive(60)
    assert told(events_of(tank.frame(), fleet(tank_capacity_l=60.0))) == []


def test_burning_while_parked_with_the_engine_on_is_no_theft() -> None:
    tank = Tank(step_s=30).drive(60)
    worked = tank
    for _ in range(6):
        worked = replace(worked.stand(20, ignition=True), litres=worked.litres - 1.0)
    assert told(events_of(worked.drive(60).frame())) == []


def test_a_transfer_between_two_tanks_is_no_event() -> None:
    tank = Tank().drive(60).stand(60)
    second = tank.frame().with_columns(fuel_level_2_pct=pl.lit(60.0))
    later = replace(tank, rows=(), litres=tank.litres + 80).stand(120).drive(60).frame()
    moved = later.with_columns(fuel_level_2_pct=pl.lit(20.0))
    both = pl.concat([second, moved])
    assert told(events_of(both, fleet(tank_2_capacity_l=200.0))) == []


def test_without_a_tank_size_events_are_in_points_and_litres_are_null() -> None:
    found = events_of(Tank().drive(60).stand(5).fill(100, 3).stand(5).drive(60).frame(), fleet(tank_capacity_l=None))
    assert found["kind"].to_list() == ["refuel"]
    assert found["volume_l"][0] is None
    assert found["unexplained_l"][0] is None
    assert found["change_pct"][0] == pytest.approx(25, abs=1)


def test_percent_read_as_litres_or_gallons_is_impossible_by_name() -> None:
    """One system read per cent as gallons: a level of 50 % of 400 l is 200 l, a sender's 50 l are 50 l."""
    tank = Tank(litres=100).drive(60).stand(5).fill(100, 3).stand(5).drive(60)
    in_litres = tank.frame().with_columns(
        fuel_level_l=pl.col("fuel_level_pct") * 4, fuel_level_pct=pl.lit(None, pl.Float64)
    )
    by_points, by_litres = events_of(tank.frame()), events_of(in_litres)
    assert by_litres["volume_l"][0] == pytest.approx(by_points["volume_l"][0], abs=0.5)
    unknown = events_of(in_litres, fleet(tank_capacity_l=None))
    assert unknown["volume_l"][0] == pytest.approx(100, abs=4)
    assert unknown["level_before_pct"][0] is None


def test_an_outage_of_the_collector_is_no_theft() -> None:
    tank = Tank().drive(60)
    silence = INGEST_OUTAGES.conform(
        pl.DataFrame([{
            "source": "can", "started_at": tank.now, "ended_at": tank.now + timedelta(hours=8), "outage_s": 28_800.0,
            "regular_hours": 7, "vehicle_count": 5,
        }]).with_columns(pl.col("started_at", "ended_at").cast(TELEMETRY.schema["recorded_at"])).lazy()
    ).collect()  # fmt: skip
    history = tank.silent(480, litres=-70).drive(60).frame()
    found = events_of(history, outages=silence)
    assert found["kind"].to_list() == ["unobserved_change"]
    assert "outage" in json.loads(found["evidence"][0])["why"]
    assert events_of(history)["kind"].to_list() == ["theft"]


def test_a_step_of_every_vehicle_of_a_source_is_the_source_changing_its_scale() -> None:
    tanks = [Tank(vehicle_id=f"lorry-{k}", litres=150 + 30 * k, source="depot", seed=k).drive(60) for k in range(5)]
    histories = []
    for tank in tanks:
        before = tank.stand(60).frame()
        after = replace(tank.stand(60), rows=()).stand(120).drive(60).frame()
        histories += [before, after.with_columns(pl.col("fuel_level_pct") * 0.8)]
    vehicles = pl.concat([fleet(vehicle_id=tank.vehicle_id) for tank in tanks])
    found = events_of(pl.concat(histories), vehicles)
    assert set(found["kind"]) == {"sensor_fault"}
    assert "source" in json.loads(found["evidence"][0])["why"]


def test_a_level_that_steps_while_driving_is_a_fault_of_the_sender() -> None:
    tank = Tank(slosh_pct=0.5).drive(60)
    found = events_of(replace(tank, shift=-25.0).drive(60).frame())
    assert found["kind"].to_list() == ["sensor_fault"]


def test_the_zone_of_a_refuel_is_told() -> None:
    tank = Tank().drive(60).stand(5)
    zones = ZONES.conform(pl.DataFrame([{
        "zone_id": "pump", "latitude_deg": tank.km / 111.195 - 45, "longitude_deg": 10.0, "radius_m": 2_000.0,
    }]).lazy()).collect()  # fmt: skip
    found = events_of(tank.fill(100, 4).stand(5).drive(60).frame(), zones=zones)
    assert found["zone_id"].to_list() == ["pump"]


def test_a_higher_least_volume_leaves_small_refuels_out() -> None:
    history = Tank().drive(60).stand(5).fill(60, 4).stand(5).drive(60).frame()
    assert told(events_of(history, rules=FuelEventRules(min_refuel_l=80.0))) == []
    assert FuelEventRules(min_refuel_l=80.0).version != FuelEventRules().version


def test_a_lone_reading_between_driving_and_standing_is_no_refuel_and_no_theft() -> None:
    """The float of a sender swings in a bend, and a key just turned gives any value: one reading is no level."""
    tank = Tank(now=START + timedelta(days=-5), slosh_pct=0.5).works(5).drive(60)
    swung = (
        tank.stand(2)
        .frame()
        .with_columns(
            pl.when(pl.col("recorded_at") == pl.col("recorded_at").max())
            .then(pl.col("fuel_level_pct") + 25)
            .otherwise("fuel_level_pct")
            .clip(0, 100)
            .alias("fuel_level_pct")
        )
    )
    later = tank.stand(2).stand(90).drive(60).frame().filter(pl.col("recorded_at") > swung["recorded_at"].max())
    found = events_of(pl.concat([swung, later]))
    assert found.filter(pl.col("kind").is_in(["refuel", "theft"])).is_empty()


def test_a_new_curve_of_a_parked_tank_takes_and_brings_nothing() -> None:
    tank = Tank(step_s=60).drive(60).stand(600).drive(60).stand(30)
    since = START + timedelta(hours=5)
    rows = [
        {"vehicle_id": "lorry", "tank": 1, "level_pct": pct, "volume_l": litres, "valid_from": since}
        for pct, litres in ((0.0, 0.0), (100.0, 300.0))
    ]
    schema = {"valid_from": TANK_CALIBRATIONS.schema["valid_from"]}
    curve = TANK_CALIBRATIONS.conform(pl.DataFrame(rows, schema_overrides=schema).lazy()).collect()
    assert events_of(tank.frame(), calibrations=curve).is_empty()


def test_a_gauge_with_a_flat_top_tells_points_that_are_possible() -> None:
    rows = [
        {"vehicle_id": "lorry", "tank": 1, "level_pct": pct, "volume_l": litres}
        for pct, litres in ((0.0, 0.0), (50.0, 200.0), (100.0, 200.0))
    ]
    curve = TANK_CALIBRATIONS.conform(pl.DataFrame(rows).lazy()).collect()
    tank = Tank(litres=180, slosh_pct=0.5).drive(60).stand(10).fill(200, 5).stand(30).drive(60).stand(30)
    found = events_of(tank.frame(), calibrations=curve)
    assert found["kind"].to_list() == ["refuel"]
    assert found.select(pl.col("change_pct", "volume_l").is_finite().all()).row(0) == (True, True)
    assert found["change_pct"][0] <= 100


def test_vehicles_that_fill_up_at_a_depot_at_one_hour_are_refuelled() -> None:
    tanks = [Tank(vehicle_id=f"lorry-{k}", litres=130 + 8 * k, source="depot", seed=k).drive(60) for k in range(4)]
    histories = [tank.stand(10).fill(380 - tank.litres, 5).stand(30).drive(60).stand(60).frame() for tank in tanks]
    known = pl.concat([fleet(vehicle_id=f"lorry-{k}") for k in range(4)])
    assert events_of(pl.concat(histories), known)["kind"].to_list() == ["refuel"] * 4


def test_an_event_between_drives_tells_the_engine_and_the_place_of_the_stay() -> None:
    tank = Tank(slosh_pct=0.5).drive(60).stand(300).fill(-60, 5).stand(300).drive(60).stand(10)
    engine = pl.when(pl.col("speed_kmh") > 0).then(1500.0).otherwise(0.0).alias("engine_speed_rpm")
    (event,) = events_of(tank.frame().with_columns(engine)).rows(named=True)
    assert (event["kind"], event["is_engine_on"]) == ("theft", False)
    assert event["latitude_deg"] is not None
