"""Backups of one installation: folders of plain files that name the hash of everything in them.

Belongs here: copying consistently while others work, the manifest, putting files back. Does not belong here: which
places an installation has (`commands.backup`), and rebuilding (`fleet build` finds what a restored place lacks).

    <store>/20261121T110000Z/manifest.json      SHA-256, size and time of every file; written last
    <store>/20261121T110000Z/lake/...           and the other places, laid out as they were

Every backup is whole. A file that the backup before it holds too is a hard link to it, where the disk has such.
"""

from fleet_assets.adapters.backup.lake_copies import copy_folder, copy_lake
from fleet_assets.adapters.backup.manifest import Entry, Manifest
from fleet_assets.adapters.backup.postgres_copies import (
    dump_postgres,
    is_one_database,
    require_empty,
    require_public,
    require_schemas,
    restore_postgres,
    table_count,
)
from fleet_assets.adapters.backup.restoring import Restoration, fill, put_back, put_in_place, require_free
from fleet_assets.adapters.backup.sqlite_copies import copy_sqlite, is_sqlite
from fleet_assets.adapters.backup.writer import BackupWriter, backups, new_backup

__all__ = [
    "BackupWriter", "Entry", "Manifest", "Restoration", "backups", "copy_folder", "copy_lake", "copy_sqlite",
    "dump_postgres", "fill", "is_one_database", "is_sqlite", "new_backup", "put_back", "put_in_place", "require_empty",
    "require_free", "require_public", "require_schemas", "restore_postgres", "table_count",
]  # fmt: skip
