"""Runs whose process is gone: they still say that they go on, hold the warehouse and keep automation waiting.

Belongs here: finding and ending them, and one `fleet build` at a time. Does not belong here: doing their work again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.storage.dagster_run import RunRecord, RunsFilter

from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.adapters.run_locks import Life
from fleet_assets.installation import Installation

BUILD_TAG = "fleet/build"
"""Run tag of `fleet build`. Such a run lives in the process that holds the build lock; one that was executed again from
it carries the tag too, and lives where Dagster launched it."""

FIRST_WORDS_S = 180
"""s within which a started run must have taken its lock, as run monitoring gives it to start at all (dagster.yaml)."""

WORKING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@contextmanager
def the_only_build(installation: Installation, instance: dg.DagsterInstance) -> Iterator[None]:
    """Wait until no other `fleet build` works on this installation; runs of killed processes are ended as failed."""
    with exclusive_lock(installation.settings.dagster_home / "build.lock"):
        # Whoever holds the lock is the only build: a run that still says it is one has lost its process.
        for run in instance.get_runs(RunsFilter(tags={BUILD_TAG: "true"}, statuses=WORKING)):
            if run.parent_run_id is None:
                _end(installation, instance, run)
        end_dead_runs(installation, instance)
        yield


def end_dead_runs(installation: Installation, instance: dg.DagsterInstance) -> list[str]:
    """End as failed every run whose process is gone and give back what it held; returns their ids."""
    records = instance.get_run_records(RunsFilter(statuses=WORKING))
    dead = [record.dagster_run for record in records if is_dead(installation, instance, record)]
    for run in dead:
        _end(installation, instance, run)
    working = {record.dagster_run.run_id for record in records}
    for run_id in installation.run_locks.known():
        if run_id not in working and installation.run_locks.life(run_id) is Life.DEAD:
            installation.run_locks.forget(run_id)
    return [run.run_id for run in dead]


def is_dead(installation: Installation, instance: dg.DagsterInstance, record: RunRecord) -> bool:
    """Read the lock, then the status again: a run that ended in between is not dead, it is done."""
    run = record.dagster_run
    life = installation.run_locks.life(run.run_id)
    is_silent = life is Life.UNKNOWN and _should_have_spoken(instance, record)
    if life is not Life.DEAD and not is_silent:
        return False
    again = instance.get_run_by_id(run.run_id)
    return again is not None and again.status in WORKING


def _should_have_spoken(instance: dg.DagsterInstance, record: RunRecord) -> bool:
    """A run of this machine that started long ago and never took its lock; other launchers watch their own runs."""
    is_here = BUILD_TAG in record.dagster_run.tags or isinstance(instance.run_launcher, DefaultRunLauncher)
    return is_here and record.start_time is not None and time.time() - record.start_time > FIRST_WORDS_S


def _end(installation: Installation, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_run_failed(run, "The process of this run was killed.")
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    installation.run_locks.forget(run.run_id)
