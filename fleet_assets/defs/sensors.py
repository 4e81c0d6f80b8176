"""Sensors for the outside world: files landing, and runs failing. What follows inside is automation's business."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from fleet_assets.contracts import DECODING_TABLES, INGEST_QUARANTINED, LAKE_TABLES, REFERENCE_TABLES
from fleet_assets.defs.day_assets import DAY_TABLES
from fleet_assets.defs.partitions import DAYS, RANGE_TAGS, spans
from fleet_assets.defs.plan import followers, outside_days, stale_reference
from fleet_assets.defs.raw import LANDED
from fleet_assets.defs.requests import digest, request, underway
from fleet_assets.places import Places
from fleet_assets.resources import PlacesResource

OUTSIDE = (*LANDED, INGEST_QUARANTINED.name)
"""The tables that are made of files outside the lake."""


@dg.sensor(
    target=dg.AssetSelection.assets(*OUTSIDE),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Requests exactly the days whose landed files, or rows set aside, changed, and what is made of them.",
)
def landing_sensor(
    context: dg.SensorEvaluationContext, places: PlacesResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Compares what lies outside with what each partition was made of; it keeps no cursor that could be lost."""
    requests = [*_requests(context.instance, places.get())]
    if not requests:
        yield dg.SkipReason("Every landed file is part of its raw partition.")
    yield from requests


def touched_days(name: str, instance: dg.DagsterInstance, places: Places) -> dict[date, str]:
    """The days of one raw table that differ from what has landed, with the fingerprint of what has landed.

    Also those that were stored by a run which was killed before it could say so: nothing downstream knows of them.
    """
    maker, table = DAY_TABLES[name], LAKE_TABLES[name]
    told = instance.get_materialized_partitions(dg.AssetKey(name))
    marks = {day: maker.fingerprint(places, day) for day in outside_days(places, maker)}
    records = {day: places.lake.record(table, day) for day in marks}
    current = {day for day, record in records.items() if record and record.inputs == marks[day]}
    return {day: mark for day, mark in marks.items() if day not in current or day.isoformat() not in told}


def _requests(instance: dg.DagsterInstance, places: Places) -> Iterator[dg.RunRequest]:
    """One request for each stretch of touched days; days of a run under way wait for its end.

    What is made of these tables is computed in the same run, for the same days: starting a process costs more than a
    day of a table. Automation follows to other days and to the marts.
    """
    touched = {name: _free_days(name, instance, places) for name in OUTSIDE}
    for first, last in spans({day for marks in touched.values() for day in marks}):
        marks = {(name, day): touched[name][day] for name in touched for day in touched[name] if first <= day <= last}
        names = {name for name, _ in marks}
        yield request(instance, sorted(names | followers(names)), (first, last), [marks[key] for key in sorted(marks)])


def _free_days(name: str, instance: dg.DagsterInstance, places: Places) -> dict[date, str]:
    """The touched days of a table that no run is about to store."""
    known, runs = set(DAYS.get_partition_keys()), underway(instance)
    return {
        day: mark
        for day, mark in touched_days(name, instance, places).items()
        if day.isoformat() in known and not any(run.covers(name, day) for run in runs)
    }


@dg.sensor(
    target=dg.AssetSelection.assets(*REFERENCE_TABLES, *DECODING_TABLES),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=15,
    description="Requests the reference tables whose files changed: CSVs, DBC files, signal maps.",
)
def reference_sensor(places: PlacesResource) -> dg.RunRequest | dg.SkipReason:
    """Compares the files with what each table was made of; all changed tables are one run."""
    marks = stale_reference(places.get())
    if not marks:
        return dg.SkipReason("Every reference table is what its files say.")
    # The same files are asked for once: a wrong one is not tried again until it is mended.
    return dg.RunRequest(run_key=f"reference/{digest([*marks.values()])}", asset_selection=[*map(dg.AssetKey, marks)])


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
