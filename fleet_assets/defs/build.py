"""`fleet build`: one Dagster run in this process that materialises what is stale, with the same assets as the UI.

Belongs here: choosing assets and days, running them, saying what failed. Does not belong here: printing.
"""

from __future__ import annotations

import re
from collections.abc import Set
from datetime import date
from difflib import get_close_matches
from functools import reduce
from operator import or_

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RemoteRepositoryOrigin
from dagster._core.storage.tags import MAX_RETRIES_TAG, REPOSITORY_LABEL_TAG
from dagster._core.workspace.load import location_origins_from_yaml_paths

from fleet_assets.adapters.lake_damage import withdraw_damaged
from fleet_assets.contracts import MODEL_TABLES
from fleet_assets.contracts.errors import BuildFailed, BuildStopped, DataError, FleetError, UsageError
from fleet_assets.defs.day_assets import ONLY_STALE_TAG
from fleet_assets.defs.dead_runs import BUILD_TAG, the_only_build
from fleet_assets.defs.partitions import range_tags
from fleet_assets.defs.policies import INSIGHTS_GROUP, REFERENCE_GROUP
from fleet_assets.defs.theft_model import TRAIN_TAG
from fleet_assets.installation import Installation
from fleet_assets.pipeline.day_rules import failed_rules, rules_of
from fleet_assets.pipeline.days import NEAR_DAYS, spans
from fleet_assets.pipeline.mart_models import LOADED_PREFIX, is_server_behind, mart_project, stale_marts
from fleet_assets.pipeline.plan import BuildReport, BuildRequest, Plan, plan_build, sources_of
from fleet_assets.pipeline.tables import DAY_TABLES
from fleet_assets.project_files import project_file
from fleet_assets.resources import tell

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""The run's log is in the UI; on the terminal the progress bars speak."""


INTERRUPTED = (DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__)
"""What a step fails with when its process is asked to stop."""


def build(definitions: dg.Definitions, installation: Installation, request: BuildRequest) -> BuildReport:
    """Materialise; raises BuildFailed with the first error of the first run that fails."""
    with dg.DagsterInstance.get() as instance, the_only_build(installation, instance):
        return _build(definitions, instance, installation, request)


def _build(
    definitions: dg.Definitions, instance: dg.DagsterInstance, installation: Installation, request: BuildRequest
) -> BuildReport:
    for damage in withdraw_damaged(installation.lake):
        tell(f"{damage.sentence}; it is stale")
    wanted = _wanted(definitions, request.select)
    tables = selected_tables(definitions, request.select)
    sources = _sources_of(installation, tables)
    found = plan_build(installation, request, tables | sources)
    plan = found.of(tables)
    chosen = _chosen(definitions, installation, wanted, plan, is_full=request.full)
    report = BuildReport(plan.all_days, sorted(key.to_user_string() for key in chosen), found.of(sources))
    stretches: list[tuple[date, date] | None] = [*spans(plan.all_days, NEAR_DAYS)] or ([None] if chosen else [])
    for position, stretch in enumerate(stretches, start=1):
        is_last = position == len(stretches)
        keys = _part(definitions, chosen, has_days=stretch is not None, is_first=position == 1, is_last=is_last)
        _run(definitions, instance, keys, _tags(stretch, request), report)
    report.failed_checks += failed_rules(installation, tables)
    return report


def _sources_of(installation: Installation, selected: Set[str]) -> set[str]:
    """The tables that are not selected and that the selected tables and models are made of."""
    project = mart_project(installation)
    read = set().union(*(project.reads[model] for model in selected & project.reads.keys())) - selected
    return sources_of(selected | read) | read


def selected_tables(definitions: dg.Definitions, select: str) -> set[str]:
    """Names of the lake's tables that a selection holds."""
    # Copies on a server have names of two parts: warehouse/trips.
    return {key.path[0] for key in _wanted(definitions, select) if len(key.path) == 1}


def _wanted(definitions: dg.Definitions, select: str) -> set[dg.AssetKey]:
    """The selected assets, or all but those that are only made on demand."""
    graph = definitions.resolve_asset_graph()
    if select:
        return _selected(select, graph) & graph.materializable_asset_keys
    on_demand = {dg.AssetKey(name) for name, maker in DAY_TABLES.items() if maker.is_on_demand}
    return set(graph.materializable_asset_keys - on_demand)


def _chosen(
    definitions: dg.Definitions, installation: Installation, wanted: set[dg.AssetKey], plan: Plan, *, is_full: bool
) -> set[dg.AssetKey]:
    """Of the wanted assets those that are stale, or will be once the plan is carried out; what loads a server before
    models are made there; and what lies between a table and its marts, which tells a run their order."""
    reference, daily, marts = _by_kind(definitions, wanted)
    loaded = {key for key in marts if key.path[0] == LOADED_PREFIX}
    models, due = {key.path[-1] for key in marts - loaded}, stale_marts(installation, plan)
    if not is_full:
        models &= due
    stale = {key for key in daily if key.path[-1] in plan.days}
    stale |= {key for key in reference if key.path[-1] in plan.reference}
    stale |= _marts_with_their_way(installation, models, leaves_stale=not due <= models)
    return stale | (loaded if stale or is_server_behind(installation) else set())


def _marts_with_their_way(installation: Installation, models: Set[str], *, leaves_stale: bool) -> set[dg.AssetKey]:
    """Models, and what lies between them and the lake's tables: views, and on a server the copies that they read."""
    project = mart_project(installation)
    views = {view for model in models for view in project.upstream[model] & project.views}
    keys = {dg.AssetKey(name) for name in models | views}
    if not models or not installation.settings.is_on_postgres:
        return keys
    keys |= {dg.AssetKey([LOADED_PREFIX, name]) for model in models for name in project.reads[model]}
    # A server's scratch schemas begin without views. dbt makes them with the rest, rather than in a process of its own
    # afterwards; but their tests look at all that they read, so nothing of that may be left stale.
    return keys if leaves_stale else keys | {dg.AssetKey(name) for name in project.views}


def _selected(text: str, graph: AssetGraph) -> set[dg.AssetKey]:
    known = {key.to_user_string() for key in graph.get_all_asset_keys()}
    parts = [_by_key(part.strip(), known) for part in text.split(",") if part.strip()]
    try:
        found = reduce(or_, [dg.AssetSelection.from_string(part) for part in parts]).resolve(graph)
    except Exception as error:  # noqa: BLE001 - selections raise many kinds
        such = "trips, +trips, group:events or several of them with commas between"
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"--select {text!r} is not an asset selection such as {such}: {reason}") from None
    if not found:
        raise UsageError(f"--select {text!r} names no asset; `fleet ui` shows them, or try group:events")
    return set(found)


def _by_key(part: str, known: set[str]) -> str:
    """A bare name in the words of the UI, where `+trips` is all that trips are made of, and `1+trips` one layer."""
    match = re.fullmatch(r"(\d*\+)?([\w/]+)(\+\d*)?", part)
    if match is None:
        return part
    upstream, name, downstream = match.groups(default="")
    if name not in known:
        near = get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`fleet ui` shows them, or try group:events"
        raise UsageError(f"--select: no asset is called {name}; {hint}")
    return f'{upstream}key:"{name}"{downstream}'


def _part(
    definitions: dg.Definitions, chosen: set[dg.AssetKey], *, has_days: bool, is_first: bool, is_last: bool
) -> set[dg.AssetKey]:
    """Reference goes with the first run and marts with the last one, day tables and models with every run."""
    reference, daily, marts = _by_kind(definitions, chosen)
    # What a first model needs may come with any stretch of days; one that is there is not made again.
    models = {key for key in reference if key.path[-1] in MODEL_TABLES}
    of_days = daily | models if has_days else set()
    return of_days | (reference if is_first else set()) | (marts if is_last else set())


def _by_kind(
    definitions: dg.Definitions, keys: set[dg.AssetKey]
) -> tuple[set[dg.AssetKey], set[dg.AssetKey], set[dg.AssetKey]]:
    """Reference tables and those of models, day tables, and what is made of them: marts, and the copies that a server's
    marts read."""
    graph = definitions.resolve_asset_graph()
    daily = {key for key in keys if graph.get(key).is_partitioned}
    reference = {key for key in keys - daily if graph.get(key).group_name in (REFERENCE_GROUP, INSIGHTS_GROUP)}
    return reference, daily, keys - daily - reference


def _tags(stretch: tuple[date, date] | None, request: BuildRequest) -> dict[str, str]:
    tags = {BUILD_TAG: "true", MAX_RETRIES_TAG: "0"} | ({} if request.full else {ONLY_STALE_TAG: "true"})
    tags |= {TRAIN_TAG: "true"} if request.trains else {}
    return tags | (range_tags(*stretch) if stretch else {})


def _run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    keys: Set[dg.AssetKey],
    tags: dict[str, str],
    report: BuildReport,
) -> None:
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)
    origin = _code_location()
    run = instance.create_run_for_job(
        job,
        run_config=QUIET,
        tags={**tags, REPOSITORY_LABEL_TAG: origin.get_label()},
        asset_selection=keys,
        remote_job_origin=origin.get_job_origin(job.name),
    )
    result = execute_run(InMemoryJob(job), run, instance)
    report.run_ids.append(result.run_id)
    report.failed_checks += [
        f"{check.asset_key.to_user_string()}: {check.check_name} ({check.description})"
        for check in result.get_asset_check_evaluations()
        if not check.passed
        and check.severity == dg.AssetCheckSeverity.ERROR
        and check.check_name not in rules_of(check.asset_key.path[-1])
    ]
    if not result.success:
        raise _first_failure(result)


def _code_location() -> RemoteRepositoryOrigin:
    """Where the UI finds the assets of a run, to show it in its timeline and to execute it again."""
    (location,) = location_origins_from_yaml_paths([str(project_file("workspace.yaml"))])
    return RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME)


def _first_failure(result: dg.JobExecutionResult) -> FleetError:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            # Below a sentence of ours lies only what it was made of.
            while error and error.cause and error.cls_name != DataError.__name__:
                error = error.cause
            if error and error.cls_name in INTERRUPTED:
                return BuildStopped("stopped; what is stored is whole, and `fleet build` goes on from there")
            return BuildFailed(f"{event.step_key}: {_sentence(error.message) if error else 'failed'}")
    return BuildFailed("the run failed before its first step")


def _sentence(message: str) -> str:
    """The words of an exception without the name of its class in front."""
    return re.sub(r"^(\w+\.)*\w+: ", "", message.strip())
