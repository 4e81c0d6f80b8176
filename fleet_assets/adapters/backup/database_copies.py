"""Databases into a backup and back: SQLite by its own backup, PostgreSQL by pg_dump and pg_restore.

Belongs here: copies that are consistent while the database is written. Does not belong here: other files.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL, make_url

from fleet_assets.adapters.backup.writer import BackupWriter
from fleet_assets.contracts.errors import ServiceError, UsageError

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian keeps the client programs of each version; PATH has a wrapper that may choose an older one."""

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


def require_empty(url: str) -> None:
    """Raise UsageError unless a dump can be restored into this database, and ServiceError when that cannot be tried."""
    address = _address(url)
    asked = "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
    with _connected(address) as connection:
        (tables,) = connection.execute(asked).fetchone() or (0,)
    if tables:
        name = address.render_as_string(hide_password=True)
        raise UsageError(f"{name} holds {tables} tables: restore into an empty database (`createdb NAME` makes one)")
    _program("pg_restore", address)


def _address(url: str) -> URL:
    return make_url(url).set(drivername="postgresql")


def _connected(address: URL) -> psycopg.Connection:
    try:
        return psycopg.connect(address.render_as_string(hide_password=False))
    except psycopg.OperationalError as error:
        raise ServiceError(f"{address.render_as_string(hide_password=True)}: {' '.join(str(error).split())}") from None


def _program(name: str, address: URL) -> str:
    """The first of the installed programs that is not older than the server, which refuses older ones."""
    beside = sorted(INSTALLED.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True)
    on_path = shutil.which(name)
    programs = ([on_path] if on_path else []) + [str(path) for path in beside]
    if not programs:
        raise ServiceError(f"{name} is not installed: it comes with PostgreSQL's client programs")
    with _connected(address) as connection:
        server = connection.info.server_version // 10_000
    versions = {program: _version(program) for program in programs}
    for program, version in versions.items():
        if version >= server:
            return program
    newest = max(versions.values())
    raise ServiceError(f"{name} {newest} is older than the server ({server}): install its client programs")


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


def _run(program: str, url: str, options: list[str]) -> None:
    address = _address(url)
    found = _program(program, address)
    plain = address.set(password=None).render_as_string(hide_password=False)
    # In the environment, not among the arguments, which every user of the machine can read.
    secret = {"PGPASSWORD": str(address.password)} if address.password else {}
    command = [found, *options[:-1], f"--dbname={plain}", options[-1]]
    done = subprocess.run(command, env=os.environ | secret, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(f"{program}: {' '.join(done.stderr.split())[:500]}")
