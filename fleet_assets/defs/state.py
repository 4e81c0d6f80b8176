"""What Dagster knows of an installation, for `fleet status`: runs, and checks that failed.

Belongs here: asking, without changing anything. Does not belong here: building, how the answers are shown, and what is
known without asking (`pipeline.known_runs`).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import RunsFilter

from fleet_assets.defs.dead_runs import BUILD_TAG, WORKING, is_dead
from fleet_assets.defs.partitions import RANGE_TAGS
from fleet_assets.installation import Installation
from fleet_assets.pipeline.known_runs import Run, Runs, remember_runs, storage_state

KILLED = "KILLED"
"""Status of a run that still says it goes on, and whose process is gone."""

SILENT_DAEMON_S = 90.0
"""A daemon notes every half minute that it lives."""

DBT_ROWS = "dagster_dbt/failed_row_count"
"""What dbt says of a test that fails, in the metadata of its check."""

LOOKED_AT_RUNS = 20
"""Newest runs whose checks are looked at: about a week of nightly builds, or an hour of automation."""


def known_runs(installation: Installation) -> Runs:
    """What Dagster's storage says; nothing before the first build, a sentence where the storage does not answer."""
    state = storage_state(installation)
    found = _known_runs(installation)
    remember_runs(installation, found, state)
    return found


def _known_runs(installation: Installation) -> Runs:
    home = installation.settings.dagster_home
    if not (home / "dagster.yaml").exists():
        return Runs()
    # The instance's file says by this name where it lies.
    os.environ["DAGSTER_HOME"] = str(home)
    try:
        with dg.DagsterInstance.from_config(str(home)) as instance:
            return _runs(instance, installation)
    except Exception as error:  # noqa: BLE001 - storages of many kinds fail in as many ways
        return Runs(problem=f"Dagster's storage does not answer: {str(error).splitlines()[0]}")


def _runs(instance: dg.DagsterInstance, installation: Installation) -> Runs:
    records = instance.get_run_records(limit=LOOKED_AT_RUNS)
    builds = instance.get_run_records(RunsFilter(tags={BUILD_TAG: "true"}), limit=1)
    working = [
        _run(installation, instance, record) for record in instance.get_run_records(RunsFilter(statuses=WORKING))
    ]
    automatic = [record for record in records if BUILD_TAG not in record.dagster_run.tags]
    return Runs(
        _run(installation, instance, builds[0]) if builds else None,
        _run(installation, instance, automatic[0]) if automatic else None,
        [run for run in working if run.status != KILLED],
        _failed_checks(instance, [record.dagster_run.run_id for record in records]),
        _has_daemon(instance),
    )


def _has_daemon(instance: dg.DagsterInstance) -> bool:
    beat = instance.get_daemon_heartbeats().get("SENSOR")
    return beat is not None and time.time() - beat.timestamp < SILENT_DAEMON_S


def _run(installation: Installation, instance: dg.DagsterInstance, record: dg.RunRecord) -> Run:
    run = record.dagster_run
    is_build = BUILD_TAG in run.tags
    # Nobody reports the end of a run whose process was killed: the locks that it held say so.
    is_lost = is_build and not _is_held(installation.settings.dagster_home / "build.lock")
    is_killed = run.status in WORKING and (is_lost or is_dead(installation, instance, record))
    return Run(
        run.run_id,
        "build" if is_build else "automatic",
        KILLED if is_killed else run.status.value,
        _instant(record.start_time),
        _instant(record.end_time),
        [run.tags[tag] for tag in RANGE_TAGS if tag in run.tags],
    )


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open("r") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _failed_checks(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> list[dict[str, str]]:
    """Of each check its newest result among these runs (newest first), where it did not hold."""
    seen: dict[tuple[str, str], dict[str, str] | None] = {}
    for run_id in run_ids:
        for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)):
            assert entry.dagster_event is not None
            check = entry.dagster_event.asset_check_evaluation_data
            key = (check.asset_key.to_user_string(), check.check_name)
            finding = {
                "table": key[0], "check": key[1], "severity": check.severity.value, "run_id": run_id,
                "sentence": check.description or _broken_by(check),
            }  # fmt: skip
            seen.setdefault(key, None if check.passed else finding)
    return [finding for _, finding in sorted(seen.items()) if finding is not None]


def _broken_by(check: dg.AssetCheckEvaluation) -> str:
    rows = check.metadata.get(DBT_ROWS)
    return f"{rows.value} rows break it" if rows else "`fleet ui` shows its findings"
