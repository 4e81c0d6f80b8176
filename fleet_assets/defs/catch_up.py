"""The sensor beneath all others: ends runs whose process is gone, notices damage, and asks for what stayed stale.

Automation follows events, and an event can be lost: a run killed after its days were asked for, a daemon killed in the
middle of a tick. What is in the lake cannot be: here its fingerprints are compared, table by table, as `fleet build`
does. Does not belong here: what is stale (`plan`), and marts (`mart_sensor`).
"""

import json
from collections.abc import Iterator
from datetime import date

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from fleet_assets.adapters.lake_damage import withdraw_damaged
from fleet_assets.defs.dead_runs import end_dead_runs
from fleet_assets.defs.requests import Underway, request, told, underway
from fleet_assets.installation import Installation
from fleet_assets.pipeline.days import NEAR_DAYS, spans
from fleet_assets.pipeline.plan import BuildRequest, Plan, plan_build
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.resources import InstallationResource
from fleet_assets.wording import counted

ACTIVE = [BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]

Stale = dict[str, list[str]]
"""Stale days by table."""


@dg.sensor(
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Ends runs whose process was killed, notices damage, requests what was left stale for two ticks.",
)
def catch_up(context: dg.SensorEvaluationContext, installation: InstallationResource) -> dg.SensorResult:
    """What is stale at two ticks in a row, with no run or backfill for it under way, nobody else will ask for."""
    here, instance = installation.get(), context.instance
    for run_id in end_dead_runs(here, instance):
        context.log.warning(f"run {run_id} was ended: its process was killed")
    for damage in withdraw_damaged(here.lake):
        context.log.warning(f"{damage.sentence}; it is stale")
    if instance.get_backfills(BulkActionsFilter(statuses=ACTIVE), limit=1):
        return dg.SensorResult(skip_reason="A backfill is at work.")
    plan = _plan(here)
    stale = _stale(plan, underway(instance))
    before: Stale = json.loads(context.cursor or "{}")
    stuck = {name: sorted({*days} & {*before.get(name, ())}) for name, days in stale.items()}
    stuck = {name: days for name, days in stuck.items() if days}
    requests = told(context, _requests(here, instance, stuck, plan))
    waiting = sum(map(len, stale.values())) - sum(map(len, stuck.values()))
    nothing = f"{counted(waiting, 'stale day')} may yet be asked for by others." if waiting else "Nothing is stale."
    return dg.SensorResult(requests, None if requests else nothing, cursor=json.dumps(stale))


def _plan(installation: Installation) -> Plan:
    """What is stale now."""
    followed = {name for name, maker in DAY_TABLES.items() if not maker.is_on_demand}
    return plan_build(installation, BuildRequest(), followed)


def _stale(plan: Plan, runs: list[Underway]) -> Stale:
    """What has no run under way of it."""
    return {
        name: [day.isoformat() for day in days if not any(run.covers(name, day) for run in runs)]
        for name, days in plan.days.items()
    }


def _why(plan: Plan, name: str, wanted: set[tuple[str, date]]) -> str:
    """Why these days of a table are stale, each reason once."""
    reasons = (reason for one, day in sorted(wanted) if one == name for reason in plan.reasons[name][day])
    return f"{name}: {', '.join(dict.fromkeys(reasons))}"


def _requests(
    installation: Installation, instance: dg.DagsterInstance, stuck: Stale, plan: Plan
) -> Iterator[dg.RunRequest]:
    days = {date.fromisoformat(day) for found in stuck.values() for day in found}
    for first, last in spans(days, NEAR_DAYS):
        wanted = {
            (name, day)
            for name, found in stuck.items()
            for day in map(date.fromisoformat, found)
            if first <= day <= last
        }
        marks = [DAY_TABLES[name].mark(installation, day) for name, day in sorted(wanted)]
        names = sorted({name for name, _ in wanted})
        why = "; ".join(_why(plan, name, wanted) for name in names)
        yield request(instance, names, (first, last), marks, f"stale since the last look ({why})")
