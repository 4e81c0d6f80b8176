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
    if not stated:
        return None
    # Imported here: an installation on SQLite needs no database driver for this.
    from fleet_assets.adapters.postgres.dagster_server import DagsterServer, url_of

    def value(given: object) -> str:
        return _from_environment(given["env"], instance_file) if isinstance(given, dict) else str(given)

    if "postgres_url" in stated:
        url = stated["postgres_url"]
        return DagsterServer(value(url), url["env"] if isinstance(url, dict) else str(instance_file))
    parts = dict(stated.get("postgres_db", {}))
    params = {name: value(given) for name, given in (parts.pop("params", None) or {}).items()}
    return DagsterServer(url_of({name: value(given) for name, given in parts.items()}, params), str(instance_file))


def _from_environment(name: str, instance_file: Path) -> str:
    if not os.environ.get(name):
        raise SettingError(f"{name} is not set; {instance_file} says that it holds the address of Dagster's storage")
    return os.environ[name]


def require_storage(instance_file: Path) -> None:
    """Raise ServiceError with what the server said, at once: Dagster tries for 17 s and ends with its stack."""
    server = storage_server(instance_file)
    if server is None:
        return
    try:
        server.connect().close()
    except ServiceError as error:
        raise ServiceError(f"{server.stated_by} (Dagster's storage): {error}") from None


def _stated(instance_file: Path) -> dict[str, Any]:
    """What the file says of PostgreSQL as storage; empty for SQLite."""
    if not instance_file.exists():
        return {}
    try:
        instance = yaml.safe_load(instance_file.read_text()) or {}
    except yaml.YAMLError as error:
        raise SettingError(f"{instance_file} is no YAML: {' '.join(str(error).split())}") from None
    return dict((instance.get("storage") or {}).get("postgres") or {})
