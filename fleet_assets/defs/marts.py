"""Marts: the dbt project as assets, built in a private place and published in one step.

Does not belong here: the models (dbt_models/) and how a build is published (`adapters.any_warehouse`).
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from fleet_assets.adapters.any_warehouse import Warehouse
from fleet_assets.adapters.file_lock import alone
from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import BuildFailed
from fleet_assets.defs import policies
from fleet_assets.defs.day_assets import ONLY_STALE_TAG
from fleet_assets.defs.dead_runs import BUILD_TAG
from fleet_assets.defs.mart_inputs import MartInputs
from fleet_assets.places import Places
from fleet_assets.project_files import project_file
from fleet_assets.resources import PlacesResource

NOTHING_KNOWN = ""
"""Noted of a model while nobody can say what it was built from."""

LOADED_PREFIX = "warehouse"
"""First part of the keys of what is loaded into a server."""

PROJECT_DIR = project_file("dbt_models")


class TableNames(DagsterDbtTranslator):
    """A model's asset is called like its table; sources are the lake's tables, on PostgreSQL as they are loaded."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        is_source = dbt_resource_props["resource_type"] == "source"
        return source_key(dbt_resource_props["name"]) if is_source else dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["fqn"][1])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        del dbt_resource_props
        return policies.OWNERS

    def get_automation_condition(self, dbt_resource_props: Mapping[str, Any]) -> dg.AutomationCondition:
        del dbt_resource_props
        return policies.follow_any_day()


def source_key(name: str) -> dg.AssetKey:
    """The asset that dbt reads: the lake's table, or its copy on the server."""
    return dg.AssetKey([LOADED_PREFIX, name] if PLACES.settings.is_on_postgres else [name])


def dbt_environment(places: Places, *, parsing: bool = False) -> dict[str, str]:
    """What dbt reads from the environment: the private place, and folders outside the repository.

    None of it is a setting of the project: it stays in this process after a build, and another one may follow.
    """
    dbt_home = places.settings.root / "dbt"
    # A manifest names relations: each kind of warehouse has its own.
    target = "target" if places.warehouse.kind == "duckdb" else f"target-{places.warehouse.kind}"
    return {
        **places.warehouse.dbt_environment(parsing=parsing),
        "FLEET_WAREHOUSE_TIMEZONE": places.settings.timezone,
        "FLEET_TOUCHED_DAYS": "",
        "DBT_TARGET_PATH": str(dbt_home / target),
        "DBT_LOG_PATH": str(dbt_home / "logs"),
        "DBT_PROFILES_DIR": str(PROJECT_DIR),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def prepared_project(places: Places) -> DbtProject:
    """The dbt project with a manifest that is not older than its models."""
    environment = dbt_environment(places, parsing=True)
    project = DbtProject(PROJECT_DIR, target_path=environment["DBT_TARGET_PATH"])
    newest = max(path.stat().st_mtime for path in PROJECT_DIR.rglob("*") if path.is_file())
    # Web server, daemon and runs load this at the same moment; one of them writes, the others find it written.
    with alone(project.manifest_path.parent / "parse.lock"):
        if not project.manifest_path.exists() or project.manifest_path.stat().st_mtime < newest:
            _parse(environment)
    return project


def _parse(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "parse", "--project-dir", str(PROJECT_DIR)]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"dbt could not read {PROJECT_DIR}: {(done.stdout + done.stderr).strip()[-2000:]}")


def _upstream_models(manifest: Mapping[str, Any]) -> dict[str, set[str]]:
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    found: dict[str, set[str]] = {}
    for key in TopologicalSorter({key: node["depends_on"]["nodes"] for key, node in models.items()}).static_order():
        if key in models:
            parents = [parent for parent in models[key]["depends_on"]["nodes"] if parent in models]
            names = {models[parent]["name"] for parent in parents}
            found[models[key]["name"]] = names.union(*(found[name] for name in names))
    return found


def _project_version() -> str:
    """Names the text of models, macros and settings of the dbt project."""
    files = sorted(path for path in PROJECT_DIR.rglob("*") if path.suffix in {".sql", ".yml"})
    facts = [[str(path.relative_to(PROJECT_DIR)), path.read_text(encoding="utf-8")] for path in files]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


PLACES = Places.from_environment()
PROJECT = prepared_project(PLACES)
MANIFEST: dict[str, Any] = json.loads(PROJECT.manifest_path.read_text())
UPSTREAM = _upstream_models(MANIFEST)
"""Every model, with all models that it is made from."""
VIEWS = {
    node["name"]
    for node in MANIFEST["nodes"].values()
    if node["resource_type"] == "model" and node["config"]["materialized"] == "view"
}
"""Models without rows of their own: current as long as their text is."""
PROJECT_VERSION = _project_version()
INCREMENTAL = {
    node["name"]
    for node in MANIFEST["nodes"].values()
    if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
}
"""Models that are made from their former rows and the days that changed."""
SOURCES = [TABLES[source["name"]] for source in MANIFEST["sources"].values()]


def mart_inputs(places: Places) -> MartInputs:
    """All that the marts are made of: stored partitions of the tables they read, the dbt project, the default zone."""
    return MartInputs.of(places.lake, SOURCES, [places.settings.timezone, PROJECT_VERSION])


def stale_marts(places: Places) -> set[str]:
    """The models that were not built from what is in the lake now."""
    known, inputs = places.warehouse.built_from(), mart_inputs(places).text
    return {model for model in UPSTREAM if known.get(model) != inputs}


@dbt_assets(
    manifest=PROJECT.manifest_path, project=PROJECT, dagster_dbt_translator=TableNames(), name="marts", pool="warehouse"
)
def marts(context: dg.AssetExecutionContext, dbt: DbtCliResource, places: PlacesResource) -> Iterator[Any]:
    """Build and test the selected models in the private place; publish it when all of them hold.

    A model counts as materialised once it is published: dbt's events of built models are held back until then, and of
    a build that fails only the checks are recorded.
    """
    here = places.get()
    warehouse = here.warehouse
    os.environ.update(dbt_environment(here))
    models, inputs = {key.path[-1] for key in context.selected_asset_keys}, mart_inputs(here)
    built: list[dg.Output] = []
    judged: list[Any] = []
    # After looking at the lake: what is read is as new as the inputs say, or newer and then stale.
    _bring_inputs(here)
    with warehouse.building(models - INCREMENTAL):
        _make_what_is_read(dbt, warehouse, models)
        known = warehouse.built_from()
        # Withdrawn before anything changes: after a build that was killed, nothing is known of these models.
        warehouse.note_inputs(models, NOTHING_KNOWN)
        command = _dbt_build(context, inputs, [known.get(model, NOTHING_KNOWN) for model in models])
        try:
            for event in dbt.cli(command, context=context).stream():
                if isinstance(event, dg.Output):
                    built.append(event)
                else:
                    judged.append(event)
        except Exception:
            yield from judged
            raise
        _make(dbt, warehouse.lost_views())
        row_counts = warehouse.row_counts()
        warehouse.publish()
        warehouse.note_inputs(_made_from(inputs, models, known), inputs.text)
    context.log.info(f"published {warehouse.location}")
    for output in built:
        name = context.asset_key_for_output(output.output_name).path[-1]
        yield _located(output, warehouse.location, row_counts.get(name))
    yield from judged


def _dbt_build(context: dg.AssetExecutionContext, inputs: MartInputs, noted: list[str]) -> list[str]:
    """The command that remakes the days that changed since what is noted of the models; all days where that says so.

    `fleet build --full` trusts no note.
    """
    tags = context.run.tags
    is_full = BUILD_TAG in tags and ONLY_STALE_TAG not in tags
    touched = None if is_full else inputs.touched_since(noted)
    os.environ["FLEET_TOUCHED_DAYS"] = "" if touched is None else json.dumps(touched, default=str)
    days = "all" if touched is None else {name: len(stretches) for name, stretches in touched.items()}
    context.log.info(f"stretches of days that changed: {days}")
    return ["build", "--full-refresh"] if touched is None else ["build"]


def _made_from(inputs: MartInputs, models: set[str], known: Mapping[str, str]) -> set[str]:
    """Of the models just built, those made from these inputs also where what they are built upon was not selected."""

    def is_current(model: str) -> bool:
        note = MartInputs.read(known.get(model, NOTHING_KNOWN))
        return note is not None and note.whole == inputs.whole and (model in VIEWS or note == inputs)

    return {model for model in models if all(parent in models or is_current(parent) for parent in UPSTREAM[model])}


def _bring_inputs(places: Places) -> None:
    """Have in the server what the models read, also where they are built without the loading step."""
    if places.settings.is_on_postgres:
        for _ in places.loader.load([table.name for table in SOURCES]):
            continue


def _make_what_is_read(dbt: DbtCliResource, warehouse: Warehouse, models: set[str]) -> None:
    """Have the models that a part of them is built upon; on the first occasion those exist without rows."""
    if models == set(UPSTREAM):
        return
    if not warehouse.is_published:
        # PostgreSQL takes no alias behind the empty subquery that dbt puts in the place of a model.
        dbt.cli(["run", "--empty"] if warehouse.kind == "duckdb" else ["run"]).wait()
        return
    _make(dbt, [view for view in warehouse.lost_views() if view in UPSTREAM and not UPSTREAM[view] & models])


def _make(dbt: DbtCliResource, views: Iterable[str]) -> None:
    """Views that are not asked for, without their tests: their text did not change."""
    wanted = sorted(set(views) & set(UPSTREAM))
    if wanted:
        dbt.cli(["run", "--select", *wanted]).wait()


def _located(output: dg.Output, location: str, row_count: int | None) -> dg.Output:
    """dbt's output with the place of its table, and its rows if it is a table (views have none of their own)."""
    counted = {} if row_count is None else {"dagster/row_count": row_count}
    return output.with_metadata({**output.metadata, **counted, "dagster/uri": location})


@dg.definitions
def dbt() -> dg.Definitions:
    """The marts, and the dbt command line of this very interpreter: PATH may hold another one, or none."""
    command = DbtCliResource(PROJECT, dbt_executable=str(Path(sys.executable).with_name("dbt")))
    return dg.Definitions(assets=[marts], resources={"dbt": command})
