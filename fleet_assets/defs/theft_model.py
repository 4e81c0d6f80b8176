"""The model of thefts as assets: its training set, the model that scores, its metrics; and when it is trained anew.

Belongs here: assets, their pictures, the weekly schedule and the sensors. Does not belong here: training and the gate
(`pipeline.theft_model`), scores (a day table).

A run with TRAIN_TAG trains: `fleet model train`, the schedule, the sensor. Any other run stores what the promoted model
says, and trains only where no model can be used.
"""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any, cast

import dagster as dg
import polars as pl

from fleet_assets.contracts import (
    MODEL_TABLES,
    THEFT_CANDIDATES,
    THEFT_MODEL,
    THEFT_MODEL_METRICS,
    THEFT_REVIEWS,
    THEFT_TRAINING_SET,
    Table,
)
from fleet_assets.defs import policies
from fleet_assets.defs.requests import WHY_TAG, request, underway
from fleet_assets.installation import Installation
from fleet_assets.pipeline import theft_model as model
from fleet_assets.pipeline import theft_promoted
from fleet_assets.pipeline.theft_metrics import Judgement, judgement
from fleet_assets.resources import InstallationResource, WholeTable, tell
from fleet_assets.wording import counted

TRAIN_TAG = "fleet/train"
"""Run tag: a model is trained, and promoted unless it is worse than the promoted one."""

Made = dg.Output[WholeTable | None]


def _asset(table: Table, deps: list[Any]) -> Any:
    shared = policies.common(table, policies.INSIGHTS_GROUP)
    return dg.asset(name=table.name, description=table.row, deps=deps, io_manager_key="lake_io", **shared)


def _is_training(context: dg.AssetExecutionContext) -> bool:
    return context.run.tags.get(TRAIN_TAG) == "true"


def _of_all_days(table: Table) -> dg.AssetDep:
    return dg.AssetDep(table.name, partition_mapping=dg.AllPartitionMapping())


def _made(frame: pl.DataFrame, inputs: str, **metadata: Any) -> Made:
    content = hashlib.sha256(frame.write_json().encode()).hexdigest()
    return dg.Output(WholeTable(frame, inputs), metadata=metadata, data_version=dg.DataVersion(content))


def _kept(why: str) -> Made:
    return dg.Output(None, metadata={"kept": why})


def _may_train(here: Installation, context: dg.AssetExecutionContext) -> bool:
    return _is_training(context) or (not theft_promoted.usable(here) and theft_promoted.is_needed(here))


@_asset(THEFT_TRAINING_SET, [_of_all_days(THEFT_CANDIDATES), THEFT_REVIEWS.name])
def theft_training_set(context: dg.AssetExecutionContext, installation: InstallationResource) -> Made:
    """Simulated fleets, and the falls of this fleet that people reviewed."""
    here = installation.get()
    if not _may_train(here, context):
        return _kept("it is made when a model is trained")
    rows, inputs, unmet = model.training_set(here)
    if unmet:
        tell(f"{counted(unmet, 'review')} meet no fall of a tank: they teach nothing, and stay")
    counts = {f"{origin} rows": count for origin, count in rows.group_by("origin").len().sort("origin").iter_rows()}
    return _made(rows, inputs, **counts, thefts=int(rows["is_theft"].sum()), unmet_reviews=unmet)


@_asset(THEFT_MODEL, [THEFT_TRAINING_SET.name])
def theft_model(context: dg.AssetExecutionContext, installation: InstallationResource) -> Made:
    """The numbers of the promoted model; a run that trains makes a new one first and promotes it if it is no worse."""
    here, said = installation.get(), {}
    if _may_train(here, context):
        trained = model.train(here)
        tell(f"model of thefts {trained.version}: {trained.sentence}")
        said = {"trained": trained.version, "gate": trained.sentence}
    inputs = theft_promoted.model_inputs(here)
    if not inputs:
        return _kept("there is nothing to score yet")
    rows = model.promoted_rows(here)
    return _made(rows, inputs, version=str(rows["model_version"][0]), **said)


@_asset(THEFT_MODEL_METRICS, [THEFT_MODEL.name, THEFT_TRAINING_SET.name])
def theft_model_metrics(installation: InstallationResource) -> Made:
    """The promoted model, the newest other one, other ways to learn and other detectors on the same held-out fleets."""
    here = installation.get()
    if not theft_promoted.usable(here):
        return _kept("there is no model yet")
    inputs, found = theft_promoted.metrics_inputs(here), judgement(here)
    return _made(found.figures, inputs, **_shown(found))


def _shown(found: Judgement) -> dict[str, Any]:
    pictures = {name.replace("_", " "): _picture(name, png) for name, png in found.pictures().items()}
    return {**pictures, "figures": dg.MetadataValue.md(found.table()), **found.numbers()}


def _picture(name: str, png: bytes) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"![{name}](data:image/png;base64,{base64.b64encode(png).decode()})")


def model_assets() -> list[dg.AssetsDefinition]:
    """The three tables of models."""
    return [cast(dg.AssetsDefinition, one) for one in (theft_training_set, theft_model, theft_model_metrics)]


training_job = dg.define_asset_job(
    "train_theft_model",
    selection=dg.AssetSelection.assets(*MODEL_TABLES),
    tags={TRAIN_TAG: "true"},
    description="Trains the model of thefts on what is known by now; it scores if it is no worse than the present one.",
)

weekly_training = dg.ScheduleDefinition(
    name="theft_model_weekly",
    job=training_job,
    cron_schedule="0 3 * * 1",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every Monday at 03:00 UTC. Without new reviews the model is the same, and nothing is trained.",
)


@dg.sensor(
    job=training_job,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=6 * 3600,
    description="Trains the model of thefts anew where falls have become others, or alarms more than are allowed.",
)
def theft_drift_sensor(installation: InstallationResource) -> dg.RunRequest | dg.SkipReason:
    """Compares the falls of four weeks with those before; asks at most once a week."""
    today = datetime.now(UTC).date()
    found = model.drifted(installation.get(), today)
    if found is None or not found.reasons:
        return dg.SkipReason("Falls are what they were." if found else "There is no model, or no fall.")
    year, week, _ = today.isocalendar()
    return dg.RunRequest(run_key=f"theft_drift/{year}-{week}", tags={WHY_TAG: found.reasons[0]})


@dg.sensor(
    target=dg.AssetSelection.assets(*MODEL_TABLES),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Has a first model trained once there is something to score, and a promoted one stored.",
)
def theft_model_sensor(
    context: dg.SensorEvaluationContext, installation: InstallationResource
) -> dg.RunRequest | dg.SkipReason:
    """Compares the promoted model with the stored one; what failed is asked for again."""
    here = installation.get().at_this_moment()
    if not theft_promoted.is_model_stale(here):
        return dg.SkipReason("The stored model is the promoted one, or there is nothing to score.")
    if any(run.covers(THEFT_MODEL.name, None) for run in underway(context.instance)):
        return dg.SkipReason("A run stores the model.")
    inputs = theft_promoted.model_inputs(here)
    why = "another model is promoted than the one stored" if inputs else "no model can be used"
    marks = [inputs, str(theft_promoted.expected()["rules_version"])]
    return request(context.instance, sorted(MODEL_TABLES), None, marks, why)
