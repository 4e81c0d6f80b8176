"""Marts of fuel and energy, on both databases: what counts where, what is never mixed, and what is not known."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.dbt.targets import DuckTarget, Target, run_dbt


def _row(target: Target, mart: str, vehicle: str, day: date, *columns: str) -> tuple[Any, ...]:
    found = target.rows(
        f"select {', '.join(columns)} from {mart} where vehicle_id = '{vehicle}' and local_date = '{day}'"
    )
    assert found.height == 1
    return found.row(0)


def test_an_hour_counts_on_the_local_day_in_which_it_begins(energy_marts: Target) -> None:
    hours = energy_marts.rows(
        "select hour_at, local_date, local_hour from energy_hourly where vehicle_id = 'truck' order by 1"
    )
    assert hours.select("local_date", "local_hour").rows()[:3] == [
        (date(2026, 3, 26), 23), (date(2026, 3, 27), 0), (date(2026, 3, 27), 9),
    ]  # fmt: skip


def test_what_charging_put_in_stands_beside_what_was_used(energy_marts: Target) -> None:
    columns = "hour_at, distance_km, energy_used_kwh, energy_charged_kwh, observed_pct"
    rows = energy_marts.rows(f"select {columns} from energy_hourly where vehicle_id = 'car' order by 1").rows()
    assert rows[0][1:] == (15.0, 3.0, None, 50.0)
    assert [row[1:] for row in rows[1:]] == [(None, None, kwh, 0.0) for kwh in (4.0, 6.0, 5.0, 10.0)]


def test_energy_and_minutes_of_an_hour_are_those_that_fell_in_it(energy_marts: Target) -> None:
    rows = energy_marts.rows(
        "select session_count, l2_count, dc_count, energy_added_kwh, charging_s, avg_power_kw, cost, currency"
        " from charging_hourly_stats where vehicle_id = 'car' order by hour_at"
    ).rows()
    assert rows[:3] == [
        (1, 1, 0, 4.0, 1800.0, 8.0, 1.2, "EUR"), (1, 1, 0, 6.0, 1800.0, 12.0, 1.8, "EUR"),
        (1, 0, 1, 5.0, 1800.0, 10.0, 4.0, "EUR"),
    ]  # fmt: skip
    # Two plug-ins in one hour, in different currencies: nothing is added.
    assert rows[3] == (2, 2, 0, 10.0, 3600.0, 10.0, None, None)


def test_a_day_of_charging_is_that_of_the_plug_ins_that_began_on_it(energy_marts: Target) -> None:
    columns = ("session_count", "charged_session_count", "l2_kwh", "dc_kwh", "energy_added_kwh", "cost", "currency")
    # 20:00 and 22:00 of the day before in Denver.
    assert _row(energy_marts, "charging_daily", "car", date(2026, 3, 31), *columns) == (
        2,
        2,
        10.0,
        5.0,
        15.0,
        7.0,
        "EUR",
    )
    assert _row(energy_marts, "charging_daily", "car", date(2026, 4, 1), *columns) == (
        3,
        2,
        10.0,
        None,
        10.0,
        None,
        None,
    )
    assert _row(energy_marts, "charging_daily", "car", date(2026, 4, 1), "known_pct", "priced_pct") == (100.0, 100.0)


def test_burned_fuel_is_told_apart_and_no_refuel_is_in_it(energy_marts: Target) -> None:
    columns = ("burned_l", "trip_fuel_l", "stop_fuel_l", "other_fuel_l", "refuelled_l", "idle_fuel_l")
    found = _row(energy_marts, "fuel_daily", "truck", date(2026, 3, 27), *columns)
    assert found == pytest.approx((67.0, 64.0, 0.25, 2.75, 400.0, 2.5))
    assert _row(energy_marts, "fuel_daily", "truck", date(2026, 3, 26), "burned_l", "trip_fuel_l") == (1.0, None)


def test_what_is_known_of_fuel_and_its_price_is_said_beside_it(energy_marts: Target) -> None:
    columns = ("known_hour_count", "hour_count", "refuel_count", "refuel_cost", "currency", "priced_pct")
    assert _row(energy_marts, "fuel_daily", "truck", date(2026, 3, 27), *columns) == (2, 3, 2, 450.0, "EUR", 75.0)


def test_losses_are_thefts_and_slow_losses_and_no_fault_of_a_sender(energy_marts: Target) -> None:
    columns = ("theft_count", "stolen_l", "slow_loss_l", "lost_l", "refuelled_l", "loss_known_count", "loss_known_pct")
    found = _row(energy_marts, "fuel_daily", "truck", date(2026, 3, 28), *columns)
    assert found == (2, 50.0, 10.0, 60.0, None, 2, pytest.approx(200 / 3))
    months = energy_marts.rows("select loss_known_pct from monthly_summary where vehicle_id = 'truck'")
    assert months.rows() == [(pytest.approx(200 / 3),)]


def test_a_month_sums_its_days_and_adds_no_currencies(energy_marts: Target) -> None:
    columns = "burned_l, refuelled_l, lost_l, fuel_cost, fuel_currency, burned_known_pct, co2_kg"
    (march,) = energy_marts.rows(f"select {columns} from monthly_summary where vehicle_id = 'truck'").rows()
    assert march[:5] == pytest.approx((68.0, 400.0, 60.0, 450.0, "EUR"))
    assert march[5:] == pytest.approx((75.0, 68.0 * 2.689))
    columns = "month, energy_added_kwh, l2_kwh, dc_kwh, charging_cost, charging_currency, charging_session_count"
    rows = energy_marts.rows(f"select {columns} from monthly_summary where vehicle_id = 'car' order by 1").rows()
    assert rows == [
        (date(2026, 3, 1), 15.0, 10.0, 5.0, 7.0, "EUR", 2), (date(2026, 4, 1), 10.0, 10.0, None, None, None, 3),
    ]  # fmt: skip


def test_carbon_dioxide_avoided_is_that_of_a_stated_car_and_that_of_electricity_is_not_guessed(
    energy_marts: Target,
) -> None:
    columns = "electric_km, co2_avoided_kg, electricity_co2_kg, all_energy_used_kwh"
    (march,) = energy_marts.rows(
        f"select {columns} from monthly_summary where vehicle_id = 'car' and month = date '2026-03-01'"
    ).rows()
    assert march == (0.5, pytest.approx(0.5 * 0.249), None, 3.0)


def test_costs_without_a_currency_add_up_among_themselves_only(energy_marts: Target) -> None:
    columns = "vehicle_id, charging_cost, charging_currency, fuel_cost, fuel_currency"
    rows = energy_marts.rows(
        f"select {columns} from monthly_summary where vehicle_id in ('nameless', 'half_named') order by 1"
    ).rows()
    assert rows == [("half_named", None, None, None, None), ("nameless", 4.0, None, 90.0, None)]
    for mart in ("charging_daily", "charging_hourly_stats"):
        found = energy_marts.rows(f"select cost, currency, priced_pct from {mart} where vehicle_id = 'half_named'")
        assert found.rows() == [(None, None, 100.0)]
        found = energy_marts.rows(f"select cost, currency, priced_pct from {mart} where vehicle_id = 'nameless'")
        assert found.rows() == [(2.0, None, 100.0)] * 2


def test_the_example_of_prices_says_of_which_share_of_the_energy_each_is(energy_marts: Target) -> None:
    statements = re.findall(r"```sql\n(.*?)```", (REPOSITORY / "docs" / "examples_sql.md").read_text(), re.DOTALL)
    (example,) = [statement for statement in statements if "cost_per_kwh" in statement]
    named = [("half_named", "EUR", 0.4, 50.0), ("half_named", None, 0.4, 50.0), ("nameless", None, 0.4, 100.0)]
    # Of a day in two currencies, each.
    assert energy_marts.rows(example).rows() == [
        ("car", "EUR", pytest.approx(9 / 23), 92.0), ("car", "USD", 1.0, 8.0), *named,
    ]  # fmt: skip
    known = "case when power_session_id <> 'c' then"
    unpriced = f"""from (
        select vehicle_id, energy_ac_kwh, energy_added_kwh, {known} currency end as currency, {known} cost end as cost
        from charging_hours
    ) as some_priced"""
    assert energy_marts.rows(example.replace("from charging_hours", unpriced)).rows() == [
        ("car", "EUR", pytest.approx(7 / 15), 60.0), ("car", "USD", 1.0, 8.0), ("car", None, None, 0.0), *named,
    ]  # fmt: skip


def test_trips_by_level_tell_what_was_burned_where_neither_counter_nor_rate_does(energy_marts: Target) -> None:
    columns = ("burned_l", "burned_source", "trip_fuel_l", "trip_fuel_known_pct", "known_pct", "other_fuel_l")
    found = _row(energy_marts, "fuel_daily", "levels", date(2026, 3, 2), *columns)
    assert found == (30.0, "trips", 30.0, pytest.approx(100 * 100 / 150), 0.0, None)
    months = energy_marts.rows(
        "select burned_l, burned_by_trips_l, trip_fuel_known_pct, burned_known_pct, fuel_used_l from monthly_summary"
        " where vehicle_id = 'levels'"
    )
    assert months.rows() == [(50.0, 50.0, pytest.approx(100 * 200 / 250), 0.0, 50.0)]


def test_what_a_counter_told_later_is_not_added_to_what_levels_told_before(energy_marts: Target) -> None:
    days = energy_marts.rows(
        "select burned_l, burned_source, trip_fuel_l from fuel_daily where vehicle_id = 'seldom' order by local_date"
    )
    assert days.rows() == [(1.0, "hours", None), (None, None, 25.0), (31.0, "hours", None)]
    months = energy_marts.rows("select burned_l, burned_by_trips_l from monthly_summary where vehicle_id = 'seldom'")
    assert months.rows() == [(32.0, None)]


@pytest.mark.parametrize(
    ("factor", "unit", "said"),
    [
        ("electricity_co2_kg_per_kwh", "kg/kWh", "0,4"), ("electricity_co2_kg_per_kwh", "kg/kWh", "400"),
        ("diesel_co2_kg_per_l", "kg/l", "2689"), ("petrol_co2_kg_per_l", "kg/l", "-2.348"),
        ("reference_co2_kg_per_km", "kg/km", "249"),
    ],
)  # fmt: skip
def test_a_factor_that_is_no_number_of_kg_is_refused(factor: str, unit: str, said: str, tmp_path: Path) -> None:
    target = DuckTarget(tmp_path)
    with pytest.raises(AssertionError, match=f"{factor}: '{said}' is no number of {unit} from 0 to 10"):
        run_dbt(target, "parse", "--vars", json.dumps({factor: said}))
