"""SQLite databases into a backup, by SQLite's own backup.

Belongs here: copies that are consistent while the database is written. Does not belong here: servers
(`postgres_copies`), other files.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from fleet_assets.adapters.backup.writer import BackupWriter

_SQLITE = b"SQLite format 3\0"


def copy_sqlite(writer: BackupWriter, name: str, source: Path) -> None:
    """Copy a SQLite database as of one moment, whoever writes it."""
    target = writer.target(name)
    address = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)
        copy.execute("pragma journal_mode = delete")
    writer.adopt(name)


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
