"""Marts: the dbt project as assets, built in a private place and published in one step.

Does not belong here: the models (dbt_models/) and how a build is published (`adapters.any_warehouse`).
"""

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from packaging.version import Version

from fleet_assets.adapters.any_warehouse import Warehouse
from fleet_assets.defs import policies
from fleet_assets.defs.day_assets import ONLY_STALE_TAG
from fleet_assets.defs.dead_runs import BUILD_TAG
from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_inputs import MartInputs, TouchedDays, touched_days
from fleet_assets.pipeline.mart_models import (
    LOADED_PREFIX,
    PROJECT_DIR,
    MartProject,
    dbt_environment,
    mart_inputs,
    mart_project,
)
from fleet_assets.resources import InstallationResource, progressed, tell

NOTHING_KNOWN = ""
"""Noted of a model while nobody can say what it was built from."""


class TableNames(DagsterDbtTranslator):
    """A model's asset is called like its table; sources are the lake's tables, or their copies on the server."""

    def __init__(self, source_prefix: Sequence[str]) -> None:
        super().__init__()
        self._source_prefix = source_prefix

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        is_source = dbt_resource_props["resource_type"] == "source"
        return dg.AssetKey([*(self._source_prefix if is_source else ()), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["fqn"][1])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        del dbt_resource_props
        return policies.OWNERS


def mart_assets(installation: Installation) -> dg.AssetsDefinition:
    """The models of the dbt project as assets; what they read of the lake is loaded first where a server holds them."""
    project = mart_project(installation)
    names = TableNames([LOADED_PREFIX] if installation.settings.is_on_postgres else [])
    prepared = DbtProject(PROJECT_DIR, target_path=project.manifest_file.parent)

    @dbt_assets(
        manifest=project.manifest_file, project=prepared, dagster_dbt_translator=names, name="marts", pool="warehouse"
    )
    def marts(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, installation: InstallationResource
    ) -> Iterator[Any]:
        """Build and test the selected models in the private place; publish it when all of them hold."""
        yield from _build_marts(context, dbt, installation.get())

    return marts


def _build_marts(context: dg.AssetExecutionContext, dbt: DbtCliResource, here: Installation) -> Iterator[Any]:
    """A model counts as materialised once it is published: dbt's events of built models are held back until then, and
    of a build that fails only the checks are recorded."""
    project, warehouse = mart_project(here), here.warehouse
    models, inputs = {key.path[-1] for key in context.selected_asset_keys}, mart_inputs(here)
    built: list[dg.Output] = []
    judged: list[Any] = []
    # After looking at the lake: what is read is as new as the inputs say, or newer and then stale.
    _bring_inputs(here)
    if said := warehouse.damage():
        _tell(context, f"{said}: all marts are made anew")
    # The server's roles are there by now, also where this is the first build of all.
    os.environ.update(dbt_environment(here))
    with warehouse.building(models - project.incremental):
        _make_what_is_read(dbt, warehouse, project, models)
        known = warehouse.built_from()
        # Withdrawn before anything changes: after a build that was killed, nothing is known of these models.
        warehouse.note_inputs(dict.fromkeys(models, NOTHING_KNOWN))
        wanted = {model: project.made_from(model, inputs) for model in project.upstream}
        command = _dbt_build(context, _touched(context, [
            (wanted[model], known.get(model, NOTHING_KNOWN)) for model in models & project.incremental
        ]))  # fmt: skip
        try:
            for event in dbt.cli(command, context=context).stream():
                if isinstance(event, dg.Output):
                    built.append(event)
                    progressed("marts", len(built), len(models))
                else:
                    judged.append(event)
        except Exception:
            yield from judged
            raise
        _make(dbt, warehouse.lost(project.views & warehouse.built_from().keys()))
        row_counts = warehouse.row_counts()
        warehouse.publish(partial(_tell, context))
        warehouse.note_inputs({model: wanted[model].text for model in _current(project, wanted, models, known)})
    context.log.info(f"published {warehouse.location}")
    for output in built:
        name = context.asset_key_for_output(output.output_name).path[-1]
        yield _located(output, warehouse.location, row_counts.get(name))
    yield from judged


def _tell(context: dg.AssetExecutionContext, sentence: str) -> None:
    context.log.warning(sentence)
    tell(sentence)


def _touched(context: dg.AssetExecutionContext, models: Iterable[tuple[MartInputs, str]]) -> TouchedDays | None:
    """The days on which the models' inputs differ from what is noted of them, or all; `fleet build --full` trusts no
    note."""
    tags = context.run.tags
    is_full = BUILD_TAG in tags and ONLY_STALE_TAG not in tags
    return None if is_full else touched_days(models)


def _dbt_build(context: dg.AssetExecutionContext, touched: TouchedDays | None) -> list[str]:
    """The command that remakes the touched days, or all of them."""
    os.environ["FLEET_TOUCHED_DAYS"] = "" if touched is None else json.dumps(touched, default=str)
    days = "all" if touched is None else {name: len(stretches) for name, stretches in touched.items()}
    context.log.info(f"stretches of days that changed: {days}")
    # Unit tests judge the models' text on rows of their own: they hold or not before any fleet's rows are built.
    command = ["build", "--exclude-resource-type", "unit_test"]
    return [*command, "--full-refresh"] if touched is None else command


def _current(
    project: MartProject, wanted: Mapping[str, MartInputs], models: set[str], known: Mapping[str, str]
) -> set[str]:
    """Of the models just built, those made from these inputs also where what they are built upon was not selected."""

    def is_current(model: str) -> bool:
        return model in models or known.get(model) == wanted[model].text

    return {model for model in models if all(map(is_current, project.upstream[model]))}


def _bring_inputs(installation: Installation) -> None:
    """Have in the server what the models read, also where they are built without the loading step."""
    if installation.settings.is_on_postgres:
        for _ in installation.loader.load([table.name for table in mart_project(installation).sources]):
            continue


def _make_what_is_read(dbt: DbtCliResource, warehouse: Warehouse, project: MartProject, models: set[str]) -> None:
    """Have the models that a part of them is built upon; on the first occasion those exist without rows."""
    if models == set(project.upstream):
        return
    if not warehouse.is_published:
        # Published with the others, and stale.
        warehouse.note_inputs(dict.fromkeys(project.upstream, NOTHING_KNOWN))
        # PostgreSQL takes no alias behind the empty subquery that dbt puts in the place of a model.
        dbt.cli(["run", "--empty"] if warehouse.kind == "duckdb" else ["run"]).wait()
        return
    read = project.views.intersection(chain.from_iterable(project.upstream[model] for model in models))
    _make(dbt, warehouse.lost(view for view in read if not (project.upstream[view] - project.views) & models))


def _make(dbt: DbtCliResource, views: Collection[str]) -> None:
    """Views that are not asked for, without their tests: their text did not change."""
    if views:
        dbt.cli(["run", "--select", " ".join(sorted(views))]).wait()


def _located(output: dg.Output, location: str, row_count: int | None) -> dg.Output:
    """dbt's output with the place of its table, and its rows if it is a table (views have none of their own)."""
    counted = {} if row_count is None else {"dagster/row_count": row_count}
    return output.with_metadata({**output.metadata, **counted, "dagster/uri": location})


class InstalledDbt(DbtCliResource):
    """The dbt command line that is installed as a package beside this one."""

    @cached_property
    def _cli_version(self) -> Version:
        """The package's: asking the command line for it takes a second and a half of every build."""
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """None: no event asks the database for columns, and to load dbt in this process as well takes two seconds."""
        del args


def dbt_command() -> DbtCliResource:
    """The dbt command line of this very interpreter: PATH may hold another one, or none."""
    executable = str(Path(sys.executable).with_name("fleet-dbt"))
    return InstalledDbt(project_dir=str(PROJECT_DIR), dbt_executable=executable)
