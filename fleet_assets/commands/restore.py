"""`fleet backup restore`: a backup into an empty FLEET_HOME and empty databases.

Belongs here: the order of the steps, and what is said. Does not belong here: the steps (`adapters.backup`).

What can be wrong is looked at before anything is written: places, databases, programs, rights, hashes. Then files are
copied beside their places, databases restored, and only then the files put in place. The same command goes on where it
was stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleet_assets.adapters import backup as files
from fleet_assets.adapters.lake_damage import mend_names
from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.ready import LAKE_FACT, prepare
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.commands.backup import DAGSTER_DUMP, WAREHOUSE_DUMP, console, progress, targets_of
from fleet_assets.commands.dagster_home import storage_server
from fleet_assets.commands.warehouse import ask_administrator
from fleet_assets.contracts.errors import SettingError
from fleet_assets.installation import Installation

SETTINGS = "settings/.env"


@dataclass(frozen=True)
class Dump:
    """One dump in a backup, and the database that it goes back into."""

    name: str
    server: Server

    @property
    def is_warehouse(self) -> bool:
        return self.name == WAREHOUSE_DUMP


def restore(installation: Installation, backup: Path) -> None:
    """Put a backup into the empty FLEET_HOME of these settings (and empty databases, where it holds dumps of them)."""
    manifest = files.Manifest.of(backup)
    restoration = files.Restoration.of(installation.settings.root, backup)
    targets = targets_of(installation)
    files.require_free(targets, restoration)
    dumps = _dumps(installation, backup, manifest)
    waiting = [dump for dump in dumps if not _is_done(dump, restoration)]
    _require_databases(waiting)
    with progress("Comparing", manifest.byte_count) as seen:
        manifest.check(backup, seen)
    with progress("Copying", manifest.byte_count) as seen:
        filled = files.fill(backup, manifest, targets, seen)
    for dump in waiting:
        _restore_dump(backup, dump, restoration)
    restoration.is_placing = True
    restoration.note()
    files.put_in_place(filled)
    if SETTINGS in manifest.files and not (installation.settings.root / ".env").exists():
        files.put_back(backup, SETTINGS, manifest.files[SETTINGS], installation.settings.root / ".env")
    _settle(installation, manifest)
    restoration.end()
    console().print(
        f"{installation.settings.root} is as {manifest.home} was at {manifest.created_at}: "
        f"{len(manifest.files):,} files with the hashes of the manifest. `fleet build` makes what is not up to date"
    )


def _dumps(installation: Installation, backup: Path, manifest: files.Manifest) -> list[Dump]:
    """The dumps of a backup; raises SettingError where the settings name another kind of warehouse."""
    has_dump, is_on_postgres = WAREHOUSE_DUMP in manifest.files, installation.settings.is_on_postgres
    if has_dump and not is_on_postgres:
        raise SettingError("the backup holds a PostgreSQL warehouse: set FLEET_WAREHOUSE_URL accordingly")
    if is_on_postgres and any(name.startswith("warehouse/") for name in manifest.files):
        raise SettingError("the backup holds a DuckDB warehouse: set FLEET_WAREHOUSE_URL accordingly")
    dumps = [Dump(WAREHOUSE_DUMP, installation.server)] if has_dump else []
    if DAGSTER_DUMP in manifest.files:
        server = storage_server(backup / "dagster/dagster.yaml")
        assert server is not None
        dumps.append(Dump(DAGSTER_DUMP, server))
    return dumps


def _is_done(dump: Dump, restoration: files.Restoration) -> bool:
    """Whether the restore that was stopped has filled the database; it may have been made anew since."""
    return restoration.dumps.get(dump.name) == dump.server.address and files.table_count(dump.server) > 0


def _require_databases(dumps: list[Dump]) -> None:
    """Look at all of them before the first is changed."""
    for dump in dumps:
        files.require_empty(dump.server)
    for dump in dumps:
        if dump.is_warehouse:
            files.require_schemas(dump.server)
        else:
            files.require_public(dump.server)


def _restore_dump(backup: Path, dump: Dump, restoration: files.Restoration) -> None:
    refused = files.restore_postgres(backup / dump.name, dump.server)
    restoration.dumps[dump.name] = dump.server.address
    restoration.note()
    if refused:
        console().print(f"{dump.server.address}: not all privileges came back: {'; '.join(refused)}")


def _settle(installation: Installation, manifest: files.Manifest) -> None:
    """Have the lake's names and the warehouse fit the place and the server where they are now."""
    mend_names(installation.lake)
    warehouse = installation.warehouse
    if isinstance(warehouse, DuckdbWarehouse):
        if warehouse.is_published:
            warehouse.settle_here()
        return
    if WAREHOUSE_DUMP not in manifest.files:
        return
    ask_administrator(prepare(installation.server))
    with installation.server.owning() as connection:
        known = meta_tables.fact(connection, LAKE_FACT)
    if known:
        # Older backups lack the lake's name: it is the one that the database knows.
        installation.lake.identity(known)
