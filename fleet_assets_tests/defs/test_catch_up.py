"""What automation lost is asked for again, and runs whose process is gone do not stand in the way."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import pytest
from polars.testing import assert_frame_equal

from fleet_assets.commands.build import build_now
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.contracts import TELEMETRY
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets.pipeline.reprocessing import owe_vehicle
from fleet_assets.resources import InstallationResource
from fleet_assets_tests.fixtures.installation import small_day

pytestmark = pytest.mark.usefixtures("read_project")
MONDAY = date(2026, 3, 2)
A_CENTURY_S = 3_200_000_000
"""No quarter of an hour ends while a test looks at what belongs to one."""
NO_MARTS = "group:reference,group:raw,telemetry,group:events,group:insights"
INGEST = ["ingest_daily", "ingest_hourly", "ingest_outages"]
MADE_OF_TELEMETRY = [
    "alarms",
    "charging_hours",
    "charging_periods",
    "charging_sessions",
    "engine_starts",
    "fuel_balance",
    "fuel_events",
    "fuel_plateaus",
    "hourly_use",
    *INGEST,
    "last_readings",
    "power_sessions",
    "raw_telemetry",
    "readings_before_silence",
    "rises_over_midnight",
    "soc_transitions",
    "standing_periods",
    "stops",
    "telemetry",
    "theft_candidates",
    "theft_scores",
    "trips",
]
HOLD_AND_DIE = """
import os, signal, sys
from pathlib import Path
from fleet_assets.adapters.run_locks import RunLocks
RunLocks(Path(sys.argv[1])).hold(sys.argv[2])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def instance(installation: Installation) -> Iterator[dg.DagsterInstance]:
    prepare_dagster_home(installation)
    with dg.DagsterInstance.get() as instance:
        yield instance


def tick(instance: dg.DagsterInstance, name: str, cursor: str | None = None) -> Any:
    from fleet_assets.definitions import defs

    sensor = defs().get_repository_def().get_sensor_def(name)
    context = dg.build_sensor_context(
        instance, cursor=cursor, definitions=defs(), resources={"installation": InstallationResource()}
    )
    return sensor.evaluate_tick(context)


def started_run(instance: dg.DagsterInstance, name: str = "raw_telemetry", **tags: str) -> str:
    from fleet_assets.definitions import defs

    job = defs().resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(job, tags=tags, asset_selection=frozenset({dg.AssetKey(name)}))
    instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", job.name, message="started"), run.run_id)
    return run.run_id


def kill_the_process_of(installation: Installation, run_id: str) -> None:
    folder = str(installation.run_locks.folder)
    done = subprocess.run([sys.executable, "-c", HOLD_AND_DIE, folder, run_id], check=False)
    assert done.returncode == -9


def asked(result: Any) -> list[tuple[list[str], str | None]]:
    return [
        (sorted(key.path[-1] for key in one.asset_selection), one.tags.get("dagster/asset_partition_range_start"))
        for one in result.run_requests
    ]


def test_a_run_whose_process_was_killed_is_ended_by_the_next_tick(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    dead, alive = started_run(instance), started_run(instance)
    kill_the_process_of(installation, dead)
    installation.run_locks.hold(alive)
    tick(instance, "catch_up")
    assert instance.get_run_by_id(dead).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert instance.get_run_by_id(alive).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]


def test_days_that_stay_stale_are_asked_for_at_the_second_tick(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.landing.append("telemetry", small_day(MONDAY), "one")
    build_now(installation, BuildRequest(select="group:reference,group:raw"))
    first = tick(instance, "catch_up")
    second = tick(instance, "catch_up", first.cursor)
    assert asked(first) == []
    assert asked(second) == [([name for name in MADE_OF_TELEMETRY if name != "raw_telemetry"], "2026-03-02")]


def test_a_day_is_not_asked_for_while_its_run_is_under_way(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    build_now(installation, BuildRequest(select="group:reference"))
    installation.landing.append("telemetry", small_day(MONDAY), "one")
    assert asked(tick(instance, "landing_sensor")) == [(MADE_OF_TELEMETRY, "2026-03-02")]
    installation.run_locks.hold(started_run(instance, **{"dagster/partition": "2026-03-02"}))
    assert asked(tick(instance, "landing_sensor")) == []


def test_landed_days_wait_for_changed_reference_files_while_somebody_brings_them(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    from fleet_assets.defs.sensors import PATIENCE_SECONDS

    installation.landing.append("telemetry", small_day(MONDAY), "one")
    first = tick(instance, "landing_sensor")
    assert (asked(first), first.skip_message) == ([], "Reference tables come first.")
    long_ago = str(float(first.cursor) - PATIENCE_SECONDS)
    wanted = [(MADE_OF_TELEMETRY, "2026-03-02")]
    assert asked(tick(instance, "landing_sensor", long_ago)) == wanted
    bringing = started_run(instance, "vehicles")
    assert asked(tick(instance, "landing_sensor", long_ago)) == []
    kill_the_process_of(installation, bringing)
    tick(instance, "catch_up")
    (request,) = tick(instance, "reference_sensor").run_requests
    started_run(instance, **{"dagster/run_key": request.run_key})
    assert asked(tick(instance, "landing_sensor", first.cursor)) == wanted


def test_a_killed_run_is_asked_for_again_at_once_and_a_failed_one_is_not(
    installation: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet_assets.defs.requests.RETRY_SECONDS", A_CENTURY_S)
    build_now(installation, BuildRequest(select="group:reference"))
    installation.landing.append("telemetry", small_day(MONDAY), "one")
    keys = []
    for _ in range(6):
        (request,) = tick(instance, "landing_sensor").run_requests
        keys.append(request.run_key)
        run_id = started_run(instance, **{name: request.tags[name] for name in ("fleet/asked_for",)})
        kill_the_process_of(installation, run_id)
        tick(instance, "catch_up")
    assert len({*keys}) == 4


def test_nothing_is_published_of_an_empty_lake(installation: Installation, instance: dg.DagsterInstance) -> None:
    del installation
    assert asked(tick(instance, "mart_sensor")) == []


def test_all_stale_marts_are_one_run_once_what_they_read_is_at_rest_and_nothing_is_asked_for_once_all_is_current(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    from fleet_assets.defs.mart_sensor import PATIENCE_SECONDS
    from fleet_assets.pipeline.mart_models import mart_project

    installation.landing.append("telemetry", small_day(MONDAY), "one")
    build_now(installation, BuildRequest(select=NO_MARTS))
    all_of_them = [(sorted(mart_project(Installation.from_environment()).upstream), None)]
    assert asked(tick(instance, "mart_sensor")) == all_of_them

    at_work = started_run(instance, **{"dagster/partition": "2026-03-02"})
    installation.run_locks.hold(at_work)
    waiting = tick(instance, "mart_sensor")
    assert asked(waiting) == []
    long_ago = str(float(waiting.cursor) - PATIENCE_SECONDS)
    assert asked(tick(instance, "mart_sensor", long_ago)) == all_of_them

    ended = instance.get_run_by_id(at_work)
    assert ended is not None
    instance.report_run_canceled(ended)
    build_now(installation, BuildRequest())
    assert asked(tick(instance, "mart_sensor", long_ago)) == []
    cursor = None
    for _ in range(5):
        result = tick(instance, "catch_up", cursor)
        cursor = result.cursor
        assert asked(result) + asked(tick(instance, "landing_sensor")) == []
    assert json.loads(cursor or "null") == {}


def test_a_tick_and_its_run_say_why(installation: Installation, instance: dg.DagsterInstance) -> None:
    build_now(installation, BuildRequest(select="group:reference"))
    installation.landing.append("telemetry", small_day(MONDAY), "one")
    (landed,) = tick(instance, "landing_sensor").run_requests
    assert landed.tags["fleet/why"] == (
        "landed files, or rows set aside, are not those that were read: raw_telemetry on 1 day"
    )
    build_now(installation, BuildRequest(select="group:raw"))
    first = tick(instance, "catch_up")
    (stale,) = tick(instance, "catch_up", first.cursor).run_requests
    assert stale.tags["fleet/why"].startswith("stale since the last look (")
    assert "telemetry: " in stale.tags["fleet/why"]


def test_everything_of_a_vehicle_is_asked_for_again_and_read_meanwhile(
    installation: Installation, instance: dg.DagsterInstance
) -> None:
    installation.landing.append("telemetry", small_day(MONDAY), "one")
    build_now(installation, BuildRequest(select="group:reference,group:raw,group:ingest,telemetry"))
    before = installation.lake.scan(TELEMETRY).collect()
    vehicle = before["vehicle_id"][0]
    with pytest.raises(UsageError, match=f"nothing of {vehicle}x is stored; did you mean {vehicle}"):
        owe_vehicle(installation, f"{vehicle}x")
    assert owe_vehicle(installation, vehicle)["telemetry"] == [MONDAY]
    assert_frame_equal(installation.lake.scan(TELEMETRY).collect(), before)
    first = tick(instance, "catch_up")
    ((names, day),) = asked(tick(instance, "catch_up", first.cursor))
    assert ("telemetry" in names, day) == (True, "2026-03-02")
