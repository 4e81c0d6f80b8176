"""Raw tables of sources that other packages declare, in the database: made and widened as their contracts say.

Belongs here: what is lacking of them, and making it. Does not belong here: tables of the platform, which have
migrations (`migrate`).

A column that the contract gained is added without its constraint: rows that are there have none. The table's new schema
makes its days stale, so that they are loaded anew with it.
"""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql

from fleet_assets.adapters.postgres.names import PUBLISHED, statement, table
from fleet_assets.adapters.postgres.schema import installed


def lacking(connection: psycopg.Connection) -> list[str]:
    """Names of the tables that are not there, or not with all of their columns."""
    there = _columns(connection)
    wanted = {made.name: {column.name for column in made.c} for made in installed().sorted_tables}
    return [name for name, columns in wanted.items() if not columns <= there.get(name, set())]


def make_installed(connection: sa.Connection, driver: psycopg.Connection) -> None:
    """Make what is lacking."""
    there = _columns(driver)
    installed().create_all(connection)
    for made in installed().sorted_tables:
        for column in made.c:
            if column.name not in there.get(made.name, {column.name}):
                driver.execute(_added(made, column))


def _columns(connection: psycopg.Connection) -> dict[str, set[str]]:
    asked = "select table_name, column_name from information_schema.columns where table_schema = %s"
    found: dict[str, set[str]] = {}
    for name, column in connection.execute(asked, [PUBLISHED]).fetchall():
        found.setdefault(name, set()).add(column)
    return found


def _added(made: sa.Table, column: sa.Column[Any]) -> sql.Composed:
    kind = column.type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    return statement("alter table {t} add column {column} {kind}",
                     t=table(made.name), column=column.name, kind=sql.SQL(kind))  # fmt: skip
