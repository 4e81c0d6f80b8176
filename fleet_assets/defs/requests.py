"""Asking for runs: what is asked for already, and how often the same is asked for again.

Belongs here: requests of the sensors for days of tables. Does not belong here: what is stale (`plan`, `sensors`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, RunsFilter
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG

from fleet_assets.defs.day_assets import ONLY_STALE_TAG
from fleet_assets.defs.partitions import RANGE_TAGS, range_tags

RETRY_SECONDS = 900
"""How often the same is asked for again when its run failed (a full disk, a server that was away)."""

KILLED_AGAIN = 3
"""How often within RETRY_SECONDS the same is asked for at once because the process of its run was killed."""

ASKED_TAG = "fleet/asked_for"
"""Run tag: names the days and the state of their inputs for which a sensor asked."""

WHY_TAG = "fleet/why"
"""Run tag: why a sensor asked, in words."""

LONGEST_WHY = 500

PARTITION_TAG = "dagster/partition"


@dataclass(frozen=True)
class Underway:
    """A run that is created, queued or at work: its assets (None: all), and its days."""

    names: frozenset[str] | None
    first: str
    last: str

    def covers(self, name: str, day: date | None) -> bool:
        """Whether the run stores this day of a table (None: the whole of a table without days)."""
        in_span = day is None or self.first <= day.isoformat() <= self.last
        return in_span and (self.names is None or name in self.names)


def underway(instance: dg.DagsterInstance) -> list[Underway]:
    """The runs that have not ended."""
    return [_underway(run) for run in instance.get_runs(RunsFilter(statuses=NOT_FINISHED_STATUSES))]


def _underway(run: dg.DagsterRun) -> Underway:
    # Copies on a server have names of two parts: warehouse/trips.
    whole = (key.path[0] for key in run.asset_selection or () if len(key.path) == 1)
    names = frozenset(whole) if run.asset_selection else None
    first, last = (run.tags.get(tag) or run.tags.get(PARTITION_TAG, "") for tag in RANGE_TAGS)
    return Underway(names, first, last)


def request(
    instance: dg.DagsterInstance, names: Sequence[str], span: tuple[date, date] | None, marks: Iterable[str], why: str
) -> dg.RunRequest:
    """Ask for the days of `span` (None: tables without days); `marks` name the inputs for which they are wanted, `why`
    says it to whoever looks at the run.

    The same is asked for once in RETRY_SECONDS, and again at once, a few times, when the process of its run was killed.
    """
    what = "/".join([",".join(names), *(day.isoformat() for day in span or ())])
    asked = f"{what}/{digest(marks)}/{int(time.time()) // RETRY_SECONDS}"
    killed = min(_killed(instance, asked), KILLED_AGAIN)
    return dg.RunRequest(
        run_key=f"{asked}/{killed}",
        asset_selection=[dg.AssetKey(name) for name in names],
        tags={ASKED_TAG: digest([asked]), ONLY_STALE_TAG: "true", WHY_TAG: why[:LONGEST_WHY]}
        | (range_tags(*span) if span else {}),
    )


def told(context: dg.SensorEvaluationContext, requests: Iterable[dg.RunRequest]) -> list[dg.RunRequest]:
    """The requests, each with its reason in the log of the sensor's tick."""
    asked = []
    for one in requests:
        names = ", ".join(key.path[-1] for key in one.asset_selection or ())
        days = " to ".join(dict.fromkeys(one.tags[tag] for tag in RANGE_TAGS if tag in one.tags))
        context.log.info(f"{names}{f' of {days}' if days else ''}: {one.tags.get(WHY_TAG, '')}")
        asked.append(one)
    return asked


def _killed(instance: dg.DagsterInstance, asked: str) -> int:
    """How many runs for this ended without a failed step: their process was killed, or never came up."""
    failed = instance.get_runs(RunsFilter(tags={ASKED_TAG: digest([asked])}, statuses=[dg.DagsterRunStatus.FAILURE]))
    return sum(run.tags.get(RUN_FAILURE_REASON_TAG) != "STEP_FAILURE" for run in failed)


def digest(marks: Iterable[str]) -> str:
    """Sixteen hex digits that name what is asked for."""
    return hashlib.sha256("".join(marks).encode()).hexdigest()[:16]
