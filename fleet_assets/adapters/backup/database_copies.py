"""Databases into a backup and back: SQLite by its own backup, PostgreSQL by pg_dump and pg_restore.

Belongs here: copies that are consistent while the database is written. Does not belong here: other files.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from fleet_assets.adapters.backup.writer import BackupWriter
from fleet_assets.contracts.errors import ServiceError

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


def dump_postgres(writer: BackupWriter, name: str, url: str) -> None:
    """Dump one PostgreSQL database as of one moment in pg_dump's custom format.

    Raises ServiceError without pg_dump, or with its own words when it fails.
    """
    _run("pg_dump", url, ["--format=custom", "--no-owner", f"--file={writer.target(name)}"])
    writer.adopt(name)


def restore_postgres(dump: Path, url: str) -> None:
    """Restore a dump into an empty database, wholly or not at all; raises ServiceError when anything is there."""
    _run("pg_restore", url, ["--single-transaction", "--exit-on-error", "--no-owner", str(dump)])


def _run(program: str, url: str, options: list[str]) -> None:
    found = shutil.which(program)
    if found is None:
        raise ServiceError(f"{program} is not installed: it comes with PostgreSQL's client programs")
    address = make_url(url).set(drivername="postgresql")
    plain = address.set(password=None).render_as_string(hide_password=False)
    # In the environment, not among the arguments, which every user of the machine can read.
    secret = {"PGPASSWORD": str(address.password)} if address.password else {}
    command = [found, *options[:-1], f"--dbname={plain}", options[-1]]
    done = subprocess.run(command, env=os.environ | secret, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(f"{program}: {' '.join(done.stderr.split())[:500]}")
