"""A week of a fleet: its truth is consistent with itself, with physics and with the rules it is meant to test."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from fleet_assets.simulator import FleetPlan, make_roster, simulate_vehicle
from fleet_assets.simulator.truth import Truth, truth_tables
from fleet_assets_tests.simulator.conftest import Fleet

LITRES_PER_100_KM = {12_000: (13, 25), 26_000: (20, 34), 40_000: (25, 42)}
KWH_PER_100_KM = (10, 26)


def test_truth_tables_of_nobody_have_their_columns() -> None:
    tables = truth_tables([])
    assert set(tables) == {"trips", "stops", "refuels", "fuel_losses", "sender_faults", "charges", "vehicles"}
    assert all(table.height == 0 and "vehicle_id" in table.columns for table in tables.values())


def test_everybody_drives_and_everything_lies_in_the_days_of_the_plan(fleet: Fleet, plan: FleetPlan) -> None:
    for _, drive in fleet.values():
        assert len(drive.truth.trips) > 10
        assert drive.truth.trips[0].started_at > plan.starts_at
        assert drive.truth.trips[-1].ended_at < plan.ends_at - timedelta(minutes=15)
        assert all(charge.unplugged_at <= plan.ends_at for charge in drive.truth.charges)


def test_every_trip_is_followed_by_more_than_330_seconds_of_rest(fleet: Fleet) -> None:
    for _, drive in fleet.values():
        trips = drive.truth.trips
        rests = [after.started_at - before.ended_at for before, after in pairwise(trips)]
        assert min(rests) > timedelta(seconds=330)


def test_inside_a_trip_nobody_rests_for_two_minutes(fleet: Fleet) -> None:
    for _, drive in fleet.values():
        time, speed = drive.samples["time"], drive.samples["speed"]
        for trip in drive.truth.trips:
            moving = time[(time > trip.started_at.timestamp()) & (time <= trip.ended_at.timestamp()) & (speed > 0.45)]
            assert np.diff(moving).max() < 120


def test_movement_is_all_in_trips(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        metres = float((drive.samples["speed"] * drive.samples["step"]).sum())
        assert sum(trip.distance_km for trip in drive.truth.trips) * 1000 == pytest.approx(metres)
        assert drive.truth.vehicles[0].distance_km * 1000 == pytest.approx(metres)
        assert drive.samples["speed"].max() * 3.6 <= vehicle.type.max_speed_kmh + 1e-9


def test_positions_follow_the_distance_driven(fleet: Fleet) -> None:
    for _, drive in fleet.values():
        steps = np.hypot(np.diff(drive.samples["x"]), np.diff(drive.samples["y"]))
        same = np.diff(drive.samples["block"]) == 0
        assert np.abs(steps - drive.samples["speed"][1:])[same].max() < 4
        assert steps[~same].max(initial=0) < 40


def test_stops_lie_between_trips_and_say_where_they_are(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        trips, stops = drive.truth.trips, drive.truth.stops
        assert [stop.started_at for stop in stops] == [trip.ended_at for trip in trips[:-1]]
        assert [stop.ended_at for stop in stops] == [trip.started_at for trip in trips[1:]]
        assert [stop.zone_id for stop in stops] == [trip.end_zone_id for trip in trips[:-1]]
        assert trips[0].start_zone_id == vehicle.home.zone_id


def test_the_kinds_of_stops_agree_with_refuels_and_charges(fleet: Fleet) -> None:
    for _, drive in fleet.values():
        kinds = pl.Series([stop.kind for stop in drive.truth.stops])
        assert (kinds == "refuelling").sum() == len(drive.truth.refuels)
        open_end = len(drive.truth.charges) - int((kinds == "charging").sum())
        assert open_end in (0, 1)
        for stop in drive.truth.stops:
            assert (stop.kind == "idling") <= (stop.engine_on_s >= 300)


def test_lorries_burn_what_lorries_of_their_weight_burn(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        if vehicle.kind == "ice":
            low, high = LITRES_PER_100_KM[int(vehicle.type.gvw_kg)]
            total = drive.truth.vehicles[0]
            assert total.fuel_burned_l is not None
            assert low < 100 * total.fuel_burned_l / total.distance_km < high
            assert total.energy_kwh is None


def test_battery_cars_use_what_such_cars_use_and_get_some_of_it_back(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        if vehicle.kind == "bev":
            total = drive.truth.vehicles[0]
            assert total.energy_kwh is not None
            assert KWH_PER_100_KM[0] < 100 * total.energy_kwh / total.distance_km < KWH_PER_100_KM[1]
            assert total.fuel_burned_l is None
            assert all((trip.energy_regenerated_kwh or 0) > 0 for trip in drive.truth.trips)


def test_hybrids_drive_some_trips_without_their_engine_and_some_with_it(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        if vehicle.kind == "phev":
            burned = [trip.fuel_burned_l or 0.0 for trip in drive.truth.trips]
            assert min(burned) == 0.0
            assert max(burned) > 0.5
            with_battery = [t for t in drive.truth.trips if not t.fuel_burned_l and t.distance_km > 5]
            assert all(0.08 < (t.energy_kwh or 0) / t.distance_km < 0.35 for t in with_battery)


def test_the_tank_loses_what_was_burned_and_stolen_and_gains_what_was_filled(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        if vehicle.type.tank_l:
            litres, total = drive.samples["litres"], drive.truth.vehicles[0]
            assert total.refuelled_l is not None
            assert total.fuel_burned_l is not None
            first = litres[0] + drive.samples["fuel_lph"][0] / 3600
            assert total.lost_l is not None
            assert litres[-1] - first == pytest.approx(total.refuelled_l - total.fuel_burned_l - total.lost_l)
            assert 0 < litres.min() <= litres.max() <= vehicle.type.tank_l


def test_refuels_happen_at_stations_while_standing_and_fit_the_tank(fleet: Fleet) -> None:
    refuels = [(vehicle, drive, row) for vehicle, drive in fleet.values() for row in drive.truth.refuels]
    assert len(refuels) >= 3
    for vehicle, drive, row in refuels:
        assert "fuel" in row.zone_id
        assert row.level_after_l <= vehicle.type.tank_l
        assert row.litres > 0.3 * vehicle.type.tank_l
        assert any(stop.started_at < row.started_at < row.ended_at < stop.ended_at for stop in drive.truth.stops)


def test_a_battery_changes_by_what_is_driven_and_charged_less_its_losses(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        if vehicle.type.battery:
            samples, battery = drive.samples, vehicle.type.battery
            inner = samples["hv_a"] ** 2 * battery.resistance_ohm / 1000
            out_kwh = float(((samples["hv_kw"] + inner) * samples["step"]).sum() / 3600)
            step_one = float((samples["hv_kw"] + inner)[0] / 3600)
            fallen = (samples["charge"][0] - samples["charge"][-1]) * battery.capacity_kwh
            assert fallen == pytest.approx(out_kwh - step_one, abs=1e-3)
            assert 0.03 < samples["charge"].min() < samples["charge"].max() <= 1.0


def test_charges_lie_in_stops_and_the_charger_gives_more_than_the_battery_gets(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        for row in drive.truth.charges:
            assert row.plugged_at < row.started_at < row.ended_at <= row.unplugged_at
            assert row.energy_charger_kwh >= row.energy_battery_kwh > 0
            assert row.end_soc_pct > row.start_soc_pct
            assert (row.kind == "dc") <= (vehicle.kind == "bev" and "charger" in row.zone_id)


def test_working_days_begin_in_the_morning_of_the_vehicles_own_zone(fleet: Fleet) -> None:
    for vehicle, drive in fleet.values():
        local = [trip.started_at.astimezone(ZoneInfo(vehicle.city.timezone)) for trip in drive.truth.trips]
        firsts = {moment.date(): moment for moment in reversed(local)}
        assert {moment.hour for day, moment in firsts.items() if day.weekday() < 5} <= {5, 6, 7, 8, 9}


def test_lorries_rest_on_sunday() -> None:
    plan = FleetPlan(vehicles=1, days=1, start=date(2025, 3, 9))
    drive = simulate_vehicle(make_roster(1, plan.seed)[0], plan)
    assert drive.frames.height == 0
    assert drive.truth.trips == []


def test_trips_cross_midnight_utc_in_the_americas(fleet: Fleet) -> None:
    rows = [trip for v, drive in fleet.values() if "New_York" in v.city.timezone for trip in drive.truth.trips]
    stays = [stop for v, drive in fleet.values() if "New_York" in v.city.timezone for stop in drive.truth.stops]
    assert rows
    assert any(stop.started_at.date() != stop.ended_at.date() for stop in stays)


def test_truth_is_sorted_and_typed(fleet: Fleet) -> None:
    tables = truth_tables([drive.truth for _, drive in fleet.values()])
    trips = tables["trips"]
    assert trips.equals(trips.sort("vehicle_id", "started_at"))
    assert trips.schema["started_at"] == pl.Datetime("us", "UTC")
    assert truth_tables([Truth()])["trips"].schema == trips.schema
    assert trips["started_at"].min() >= datetime(2025, 3, 3, tzinfo=UTC)  # type: ignore[operator]
