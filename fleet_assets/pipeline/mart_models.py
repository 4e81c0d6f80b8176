"""The models of the dbt project as they are: which there are, what each is made from, and which are stale.

Belongs here: reading the project's manifest (written by dbt when a model is newer) and comparing with what is noted of
the published marts. Does not belong here: the assets (`defs.marts`); nothing here loads dagster-dbt or dbt.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.file_lock import exclusive_lock
from fleet_assets.contracts import TABLES, VEHICLES, Table
from fleet_assets.contracts.errors import BuildFailed, ServiceError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.mart_inputs import MartInputs
from fleet_assets.pipeline.plan import Plan
from fleet_assets.pipeline.reference import pending_rows
from fleet_assets.project_files import project_file

LOADED_PREFIX = "warehouse"
"""First part of the keys of what is loaded into a server."""

PROJECT_DIR = project_file("dbt_models")


def dbt_environment(installation: Installation, *, parsing: bool = False) -> dict[str, str]:
    """What dbt reads from the environment: the private place, and folders outside the repository.

    None of it is a setting of the project: it stays in this process after a build, and another one may follow.
    """
    dbt_home = installation.settings.root / "dbt"
    # A manifest names relations: each kind of warehouse has its own.
    target = "target" if installation.warehouse.kind == "duckdb" else f"target-{installation.warehouse.kind}"
    return {
        **installation.warehouse.dbt_environment(parsing=parsing),
        "FLEET_WAREHOUSE_TIMEZONE": installation.settings.timezone,
        "FLEET_TOUCHED_DAYS": "",
        "DBT_TARGET_PATH": str(dbt_home / target),
        "DBT_LOG_PATH": str(dbt_home / "logs"),
        "DBT_PROFILES_DIR": str(PROJECT_DIR),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # A test of two marts says nothing while one of them is left as it was.
        "DBT_INDIRECT_SELECTION": "buildable",
    }


def prepared_manifest(installation: Installation) -> Path:
    """The project's manifest, made from its text as it is now by the dbt that is installed."""
    environment = dbt_environment(installation, parsing=True)
    manifest = Path(environment["DBT_TARGET_PATH"]) / "manifest.json"
    noted, made_from = manifest.with_name("manifest_made_from.txt"), f"dbt {version('dbt-core')} {_project_version()}"
    # Web server, daemon and runs load this at the same moment; one of them writes, the others find it written.
    with exclusive_lock(manifest.parent / "parse.lock"):
        if not manifest.exists() or not noted.exists() or noted.read_text() != made_from:
            _parse(environment)
            replace_file(noted, made_from.encode())
    return manifest


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


def _tables_read(manifest: Mapping[str, Any], upstream: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Per model the lake's tables that it is made from, directly or by way of other models."""
    sources = {key: source["name"] for key, source in manifest["sources"].items()}
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    directly = {
        node["name"]: {sources[key] for key in node["depends_on"]["nodes"] if key in sources} for node in models
    }
    return {model: directly[model].union(*(directly[parent] for parent in upstream[model])) for model in upstream}


def _project_version() -> str:
    """Names the text of models, macros and settings of the dbt project."""
    files = sorted(path for path in PROJECT_DIR.rglob("*") if path.suffix in {".sql", ".yml"})
    facts = [[str(path.relative_to(PROJECT_DIR)), path.read_text(encoding="utf-8")] for path in files]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True)
class MartProject:
    """The dbt project as dbt reads it: `upstream` has each model with all models that it is made from, and `reads` with
    the lake's tables; `views` have no rows of their own and are current as long as their text is; `incremental` models
    are made from their former rows and the days that changed; `sources` are the lake's tables that models read;
    `version` names the text of it all."""

    manifest_file: Path
    manifest: dict[str, Any]
    upstream: dict[str, set[str]]
    reads: dict[str, set[str]]
    views: frozenset[str]
    incremental: frozenset[str]
    sources: tuple[Table, ...]
    version: str

    def made_from(self, model: str, inputs: MartInputs) -> MartInputs:
        """The part of the inputs that a model is made from: of a view the text of the project alone."""
        if model in self.views:
            return inputs.of_tables((), has_names=False)
        # Models that are remade by days read of a vehicle what decides their numbers, and not its name.
        makers = {model, *self.upstream[model]} - self.views - self.incremental
        return inputs.of_tables(self.reads[model], has_names=any(VEHICLES.name in self.reads[one] for one in makers))


def mart_project(installation: Installation) -> MartProject:
    """What dbt says of the project; read once in a process, and again where its text changed."""
    return _read_project(prepared_manifest(installation), _project_version())


@cache
def _read_project(manifest_file: Path, project_version: str) -> MartProject:
    manifest: dict[str, Any] = json.loads(manifest_file.read_text())
    upstream = _upstream_models(manifest)
    return MartProject(
        manifest_file, manifest, upstream, _tables_read(manifest, upstream), _materialised_as(manifest, "view"),
        _materialised_as(manifest, "incremental"),
        tuple(TABLES[source["name"]] for source in manifest["sources"].values()), project_version,
    )  # fmt: skip


def _materialised_as(manifest: Mapping[str, Any], kind: str) -> frozenset[str]:
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return frozenset(node["name"] for node in models if node["config"]["materialized"] == kind)


def mart_inputs(installation: Installation, reference: Collection[str] = ()) -> MartInputs:
    """All that the marts are made of: stored partitions of the tables they read, the dbt project, the default zone.

    `reference` names reference tables whose files are about to be stored."""
    project = mart_project(installation)
    facts = [installation.settings.timezone, project.version]
    return MartInputs.of(installation.lake, project.sources, facts, pending_rows(installation, reference))


def stale_marts(installation: Installation, plan: Plan | None = None) -> set[str]:
    """The models that were not built from what is in the lake now, or will be once a plan is carried out."""
    project, known = mart_project(installation), installation.warehouse.built_from()
    inputs = mart_inputs(installation, plan.reference if plan else ())
    planned = set(plan.days if plan else ())
    return {
        model for model in project.upstream
        if known.get(model) != project.made_from(model, inputs).text
        or (model not in project.views and project.reads[model] & planned)
    }  # fmt: skip


def is_warehouse_stale(installation: Installation) -> bool:
    """Whether the warehouse is not what the lake says: partitions that a server has not, or models of other inputs."""
    return is_server_behind(installation) or bool(stale_marts(installation))


def is_server_behind(installation: Installation) -> bool:
    """Whether the lake holds partitions that a server has not."""
    return installation.settings.is_on_postgres and bool(installation.loader.stale())


@dataclass(frozen=True)
class Published:
    """What people read: stale marts, None before any was published; when; why nobody can say; what is broken."""

    stale: list[str] | None = None
    at: datetime | None = None
    problem: str = ""
    damage: str = ""


def published_now(installation: Installation) -> Published:
    """What the warehouse says; a sentence where its server does not answer."""
    try:
        damage = installation.warehouse.damage()
        if not damage and not installation.warehouse.is_published:
            return Published()
        return Published(sorted(stale_marts(installation)), installation.warehouse.published_at, damage=damage)
    except ServiceError as error:
        return Published(problem=str(error))
