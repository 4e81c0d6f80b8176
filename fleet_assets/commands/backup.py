"""`fleet backup create` and `verify`: one installation into a store of backups.

Belongs here: which places an installation has, the order in which they are copied, and what is said. Does not belong
here: copying itself (`adapters.backup`), the way back (`commands.restore`).

The order makes any moment of a running installation a good one. A mart is older than the lake it was built from, the
lake older than the files it was built from: what is older in a restored place than its inputs is stale there, and
`fleet build` makes it anew. The other way round something newer than its inputs would look current.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from fleet_assets.adapters import backup as files
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.collector.console import Console
from fleet_assets.collector.file_progress import passing_bar
from fleet_assets.commands.dagster_home import storage_server
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation

WAREHOUSE_DUMP = "warehouse.pgdump"
DAGSTER_DUMP = "dagster.pgdump"
LANDING = "landing"


def create(installation: Installation, store: Path) -> Path:
    """Write a new backup of everything into the store and say what it holds; returns its folder."""
    root = installation.settings.root
    if store.resolve().is_relative_to(root):
        raise UsageError(f"{store} lies in the installation that it would keep safe: name a folder outside {root}")
    with files.new_backup(store, root, datetime.now(UTC)) as writer, progress("Copying") as seen:
        writer.on_bytes = seen
        _copy_warehouse(installation, writer)
        files.copy_lake(writer, "lake", installation.lake.root)
        _copy_dagster(installation, writer)
        for place in ("quarantine", "reference", "models", LANDING):
            files.copy_folder(writer, place, targets_of(installation)[place], never_changed=place == LANDING)
        if (root / ".env").exists():
            writer.copy("settings/.env", root / ".env")
    terminal = console()
    manifest = writer.manifest
    terminal.print(
        f"{writer.folder}: {len(manifest.files):,} files, {manifest.byte_count / 1e6:,.1f} MB, "
        f"{writer.linked:,} of them as in the backup before"
    )
    for name, reason in sorted(manifest.left_out.items()):
        terminal.print(f"left out {name}: {reason}")
    return writer.folder


def verify(backup: Path) -> None:
    """Compare every file of a backup with its hash; raises DataError naming those that are wrong."""
    manifest = files.Manifest.of(backup)
    with progress("Comparing", manifest.byte_count) as seen:
        manifest.check(backup, seen)
    console().print(f"{backup}: all {len(manifest.files):,} files are as they were written")


def targets_of(installation: Installation) -> dict[str, Path]:
    """Where each place lies."""
    settings = installation.settings
    targets = {
        "lake": installation.lake.root, "quarantine": settings.quarantine, "reference": settings.reference,
        "models": settings.models, LANDING: settings.landing, "dagster": settings.dagster_home,
    }  # fmt: skip
    return targets if settings.is_on_postgres else targets | {"warehouse": settings.warehouse_file.parent}


def _copy_warehouse(installation: Installation, writer: files.BackupWriter) -> None:
    warehouse = installation.warehouse
    if not isinstance(warehouse, DuckdbWarehouse):
        files.dump_postgres(writer, WAREHOUSE_DUMP, installation.server)
        return
    with warehouse.at_rest() as paths:
        for path in paths:
            writer.copy(f"warehouse/{path.relative_to(installation.settings.warehouse_file.parent)}", path)


def _copy_dagster(installation: Installation, writer: files.BackupWriter) -> None:
    """Runs and events; files beside them, but locks and what SQLite keeps only while it is open."""
    home = installation.settings.dagster_home
    server = storage_server(home / "dagster.yaml")
    if server and not (installation.settings.is_on_postgres and files.is_one_database(server, installation.server)):
        files.dump_postgres(writer, DAGSTER_DUMP, server)
    for path in sorted(home.glob("**/*")):
        name = f"dagster/{path.relative_to(home)}"
        if not path.is_file() or path.name.endswith((".lock", "-wal", "-shm", "-journal")):
            continue
        try:
            if files.is_sqlite(path):
                files.copy_sqlite(writer, name, path)
            else:
                writer.copy(name, path)
        except FileNotFoundError:
            writer.leave_out(name, "it was removed while the backup was written")


def console() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress(what: str, byte_count: int | None = None) -> Iterator[Callable[[int], object]]:
    """A bar on standard error; yields what is told of bytes that are done."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), DownloadColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with passing_bar(Console(stderr=True), *columns) as progress:
        task = progress.add_task(what, total=byte_count)
        yield lambda size: progress.advance(task, size)
