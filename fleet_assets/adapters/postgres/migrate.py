"""Bringing the database to the schema of this version: migrations in order, hypertables where there are any, comments.

Belongs here: running and comparing. Does not belong here: the changes themselves (`migrations`), schemas and roles
(`roles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import errors, sql

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server, sentence
from fleet_assets.adapters.postgres.installed_tables import lacking, make_installed
from fleet_assets.adapters.postgres.names import META, OWNER, PUBLISHED, SCHEMA_LOCK, SCHEMAS, statement, table
from fleet_assets.adapters.postgres.owners import AdministratorNeeded
from fleet_assets.adapters.postgres.partitions import exists
from fleet_assets.adapters.postgres.schema import migrated
from fleet_assets.adapters.postgres.timescale import has_timescale, hypertable_statements, without_partitions
from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import ServiceError, UsageError

SCRIPTS = Path(__file__).parent / "migrations"


def newest() -> str:
    """The revision that this version of the software works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def current(connection: psycopg.Connection) -> str | None:
    """The revision of the database; None before the first migration. Raises AdministratorNeeded where it is closed."""
    try:
        is_there = exists(connection, "alembic_version", META)
    except errors.InsufficientPrivilege:
        raise AdministratorNeeded(f"this user may not look into the schema {META}") from None
    if not is_there:
        return None
    row = connection.execute(statement("select version_num from {t}", t=table("alembic_version", META))).fetchone()
    return str(row[0]) if row else None


def migrate(server: Server) -> str | None:
    """Apply what is missing, in one transaction; returns the revision before. A second caller waits and finds it done.

    Raises UsageError when the database is newer than this software, ServiceError when it is not made yet or the user
    may not change it.
    """
    with _as_owner(server) as (connection, driver):
        _refuse_unless_made(driver)
        before = current(driver)
        if before is not None and before not in _known():
            raise UsageError(
                f"the database is at schema {before}, which this version of fleet_assets does not know: update it"
            )
        is_behind = before != newest() or bool(lacking(driver))
        if is_behind:
            _bring_up(connection, driver)
        _write_comments(driver)
        if is_behind:
            meta_tables.new_version(driver)
        return before


def _bring_up(connection: sa.Connection, driver: psycopg.Connection) -> None:
    """Migrations, then what sources of other packages need; hypertables where the server has them."""
    if has_timescale(driver):
        without_partitions(connection)
    command.upgrade(_config(connection), "head")
    make_installed(connection, driver)
    if has_timescale(driver):
        for text in hypertable_statements(driver):
            driver.execute(text)


def differences(server: Server) -> list[Any]:
    """What a migration would have to change for the database to be as the contracts say; empty when none is missing."""
    with _as_owner(server) as (connection, _):
        schemas = {made.schema for made in migrated().sorted_tables}
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _parents: kind != "schema" or name in schemas,
            "version_table_schema": META,
        }
        found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), migrated())
        return found


def write_revision(server: Server, message: str) -> Path:
    """Write a migration with what the contracts have and the database lacks; for who changes a contract."""
    with _as_owner(server) as (connection, _):
        number = f"{len(_known()) + 1:04}"
        script = command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    assert script is not None
    assert not isinstance(script, list)
    return Path(script.path)


@contextmanager
def _as_owner(server: Server) -> Iterator[tuple[sa.Connection, psycopg.Connection]]:
    """SQLAlchemy's and psycopg's view of one transaction that nobody else migrates in."""
    with server.engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            driver.execute("select pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
            if server.may_be(driver, OWNER):
                driver.execute(statement("set local role {role}", role=OWNER))
            yield connection, driver
        except (sa.exc.DBAPIError, psycopg.Error) as error:
            said = sentence(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
            raise ServiceError(f"the database cannot be migrated: {said}") from None


def _refuse_unless_made(connection: psycopg.Connection) -> None:
    asked = "select name from unnest(%s::text[]) as name where name not in (select nspname from pg_namespace)"
    missing = [row[0] for row in connection.execute(asked, [list(SCHEMAS)]).fetchall()]
    if missing:
        raise ServiceError(f"the database has no schema {missing[0]} yet: run `fleet warehouse init` first")


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _write_comments(connection: psycopg.Connection) -> None:
    """Meaning and unit of every table and column, as the contracts say them now.

    Who writes a migration has contracts that are ahead of the database: what is not there yet has no comment.
    """
    asked = "select table_name, column_name from information_schema.columns where table_schema = %s"
    there = set(connection.execute(asked, [PUBLISHED]).fetchall())
    for contract in TABLES.values():
        known = [column for column in contract.columns if (contract.name, column.name) in there]
        if known:
            on = table(contract.name)
            connection.execute(statement("comment on table {t} is {says}", t=on, says=sql.Literal(contract.row)))
        for column in known:
            name = sql.Identifier(PUBLISHED, contract.name, column.name)
            connection.execute(statement("comment on column {c} is {says}", c=name, says=sql.Literal(column.comment)))
