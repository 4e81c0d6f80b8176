"""The Dagster instance of an installation, and where it keeps runs and events: SQLite files, or a PostgreSQL server.

Belongs here: choosing and reading the instance's file, and asking its server before Dagster does. Does not belong here:
how the SQLite files are written (`defs.instance_storage`).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fleet_assets.contracts.errors import ServiceError, SettingError
from fleet_assets.installation import Installation
from fleet_assets.pipeline.known_runs import INSTANCE_FILE
from fleet_assets.project_files import project_file

if TYPE_CHECKING:
    from fleet_assets.adapters.postgres.dagster_server import DagsterServer

STORAGE = "DAGSTER_PG_URL"
"""Variable that puts Dagster's own storage into PostgreSQL; it is Dagster that reads it."""

POSTGRES_INSTANCE_FILE = "deploy/dagster-postgres.yaml"

FORMER_INSTANCE_FILES = {
    "1c830a21a6bc3d4cc08b2b0953469788e74d9aac23273ae47b9ea7df6c700198",
    "77c5ec3cf346f2c2ab564b1145d1c57e3cc8151150a8ee0e70b7841a0ea6dc6f",
}
"""SHA-256 of the files that earlier versions put there: they are replaced, as nobody changed them."""


def prepare_dagster_home(installation: Installation) -> None:
    """Point this process and its children at the Dagster instance of this installation; make it on first use.

    Raises ServiceError when its storage is on a server that cannot be reached.
    """
    home = installation.settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    _choose_instance(home / "dagster.yaml")
    require_storage(home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ["FLEET_HOME"] = str(installation.settings.root)


def _choose_instance(file: Path) -> None:
    """SQLite, or PostgreSQL where its address is set; a file that somebody has changed stays as it is."""
    address = os.environ.get(STORAGE, "")
    if address and not address.startswith("postgresql+psycopg2://"):
        raise SettingError(f"{STORAGE} must begin with postgresql+psycopg2:// (the driver that Dagster speaks)")
    shipped = {name: project_file(name).read_bytes() for name in (INSTANCE_FILE, POSTGRES_INSTANCE_FILE)}
    wanted = shipped[POSTGRES_INSTANCE_FILE if address else INSTANCE_FILE]
    present = file.read_bytes() if file.exists() else None
    if wanted != present and (present is None or present in shipped.values() or _was_shipped(present)):
        file.write_bytes(wanted)


def _was_shipped(present: bytes) -> bool:
    return hashlib.sha256(present).hexdigest() in FORMER_INSTANCE_FILES


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
