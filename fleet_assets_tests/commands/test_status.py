"""`fleet status` tells the truth before, while and after anything is built, and with Redis away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest
from dagster._daemon.types import DaemonHeartbeat

from fleet_assets.adapters.alarm_ledger import LEDGER, AlarmLedger, Entry
from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.ready import prepare
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.adapters.quarantine import Quarantine, Reason
from fleet_assets.adapters.spool import Spool
from fleet_assets.commands.build import build_now
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.contracts import INGEST_DAILY
from fleet_assets.installation import Installation
from fleet_assets.pipeline.known_runs import Runs, recalled_runs
from fleet_assets.pipeline.plan import BuildRequest
from fleet_assets_tests.conftest import FleetCommand
from fleet_assets_tests.fixtures.drives import drive
from fleet_assets_tests.fixtures.fleet_here import FleetHere
from fleet_assets_tests.fixtures.warehouses import duckdb_warehouse

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
RAW_AND_INGEST = "group:raw,group:ingest"


def told(fleet_here: FleetHere, **environment: str) -> dict[str, Any]:
    done = fleet_here("status", "--json", **environment)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def land(
    installation: Installation, name: str, *, days_ago: int = 2, vehicle: str = "van-1", minutes: int = 10
) -> pl.DataFrame:
    rows = drive(vehicle, TODAY - timedelta(days=days_ago) + timedelta(hours=8), minutes=minutes)
    installation.landing.append("telemetry", rows, name)
    return rows


def test_an_empty_installation_gets_a_hint_and_nothing_is_made(
    installation: Installation, fleet_here: FleetHere
) -> None:
    found = told(fleet_here)
    assert list(found) == [
        "at", "home", "shown_days", "vehicles", "stream", "spools", "landing", "stale", "stale_reference",
        "stale_marts", "quarantine", "runs", "published_at", "warehouse_problem",
        "damage", "alarms", "next_steps",
    ]  # fmt: skip
    assert (found["vehicles"], found["stream"]["state"], found["published_at"]) == ([], "off", None)
    assert "nothing came in yet" in found["next_steps"][0]
    page = fleet_here("status").out
    assert "Next: nothing came in yet" in page
    assert "there is no such folder yet (FLEET_HOME" in page
    assert not installation.settings.root.exists()


def test_a_look_loads_nothing_that_takes_seconds(installation: Installation) -> None:
    slow = "{'can', 'asammdf', 'pandas', 'dagster_dbt', 'fleet_assets.defs.marts'}"
    code = (
        "import atexit, sys; from fleet_assets.cli import main; sys.argv[1:] = ['status']\n"
        f"atexit.register(lambda: sys.stderr.write(' '.join({slow} & {{*sys.modules}}))); main()"
    )
    environment = os.environ | {"FLEET_HOME": str(installation.settings.root)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing came in yet" in done.stdout


def test_landed_rows_are_counted_once_each_before_any_build(installation: Installation, fleet_here: FleetHere) -> None:
    rows = land(installation, "one")
    installation.landing.append("telemetry", rows.head(100), "again")
    found = told(fleet_here)
    (vehicle,) = found["vehicles"]
    assert vehicle["rows_by_day"] == [0, 0, 0, 0, 1000, 0, 0]
    wanted = ("source", "vehicle_id", "row_count", "gap_count", "quarantined_count")
    assert [vehicle[name] for name in wanted] == ["telemetry", "van-1", 1000, 0, 0]
    last = rows["recorded_at"].max()
    assert isinstance(last, datetime)
    assert vehicle["last_seen_at"] == last.isoformat().replace("+00:00", "Z")
    assert (vehicle["lag_p50_s"], vehicle["lag_p95_s"]) == (3101.0, 3550.0)
    day = (TODAY - timedelta(days=2)).date().isoformat()
    assert found["landing"][-1]["waiting_days"] == [day]
    assert found["stale"]["raw_telemetry"] == {"day_count": 1, "first": day, "last": day}
    assert "run `fleet build` to bring every table up to date" in found["next_steps"]


def test_the_counts_are_the_same_after_a_build_and_follow_rows_that_came_later(
    installation: Installation, fleet_here: FleetHere
) -> None:
    land(installation, "one")
    before = told(fleet_here)["vehicles"]
    build_now(installation, BuildRequest(select=RAW_AND_INGEST))
    found = told(fleet_here)
    assert found["vehicles"] == before
    assert [one["waiting_days"] for one in found["landing"]] == [[], [], []]
    assert {"raw_telemetry", "ingest_daily", "ingest_hourly"} & set(found["stale"]) == set()
    assert found["runs"]["last_build"]["status"] == "SUCCESS"
    assert found["runs"]["in_progress"] == []
    land(installation, "more", days_ago=1, minutes=20)
    later = told(fleet_here)
    assert later["vehicles"][0]["rows_by_day"] == [0, 0, 0, 0, 1000, 1600, 0]
    assert "ingest_daily" in later["stale"]


def test_a_clock_that_is_behind_is_said_before_and_after_a_build_and_warned_of(
    installation: Installation, fleet_here: FleetHere
) -> None:
    rows = drive("van-1", TODAY - timedelta(days=1) + timedelta(hours=8), minutes=30)
    late = rows.with_columns(received_at=pl.col("recorded_at") + timedelta(hours=2, seconds=3))
    installation.landing.append("telemetry", late, "one")
    land(installation, "uploaded at once", vehicle="van-2", minutes=60)
    sentence = "van-1: all rows from telemetry come 2h after their time, one as the other; its clock is behind"
    before = told(fleet_here)
    assert [(row["vehicle_id"], row["clock_behind_s"]) for row in before["vehicles"]] == [
        ("van-1", 7203.0), ("van-2", None),
    ]  # fmt: skip
    assert [step for step in before["next_steps"] if "clock" in step] == [
        f"{sentence}, or its zone is written wrongly: docs/operations.md, Clocks"
    ]
    build_now(installation, BuildRequest(select=RAW_AND_INGEST))
    after = told(fleet_here)
    assert after["vehicles"] == before["vehicles"]
    (check,) = [one for one in after["runs"]["failed_checks"] if one["check"] == "no_clock_is_behind"]
    assert (check["table"], check["severity"]) == ("ingest_daily", "WARN")
    assert sentence in fleet_here("status").out
    (found,) = installation.check_results.of(INGEST_DAILY, "no_clock_is_behind")
    assert found.sentences[0].startswith(sentence)


def test_a_redis_that_is_away_is_said_and_the_rest_is_told(installation: Installation, fleet_here: FleetHere) -> None:
    land(installation, "one")
    away = "redis://127.0.0.1:1/0"
    found = told(fleet_here, FLEET_REDIS_URL=away)
    assert found["stream"]["state"] == "away"
    assert found["vehicles"][0]["row_count"] == 1000
    page = fleet_here("status", FLEET_REDIS_URL=away)
    assert page.code == 0
    assert "Stream: Redis does not answer" in page.out
    assert "start Redis or mend FLEET_REDIS_URL" in page.out


def test_a_warehouse_server_that_is_away_is_said_without_its_password(
    installation: Installation, fleet_here: FleetHere
) -> None:
    land(installation, "one")
    away = "postgresql://fleet:secret@127.0.0.1:1/fleet"
    found = told(fleet_here, FLEET_WAREHOUSE_URL=away)
    assert (found["vehicles"][0]["row_count"], found["stale_marts"], found["published_at"]) == (1000, None, None)
    assert "postgresql://fleet@127.0.0.1:1/fleet cannot be reached" in found["warehouse_problem"]
    page = fleet_here("status", FLEET_WAREHOUSE_URL=away)
    assert (page.code, "secret" in page.out + page.err) == (0, False)
    assert "start PostgreSQL or mend FLEET_WAREHOUSE_URL" in page.out


def test_the_marts_of_a_server_have_a_time_of_publication(fleet_here: FleetHere, postgres_url: str) -> None:
    warehouse = PostgresWarehouse(Server(postgres_url))
    at_first = warehouse.published_at
    prepare(warehouse.server)
    assert (at_first, warehouse.published_at) == (None, None)
    warehouse.note_inputs({"mart": "made from"})
    published = warehouse.published_at
    assert published is not None
    warehouse.note_inputs({"mart": ""})
    assert warehouse.published_at == published
    assert told(fleet_here, FLEET_WAREHOUSE_URL=postgres_url)["warehouse_problem"] == ""


def test_spooled_frames_and_rows_set_aside_are_counted(installation: Installation, fleet_here: FleetHere) -> None:
    spool = Spool(installation.settings.root / "spool" / "van-1-can0")
    for record in (b"x" * 10, b"y" * 20, b"z" * 30):
        spool.append(record)
    spool.forget_first()
    aside = drive("van-1", TODAY, minutes=1).head(7)
    Quarantine(installation.settings.quarantine).put("telemetry", aside, "n", Reason("in-the-future", "ahead"))
    found = told(fleet_here)
    assert found["spools"] == [{"name": "van-1-can0", "records": 2, "byte_count": 50}]
    (vehicle,) = found["vehicles"]
    assert (vehicle["vehicle_id"], vehicle["row_count"], vehicle["quarantined_count"]) == ("van-1", 0, 7)
    assert [(one["reason"], one["row_count"]) for one in found["quarantine"]] == [("in-the-future", 7)]
    page = fleet_here("status").out
    assert "Spool van-1-can0: 2 batches wait, 50 B" in page
    assert "Set aside telemetry: 7 rows of van-1, in-the-future (ahead)" in page


def test_runs_are_told_by_a_process_that_knows_of_no_dagster_home_and_remembered_by_the_next(
    installation: Installation, fleet: FleetCommand
) -> None:
    land(installation, "one")
    assert fleet("build", "--select", "raw_telemetry", DAGSTER_HOME="").returncode == 0
    looks = [json.loads(fleet("status", "--json", DAGSTER_HOME="").stdout)["runs"] for _ in range(2)]
    assert [(runs["problem"], runs["last_build"]["status"]) for runs in looks] == [("", "SUCCESS")] * 2
    assert recalled_runs(installation) is not None


def test_a_build_that_works_does_not_hold_up_the_status(
    installation: Installation, fleet_here: FleetHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    land(installation, "one")
    with (
        exclusive_lock(installation.settings.dagster_home / "build.lock"),
        exclusive_lock(duckdb_warehouse(installation).build_file.parent / "lock"),
    ):
        assert told(fleet_here)["vehicles"][0]["row_count"] == 1000


@pytest.mark.parametrize(("age_s", "step"), [(5, "the daemon runs: its sensors bring"), (600, "run `fleet build` to")])
def test_where_a_daemon_lives_nobody_is_told_to_build(
    age_s: int, step: str, installation: Installation, fleet_here: FleetHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    land(installation, "one")
    prepare_dagster_home(installation)
    with dg.DagsterInstance.get() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - age_s, "SENSOR", "one", []))
    (said,) = told(fleet_here)["next_steps"]
    assert said.startswith(step)


def test_dagster_is_asked_again_only_once_something_has_run(
    installation: Installation, fleet_here: FleetHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleet_assets.defs import state

    asked: list[Installation] = []
    ask = state._known_runs

    def recorded(here: Installation) -> Runs:
        asked.append(here)
        return ask(here)

    monkeypatch.setattr(state, "_known_runs", recorded)
    land(installation, "drive")
    assert fleet_here("build", "--select", RAW_AND_INGEST).code == 0
    first = told(fleet_here)["runs"]
    assert asked
    asked.clear()
    assert told(fleet_here)["runs"] == first
    assert asked == []
    land(installation, "late", minutes=20)
    assert fleet_here("build", "--select", RAW_AND_INGEST).code == 0
    assert told(fleet_here)["runs"]["last_build"]["run_id"] != first["last_build"]["run_id"]
    asked.clear()
    with dg.DagsterInstance.from_config(str(installation.settings.dagster_home)) as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "here", []))
    assert told(fleet_here)["runs"]["has_daemon"]
    assert told(fleet_here)["runs"]["has_daemon"]
    assert len(asked) == 2


def test_alarms_are_counted_by_what_became_of_them(installation: Installation, fleet_here: FleetHere) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    states = ("delivered", "delivered", "suppressed", "waiting")
    AlarmLedger(installation.settings.root / LEDGER).add(
        [Entry(f"a{k}", "van-1", "theft_model", "theft", now, state, b"{}") for k, state in enumerate(states)], now
    )
    assert told(fleet_here)["alarms"] == {
        "waiting": 1, "delivered": 2, "suppressed": 1, "expired": 0, "repeated": 0, "withdrawn": 0,
    }  # fmt: skip
    assert "Alarms: 1 waiting, 2 delivered, 1 suppressed\n" in fleet_here("status").out
