"""Where Dagster keeps runs and events: SQLite files, or the PostgreSQL server that `dagster.yaml` names.

Belongs here: reading that from the instance's file, and asking the server before Dagster does. Does not belong here:
writing the file (`commands.build`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fleet_assets.contracts.errors import ServiceError, SettingError

if TYPE_CHECKING:
    from fleet_assets.adapters.postgres.dagster_server import DagsterServer

STORAGE = "DAGSTER_PG_URL"
"""Variable that puts Dagster's own storage into PostgreSQL; it is Dagster that reads it."""


def storage_server(instance_file: Path) -> DagsterServer | None:
    """The server of Dagster's storage; None where it keeps SQLite files. Raises SettingError for a missing variable."""
    stated = _stated(instance_file)
    if stated is None:
        return None
    # Imported here: an installation on SQLite needs no database driver for this.
    from fleet_assets.adapters.postgres.dagster_server import DagsterServer

    if not isinstance(stated, dict):
        return DagsterServer(str(stated), str(instance_file))
    name = str(stated["env"])
    if not os.environ.get(name):
        raise SettingError(f"{name} is not set; {instance_file} says that it holds the address of Dagster's storage")
    return DagsterServer(os.environ[name], name)


def require_storage(instance_file: Path) -> None:
    """Raise ServiceError with what the server said, at once: Dagster tries for 17 s and ends with its stack."""
    server = storage_server(instance_file)
    if server is None:
        return
    try:
        server.connect().close()
    except ServiceError as error:
        raise ServiceError(f"{server.stated_by} (Dagster's storage): {error}") from None


def _stated(instance_file: Path) -> Any:
    if not instance_file.exists():
        return None
    try:
        instance = yaml.safe_load(instance_file.read_text()) or {}
    except yaml.YAMLError as error:
        raise SettingError(f"{instance_file} is no YAML: {' '.join(str(error).split())}") from None
    postgres = (instance.get("storage") or {}).get("postgres") or {}
    return postgres.get("postgres_url")
