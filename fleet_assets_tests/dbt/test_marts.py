"""The marts of a small fleet, built by Dagster and dbt and published: every column of every row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.contracts import TRIPS
from fleet_assets.installation import Installation
from fleet_assets_tests.dbt.small_fleet import INGEST_HEALTH, INGEST_HEALTH_COLUMNS, events, stops, store, trip, trips
from fleet_assets_tests.fixtures.drives import at
from fleet_assets_tests.fixtures.read_project import give_read_project
from fleet_assets_tests.fixtures.warehouses import duckdb_warehouse

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
H = 3600.0


def materialise(tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
    """All models in one run, as the pipeline does it."""
    from fleet_assets.defs import marts
    from fleet_assets.resources import InstallationResource

    resources = {"installation": InstallationResource(), "dbt": marts.dbt_command()}
    models = marts.mart_assets(Installation.from_environment())
    return dg.materialize([models], resources=resources, run_config=QUIET, raise_on_error=False, tags=tags)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, dg.ExecuteInProcessResult]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLEET_HOME", str(tmp_path_factory.mktemp("marts") / "home"))
        installation = Installation.from_environment()
        give_read_project(installation.settings.root)
        store(installation.lake, trips(), stops())
        result = materialise()
        assert result.success
        yield installation, result


@pytest.fixture(scope="module")
def installation(built: tuple[Installation, dg.ExecuteInProcessResult]) -> Installation:
    return built[0]


def expected(found: pl.DataFrame, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows in the columns and types of `found`; a column that a row does not name is null."""
    return pl.DataFrame([{name: row.get(name) for name in found.columns} for row in rows], schema=found.schema)


TRIP_DAILY_COLUMNS = [
    "vehicle_id", "local_date", "trip_count", "ev_only_trip_count", "engine_trip_count", "distance_km", "electric_km",
    "engine_km", "duration_s", "moving_s", "idle_s", "fuel_used_l", "energy_used_kwh", "fuel_l_per_100km",
    "kwh_per_100km", "best_kwh_per_100km", "worst_kwh_per_100km", "avg_trip_distance_km", "max_speed_kmh",
    "avg_speed_kmh", "elevation_gain_m", "avg_ambient_temp_c", "min_ambient_temp_c", "max_ambient_temp_c",
    "rated_fuel_l", "rated_fuel_km", "rated_energy_kwh", "rated_electric_km", "split_km",
    "unobserved_count", "unobserved_km", "unobserved_fuel_l", "known_fuel_km",
]  # fmt: skip

ALL_SEEN = {"unobserved_count": 0, "unobserved_km": 0.0}
NO_CHARGE = {"charging_session_count": 0}
TRUCK = {"vehicle_id": "truck", "ev_only_trip_count": 0} | ALL_SEEN


def test_ingest_health_tells_what_came_in_what_is_missing_and_when_all_were_silent(installation: Installation) -> None:
    found = installation.warehouse.query(f"select {', '.join(INGEST_HEALTH_COLUMNS)} from ingest_health order by 2, 3")
    assert found.rows() == INGEST_HEALTH


def test_trip_daily_stats(installation: Installation) -> None:
    found = installation.warehouse.query("select * from trip_daily_stats order by vehicle_id, local_date")
    assert found.columns == TRIP_DAILY_COLUMNS
    assert_frame_equal(found, expected(found, [
        {"vehicle_id": "car", "local_date": date(2026, 3, 31), "trip_count": 1, "ev_only_trip_count": 1,
         "engine_trip_count": 0, "distance_km": 0.5,
         "electric_km": 0.5, "engine_km": 0.0, "duration_s": 600.0, "moving_s": 600.0,
         "energy_used_kwh": -0.1, "avg_trip_distance_km": 0.5, "avg_speed_kmh": 3.0,
         "split_km": 0.5, **ALL_SEEN},
        {"vehicle_id": "hybrid", "local_date": date(2026, 3, 31), "trip_count": 2, "ev_only_trip_count": 1,
         "engine_trip_count": 1, "distance_km": 40.0, "electric_km": 30.0, "engine_km": 10.0, "duration_s": 3000.0,
         "moving_s": 3000.0, "idle_s": 0.0, "fuel_used_l": 1.0, "energy_used_kwh": 1.0,
         "fuel_l_per_100km": 100 / 30, "kwh_per_100km": 500 / 30, "best_kwh_per_100km": 15.0,
         "worst_kwh_per_100km": 20.0, "avg_trip_distance_km": 20.0, "avg_speed_kmh": 48.0, "rated_fuel_l": 1.0,
         "rated_fuel_km": 30.0, "rated_energy_kwh": 5.0, "rated_electric_km": 30.0, "split_km": 40.0,
         "known_fuel_km": 40.0, **ALL_SEEN},
        {"vehicle_id": "stranger", "local_date": date(2026, 3, 31), "trip_count": 1, "distance_km": 5.0,
         "duration_s": 600.0, "moving_s": 600.0, "fuel_used_l": 0.4, "avg_trip_distance_km": 5.0,
         "avg_speed_kmh": 30.0, "unobserved_count": 1, "unobserved_km": 20.0, "known_fuel_km": 5.0},
        TRUCK | {"local_date": date(2026, 3, 27), "trip_count": 2, "engine_trip_count": 2, "distance_km": 240.0,
         "engine_km": 240.0, "duration_s": 3 * H, "moving_s": 10740.0, "idle_s": 60.0, "fuel_used_l": 64.0,
         "fuel_l_per_100km": 6400 / 240, "avg_trip_distance_km": 120.0, "max_speed_kmh": 90.0,
         "avg_speed_kmh": 240 / 10740 * 3600, "elevation_gain_m": 100.0, "avg_ambient_temp_c": 14.0,
         "min_ambient_temp_c": 10.0, "max_ambient_temp_c": 16.0, "rated_fuel_l": 64.0, "rated_fuel_km": 240.0,
         "known_fuel_km": 240.0},
        TRUCK | {"local_date": date(2026, 3, 28), "trip_count": 2, "engine_trip_count": 2, "distance_km": 250.0,
         "engine_km": 250.0, "duration_s": 3.5 * H, "moving_s": 3.5 * H, "idle_s": 0.0, "fuel_used_l": 60.0,
         "fuel_l_per_100km": 6000 / 210, "avg_trip_distance_km": 125.0, "max_speed_kmh": 88.0,
         "avg_speed_kmh": 250 / 3.5, "rated_fuel_l": 60.0, "rated_fuel_km": 210.0, "known_fuel_km": 210.0},
        {"vehicle_id": "truck", "local_date": date(2026, 3, 29), "trip_count": 0, "distance_km": 0.0, "duration_s": 0.0,
         "moving_s": 0.0, "unobserved_count": 1, "unobserved_km": 130.0, "unobserved_fuel_l": 30.0,
         "known_fuel_km": 130.0},
    ]))  # fmt: skip


def test_vehicle_daily(installation: Installation) -> None:
    found = installation.warehouse.query("select * from vehicle_daily order by vehicle_id, local_date")
    seen = {"unobserved_s": 0.0, "unobserved_km": 0.0}
    no_stop = seen | {
        "stop_count": 0, "stop_idle_s": 0.0, "stop_idle_fuel_l": 0.0, "refuelling_count": 0, "charging_count": 0
    }  # fmt: skip
    untold = no_stop | {"stop_idle_s": None, "stop_idle_fuel_l": None}
    nothing_begins = {"trip_count": 0, "distance_km": 0.0, "moving_s": 0.0, "trip_idle_s": 0.0}
    rows: list[dict[str, Any]] = [
        {"vehicle_id": "car", "local_date": date(2026, 3, 31), "day_s": 24 * H, "trip_s": 600.0, "stop_s": 1200.0,
         "trip_count": 1, "distance_km": 0.5, "moving_s": 600.0,
         "first_started_at": at("2026-04-01 05:30"), "last_ended_at": at("2026-04-01 05:40"), **untold},
        {"vehicle_id": "car", "local_date": date(2026, 4, 1), "day_s": 24 * H, "trip_s": 0.0, "stop_s": 3600.0,
         **nothing_begins, **untold},
        {"vehicle_id": "crane", "local_date": date(2026, 3, 31), "day_s": 24 * H, "trip_s": 0.0, "stop_s": 10 * H,
         **nothing_begins, **no_stop, "stop_idle_s": 9000.0, "stop_idle_fuel_l": 6.0},
        {"vehicle_id": "hybrid", "local_date": date(2026, 3, 31), "day_s": 24 * H, "trip_s": 2400.0, "stop_s": 48_000.0,
         "trip_count": 2, "distance_km": 40.0, "moving_s": 3000.0, "trip_idle_s": 0.0,
         "first_started_at": at("2026-03-31 10:00"), "last_ended_at": at("2026-04-01 00:10"), **untold,
         "stop_count": 1, "charging_count": 1},
        {"vehicle_id": "hybrid", "local_date": date(2026, 4, 1), "day_s": 24 * H, "trip_s": 600.0, "stop_s": 0.0,
         **nothing_begins, **no_stop},
        {"vehicle_id": "stranger", "local_date": date(2026, 3, 31), "day_s": 24 * H, "trip_s": 600.0, "stop_s": 0.0,
         "trip_count": 1, "distance_km": 5.0, "moving_s": 600.0,
         "first_started_at": at("2026-03-31 09:00"), "last_ended_at": at("2026-03-31 09:10"), **no_stop,
         "unobserved_s": 1800.0, "unobserved_km": 20.0, "last_unobserved_ended_at": at("2026-03-31 12:30")},
        {"vehicle_id": "truck", "local_date": date(2026, 3, 27), "day_s": 24 * H, "trip_s": 3 * H, "stop_s": 12 * H,
         "trip_count": 2, "distance_km": 240.0, "moving_s": 10740.0, "trip_idle_s": 60.0,
         "first_started_at": at("2026-03-27 08:00"), "last_ended_at": at("2026-03-27 14:00"), **no_stop,
         "stop_count": 2, "stop_idle_s": 300.0, "stop_idle_fuel_l": 0.25, "refuelling_count": 1},
        {"vehicle_id": "truck", "local_date": date(2026, 3, 28), "day_s": 24 * H, "trip_s": 1 * H, "stop_s": 23 * H,
         "trip_count": 2, "distance_km": 250.0, "moving_s": 3.5 * H, "trip_idle_s": 0.0,
         "first_started_at": at("2026-03-27 23:30"), "last_ended_at": at("2026-03-29 01:30"), **untold,
         "stop_count": 1, "stop_idle_s": 0.0},
        # Clocks went forward: a day of 23 hours, the trip's part from midnight to 03:30 is two and a half. For two of
        # the twelve hours in which it seemed to stand the odometer says that it drove: no idling in them.
        {"vehicle_id": "truck", "local_date": date(2026, 3, 29), "day_s": 23 * H, "trip_s": 2.5 * H, "stop_s": 10 * H,
         **nothing_begins, **no_stop, "stop_idle_s": 1000.0, "stop_idle_fuel_l": 1.0, "unobserved_s": 2 * H,
         "unobserved_km": 130.0, "last_unobserved_ended_at": at("2026-03-29 12:00")},
    ]  # fmt: skip
    shares = [
        row | {
            "utilisation_pct": 100 * row["trip_s"] / row["day_s"],
            "known_pct": 100 * (row["trip_s"] + row["stop_s"]) / row["day_s"],
        }
        for row in rows
    ]  # fmt: skip
    assert_frame_equal(found, expected(found, shares))


def test_monthly_summary(installation: Installation) -> None:
    found = installation.warehouse.query("select * from monthly_summary order by vehicle_id, month")
    assert_frame_equal(found, expected(found, [
        {"vehicle_id": "car", "month": date(2026, 3, 1), "active_day_count": 1, "trip_count": 1,
         "ev_only_trip_count": 1, "engine_trip_count": 0, "distance_km": 0.5,
         "electric_km": 0.5, "engine_km": 0.0, "duration_s": 600.0, "moving_s": 600.0,
         "energy_used_kwh": -0.1, "electric_share_pct": 100.0, "co2_kg": 0.0,
         "split_km": 0.5, **ALL_SEEN, **NO_CHARGE, "co2_avoided_kg": 0.5 * 0.249},
        {"vehicle_id": "hybrid", "month": date(2026, 3, 1), "active_day_count": 1, "trip_count": 2,
         "ev_only_trip_count": 1, "engine_trip_count": 1, "distance_km": 40.0, "electric_km": 30.0, "engine_km": 10.0,
         "duration_s": 3000.0, "moving_s": 3000.0, "idle_s": 0.0, "fuel_used_l": 1.0, "energy_used_kwh": 1.0,
         "fuel_l_per_100km": 100 / 30, "kwh_per_100km": 500 / 30, "electric_share_pct": 75.0, "co2_kg": 2.348,
         "rated_fuel_l": 1.0, "rated_fuel_km": 30.0, "rated_energy_kwh": 5.0, "rated_electric_km": 30.0,
         "split_km": 40.0, **ALL_SEEN, **NO_CHARGE, "burned_l": 1.0, "burned_by_trips_l": 1.0,
         "known_fuel_km": 40.0, "trip_fuel_known_pct": 100.0, "co2_avoided_kg": 30.0 * 0.249},
        {"vehicle_id": "stranger", "month": date(2026, 3, 1), "active_day_count": 1, "trip_count": 1,
         "distance_km": 5.0, "duration_s": 600.0, "moving_s": 600.0, "fuel_used_l": 0.4, "unobserved_count": 1,
         "unobserved_km": 20.0, **NO_CHARGE, "burned_l": 0.4, "burned_by_trips_l": 0.4, "known_fuel_km": 5.0,
         "trip_fuel_known_pct": 20.0},
        TRUCK | {"month": date(2026, 3, 1), "active_day_count": 3, "trip_count": 4, "engine_trip_count": 4,
         "distance_km": 490.0, "engine_km": 490.0, "duration_s": 6.5 * H, "moving_s": 10740.0 + 3.5 * H, "idle_s": 60.0,
         "fuel_used_l": 124.0, "fuel_l_per_100km": 12400 / 450, "co2_kg": 154 * 2.689, "max_speed_kmh": 90.0,
         "elevation_gain_m": 100.0, "rated_fuel_l": 124.0, "rated_fuel_km": 450.0,
         "unobserved_count": 1, "unobserved_km": 130.0, "unobserved_fuel_l": 30.0, **NO_CHARGE, "burned_l": 154.0,
         "burned_by_trips_l": 154.0, "known_fuel_km": 580.0, "trip_fuel_known_pct": 58000 / 620},
    ]))  # fmt: skip


def test_every_model_is_an_asset_with_group_owner_description_and_checks(
    built: tuple[Installation, dg.ExecuteInProcessResult],
) -> None:
    from fleet_assets.defs import marts

    models = marts.mart_assets(built[0])
    specs = {spec.key.to_user_string(): spec for spec in models.specs}
    assert {name: spec.group_name for name, spec in specs.items()} == {
        "stg_trips": "staging", "stg_stops": "staging", "stg_standing_periods": "staging",
        "stg_vehicles": "staging", "stg_telemetry": "staging", "stg_hourly_use": "staging",
        "stg_charging_hours": "staging", "stg_charging_sessions": "staging", "stg_fuel_events": "staging",
        "stg_theft_candidates": "staging", "stg_theft_scores": "staging", "stg_theft_reviews": "staging",
        "stg_alarms": "staging", "stg_energy_prices": "staging", "theft_alarms": "marts",
        "energy_hourly": "marts", "charging_hourly_stats": "marts", "charging_daily": "marts", "fuel_daily": "marts",
        "int_vehicle_spans": "intermediate", "int_vehicle_day_times": "intermediate",
        "trip_daily_stats": "marts", "vehicle_daily": "marts", "monthly_summary": "marts", "telemetry_daily": "marts",
        "ingest_health": "marts",
        "vehicle_last_known": "marts",
        "fleet_today": "views", "vehicles_not_moved_today": "views", "currently_idle": "views",
        "active_vehicle_map": "views", "fleet_km_daily": "views", "vehicle_track": "views", "trips_for_map": "views",
    }  # fmt: skip
    assert all(spec.owners and spec.kinds == {"dbt", "duckdb"} for spec in specs.values())
    assert {dep.asset_key.to_user_string() for dep in specs["stg_trips"].deps} == {"trips"}
    stored = {
        event.asset_key.to_user_string() for event in built[1].get_asset_materialization_events() if event.asset_key
    }
    assert stored == set(specs)
    checks = built[1].get_asset_check_evaluations()
    assert len(checks) > 20
    assert all(check.passed for check in checks)


def test_a_materialisation_says_how_many_rows_it_has_and_where_they_are(
    built: tuple[Installation, dg.ExecuteInProcessResult],
) -> None:
    installation, result = built
    said = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    rows = {
        name: metadata["dagster/row_count"].value for name, metadata in said.items() if "dagster/row_count" in metadata
    }
    assert rows == {
        "trip_daily_stats": 6, "vehicle_daily": 9, "monthly_summary": 4, "telemetry_daily": 0, "ingest_health": 5,
        "vehicle_last_known": 5, "energy_hourly": 0, "charging_hourly_stats": 0, "charging_daily": 0, "fuel_daily": 5,
        "theft_alarms": 0,
    }  # fmt: skip
    assert {metadata["dagster/uri"].value for metadata in said.values()} == {
        str(duckdb_warehouse(installation).published)
    }


def test_a_mart_that_breaks_a_rule_is_not_published(installation: Installation) -> None:
    before = installation.warehouse.query("select * from trip_daily_stats order by all")
    wrong = events(TRIPS, trip("truck", "2026-03-20 08:00", 60, 80.0, moving_s=7200.0))
    closed: datetime = wrong["closed_at"][0]
    installation.lake.write(TRIPS, closed.date(), wrong, "test")
    try:
        result = materialise()
    finally:
        installation.lake.write(TRIPS, closed.date(), TRIPS.empty(), "test")
    assert not result.success
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed == ["trip_daily_stats_moves_within_its_duration"]
    assert result.get_asset_materialization_events() == []
    assert_frame_equal(installation.warehouse.query("select * from trip_daily_stats order by all"), before)


def test_an_implausible_consumption_is_noticed_and_published(installation: Installation) -> None:
    numbers = {"electric_km": 20.0, "engine_km": 10.0, "electric_energy_kwh": 80.0, "kwh_per_100km": 400.0}
    odd = events(TRIPS, trip("hybrid", "2026-03-20 08:00", 60, 30.0, **numbers))
    closed: datetime = odd["closed_at"][0]
    installation.lake.write(TRIPS, closed.date(), odd, "test")
    try:
        result = materialise()
    finally:
        installation.lake.write(TRIPS, closed.date(), TRIPS.empty(), "test")
    assert result.success
    noticed = {c.check_name: c.severity for c in result.get_asset_check_evaluations() if not c.passed}
    assert noticed == {
        "stg_trips_consumption_is_plausible": dg.AssetCheckSeverity.WARN,
        "trip_daily_stats_consumption_is_plausible": dg.AssetCheckSeverity.WARN,
    }
    rated = installation.warehouse.query(
        "select kwh_per_100km from trip_daily_stats where local_date = date '2026-03-20'"
    )
    assert rated["kwh_per_100km"].to_list() == [400.0]
