"""Builds that were killed: their runs still say that they go on, hold the warehouse and keep automation waiting.

Belongs here: one build at a time, and ending what no process works on any more. Does not belong here: building.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES, RunsFilter

from fleet_assets.adapters.file_lock import alone
from fleet_assets.places import Places

BUILD_TAG = "fleet/build"
"""Run tag of `fleet build`; such a run lives in the process that holds the lock."""


@contextmanager
def the_only_build(places: Places, instance: dg.DagsterInstance) -> Iterator[None]:
    """Wait until no other `fleet build` works on this installation; runs of killed ones are ended as failed."""
    with alone(places.settings.dagster_home / "build.lock"):
        for run in instance.get_runs(RunsFilter(tags={BUILD_TAG: "true"}, statuses=[*IN_PROGRESS_RUN_STATUSES])):
            instance.report_run_failed(run, "The process of this build was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        yield
