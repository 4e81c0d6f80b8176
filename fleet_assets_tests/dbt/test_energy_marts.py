"""Marts of fuel and energy, on both databases: what counts where, what is never mixed, and what is not known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.contracts import CHARGING_HOURS, CHARGING_SESSIONS, FUEL_EVENTS, HOURLY_USE
from fleet_assets_tests.dbt.random_use import Used, dated_use
from fleet_assets_tests.dbt.small_fleet import stops, store, trips, vehicles
from fleet_assets_tests.dbt.targets import DuckTarget, PostgresTarget, Target, run_dbt
from fleet_assets_tests.fixtures.drives import at


def _hour(vehicle: str, hour: str, **columns: Any) -> dict[str, Any]:
    return {"vehicle_id": vehicle, "hour_at": at(hour), "observed_s": 1800.0} | columns


def _session(name: str, plugged: str, kwh: float | None, **columns: Any) -> dict[str, Any]:
    known = {"energy_source": "battery", "charge_type": "L2", "charging_s": 3600.0, "power_session_count": 1}
    return {
        "session_id": name, "vehicle_id": "car", "plugged_at": at(plugged), "closed_at": at("2026-04-03 00:00"),
        "energy_added_kwh": kwh, "is_truncated": False, "rules_version": "test",
    } | known | columns  # fmt: skip


def _charged(name: str, hour: str, kwh: float | None, **columns: Any) -> dict[str, Any]:
    return {
        "power_session_id": name, "session_id": name, "vehicle_id": "car", "closed_at": at("2026-04-03 00:00"),
        "hour_at": at(hour), "local_hour": 20, "energy_added_kwh": kwh, "charging_s": 1800.0, "peak_power_kw": 11.0,
        "charge_type": "L2", "rules_version": "test",
    } | columns  # fmt: skip


def _event(name: str, kind: str, start: str, litres: float | None, **columns: Any) -> dict[str, Any]:
    return {
        "event_id": name, "vehicle_id": "truck", "kind": kind, "started_at": at(start), "ended_at": at(start),
        "closed_at": at("2026-03-30 00:00"), "volume_l": litres, "is_truncated": False, "rules_version": "test",
    } | columns  # fmt: skip


USED: Used = {
    HOURLY_USE: [
        # 23:00 on the 26th and midnight in Madrid.
        _hour("truck", "2026-03-26 22:00", fuel_used_l=1.0, fuel_standing_l=1.0, fuel_moving_l=0.0, engine_on_s=900.0),
        _hour("truck", "2026-03-26 23:00", fuel_used_l=2.0, fuel_standing_l=2.0, fuel_moving_l=0.0, engine_on_s=900.0),
        _hour("truck", "2026-03-27 08:00", fuel_used_l=65.0, fuel_standing_l=0.5, fuel_moving_l=64.0, distance_km=80.0),
        _hour("truck", "2026-03-27 09:00", engine_on_s=60.0),
        _hour("car", "2026-03-31 20:00", energy_used_kwh=3.0, distance_km=15.0),
    ],
    CHARGING_SESSIONS: [
        _session("a", "2026-04-01 02:00", 10.0, cost=3.0, currency="EUR"),
        _session("b", "2026-04-01 04:00", 5.0, charge_type="DC", cost=4.0, currency="EUR"),
        _session("c", "2026-04-02 02:00", 8.0, cost=2.0, currency="EUR"),
        _session("d", "2026-04-02 04:00", 2.0, cost=2.0, currency="USD"),
        _session("e", "2026-04-02 05:00", None, power_session_count=0, charge_type=None, charging_s=0.0),
    ],
    CHARGING_HOURS: [
        _charged("a", "2026-04-01 02:00", 4.0, cost=1.2, currency="EUR"),
        _charged("a", "2026-04-01 03:00", 6.0, cost=1.8, currency="EUR"),
        _charged("b", "2026-04-01 04:00", 5.0, charge_type="DC", cost=4.0, currency="EUR"),
        _charged("c", "2026-04-02 02:00", 8.0, cost=2.0, currency="EUR"),
        _charged("d", "2026-04-02 02:00", 2.0, cost=2.0, currency="USD"),
    ],
    FUEL_EVENTS: [
        _event("r", "refuel", "2026-03-27 09:10", 300.0, cost=450.0, currency="EUR"),
        _event("q", "refuel", "2026-03-27 11:10", 100.0),
        _event("t", "theft", "2026-03-27 23:30", 50.0),
        _event("s", "slow_loss", "2026-03-28 08:00", 10.0),
        _event("f", "sensor_fault", "2026-03-28 09:00", 500.0),
    ],
}  # fmt: skip


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """A small fleet with its models built and tested."""
    folder = tmp_path_factory.mktemp("energy")
    target: Target = DuckTarget(folder / "duck")
    if request.param == "postgres":
        target = PostgresTarget(folder / "postgres", request.getfixturevalue("postgres_urls")())
    target.load(_lake(folder))
    run_dbt(target, "build", "--full-refresh")
    return target


def _lake(folder: Path) -> Lake:
    lake = Lake(str(folder / "lake"))
    store(lake, trips(), stops())
    for table, rows in USED.items():
        stored = dated_use(table, rows, vehicles())
        for (day,), part in stored.group_by(stored[str(table.partition_by)].dt.date()):
            lake.write(table, day, part, "test")
    return lake


def _row(target: Target, mart: str, vehicle: str, day: date, *columns: str) -> tuple[Any, ...]:
    found = target.rows(
        f"select {', '.join(columns)} from {mart} where vehicle_id = '{vehicle}' and local_date = '{day}'"
    )
    assert found.height == 1
    return found.row(0)


def test_an_hour_counts_on_the_local_day_in_which_it_begins(built: Target) -> None:
    hours = built.rows(
        "select hour_at, local_date, local_hour from energy_hourly where vehicle_id = 'truck' order by 1"
    )
    assert hours.select("local_date", "local_hour").rows()[:3] == [
        (date(2026, 3, 26), 23), (date(2026, 3, 27), 0), (date(2026, 3, 27), 9),
    ]  # fmt: skip


def test_what_charging_put_in_stands_beside_what_was_used(built: Target) -> None:
    columns = "hour_at, distance_km, energy_used_kwh, energy_charged_kwh, observed_pct"
    rows = built.rows(f"select {columns} from energy_hourly where vehicle_id = 'car' order by 1").rows()
    assert rows[0][1:] == (15.0, 3.0, None, 50.0)
    assert [row[1:] for row in rows[1:]] == [(None, None, kwh, 0.0) for kwh in (4.0, 6.0, 5.0, 10.0)]


def test_energy_and_minutes_of_an_hour_are_those_that_fell_in_it(built: Target) -> None:
    rows = built.rows(
        "select session_count, l2_count, dc_count, energy_added_kwh, charging_s, avg_power_kw, cost, currency"
        " from charging_hourly_stats order by hour_at"
    ).rows()
    assert rows[:3] == [
        (1, 1, 0, 4.0, 1800.0, 8.0, 1.2, "EUR"), (1, 1, 0, 6.0, 1800.0, 12.0, 1.8, "EUR"),
        (1, 0, 1, 5.0, 1800.0, 10.0, 4.0, "EUR"),
    ]  # fmt: skip
    # Two plug-ins in one hour, in different currencies: nothing is added.
    assert rows[3] == (2, 2, 0, 10.0, 3600.0, 10.0, None, None)


def test_a_day_of_charging_is_that_of_the_plug_ins_that_began_on_it(built: Target) -> None:
    columns = ("session_count", "charged_session_count", "l2_kwh", "dc_kwh", "energy_added_kwh", "cost", "currency")
    # 20:00 and 22:00 of the day before in Denver.
    assert _row(built, "charging_daily", "car", date(2026, 3, 31), *columns) == (2, 2, 10.0, 5.0, 15.0, 7.0, "EUR")
    assert _row(built, "charging_daily", "car", date(2026, 4, 1), *columns) == (3, 2, 10.0, None, 10.0, None, None)
    assert _row(built, "charging_daily", "car", date(2026, 4, 1), "known_pct", "priced_pct") == (100.0, 100.0)


def test_burned_fuel_is_told_apart_and_no_refuel_is_in_it(built: Target) -> None:
    columns = ("burned_l", "trip_fuel_l", "stop_fuel_l", "other_fuel_l", "refuelled_l", "idle_fuel_l")
    found = _row(built, "fuel_daily", "truck", date(2026, 3, 27), *columns)
    assert found == pytest.approx((67.0, 64.0, 0.25, 2.75, 400.0, 2.5))
    assert _row(built, "fuel_daily", "truck", date(2026, 3, 26), "burned_l", "trip_fuel_l") == (1.0, None)


def test_what_is_known_of_fuel_and_its_price_is_said_beside_it(built: Target) -> None:
    columns = ("known_hour_count", "hour_count", "refuel_count", "refuel_cost", "currency", "priced_pct")
    assert _row(built, "fuel_daily", "truck", date(2026, 3, 27), *columns) == (2, 3, 2, 450.0, "EUR", 75.0)


def test_losses_are_thefts_and_slow_losses_and_no_fault_of_a_sender(built: Target) -> None:
    columns = ("theft_count", "stolen_l", "slow_loss_l", "lost_l", "refuelled_l")
    assert _row(built, "fuel_daily", "truck", date(2026, 3, 28), *columns) == (1, 50.0, 10.0, 60.0, None)


def test_a_month_sums_its_days_and_adds_no_currencies(built: Target) -> None:
    columns = "burned_l, refuelled_l, lost_l, fuel_cost, fuel_currency, burned_known_pct, co2_kg"
    (march,) = built.rows(f"select {columns} from monthly_summary where vehicle_id = 'truck'").rows()
    # 60 l and 30 l of the days that no hour tells are those of its trips.
    assert march[:5] == pytest.approx((68.0 + 60.0 + 30.0, 400.0, 60.0, 450.0, "EUR"))
    assert march[5:] == pytest.approx((75.0, 158.0 * 2.689))
    columns = "month, energy_added_kwh, l2_kwh, dc_kwh, charging_cost, charging_currency, charging_session_count"
    rows = built.rows(f"select {columns} from monthly_summary where vehicle_id = 'car' order by 1").rows()
    assert rows == [
        (date(2026, 3, 1), 15.0, 10.0, 5.0, 7.0, "EUR", 2), (date(2026, 4, 1), 10.0, 10.0, None, None, None, 3),
    ]  # fmt: skip


def test_carbon_dioxide_avoided_is_that_of_a_stated_car_and_that_of_electricity_is_not_guessed(built: Target) -> None:
    columns = "electric_km, co2_avoided_kg, electricity_co2_kg, all_energy_used_kwh"
    (march,) = built.rows(
        f"select {columns} from monthly_summary where vehicle_id = 'car' and month = date '2026-03-01'"
    ).rows()
    assert march == (0.5, pytest.approx(0.5 * 0.249), None, 3.0)
