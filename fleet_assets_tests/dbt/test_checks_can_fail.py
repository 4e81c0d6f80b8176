"""Each check of the marts of distance, fuel and energy finds rows that are wrong in its way, and none in right ones."""

from __future__ import annotations

import pytest

from fleet_assets_tests.dbt.targets import Target

HAULED = "vehicle_id = 'hauler'"
RIGHT = "select 1"
WRONG = {
    "daily_distance_is_that_of_its_trips": [
        f"update trip_daily_stats set distance_km = distance_km + 1 where {HAULED}",
        f"update trip_daily_stats set trip_count = trip_count - 1 where {HAULED}",
        "update trip_daily_stats set unobserved_km = 0 where vehicle_id = 'stranger'",
        f"update vehicle_daily set distance_km = distance_km + 1 where {HAULED}",
        f"update vehicle_daily set trip_count = trip_count - 1 where {HAULED}",
        "update vehicle_daily set unobserved_km = 0 where vehicle_id = 'stranger'",
        f"delete from trip_daily_stats where {HAULED}",
        f"delete from vehicle_daily where {HAULED}",
        f"delete from trips where {HAULED}",
    ],
    "monthly_distance_is_that_of_its_days": [
        f"update monthly_summary set distance_km = distance_km + 1 where {HAULED}",
        f"update monthly_summary set trip_count = trip_count - 1 where {HAULED}",
        "update monthly_summary set unobserved_count = 0 where vehicle_id = 'stranger'",
        "update monthly_summary set unobserved_km = 0 where vehicle_id = 'stranger'",
        "update monthly_summary set distance_km = 1 where vehicle_id = 'nameless'",
        f"delete from monthly_summary where {HAULED}",
        f"delete from trip_daily_stats where {HAULED}",
    ],
    "charging_by_hour_is_that_of_its_power_sessions": [
        "update charging_hourly_stats set energy_added_kwh = energy_added_kwh + 1 where vehicle_id = 'nameless'",
        "update charging_hourly_stats set priced_kwh = null where vehicle_id = 'nameless'",
        "delete from charging_hourly_stats where vehicle_id = 'nameless'",
        "delete from charging_hours where power_session_id = 'b'",
    ],
    "charging_by_hour_is_that_of_its_plug_ins": [
        "update charging_sessions set energy_added_kwh = 11 where session_id = 'a'",
        "delete from charging_hours where session_id = 'b'",
        "delete from charging_sessions where session_id = 'a'",
    ],
    "charging_by_day_is_that_of_its_plug_ins": [
        "update charging_daily set energy_added_kwh = energy_added_kwh - 1 where vehicle_id = 'nameless'",
        "update charging_daily set session_count = 9 where vehicle_id = 'nameless'",
        "delete from charging_daily where vehicle_id = 'nameless'",
        "delete from charging_sessions where vehicle_id = 'nameless'",
    ],
    "hourly_energy_is_that_of_its_sources": [
        f"update energy_hourly set fuel_used_l = 11 where {HAULED}",
        "update energy_hourly set energy_charged_kwh = null where vehicle_id = 'nameless'",
        f"delete from energy_hourly where {HAULED}",
        f"delete from hourly_use where {HAULED}",
        "delete from charging_hours where vehicle_id = 'nameless'",
    ],
    "daily_fuel_is_that_of_its_hours": [
        f"update fuel_daily set burned_l = burned_l + 1 where {HAULED}",
        f"update fuel_daily set burned_source = 'trips' where {HAULED}",
        "update fuel_daily set burned_l = 1, burned_source = 'hours' where vehicle_id = 'truck' and hour_count = 0",
        f"update fuel_daily set known_hour_count = known_hour_count - 1 where {HAULED}",
        f"delete from fuel_daily where {HAULED}",
        f"delete from hourly_use where {HAULED}",
    ],
    "daily_trip_fuel_is_that_of_its_trips": [
        "update fuel_daily set trip_fuel_l = trip_fuel_l + 1 where vehicle_id = 'levels'",
        "delete from fuel_daily where vehicle_id = 'levels'",
        "delete from trips where vehicle_id = 'levels'",
    ],
    "daily_refuels_and_losses_are_those_of_fuel_events": [
        f"update fuel_daily set refuelled_l = null where {HAULED}",
        "update fuel_daily set stolen_l = 0, slow_loss_l = 60 where vehicle_id = 'truck' and theft_count > 0",
        f"delete from fuel_daily where {HAULED}",
        f"delete from fuel_events where {HAULED}",
    ],
    "burned_fuel_of_a_month_is_that_of_its_hours_or_else_of_its_trips": [
        # Twice: by the trip, and by the hour in which the counter was read next.
        "update fuel_daily set burned_l = trip_fuel_l, burned_source = 'trips' where vehicle_id = 'seldom'"
        " and burned_l is null",
        "update fuel_daily set burned_l = null, burned_source = null where vehicle_id = 'levels'",
        "delete from fuel_daily where vehicle_id = 'levels'",
        "delete from trips where vehicle_id = 'levels'",
    ],
    "fuel_daily_parts_sum_to_what_was_burned": [
        f"update fuel_daily set other_fuel_l = other_fuel_l + 1 where {HAULED}",
        f"update fuel_daily set other_fuel_l = null where {HAULED}",
        f"update fuel_daily set trip_fuel_l = null where {HAULED}",
        f"update fuel_daily set burned_source = null where {HAULED}",
        "update fuel_daily set burned_l = burned_l + 1 where vehicle_id = 'levels'",
        "update fuel_daily set burned_l = 1 where vehicle_id = 'seldom' and burned_l is null",
    ],
    "fuel_daily_engine_at_a_stand_burned_no_more_than_all": [
        "update fuel_daily set idle_fuel_l = burned_l + 1 where vehicle_id = 'truck'",
        "update fuel_daily set burned_l = null where idle_fuel_l > 0",
    ],
    "fuel_daily_what_is_known_is_part_of_the_whole": [
        f"update fuel_daily set known_hour_count = 13 where {HAULED}",
        f"update fuel_daily set refuel_known_count = 2 where {HAULED}",
        f"update fuel_daily set loss_known_count = 1 where {HAULED}",
    ],
    "costs_are_sums_in_one_currency": [
        "update charging_daily set cost = 4 where vehicle_id = 'half_named'",
        "update charging_daily set currency = 'EUR' where vehicle_id = 'nameless'",
        "update fuel_daily set refuel_cost = null where vehicle_id = 'nameless'",
        "update monthly_summary set charging_cost = 4, charging_currency = 'EUR' where vehicle_id = 'half_named'",
        "update monthly_summary set fuel_cost = 45 where vehicle_id = 'nameless'",
        "update fuel_events set currency = 'EUR' where event_id = 'n2'",
        "delete from monthly_summary where vehicle_id = 'nameless'",
    ],
    "monthly_fuel_is_that_of_its_days": [
        f"update monthly_summary set burned_l = burned_l + 1 where {HAULED}",
        f"update monthly_summary set refuelled_l = null where {HAULED}",
        "update monthly_summary set burned_by_trips_l = null where vehicle_id = 'levels'",
        f"delete from monthly_summary where {HAULED}",
        f"delete from fuel_daily where {HAULED}",
    ],
    "monthly_charging_is_that_of_its_days": [
        "update monthly_summary set energy_added_kwh = 1 where vehicle_id = 'nameless'",
        "update monthly_summary set charging_session_count = 0 where vehicle_id = 'nameless'",
        "delete from monthly_summary where vehicle_id = 'nameless'",
        "delete from charging_daily where vehicle_id = 'nameless'",
    ],
    "monthly_energy_is_that_of_its_hours": [
        "update monthly_summary set all_energy_used_kwh = 4 where vehicle_id = 'car'",
        "delete from monthly_summary where vehicle_id = 'car'",
        "delete from energy_hourly where vehicle_id = 'car'",
    ],
    "no_consumption_contains_a_refuel": [
        f"update hourly_use set fuel_used_l = 310 where {HAULED} and hour_at = '2026-03-02 05:00:00+00'",
        f"update trips set fuel_used_l = 309 where {HAULED} and started_at = '2026-03-02 05:05:00+00'",
        # By a drive of the evening that refuels after midnight.
        "update trips set fuel_used_l = 309, started_at = '2026-03-02 23:40:00+00', ended_at = '2026-03-03 00:30:00+00'"
        f" where {HAULED} and started_at = '2026-03-02 11:05:00+00';"
        " update fuel_events set started_at = '2026-03-03 00:10:00+00', ended_at = '2026-03-03 00:14:00+00',"
        " local_date = '2026-03-03' where event_id = 'h'",
        f"update fuel_daily set burned_l = burned_l + refuelled_l where {HAULED}",
        f"update monthly_summary set burned_l = burned_l + refuelled_l where {HAULED}",
        # A part of a refuel; of 12 hours and 12 trips that burned 120 l and 108 l.
        f"update fuel_daily set burned_l = burned_l + 200 where {HAULED}",
        f"update monthly_summary set burned_l = burned_l + 200 where {HAULED}",
        f"update fuel_daily set burned_l = 1.5 * burned_l where {HAULED}",
        f"update monthly_summary set burned_l = 1.5 * burned_l where {HAULED}",
        # A day and a month that trips tell.
        "update fuel_daily set refuelled_l = 60, burned_l = burned_l + 30 where vehicle_id = 'levels'",
        "update monthly_summary set refuelled_l = 60, burned_l = burned_l + 30 where vehicle_id = 'levels'",
    ],
}  # fmt: skip
"""Per check, changes after which it finds something."""


@pytest.mark.parametrize(("check", "change"), [(check, change) for check in WRONG for change in WRONG[check]])
def test_a_check_finds_rows_that_are_wrong(energy_marts: Target, check: str, change: str) -> None:
    assert energy_marts.found_after(change, check) > 0


@pytest.mark.parametrize("check", WRONG)
def test_a_check_finds_nothing_in_rows_that_are_right(energy_marts: Target, check: str) -> None:
    assert energy_marts.found_after(RIGHT, check) == 0


def test_an_hour_that_burns_much_by_itself_contains_no_refuel(energy_marts: Target) -> None:
    """A counter that is read after a silence tells all that was burned in it, and so does what was expected of it."""
    silence = f"""
        update fuel_events set expected_consumption_l = 310 where {HAULED};
        update hourly_use set fuel_used_l = 310 where {HAULED} and hour_at = '2026-03-02 05:00:00+00';
        update fuel_daily set burned_l = burned_l + 300 where {HAULED};
        update monthly_summary set burned_l = burned_l + 300 where {HAULED};
    """
    assert energy_marts.found_after(silence, "no_consumption_contains_a_refuel") == 0


def test_what_trips_tell_of_days_and_months_contains_no_refuel(energy_marts: Target) -> None:
    refuelled = """
        update fuel_daily set refuelled_l = 60 where vehicle_id in ('levels', 'seldom');
        update monthly_summary set refuelled_l = 60 where vehicle_id in ('levels', 'seldom');
    """
    assert energy_marts.found_after(refuelled, "no_consumption_contains_a_refuel") == 0
