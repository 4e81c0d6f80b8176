"""Fuel of trips by the level of the tank: litres with their deviation, without bias, never a refuel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import (
    DRIVER_ASSIGNMENTS,
    ENERGY_PRICES,
    INGEST_OUTAGES,
    TANK_CALIBRATIONS,
    TELEMETRY,
    TRIPS,
    VEHICLES,
    ZONES,
    check_frame,
)
from fleet_assets.core.fuel import fuel_balance, fuel_events, fuel_plateaus
from fleet_assets.core.fuel_use import FuelRules
from fleet_assets.core.trips import TripRules, segment_trips
from fleet_assets.core.window import Window
from fleet_assets.simulator.fuel_fleet import CALM, FuelFleetPlan, make_fuel_roster, simulate_fuel_vehicle
from fleet_assets_tests.core.fuel.tanks import DAY, START, Tank, balance_of, fleet, window_of

STEADY = Tank(slosh_pct=0.5, per_km=0.3, litres=390).works(4)
"""Four days from which noise and consumption are known; then there are 318 l, and two hours of driving burn 36 l."""


def _trips(
    tank: Tank, *, window: Window | None = None, rules: TripRules | None = None, vehicles: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Trips of the history of a tank, told by its balance."""
    history, known = tank.frame(), fleet() if vehicles is None else vehicles
    usual = window_of(history)
    of = window or Window(usual.day_start - DAY, usual.day_start, usual.day_end)
    found = segment_trips(
        history.lazy(), known.lazy(), DRIVER_ASSIGNMENTS.empty().lazy(), of, rules or TripRules(),
        balance=balance_of(history, known).lazy(),
    ).collect()  # fmt: skip
    check_frame(TRIPS, found)
    return found


def _last(tank: Tank) -> dict[str, Any]:
    return _trips(tank).sort("started_at").row(-1, named=True)


def _total(numbers: pl.Series) -> float:
    return float(numbers.sum())


def test_a_long_drive_is_told_by_the_level_with_its_deviation() -> None:
    trip = _last(STEADY.drive(120).stand(60))
    assert trip["fuel_source"] == "level"
    assert trip["fuel_used_l"] == pytest.approx(36, abs=4)
    assert 0 < trip["fuel_used_sd_l"] < 0.25 * 36
    assert trip["fuel_l_per_100km"] == pytest.approx(30, abs=4)


def test_a_drive_whose_litres_are_not_known_well_enough_is_not_told() -> None:
    trip = _last(STEADY.drive(10).stand(60))
    assert (trip["fuel_used_l"], trip["fuel_used_sd_l"], trip["fuel_source"]) == (None, None, None)
    strict = TripRules(fuel=FuelRules(level_most_share=0.02))
    assert _trips(STEADY.drive(120).stand(60), rules=strict)["fuel_used_l"].null_count() == 9


def test_what_comes_after_a_trip_was_final_does_not_change_its_litres() -> None:
    begun = STEADY.drive(120).stand(60)
    assert _trips(begun)["fuel_used_l"][8] == _trips(begun.drive(60).stand(60))["fuel_used_l"][8]


def test_litres_without_the_size_of_the_tank_are_not_known() -> None:
    found = _trips(STEADY.drive(120).stand(60), vehicles=fleet(tank_capacity_l=None))
    assert found["fuel_used_l"].null_count() == found.height


@pytest.mark.parametrize("litres", [15, 25, 80])
def test_a_refuel_within_a_trip_is_neither_consumption_nor_less_than_none(litres: float) -> None:
    at_the_pump = STEADY.drive(60).stand(1, ignition=True).fill(litres, 2, ignition=True).stand(1, ignition=True)
    trip = _last(at_the_pump.drive(60).stand(60))
    assert trip["duration_s"] == pytest.approx(124 * 60, abs=20)
    assert trip["fuel_used_l"] == pytest.approx(36, abs=4)


def test_a_refuel_right_after_a_trip_is_none_of_its_consumption() -> None:
    trip = _last(STEADY.drive(120).stand(2).fill(80).stand(60))
    assert trip["fuel_used_l"] is None or trip["fuel_used_l"] == pytest.approx(36, abs=8)


def test_a_sender_that_fails_during_a_trip_is_not_believed() -> None:
    """It says zero for ten minutes, and a filler for twenty."""
    failing = STEADY.drive(40).drive(10, fuel_level_pct=0.0).drive(20, fuel_level_pct=25.6).drive(50).stand(60)
    trip = _last(failing)
    assert trip["fuel_used_l"] is None or trip["fuel_used_l"] == pytest.approx(36, abs=8)


def test_a_counter_that_tells_well_is_believed_before_the_level() -> None:
    rated = Tank(slosh_pct=0.5, per_km=0.5, litres=350).stand(60, fuel_rate_lph=0.0)
    trip = _last(rated.drive(120, fuel_rate_lph=30.0).stand(60, fuel_rate_lph=0.0))
    assert (trip["fuel_source"], trip["fuel_used_l"]) == ("rate", pytest.approx(60, abs=1))


def test_day_by_day_equals_a_full_rebuild() -> None:
    tank = Tank(slosh_pct=0.5, per_km=0.5, litres=390).works(2).drive(300).stand(500).drive(400).stand(300)
    usual = window_of(tank.frame())
    whole = Window(usual.day_start - DAY, usual.day_start, usual.day_end)
    daily = pl.concat([_trips(tank, window=day) for day in whole.days(TRIPS.look_back)])
    assert daily["fuel_source"].count() > 0
    assert_frame_equal(daily.sort(TRIPS.order), _trips(tank))


@dataclass(frozen=True)
class _Known:
    """What was found of a simulated fleet, and what is true: litres per vehicle."""

    trips: pl.DataFrame
    month: pl.DataFrame
    true_trips: pl.DataFrame


@pytest.fixture(scope="module")
def known() -> _Known:
    """Six vehicles with a level and nothing else, over ten days in which nothing is lost and no sender fails."""
    plan = FuelFleetPlan(vehicles=60, days=10, rates=CALM)
    roster = [one for one in make_fuel_roster(plan.vehicles, plan.seed) if one.sender.kind == "level_only"]
    drawn = [simulate_fuel_vehicle(one, plan) for one in roster]
    told = TELEMETRY.conform(pl.concat([rows for rows, _ in drawn]).lazy())
    rows = [{"vehicle_id": one.vehicle_id, "powertrain": "ice", "tank_capacity_l": one.tank_l} for one in roster]
    vehicles = VEHICLES.conform(pl.DataFrame(rows).lazy())
    first, last = START.replace(year=plan.start.year, month=plan.start.month, day=plan.start.day, hour=0), 12 * DAY
    window = Window(first - 31 * DAY, first, first + last)
    nothing = [table.empty().lazy() for table in (TANK_CALIBRATIONS, INGEST_OUTAGES, ZONES, ENERGY_PRICES)]
    balance = fuel_balance(fuel_plateaus(told), vehicles, nothing[0], window).collect()
    events = fuel_events(balance.lazy(), nothing[1], vehicles, nothing[2], nothing[3], window).collect()
    trips = segment_trips(
        told, vehicles, DRIVER_ASSIGNMENTS.empty().lazy(), Window(first - DAY, first, first + last), TripRules(),
        balance=balance.lazy(),
    ).collect()  # fmt: skip
    is_change = pl.col("kind").is_in(["refuel", "theft"])
    came = events.filter(is_change).group_by("vehicle_id").agg(pl.col("unexplained_l").sum())
    month = (
        pl.concat([truth["vehicles"] for _, truth in drawn])
        .join(balance.group_by("vehicle_id").agg(fall=-pl.col("change_l").sum()), on="vehicle_id")
        .join(came, on="vehicle_id", how="left")
        .with_columns(found_l=pl.col("fall") + pl.col("unexplained_l").fill_null(0.0))
    )
    return _Known(trips, month, pl.concat([truth["trips"] for _, truth in drawn]))


def test_what_a_fleet_burned_in_all_is_within_three_per_cent_of_the_truth(known: _Known) -> None:
    month = known.month
    assert month.height == 6
    assert _total(month["found_l"]) == pytest.approx(_total(month["burned_l"]), rel=0.03)
    assert month.filter((pl.col("found_l") / pl.col("burned_l") - 1).abs() < 0.03).height >= 5


def test_litres_of_trips_have_no_bias(known: _Known) -> None:
    """What is told of trips sums up to what they burned, within the deviation that is told with them."""
    told = known.trips.filter(pl.col("fuel_used_l").is_not_null())
    true_s = (pl.col("ended_at_true") - pl.col("started_at_true")).dt.total_seconds()
    truly = pl.col("burned_l") * pl.col("shared_s") / true_s
    both = told.join(known.true_trips, on="vehicle_id", suffix="_true").with_columns(
        shared_s=(
            pl.min_horizontal("ended_at", "ended_at_true") - pl.max_horizontal("started_at", "started_at_true")
        ).dt.total_seconds()
    )
    each = both.filter(pl.col("shared_s") > 0).group_by("trip_id").agg(
        pl.col("fuel_used_l", "fuel_used_sd_l").first(), truly.sum().alias("true_l")
    )  # fmt: skip
    assert each.height >= 15
    deviation = _total(each["fuel_used_sd_l"].pow(2)) ** 0.5
    assert abs(_total(each["fuel_used_l"]) - _total(each["true_l"])) < 2.5 * deviation
    assert (each["fuel_used_l"] >= 0).all()
