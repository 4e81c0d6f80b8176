"""Sensors for the outside world: files landing, and runs failing. What follows inside is automation's business."""

import hashlib
from collections.abc import Iterator
from datetime import date

import dagster as dg

from fleet_assets.contracts import LAKE_TABLES
from fleet_assets.defs.day_assets import DAY_TABLES
from fleet_assets.defs.partitions import DAYS, RANGE_TAGS, range_tags, spans
from fleet_assets.defs.raw import LANDED
from fleet_assets.places import Places
from fleet_assets.resources import PlacesResource


@dg.sensor(
    target=dg.AssetSelection.assets(*LANDED),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Requests the raw partitions of exactly the days whose landed files changed.",
)
def landing_sensor(places: PlacesResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Compares what has landed with what each raw partition was made of; it keeps no cursor that could be lost."""
    requests = [request for name in LANDED for request in _requests(name, places.get())]
    if not requests:
        yield dg.SkipReason("Every landed file is part of its raw partition.")
    yield from requests


def touched_days(name: str, places: Places) -> dict[date, str]:
    """The days of one raw table that differ from what has landed, with the fingerprint of what has landed."""
    maker, table = DAY_TABLES[name], LAKE_TABLES[name]
    current = {}
    for day in places.landing.days(LANDED[name]):
        fingerprint = maker.fingerprint(places, day)
        record = places.lake.record(table, day)
        if record is None or record.inputs != fingerprint:
            current[day] = fingerprint
    return current


def _requests(name: str, places: Places) -> Iterator[dg.RunRequest]:
    known = set(DAYS.get_partition_keys())
    touched = {day: mark for day, mark in touched_days(name, places).items() if day.isoformat() in known}
    for first, last in spans(sorted(touched)):
        marks = [touched[day] for day in sorted(touched) if first <= day <= last]
        yield dg.RunRequest(
            # The same files are asked for once: a day whose run failed is not asked for again until more lands.
            run_key=f"{name}/{first}/{last}/{_hash(marks)}",
            asset_selection=[dg.AssetKey(name)],
            tags=range_tags(first, last),
        )


def _hash(marks: list[str]) -> str:
    return hashlib.sha256("".join(marks).encode()).hexdigest()[:16]


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
