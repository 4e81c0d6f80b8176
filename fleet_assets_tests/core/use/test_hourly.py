"""Use by the hour: what falls into which hour, and that nothing is lost between hours and days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from fleet_assets.contracts import HOURLY_USE
from fleet_assets_tests.core.histories import NOON, Vehicle, fleet, readings_of, telemetry, trips_of, vehicle
from fleet_assets_tests.core.use.histories import day_by_day, hours_of

ALL = ("speed_kmh", "odometer_km", "latitude_deg", "longitude_deg")
MINUTE = timedelta(minutes=1)
MIDNIGHT = datetime(2024, 5, 15, tzinfo=UTC)


def _by_hour(frame: pl.DataFrame, column: str, **of_vehicle: object) -> dict[int, object]:
    found = hours_of(frame, vehicles=fleet({"vehicle_id": "a", **of_vehicle}) if of_vehicle else None)
    hours = (found["hour_at"] - NOON).dt.total_hours()
    return dict(zip(hours.to_list(), found[column].to_list(), strict=True))


def _numbered(history: pl.DataFrame) -> pl.DataFrame:
    return history.with_columns(n=pl.int_range(pl.len()))


def _with_counter(history: pl.DataFrame, litres_per_row: float = 0.01) -> pl.DataFrame:
    counter = 500 + pl.col("n") * litres_per_row
    return _numbered(history).with_columns(fuel_used_total_l=counter).drop("n")


def test_no_telemetry_gives_no_hour() -> None:
    assert_frame_equal(hours_of(telemetry()), HOURLY_USE.empty())


@pytest.mark.parametrize("columns", [ALL, ("speed_kmh",), ("odometer_km",), ALL[2:]])
def test_a_drive_over_an_hour_is_shared_by_what_it_drove_in_each(columns: tuple[str, ...]) -> None:
    drive = vehicle(*columns, at=NOON + 30 * MINUTE).drive(1800, kmh=40).drive(1800, kmh=80).stand(600).frame()
    km = _by_hour(drive, "distance_km")
    assert (km[0], km[1]) == (pytest.approx(20, rel=0.03), pytest.approx(40, rel=0.03))
    assert sum(km.values()) == pytest.approx(trips_of(drive)["distance_km"].sum(), rel=1e-9)  # type: ignore[arg-type]


def test_moving_idling_and_running_engine_fall_into_their_hours() -> None:
    driven = vehicle(at=NOON + 50 * MINUTE).drive(900, engine_speed_rpm=1500.0).stand(300, engine_speed_rpm=700.0)
    history = driven.stand(600, engine_speed_rpm=0.0).frame()
    assert _by_hour(history, "moving_s") == {0: pytest.approx(600), 1: pytest.approx(290, abs=11)}
    assert _by_hour(history, "engine_on_s") == {0: pytest.approx(600), 1: pytest.approx(600, abs=11)}
    assert _by_hour(history, "idle_s") == {0: 0.0, 1: pytest.approx(300, abs=11)}


def test_what_nothing_tells_of_is_null() -> None:
    (row,) = hours_of(vehicle().stand(600).frame()).rows(named=True)
    null = {name for name, value in row.items() if value is None}
    assert null == {
        "idle_s", "engine_on_s", "fuel_used_l", "fuel_source", "fuel_moving_l", "fuel_standing_l", "energy_used_kwh",
        "energy_source",
    }  # fmt: skip
    assert (row["distance_km"], row["moving_s"], row["observed_s"]) == (0.0, 0.0, 590.0)


def test_the_rise_of_a_counter_is_shared_by_time_among_the_hours_it_touches() -> None:
    rows = [{"recorded_at": NOON + 50 * MINUTE, "fuel_used_total_l": 100.0},
            {"recorded_at": NOON + 80 * MINUTE, "fuel_used_total_l": 103.0}]  # fmt: skip
    history = telemetry(*({"vehicle_id": "a", **row} for row in rows))
    assert _by_hour(history, "fuel_used_l") == {0: pytest.approx(1.0), 1: pytest.approx(2.0)}


def test_over_more_than_an_hour_the_rise_belongs_to_the_hour_of_the_later_reading() -> None:
    rows = [{"recorded_at": NOON, "fuel_used_total_l": 100.0}, {"recorded_at": NOON + 90 * MINUTE, "speed_kmh": 0.0},
            {"recorded_at": NOON + 150 * MINUTE, "fuel_used_total_l": 103.0}]  # fmt: skip
    history = telemetry(*({"vehicle_id": "a", **row} for row in rows))
    assert _by_hour(history, "fuel_used_l") == {0: None, 1: None, 2: 3.0}


def test_all_fuel_counts_also_that_of_an_engine_that_runs_in_no_trip_and_no_stop() -> None:
    """It runs while nothing says whether it moves."""
    said = vehicle("odometer_km").stand(7200).frame().with_columns(odometer_km=pl.lit(None, pl.Float64))
    history = _with_counter(said)
    assert set(_by_hour(history, "moving_s").values()) == {None}
    litres = _by_hour(history, "fuel_used_l")
    assert sum(litres.values()) == pytest.approx(7.19)  # type: ignore[arg-type]
    assert set(_by_hour(history, "fuel_source").values()) == {"counter"}


def test_fuel_is_told_apart_by_what_the_vehicle_did() -> None:
    history = _with_counter(vehicle().drive(1000).stand(500).frame())
    (row,) = hours_of(history).rows(named=True)
    assert row["fuel_moving_l"] == pytest.approx(1.0)
    assert row["fuel_standing_l"] == pytest.approx(0.49)
    assert row["fuel_used_l"] == pytest.approx(1.49)


def test_without_a_counter_the_rate_tells() -> None:
    history = vehicle(at=NOON + 30 * MINUTE).drive(3600).frame().with_columns(fuel_rate_lph=pl.lit(12.0))
    assert _by_hour(history, "fuel_used_l") == {0: pytest.approx(6, abs=0.1), 1: pytest.approx(6, abs=0.1)}
    assert _by_hour(history, "fuel_source") == {0: "rate", 1: "rate"}


def test_a_reset_of_the_counter_loses_nothing_else() -> None:
    counter = pl.when(pl.col("n") < 100).then(500 + pl.col("n") / 10).otherwise((pl.col("n") - 100) / 10)
    history = _numbered(vehicle().drive(2000).frame()).with_columns(fuel_used_total_l=counter).drop("n")
    assert sum(_by_hour(history, "fuel_used_l").values()) == pytest.approx(9.9 + 9.9)  # type: ignore[arg-type]


def test_no_rise_is_lost_over_a_midnight_nor_over_a_silence_of_days() -> None:
    parked = vehicle(*ALL, at=MIDNIGHT - timedelta(hours=1)).drive(7200)
    history = _with_counter(parked.silent(3 * 86_400, kmh=1).stand(1200).frame())
    found = day_by_day(history)
    assert found["fuel_used_l"].sum() == pytest.approx(history["fuel_used_total_l"].max() - 500)  # type: ignore[operator]
    assert found["distance_km"].sum() == pytest.approx(120 + 72, abs=0.3)
    assert_frame_equal(found, hours_of(history))


def test_battery_energy_is_net_and_leaves_charging_out() -> None:
    driving = pl.when(pl.col("n") < 180).then(20.0).when(pl.col("n") < 270).then(-10.0)
    power = driving.when(pl.col("n") < 280).then(0.0).otherwise(-50.0)
    driven = _numbered(vehicle().drive(2700).stand(100).stand(600, is_charger_connected=True).frame())
    history = driven.with_columns(hv_power_kw=power).drop("n")
    assert _by_hour(history, "energy_used_kwh") == {0: pytest.approx(10 - 2.5, abs=0.15)}
    told_by_power_alone = history.drop("is_charger_connected")
    assert _by_hour(told_by_power_alone, "energy_used_kwh") == {0: pytest.approx(10 - 2.5, abs=0.25)}


def test_what_charges_a_vehicle_that_is_silent_about_cable_and_motion_is_no_energy_that_came_back() -> None:
    driven = vehicle(at=NOON).drive(1800, hv_power_kw=20.0).stand(120, hv_power_kw=0.0)
    charged = replace(driven, columns=()).drive(5400, hv_power_kw=-11.0)  # asleep but for its battery
    energy = _by_hour(charged.frame(), "energy_used_kwh", powertrain="bev", battery_capacity_kwh=50.0)
    assert energy[0] == pytest.approx(10, abs=0.1)
    assert all(used is None or used == pytest.approx(0, abs=0.02) for used in [energy[1], energy[2]])


def test_where_power_is_not_known_the_charge_tells_and_its_flicker_loses_nothing() -> None:
    rows = _numbered(vehicle(at=NOON + 30 * MINUTE).drive(1800).stand(5400).frame())
    flicker = pl.when(pl.col("n") < 180).then(60 - pl.col("n") / 18).otherwise(50 + (pl.col("n") % 2) * 0.1)
    history = rows.with_columns(soc_pct=flicker.round(1)).drop("n")
    energy = _by_hour(history, "energy_used_kwh", powertrain="bev", battery_capacity_kwh=50.0)
    assert energy == {0: pytest.approx(5, abs=0.05), 1: pytest.approx(0, abs=0.06), 2: pytest.approx(0, abs=0.06)}
    assert _by_hour(history, "energy_used_kwh", powertrain="bev") == {0: None, 1: None, 2: None}


_EPISODES = st.lists(
    st.tuples(
        st.sampled_from([30, 300, 1500, 4000, 9000, 100_000]), st.sampled_from([0.0, 0.0, 30.0, 90.0]),
        st.sampled_from([0, 1, 10, 60, 110]),
    ),
    min_size=2, max_size=8,
)  # fmt: skip
_COLUMNS = st.sampled_from([ALL, ("speed_kmh", "odometer_km"), ("odometer_km",), ("speed_kmh",), ALL[2:]])


def _performed(columns: tuple[str, ...], episodes: list[tuple[int, float, int]], name: str = "a") -> pl.DataFrame:
    driven = vehicle(*columns, at=NOON, name=name)
    for seconds, kmh, step_s in episodes:
        if step_s == 0:
            driven = driven.silent(seconds, kmh)
            continue
        spoken = min(seconds, 200 * step_s)
        paced = Vehicle(name, driven.now, driven.km, driven.rows, float(step_s), columns)
        driven = paced.drive(spoken, kmh).silent(seconds - spoken, kmh)
    frame = driven.frame()
    litres = np.cumsum(np.random.default_rng(len(frame)).uniform(0, 0.02, frame.height))
    return frame.with_columns(fuel_used_total_l=pl.Series(litres) + 100)


@given(_COLUMNS, _EPISODES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_days_alone_in_any_order_and_twice_give_the_same_hours(columns, episodes, random) -> None:  # type: ignore[no-untyped-def]
    history = pl.concat([_performed(columns, episodes), _performed(columns, episodes[::-1], "b")])
    if history.is_empty():
        return
    found = hours_of(history)
    order = list(range(history.height)) + random.sample(range(history.height), history.height // 3)
    random.shuffle(order)
    assert_frame_equal(day_by_day(history), found)
    assert_frame_equal(hours_of(history[order]), found)


@given(_COLUMNS, _EPISODES)
@settings(max_examples=60, deadline=None)
def test_hours_sum_to_the_rise_of_the_counter_and_to_the_way_of_the_trips(columns, episodes) -> None:  # type: ignore[no-untyped-def]
    history = _performed(columns, episodes)
    if history.height < 2:
        return
    found = hours_of(history)
    counter = history["fuel_used_total_l"]
    assert found["fuel_used_l"].sum() == pytest.approx(counter.max() - counter.min(), abs=1e-9)  # type: ignore[operator]
    assert (found["fuel_moving_l"] + found["fuel_standing_l"] <= found["fuel_used_l"] + 1e-9).all()
    assert (found["moving_s"].fill_null(0) <= 3600).all()
    if "odometer_km" in columns:
        trips = trips_of(history, readings=readings_of(history))["distance_km"].sum()
        # A drive is measured in two pieces where midnight cuts it, each with the step of its own source.
        assert found["distance_km"].sum() == pytest.approx(trips, rel=0.03, abs=0.35)
