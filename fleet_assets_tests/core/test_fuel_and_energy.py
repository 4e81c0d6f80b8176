"""Fuel and energy of trips: which source, which sign, and when a ratio is null."""

from __future__ import annotations

import polars as pl
import pytest

from fleet_assets.core.energy import EnergyRules
from fleet_assets.core.trips import TripRules
from fleet_assets_tests.core.histories import fleet, trips_of, vehicle


def _trip(history: pl.DataFrame, **of_vehicle: object) -> dict[str, object]:
    vehicles = fleet({"vehicle_id": "a", **of_vehicle}) if of_vehicle else fleet()
    (trip,) = trips_of(history, vehicles=vehicles).rows(named=True)
    return trip


def _hour() -> pl.DataFrame:
    return vehicle().drive(3610, kmh=60).stand(600).frame().with_columns(n=pl.int_range(pl.len()))


def test_a_fine_fuel_counter_is_believed_first() -> None:
    history = _hour().with_columns(fuel_used_total_l=100 + pl.col("n") / 18, fuel_rate_lph=pl.lit(25.0)).drop("n")
    trip = _trip(history)
    assert (trip["fuel_source"], trip["fuel_used_l"]) == ("counter", pytest.approx(20, abs=0.2))
    assert trip["fuel_l_per_100km"] == pytest.approx(100 / 3, rel=0.01)


def test_a_coarse_counter_yields_to_the_rate_on_a_short_trip() -> None:
    short = vehicle().drive(610).stand(600).frame().with_columns(n=pl.int_range(pl.len()))
    history = short.with_columns(
        fuel_used_total_l=((100 + pl.col("n") / 120) / 0.5).floor() * 0.5, fuel_rate_lph=pl.lit(3.0)
    ).drop("n")
    trip = _trip(history)
    assert (trip["fuel_source"], trip["fuel_used_l"]) == ("rate", pytest.approx(0.5))


def test_a_rate_that_is_stuck_at_zero_is_not_believed() -> None:
    counter = ((100 + pl.col("n") / 18) / 0.5).floor() * 0.5
    trip = _trip(_hour().with_columns(fuel_used_total_l=counter, fuel_rate_lph=pl.lit(0.0)).drop("n"))
    assert (trip["fuel_source"], trip["fuel_used_l"]) == ("counter", pytest.approx(20, abs=0.5))


def test_a_counter_that_is_reset_loses_nothing_else() -> None:
    counter = pl.when(pl.col("n") < 200).then(pl.col("n") / 18).otherwise((pl.col("n") - 200) / 18)
    trip = _trip(_hour().with_columns(fuel_used_total_l=counter).drop("n"))
    assert trip["fuel_used_l"] == pytest.approx(20, abs=0.2)


def test_levels_at_both_ends_of_a_trip_say_nothing_of_what_it_burned() -> None:
    """The balance of the tank does (`trips.test_by_level`)."""
    for change in (-1, 1):
        trip = _trip(
            _hour().with_columns(fuel_level_pct=50 + change * pl.col("n") / 36).drop("n"), tank_capacity_l=400.0
        )
        assert (trip["fuel_used_l"], trip["fuel_source"]) == (None, None)


def test_the_expected_error_of_a_counter_is_told() -> None:
    counter = ((100 + pl.col("n") / 18) / 0.5).floor() * 0.5
    trip = _trip(_hour().with_columns(fuel_used_total_l=counter).drop("n"))
    assert trip["fuel_used_sd_l"] == pytest.approx(0.5, abs=0.3)


def test_consumption_per_100_km_is_null_below_the_minimum_distance() -> None:
    short = vehicle(step_s=5).drive(90, kmh=60).stand(600).frame().with_columns(fuel_rate_lph=pl.lit(10.0))
    trip = _trip(short)
    assert trip["fuel_used_l"] is not None
    assert trip["fuel_l_per_100km"] is None


def test_net_energy_is_signed_and_its_parts_are_kept() -> None:
    power = pl.when(pl.col("n") < 181).then(20.0).otherwise(-22.0)
    trip = _trip(_hour().with_columns(hv_power_kw=power).drop("n"), powertrain="bev")
    assert trip["energy_used_kwh"] == pytest.approx(-1, abs=0.1)
    assert trip["energy_discharged_kwh"] == pytest.approx(10, abs=0.1)
    assert trip["energy_regenerated_kwh"] == pytest.approx(11, abs=0.1)
    assert (trip["electric_km"], trip["engine_km"]) == (pytest.approx(60, abs=0.1), 0.0)
    assert trip["kwh_per_100km"] == pytest.approx(-1 / 0.6, abs=0.2)


def _part_electric() -> pl.DataFrame:
    """Half an hour on the battery (12 kW), then half an hour on the engine, which charges it (-20 kW)."""
    is_on = pl.col("n") >= 181
    return (
        _hour()
        .with_columns(
            engine_speed_rpm=pl.when(is_on).then(1800.0).otherwise(0.0),
            hv_power_kw=pl.when(is_on).then(-20.0).otherwise(12.0),
            soc_pct=60 - pl.col("n") / 36,
            fuel_rate_lph=pl.when(is_on).then(6.0).otherwise(0.0),
        )
        .drop("n")
    )


def test_an_engine_that_charges_the_battery_takes_nothing_off_the_electric_consumption() -> None:
    trip = _trip(_part_electric(), powertrain="phev")
    assert trip["energy_used_kwh"] == pytest.approx(6 - 10, abs=0.1)
    assert trip["electric_energy_kwh"] == pytest.approx(12 * 1810 / 3600, abs=1e-9)
    assert trip["electric_km"] == pytest.approx(30, abs=0.3)
    assert trip["kwh_per_100km"] == pytest.approx(20, rel=0.01)


def test_litres_per_100_km_of_a_hybrid_are_those_of_the_whole_trip() -> None:
    trip = _trip(_part_electric(), powertrain="phev")
    assert trip["fuel_used_l"] == pytest.approx(3, abs=0.05)
    assert trip["fuel_l_per_100km"] == pytest.approx(5, rel=0.02)


def test_engine_and_power_told_at_different_instants_say_the_same_energy() -> None:
    told = _part_electric()
    engine = told.select("vehicle_id", "source", "speed_kmh", "recorded_at", "engine_speed_rpm")
    later = told.drop("engine_speed_rpm").with_columns(pl.col("recorded_at").dt.offset_by("3s"))
    trip = _trip(pl.concat([engine, later], how="diagonal").sort("recorded_at"), powertrain="phev")
    assert trip["electric_energy_kwh"] == pytest.approx(6, abs=0.05)


def test_an_engine_that_stops_again_adds_what_the_battery_gives_afterwards() -> None:
    on = pl.col("n").is_between(100, 199)
    told = _hour().with_columns(
        engine_speed_rpm=pl.when(on).then(1800.0).otherwise(0.0), hv_power_kw=pl.when(on).then(-30.0).otherwise(18.0)
    )
    off_s = 3600 - 100 * 10
    assert _trip(told.drop("n"), powertrain="phev")["electric_energy_kwh"] == pytest.approx(18 * off_s / 3600, abs=1e-9)


def test_too_little_electric_distance_gives_energy_but_no_ratio() -> None:
    on = pl.col("n") >= 3
    told = _hour().with_columns(
        engine_speed_rpm=pl.when(on).then(1800.0).otherwise(0.0), hv_power_kw=pl.when(on).then(-30.0).otherwise(18.0)
    )
    trip = _trip(told.drop("n"), powertrain="phev")
    assert trip["electric_km"] == pytest.approx(0.5, abs=0.01)
    assert trip["electric_energy_kwh"] == pytest.approx(18 * 30 / 3600)
    assert trip["kwh_per_100km"] is None


def test_the_energy_of_a_battery_car_is_all_electric_however_it_is_known() -> None:
    told = _hour().with_columns(hv_power_kw=pl.lit(12.0)).drop("n")
    charge = _hour().with_columns(soc_pct=80 - pl.col("n") / 36).drop("n")
    for trip in (
        _trip(told, powertrain="bev"),
        _trip(charge, powertrain="bev", battery_capacity_kwh=50.0),
        _trip(told),
    ):
        assert trip["electric_energy_kwh"] == trip["energy_used_kwh"]
        assert trip["kwh_per_100km"] == pytest.approx(100 * trip["energy_used_kwh"] / trip["electric_km"])  # type: ignore[operator]


def test_a_hybrid_that_never_started_its_engine_is_rated_by_its_charge_without_power() -> None:
    silent = _hour().with_columns(engine_speed_rpm=pl.lit(0.0), soc_pct=80 - pl.col("n") / 36).drop("n")
    trip = _trip(silent, powertrain="phev", battery_capacity_kwh=50.0)
    assert trip["electric_energy_kwh"] == pytest.approx(5, abs=0.05)


def test_without_power_the_charge_lost_with_the_engine_off_says_the_electric_energy() -> None:
    charge = pl.when(pl.col("n") < 181).then(60 - pl.col("n") / 18).otherwise(50 + (pl.col("n") - 181) / 9)
    told = _part_electric().drop("hv_power_kw").with_columns(n=pl.int_range(pl.len())).with_columns(soc_pct=charge)
    trip = _trip(told.drop("n"), powertrain="phev", battery_capacity_kwh=50.0)
    assert trip["energy_used_kwh"] == pytest.approx(-5, abs=0.1)
    assert trip["electric_energy_kwh"] == pytest.approx(5, abs=0.1)
    seldom = told.with_columns(pl.when(pl.col("n") % 180 == 90).then("soc_pct").alias("soc_pct")).drop("n")
    assert _trip(seldom, powertrain="phev", battery_capacity_kwh=50.0)["electric_energy_kwh"] is None


def test_electric_energy_is_unknown_without_word_of_the_engine_and_null_without_a_battery() -> None:
    told = _hour().with_columns(hv_power_kw=pl.lit(12.0)).drop("n")
    unheard = _trip(told, powertrain="phev")
    assert (unheard["electric_energy_kwh"], unheard["kwh_per_100km"]) == (None, None)
    diesel = _trip(_hour().with_columns(engine_speed_rpm=pl.lit(1500.0)).drop("n"), powertrain="ice")
    assert (diesel["electric_energy_kwh"], diesel["kwh_per_100km"]) == (None, None)
    seldom = _part_electric().with_columns(pl.when(pl.int_range(pl.len()) > 250).then("engine_speed_rpm"))
    assert _trip(seldom, powertrain="phev")["electric_energy_kwh"] is None


def test_power_is_voltage_times_current_where_no_power_is_given() -> None:
    history = _hour().with_columns(hv_voltage_v=pl.lit(400.0), hv_current_a=pl.lit(50.0)).drop("n")
    assert _trip(history, powertrain="bev")["energy_used_kwh"] == pytest.approx(20, rel=0.01)


def test_power_stands_for_one_sampling_gap_at_most() -> None:
    driven = vehicle().drive(600).silent(240).drive(600).stand(400).frame()
    trip = _trip(driven.with_columns(hv_power_kw=pl.lit(36.0)), powertrain="bev")
    assert trip["energy_used_kwh"] == pytest.approx(36 * (590 + 60 + 590) / 3600)


def test_without_power_the_state_of_charge_says_the_energy() -> None:
    falling = _hour().with_columns(soc_pct=80 - pl.col("n") / 36).drop("n")
    trip = _trip(falling, powertrain="bev", battery_capacity_kwh=50.0)
    assert trip["energy_used_kwh"] == pytest.approx(5, abs=0.05)
    assert trip["energy_discharged_kwh"] is None
    assert trip["start_soc_pct"] == 80.0
    reported = falling.with_columns(hv_capacity_kwh=pl.lit(40.0))
    assert _trip(reported, powertrain="bev", battery_capacity_kwh=50.0)["energy_used_kwh"] == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize(
    ("fallen", "is_known", "is_rated"), [(1.0, False, False), (3.0, True, False), (6.0, True, True)]
)
def test_consumption_by_charge_needs_a_fall_well_above_the_step_of_its_readings(
    fallen: float, is_known: bool, is_rated: bool
) -> None:
    """The charge is told in whole points: two of them say an energy, five a consumption."""
    charge = (80 - pl.col("n") * fallen / 360).round()
    trip = _trip(_hour().with_columns(soc_pct=charge).drop("n"), powertrain="bev", battery_capacity_kwh=50.0)
    assert (trip["energy_used_kwh"] is not None) == is_known
    assert (trip["kwh_per_100km"] is not None) == is_rated


def test_a_charge_of_zero_is_a_reading() -> None:
    history = _hour().with_columns(soc_pct=pl.lit(0.0)).drop("n")
    assert _trip(history, powertrain="bev")["end_soc_pct"] == 0.0


def test_the_engine_of_a_plug_in_hybrid_starts_once_it_keeps_running() -> None:
    flicker = pl.when(pl.col("n") == 50).then(800.0).when(pl.col("n") >= 181).then(1500.0).otherwise(0.0)
    history = _hour().with_columns(engine_speed_rpm=flicker, soc_pct=60 - pl.col("n") / 36)
    trip = _trip(history.drop("n"), powertrain="phev")
    assert trip["engine_started_at"] == history["recorded_at"][181]
    assert trip["soc_at_engine_start_pct"] == pytest.approx(60 - 181 / 36)
    assert trip["electric_km"] == pytest.approx(30, abs=0.3)
    assert trip["engine_km"] == pytest.approx(30, abs=0.3)


def test_an_engine_that_ran_from_the_start_did_not_start() -> None:
    trip = _trip(_hour().with_columns(engine_speed_rpm=pl.lit(1500.0)).drop("n"), powertrain="phev")
    assert trip["engine_started_at"] is None
    assert trip["electric_km"] == pytest.approx(0)


def test_idling_is_the_engine_running_while_the_vehicle_stands() -> None:
    driven = vehicle().drive(600, engine_speed_rpm=1500.0).stand(120, engine_speed_rpm=700.0)
    waited = driven.stand(60, engine_speed_rpm=0.0).drive(600, engine_speed_rpm=1500.0).stand(400)
    assert _trip(waited.frame())["idle_s"] == pytest.approx(120)


def test_climbs_ignore_the_noise_of_the_receiver() -> None:
    noisy = _hour().with_columns(altitude_m=100 + 3 * (pl.col("n") % 2)).drop("n")
    assert (_trip(noisy)["elevation_gain_m"], _trip(noisy)["elevation_loss_m"]) == (0.0, 0.0)
    hill = _hour().with_columns(altitude_m=100 + 200 - (pl.col("n") - 181).abs() * 200 / 181).drop("n")
    assert _trip(hill)["elevation_gain_m"] == pytest.approx(200, abs=8)
    assert _trip(hill)["elevation_loss_m"] == pytest.approx(200, abs=8)


def test_rules_say_from_where_an_engine_drives() -> None:
    slow = _hour().with_columns(engine_speed_rpm=pl.when(pl.col("n") > 100).then(450.0).otherwise(0.0)).drop("n")
    assert trips_of(slow)["engine_started_at"].item() is None
    assert trips_of(slow, TripRules(energy=EnergyRules(engine_on_rpm=400)))["engine_started_at"].item() is not None
