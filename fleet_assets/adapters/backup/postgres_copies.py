"""PostgreSQL databases into a backup and back, by pg_dump and pg_restore.

Belongs here: dumping, what must hold before a dump is restored, restoring. Does not belong here: how the programs are
found and run (`postgres_programs`), and making a database ready for builds (`adapters.postgres`).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from fleet_assets.adapters.backup import postgres_programs as programs
from fleet_assets.adapters.backup.writer import BackupWriter
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.names import SCHEMAS, statement
from fleet_assets.adapters.postgres.roles import initialise
from fleet_assets.contracts.errors import DataError, ServiceError, UsageError

_ENTRY = r"^\d+; \d+ \d+ "
_PRIVILEGE = re.compile(_ENTRY + r"(DEFAULT )?ACL ")
_SCHEMA = re.compile(_ENTRY + r"SCHEMA - (\S+) ")
_EXTENSION_COMMENT = re.compile(_ENTRY + r"COMMENT - EXTENSION ")
_REFUSED = re.compile(r"could not execute query: \S+:\s+(.*)")


def dump_postgres(writer: BackupWriter, name: str, server: Server) -> None:
    """Dump one PostgreSQL database as of one moment in pg_dump's custom format.

    Raises ServiceError without pg_dump, or with its own words when it fails.
    """
    program = programs.find("pg_dump", server)
    programs.run(program, server, "--format=custom", f"--file={writer.target(name)}")
    writer.adopt(name)


def is_one_database(one: Server, other: Server) -> bool:
    """Whether two addresses name the same database, so that the dump of one holds both."""
    where = {"host": "localhost", "port": "5432"}
    names = (*where, "dbname")
    return all((where | one.parts).get(name) == (where | other.parts).get(name) for name in names)


def table_count(server: Server) -> int:
    """Tables in the database that are not PostgreSQL's own."""
    asked = "select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
    with server.connect() as connection:
        (tables,) = connection.execute(asked).fetchone() or (0,)
    return int(tables)


def require_empty(server: Server) -> None:
    """Raise UsageError unless a dump can be restored into this database, and ServiceError when that cannot be tried."""
    tables = table_count(server)
    if tables:
        raise UsageError(
            f"{server.address} holds {tables} tables: restore into an empty database (`createdb NAME` makes one)"
        )
    programs.find("pg_restore", server)


def require_schemas(server: Server) -> None:
    """Make the roles and schemas of a warehouse as far as this user may.

    Raises ServiceError with what an administrator must run when there is a schema in which this user may make nothing.
    """
    refused = initialise(server)
    _require_schemas(server, SCHEMAS, refused)


def require_public(server: Server) -> None:
    """Raise ServiceError when this user may not make tables in the schema `public`."""
    _require_schemas(server, ("public",), [])


def restore_postgres(dump: Path, server: Server) -> list[str]:
    """Restore a dump into an empty database, wholly or not at all; raises ServiceError when anything is there.

    Everything belongs to this user. Privileges come last, as far as the server has the roles: returns why others
    were not given.
    """
    program = programs.find("pg_restore", server)
    entries = _entries(program, dump)
    with server.connect() as connection:
        there = {str(row[0]) for row in connection.execute("select nspname from pg_namespace").fetchall()}
    privileges = [entry for entry in entries if _PRIVILEGE.match(entry)]
    objects = [entry for entry in entries if not _PRIVILEGE.match(entry) and not _is_there(entry, there)]
    with _listed(objects) as chosen:
        options = ("--single-transaction", "--exit-on-error", "--no-owner", chosen)
        programs.run(program, server, *options, str(dump))
    with _listed(privileges) as chosen:
        done = programs.attempt(program, server, "--no-owner", chosen, str(dump))
    refused = sorted(set(_REFUSED.findall(done.stderr)))
    return refused or ([" ".join(done.stderr.split())[:500]] if done.returncode else [])


def _require_schemas(server: Server, schemas: Iterable[str], refused: list[str]) -> None:
    asked = (
        "select name, to_regnamespace(name) is not null, session_user::text from unnest(%s::text[]) as name "
        "where not coalesce(has_schema_privilege(to_regnamespace(name)::oid, 'create'), false)"
    )
    with server.connect() as connection:
        closed = connection.execute(asked, [list(schemas)]).fetchall()
        grants = [
            f"{statement('grant usage, create on schema {s} to {user}', s=name, user=user).as_string(connection)};"
            for name, exists, user in closed
            if exists
        ]
    if closed:
        raise ServiceError(
            f"this user may not make tables in {', '.join(row[0] for row in closed)} of {server.address}, and nothing "
            f"was restored; an administrator must run there: {' '.join([*refused, *grants])}"
        )


def _is_there(entry: str, schemas: set[str]) -> bool:
    """Whether the database has what an entry would make: schemas, and the comment that an extension comes with."""
    schema = _SCHEMA.match(entry)
    return (schema is not None and schema[1] in schemas) or _EXTENSION_COMMENT.match(entry) is not None


def _entries(program: str, dump: Path) -> list[str]:
    done = subprocess.run([program, "--list", str(dump)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"{dump} cannot be read: {' '.join(done.stderr.split())[:500]}")
    return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]


@contextmanager
def _listed(entries: list[str]) -> Iterator[str]:
    """A file that tells pg_restore what to take out of a dump."""
    with NamedTemporaryFile("w", prefix="fleet-restore-", suffix=".list") as file:
        file.write("".join(f"{entry}\n" for entry in entries))
        file.flush()
        yield f"--use-list={file.name}"
