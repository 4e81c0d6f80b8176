"""What Dagster shows of the platform: every table an asset that says what it is, whose it is and what must hold."""

from __future__ import annotations

import dagster as dg
import pytest

from fleet_assets.contracts import LAKE_TABLES, TABLES
from fleet_assets.installation import Installation

MARTS = (
    "trip_daily_stats", "vehicle_daily", "monthly_summary", "energy_hourly", "charging_hourly_stats", "charging_daily",
    "fuel_daily", "theft_alarms",
)  # fmt: skip


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    from fleet_assets.definitions import defs

    return defs()


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs()}


def test_every_table_and_mart_is_an_asset(definitions: dg.Definitions) -> None:
    assert {*TABLES, *MARTS} - set(specs(definitions)) == set()


@pytest.mark.parametrize("name", [*TABLES, *MARTS])
def test_an_asset_says_what_it_is(definitions: dg.Definitions, name: str) -> None:
    spec = specs(definitions)[name]
    assert spec.description
    assert spec.group_name not in (None, "default")
    assert spec.owners
    assert spec.kinds
    assert spec.metadata["dagster/column_schema"]


@pytest.mark.parametrize("name", LAKE_TABLES)
def test_the_declared_columns_are_those_of_the_contract(definitions: dg.Definitions, name: str) -> None:
    declared = specs(definitions)[name].metadata["dagster/column_schema"]
    assert [column.name for column in declared.columns] == [column.name for column in TABLES[name].columns]


@pytest.mark.parametrize("name", LAKE_TABLES)
def test_a_day_table_is_checked_and_partitioned_by_day(definitions: dg.Definitions, name: str) -> None:
    graph = definitions.resolve_asset_graph()
    key = dg.AssetKey(name)
    assert {check.name for check in graph.get_check_keys_for_assets({key})} >= {"contract"}
    partitions = graph.get(key).partitions_def
    assert isinstance(partitions, dg.DailyPartitionsDefinition)
    assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run()


def test_everything_but_full_rate_signals_follows_its_inputs(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    followed = {name for name in LAKE_TABLES if graph.get(dg.AssetKey(name)).automation_condition}
    by_sensor = {"raw_can", "raw_telemetry", "ingest_gaps", "ingest_quarantined"}
    assert followed == {*LAKE_TABLES} - by_sensor - {"can_signals"}


def test_lineage_runs_from_landing_to_marts(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    upstream = graph.get_ancestor_asset_keys if hasattr(graph, "get_ancestor_asset_keys") else None
    found = dg.AssetSelection.from_string("+key:monthly_summary") if upstream is None else None
    keys = upstream(dg.AssetKey("monthly_summary")) if upstream else found.resolve(graph)  # type: ignore[union-attr]
    names = {key.path[-1] for key in keys}
    assert {"landing_can", "raw_can", "telemetry", "trips"} <= names


def test_the_daemons_sensors_run_from_the_start(definitions: dg.Definitions) -> None:
    running = {
        sensor.name for sensor in definitions.get_repository_def().sensor_defs
        if sensor.default_status == dg.DefaultSensorStatus.RUNNING
    }  # fmt: skip
    assert running == {
        "alarm_sensor",
        "landing_sensor",
        "mart_sensor",
        "reference_sensor",
        "follow_inputs",
        "run_failed",
        "catch_up",
        "freshness_sensor",
        "theft_drift_sensor",
        "theft_model_sensor",
    }


def test_an_empty_installation_has_nothing_to_build(installation: Installation) -> None:
    from fleet_assets.pipeline.plan import BuildRequest, plan_build

    assert plan_build(installation, BuildRequest(), LAKE_TABLES).days == {}
