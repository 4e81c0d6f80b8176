"""`fleet backup`: one installation into a store of backups, and back into an empty place.

Belongs here: which places an installation has, the order in which they are copied, and what is said. Does not belong
here: copying itself (`adapters.backup`).

The order makes any moment of a running installation a good one. A mart is older than the lake it was built from, the
lake older than the files it was built from: what is older in a restored place than its inputs is stale there, and
`fleet build` makes it anew. The other way round something newer than its inputs would look current.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from fleet_assets.adapters import backup as files
from fleet_assets.adapters.backup.database_copies import is_sqlite
from fleet_assets.adapters.backup.lake_copies import copy_folder
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.collector.file_progress import passing_bar
from fleet_assets.contracts.errors import SettingError, UsageError
from fleet_assets.places import Places

WAREHOUSE_DUMP = "warehouse.pgdump"
DAGSTER_DUMP = "dagster.pgdump"
LANDING = "landing"


def create(places: Places, store: Path) -> Path:
    """Write a new backup of everything into the store and say what it holds; returns its folder."""
    root = places.settings.root
    if store.resolve().is_relative_to(root):
        raise UsageError(f"{store} lies in the installation that it would keep safe: name a folder outside {root}")
    with files.new_backup(store, root, datetime.now(UTC)) as writer, _progress("Copying") as seen:
        writer.on_bytes = seen
        _copy_warehouse(places, writer)
        files.copy_lake(writer, "lake", places.lake.root)
        _copy_dagster(places, writer)
        for place in ("quarantine", "reference", LANDING):
            copy_folder(writer, place, _targets(places)[place], never_changed=place == LANDING)
        if (root / ".env").exists():
            writer.copy("settings/.env", root / ".env")
    console = _console()
    manifest = writer.manifest
    console.print(
        f"{writer.folder}: {len(manifest.files):,} files, {manifest.byte_count / 1e6:,.1f} MB, "
        f"{writer.linked:,} of them as in the backup before"
    )
    for name, reason in sorted(manifest.left_out.items()):
        console.print(f"left out {name}: {reason}")
    return writer.folder


def verify(backup: Path) -> None:
    """Compare every file of a backup with its hash; raises DataError naming those that are wrong."""
    manifest = files.Manifest.of(backup)
    with _progress("Comparing", manifest.byte_count) as seen:
        manifest.check(backup, seen)
    _console().print(f"{backup}: all {len(manifest.files):,} files are as they were written")


def restore(places: Places, backup: Path) -> None:
    """Put a backup into the empty FLEET_HOME of these settings (and empty databases, where it holds dumps of them)."""
    manifest = files.Manifest.of(backup)
    dumps = {name: url for name, url in _dump_targets(places, backup, manifest).items() if name in manifest.files}
    for url in dumps.values():
        files.require_empty(url)
    with _progress("Comparing", manifest.byte_count) as seen:
        manifest.check(backup, seen)
    targets = _targets(places)
    with _progress("Copying", manifest.byte_count) as seen:
        put_back = files.put_back(backup, manifest, targets, seen)
    if "settings/.env" in manifest.files and not (places.settings.root / ".env").exists():
        shutil.copyfile(backup / "settings/.env", places.settings.root / ".env")
    for name, url in dumps.items():
        files.restore_postgres(backup / name, url)
    warehouse = places.warehouse
    if "warehouse" in put_back and isinstance(warehouse, DuckdbWarehouse) and warehouse.is_published:
        warehouse.settle_here()
    _console().print(
        f"{places.settings.root} is as {manifest.home} was at {manifest.created_at}: {len(manifest.files):,} files "
        "with the hashes of the manifest. `fleet build` makes what is not up to date"
    )


def _targets(places: Places) -> dict[str, Path]:
    """Where each place lies."""
    settings = places.settings
    targets = {
        "lake": places.lake.root, "quarantine": settings.quarantine, "reference": settings.reference,
        LANDING: settings.landing, "dagster": settings.dagster_home,
    }  # fmt: skip
    return targets if _is_postgres(settings.warehouse) else targets | {"warehouse": settings.warehouse_file.parent}


def _copy_warehouse(places: Places, writer: files.BackupWriter) -> None:
    warehouse = places.warehouse
    if not isinstance(warehouse, DuckdbWarehouse):
        files.dump_postgres(writer, WAREHOUSE_DUMP, places.settings.warehouse)
        return
    with warehouse.at_rest() as paths:
        for path in paths:
            writer.copy(f"warehouse/{path.relative_to(places.settings.warehouse_file.parent)}", path)


def _copy_dagster(places: Places, writer: files.BackupWriter) -> None:
    """Runs and events; files beside them, but locks and what SQLite keeps only while it is open."""
    home = places.settings.dagster_home
    url = _dagster_url(home / "dagster.yaml")
    if url:
        files.dump_postgres(writer, DAGSTER_DUMP, url)
    for path in sorted(home.glob("**/*")):
        name = f"dagster/{path.relative_to(home)}"
        if not path.is_file() or path.name.endswith((".lock", "-wal", "-shm", "-journal")):
            continue
        try:
            if is_sqlite(path):
                files.copy_sqlite(writer, name, path)
            else:
                writer.copy(name, path)
        except FileNotFoundError:
            writer.leave_out(name, "it was removed while the backup was written")


def _dump_targets(places: Places, backup: Path, manifest: files.Manifest) -> dict[str, str]:
    """The database that each dump goes back into; raises SettingError where the settings name another kind."""
    warehouse = places.settings.warehouse
    if (WAREHOUSE_DUMP in manifest.files) != _is_postgres(warehouse):
        kind = "PostgreSQL" if WAREHOUSE_DUMP in manifest.files else "DuckDB"
        if kind == "PostgreSQL" or any(name.startswith("warehouse/") for name in manifest.files):
            raise SettingError(f"the backup holds a {kind} warehouse: set FLEET_WAREHOUSE_URL accordingly")
    return {WAREHOUSE_DUMP: warehouse, DAGSTER_DUMP: _dagster_url(backup / "dagster/dagster.yaml") or ""}


def _dagster_url(instance_file: Path) -> str | None:
    """The address of Dagster's PostgreSQL storage; None where it keeps SQLite files."""
    if not instance_file.exists():
        return None
    stated = (yaml.safe_load(instance_file.read_text()) or {}).get("storage", {}).get("postgres", {})
    url = stated.get("postgres_url")
    if isinstance(url, dict):
        name = str(url["env"])
        if name not in os.environ:
            raise SettingError(
                f"{name} is not set; {instance_file} says that it holds the address of Dagster's storage"
            )
        return os.environ[name]
    return None if url is None else str(url)


def _is_postgres(url: str) -> bool:
    return url.startswith("postgresql")


def _console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _progress(what: str, byte_count: int | None = None) -> Iterator[Callable[[int], object]]:
    """A bar on standard error; yields what is told of bytes that are done."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with passing_bar(Console(stderr=True), *columns) as progress:
        task = progress.add_task(what, total=byte_count)
        yield lambda size: progress.advance(task, size)
