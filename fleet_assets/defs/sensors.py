"""Sensors for the outside world: files landing, and runs failing. What follows inside is automation's business."""

import time
from collections.abc import Iterator
from datetime import date

import dagster as dg
from dagster._core.storage.dagster_run import RunsFilter
from dagster._core.storage.tags import RUN_KEY_TAG

from fleet_assets.contracts import DECODING_TABLES, INGEST_QUARANTINED, LAKE_TABLES, REFERENCE_TABLES
from fleet_assets.defs.partitions import RANGE_TAGS, day_partitions
from fleet_assets.defs.requests import WHY_TAG, digest, request, told, underway
from fleet_assets.installation import Installation
from fleet_assets.pipeline.days import spans
from fleet_assets.pipeline.plan import followers, outside_days
from fleet_assets.pipeline.reference import stale_reference
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.resources import InstallationResource
from fleet_assets.wording import counted

REFERENCE = frozenset({*REFERENCE_TABLES, *DECODING_TABLES})
PATIENCE_SECONDS = 60.0
"""How long landed days wait for somebody to ask for changed reference files: `reference_sensor` may be switched off."""


@dg.sensor(
    target=dg.AssetSelection.groups("raw") | dg.AssetSelection.assets(INGEST_QUARANTINED.name),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Requests exactly the days whose landed files, or rows set aside, changed, and what is made of them.",
)
def landing_sensor(context: dg.SensorEvaluationContext, installation: InstallationResource) -> dg.SensorResult:
    """Compares what lies outside with what each partition was made of; the cursor is the moment since which days wait.

    Changed reference files come first: rows that were decoded without them would only be computed again.
    """
    here, since = installation.get().at_this_moment(), float(context.cursor or time.time())
    requests = told(context, _requests(context.instance, here))
    if not requests:
        return dg.SensorResult(skip_reason="Every landed file is part of its raw partition.", cursor="")
    if _reference_comes_first(context.instance, here, time.time() - since):
        return dg.SensorResult(skip_reason="Reference tables come first.", cursor=str(since))
    return dg.SensorResult(requests, cursor="")


def _reference_comes_first(instance: dg.DagsterInstance, installation: Installation, waited_s: float) -> bool:
    """Whether a run stores reference tables, or one will soon be asked for; one that failed is waited for no more."""
    if any(run.names and run.names & REFERENCE for run in underway(instance)):
        return True
    marks = stale_reference(installation)
    return bool(marks) and waited_s < PATIENCE_SECONDS and not _was_asked(instance, marks)


def _was_asked(instance: dg.DagsterInstance, marks: dict[str, str]) -> bool:
    asked = RunsFilter(tags={RUN_KEY_TAG: _reference_key(marks)})
    return instance.get_runs_count(asked) > 0


def _reference_key(marks: dict[str, str]) -> str:
    """Names a request: the same files are asked for once, and a wrong one is not tried again until it is mended."""
    return f"reference/{digest([*marks.values()])}"


def outside_tables() -> list[str]:
    """The tables that are made of files outside the lake."""
    return [name for name, maker in DAY_TABLES.items() if maker.outside is not None]


def touched_days(name: str, instance: dg.DagsterInstance, installation: Installation) -> dict[date, str]:
    """The days of one raw table that differ from what has landed, with the fingerprint of what has landed.

    Also those that were stored by a run which was killed before it could say so: nothing downstream knows of them.
    """
    maker, table = DAY_TABLES[name], LAKE_TABLES[name]
    told = instance.get_materialized_partitions(dg.AssetKey(name))
    marks = {day: maker.fingerprint(installation, day) for day in outside_days(installation, maker)}
    records = installation.lake.records(table)
    current = {day for day in marks if (record := records.get(day)) and maker.is_made_of(installation, day, record)}
    return {day: mark for day, mark in marks.items() if day not in current or day.isoformat() not in told}


def _requests(instance: dg.DagsterInstance, installation: Installation) -> Iterator[dg.RunRequest]:
    """One request for each stretch of touched days; days of a run under way wait for its end.

    What is made of these tables is computed in the same run, for the same days: starting a process costs more than a
    day of a table. Automation follows to other days and to the marts.
    """
    touched = {name: _free_days(name, instance, installation) for name in outside_tables()}
    for first, last in spans({day for marks in touched.values() for day in marks}):
        marks = {(name, day): touched[name][day] for name in touched for day in touched[name] if first <= day <= last}
        names = {name for name, _ in marks}
        found = [f"{name} on {counted(sum(one == name for one, _ in marks), 'day')}" for name in sorted(names)]
        why = f"landed files, or rows set aside, are not those that were read: {', '.join(found)}"
        ordered = [marks[key] for key in sorted(marks)]
        yield request(instance, sorted(names | followers(names)), (first, last), ordered, why)


def _free_days(name: str, instance: dg.DagsterInstance, installation: Installation) -> dict[date, str]:
    """The touched days of a table that no run is about to store."""
    known, runs = set(day_partitions().get_partition_keys()), underway(instance)
    return {
        day: mark
        for day, mark in touched_days(name, instance, installation).items()
        if day.isoformat() in known and not any(run.covers(name, day) for run in runs)
    }


@dg.sensor(
    target=dg.AssetSelection.assets(*REFERENCE_TABLES, *DECODING_TABLES),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Requests the reference tables whose files changed: CSVs, DBC files, signal maps.",
)
def reference_sensor(
    context: dg.SensorEvaluationContext, installation: InstallationResource
) -> dg.RunRequest | dg.SkipReason:
    """Compares the files with what each table was made of; all changed tables are one run."""
    marks = stale_reference(installation.get())
    if not marks:
        return dg.SkipReason("Every reference table is what its files say.")
    why = f"changed reference files: {', '.join(sorted(marks))}"
    context.log.info(why)
    return dg.RunRequest(run_key=_reference_key(marks), asset_selection=[*map(dg.AssetKey, marks)], tags={WHY_TAG: why})


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reports every failed run in the daemon's log with its error and its partitions.",
)
def run_failed(context: dg.RunFailureSensorContext) -> None:
    """One line per failure, so that whoever watches the daemon's log needs no UI to know what stopped."""
    run = context.dagster_run
    span = " to ".join(run.tags[tag] for tag in RANGE_TAGS if tag in run.tags)
    what = f"{_selected(run)} ({span or 'no partitions'})"
    context.log.error(f"run {run.run_id} of {what} failed: {context.failure_event.message}")


def _selected(run: dg.DagsterRun) -> str:
    selection = sorted(key.to_user_string() for key in run.asset_selection or ())
    return ", ".join(selection) or run.job_name
