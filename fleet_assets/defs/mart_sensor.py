"""The sensor that asks for the marts, all that are stale at once.

Models test each other's rows: `trip_daily_stats` built an hour after `vehicle_daily` fails without anything being
wrong. So they do not follow table by table as days do, but together, when the tables that they read have come to rest.
Does not belong here: what is stale (`mart_models`).
"""

import time

import dagster as dg

from fleet_assets.defs.requests import Underway, digest, request, told, underway
from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_models import mart_inputs, mart_project, stale_marts
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.resources import InstallationResource
from fleet_assets.wording import counted

PATIENCE_SECONDS = 120.0
"""How long stale marts wait for runs that store what they read: where data never stop, such runs never stop either."""


def mart_sensor(installation: Installation) -> dg.SensorDefinition:
    """The sensor over all models of the dbt project."""

    @dg.sensor(
        name="mart_sensor",
        target=dg.AssetSelection.assets(*sorted(mart_project(installation).upstream)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=15,
        description="Requests all stale marts as one run, when no run stores what they read, or after two minutes.",
    )
    def look(context: dg.SensorEvaluationContext, installation: InstallationResource) -> dg.SensorResult:
        return _asked_for(context, installation.get())

    return look


def _asked_for(context: dg.SensorEvaluationContext, here: Installation) -> dg.SensorResult:
    """Compares what the marts were made of with what is in the lake; the cursor is the moment since which they wait."""
    runs = underway(context.instance)
    if any(run.covers(model, None) for run in runs for model in mart_project(here).upstream):
        return dg.SensorResult(skip_reason="The marts are being built.", cursor="")
    stale = stale_marts(here)
    if not stale or _is_empty(here):
        return dg.SensorResult(skip_reason="The marts are made of what is in the lake.", cursor="")
    since = float(context.cursor or time.time())
    if _stores_inputs(here, runs) and time.time() - since < PATIENCE_SECONDS:
        return dg.SensorResult(skip_reason="A run stores what the marts read.", cursor=str(since))
    marks = [digest([mart_inputs(here).text])]
    why = f"{counted(len(stale), 'mart')} made of other rows, text or settings than there are now"
    return dg.SensorResult(told(context, [request(context.instance, sorted(stale), None, marks, why)]), cursor="")


def _is_empty(installation: Installation) -> bool:
    """Whether there is nothing to build from and nothing built."""
    return not installation.warehouse.is_published and not any(mart_inputs(installation).partitions.values())


def _stores_inputs(installation: Installation, runs: list[Underway]) -> bool:
    names = {*DAY_TABLES, *(table.name for table in mart_project(installation).sources)}
    return any(run.names is None or run.names & names for run in runs)
