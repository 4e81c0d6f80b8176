"""Freshness of what is stored: said by a check, by the sensor while nothing lands, and by `fleet status`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.defs.freshness import freshness_sensor
from fleet_assets.installation import Installation
from fleet_assets.pipeline.freshness import stale_sentences
from fleet_assets.pipeline.storing import store_days
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.resources import InstallationResource
from fleet_assets_tests.fixtures.drives import drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere, fleet_here
from fleet_assets_tests.fixtures.installation import small_day

__all__ = ["fleet_here"]

SELECT = "group:reference,group:raw,telemetry,ingest_hourly"
CHECKED = ["raw_telemetry", "telemetry"]


def test_an_empty_installation_is_not_stale(installation: Installation) -> None:
    assert stale_sentences(installation, datetime.now(UTC)) == {}


def test_a_fleet_is_fresh_while_one_vehicle_reports_and_stale_when_none_did_for_days(
    installation: Installation,
) -> None:
    started = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    resting = started - timedelta(days=4)
    for vehicle_id, start in (("van-1", started), ("van-2", resting)):
        installation.landing.append("telemetry", drive(vehicle_id, start).gather_every(10), vehicle_id)
    days = sorted({(start + timedelta(days=more)).date() for start in (started, resting) for more in (0, 1)})
    for name in ("raw_telemetry", "ingest_hourly"):
        list(store_days(installation, DAY_TABLES[name], days, only_stale=True))
    last = started + timedelta(seconds=990)
    assert stale_sentences(installation, last + timedelta(days=2)) == {}
    since = f"since {last:%Y-%m-%d %H:%M} UTC, 4 days ago"
    assert stale_sentences(installation, last + timedelta(days=4)) == {
        "raw_telemetry": f"no row of any vehicle from source telemetry {since}; silent: van-1, van-2",
    }


def test_an_old_recording_builds_and_its_age_is_said_by_check_sensor_and_status(
    installation: Installation, fleet_here: FleetHere
) -> None:
    installation.landing.append("telemetry", small_day(date(2024, 3, 2)), "one")
    assert fleet_here("build", "--select", SELECT).code == 0
    found = json.loads(fleet_here("status", "--json").out)["runs"]["failed_checks"]
    assert [(check["table"], check["check"], check["severity"]) for check in found] == [
        (name, "freshness", "WARN") for name in CHECKED
    ]
    assert "since 2024-03-02 08:16 UTC" in found[0]["sentence"]
    assert "silent: van-1" in found[0]["sentence"]
    prepare_dagster_home(installation)
    with dg.DagsterInstance.get() as instance:
        noted = [evaluation(instance, name) for name in CHECKED]
        assert [one.passed for one in noted] == [False, False]
        with dg.build_sensor_context(instance, resources={"installation": InstallationResource()}) as context:
            result = freshness_sensor(context)
    assert isinstance(result, dg.SensorResult)
    seen: dict[str, dg.AssetCheckEvaluation] = {}
    for event in result.asset_events:
        assert isinstance(event, dg.AssetCheckEvaluation)
        seen[event.asset_key.to_user_string()] = event
    assert {name: event.passed for name, event in seen.items()} == {
        "raw_can": True, "raw_telemetry": False, "telemetry": False,
    }  # fmt: skip
    assert [seen[name].description for name in CHECKED] == [check["sentence"] for check in found]


def evaluation(instance: dg.DagsterInstance, table: str) -> dg.AssetCheckEvaluation:
    """What the check said last of a table, as the UI shows it."""
    key = dg.AssetCheckKey(dg.AssetKey(table), "freshness")
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data
