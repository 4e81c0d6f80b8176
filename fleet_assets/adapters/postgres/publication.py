"""A build of the marts on PostgreSQL: scratch schemas of its own, moved into the published ones when all tests hold.

Belongs here: carrying over what is not made anew, exchanging, leftovers of killed builds. Does not belong here: dbt.

Moving a table or view to another schema keeps what depends on it: views follow what they were made upon. So the marts
and views of a build go to their places in one transaction, and a reader sees all of the old or all of the new.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

from fleet_assets.adapters.postgres.names import BUILD, PUBLICATION, PUBLISHED, READER, WRITER, statement, table
from fleet_assets.contracts import TABLES

BUILD_APPLICATION = "fleet_assets build"
"""What dbt's sessions call themselves, so that those of a build that was killed are found and ended."""

LOCK_MS = 500
"""ms to wait for readers before publication steps back to let others read, and tries again."""

LOCK_PATIENCE_S = 600

KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view"}


@dataclass(frozen=True)
class Relation:
    """A table or view that dbt made, by schema and name."""

    schema: str
    name: str
    kind: str

    @property
    def identifier(self) -> sql.Identifier:
        return table(self.name, self.schema)


def relations(connection: psycopg.Connection, schema: str) -> list[Relation]:
    """The marts and views in a schema: all that is there but the lake's tables, in the order they were made in."""
    asked = (
        "select relname, relkind::text from pg_class join pg_namespace n on n.oid = relnamespace "
        "where nspname = %s and relkind in ('r', 'p', 'v', 'm') and not relispartition order by pg_class.oid"
    )
    found = connection.execute(asked, [schema]).fetchall()
    return [Relation(schema, name, KINDS[kind]) for name, kind in found if name not in TABLES]


def begin(connection: psycopg.Connection, anew: Collection[str]) -> None:
    """Empty the scratch schemas, and fill it with a copy of each published table that is not made anew."""
    end_leftovers(connection)
    for scratch in PUBLICATION:
        drop(connection, relations(connection, scratch))
    for kept in relations(connection, PUBLISHED):
        if kept.kind == "table" and kept.name not in anew:
            names = {"old": kept.identifier, "new": table(kept.name, BUILD)}
            connection.execute(statement("create table {new} (like {old} including all)", **names))
            connection.execute(statement("insert into {new} select * from {old}", **names))
            _copy_comment(connection, kept)


def _copy_comment(connection: psycopg.Connection, kept: Relation) -> None:
    """Of the table; those of its columns come along with `like`."""
    row = connection.execute("select obj_description(to_regclass(%s))", [f'"{kept.schema}"."{kept.name}"']).fetchone()
    if row and row[0]:
        text = "comment on table {new} is {says}"
        connection.execute(statement(text, new=table(kept.name, BUILD), says=sql.Literal(row[0])))


@retry(
    retry=retry_if_exception_type(errors.LockNotAvailable), wait=wait_random_exponential(0.1, 5),
    stop=stop_after_delay(LOCK_PATIENCE_S), reraise=True,
)  # fmt: skip
def exchange(connection: psycopg.Connection) -> None:
    """Drop what is published and move what was built in its place, with the privileges of published tables."""
    with connection.transaction():
        connection.execute(statement("set local lock_timeout = {ms}", ms=sql.Literal(f"{LOCK_MS}ms")))
        for scratch, published in PUBLICATION.items():
            drop(connection, relations(connection, published))
            for built in relations(connection, scratch):
                text = f"alter {built.kind} {{built}} set schema {{schema}}"
                connection.execute(statement(text, built=built.identifier, schema=published))
        for mart in relations(connection, PUBLISHED):
            _grant(connection, mart.identifier)
        connection.execute("set local lock_timeout = 0")


def drop(connection: psycopg.Connection, found: list[Relation]) -> None:
    """Newest first, so that views go before what they read; `cascade` for views that people made upon marts."""
    for one in reversed(found):
        connection.execute(statement(f"drop {one.kind} if exists {{one}} cascade", one=one.identifier))


def lost_views(connection: psycopg.Connection) -> list[str]:
    """Views that are published and not in the scratch schemas."""
    lost = []
    for scratch, published in PUBLICATION.items():
        made = {one.name for one in relations(connection, scratch)}
        there = relations(connection, published)
        lost += [one.name for one in there if one.kind == "view" and one.name not in made]
    return lost


def row_counts(connection: psycopg.Connection) -> dict[str, int]:
    """Rows of every table in the scratch schema."""
    counts = {}
    for one in relations(connection, BUILD):
        if one.kind == "table":
            row = connection.execute(statement("select count(*) from {t}", t=one.identifier)).fetchone()
            counts[one.name] = int(row[0]) if row else 0
    return counts


def end_leftovers(connection: psycopg.Connection) -> None:
    """End dbt's sessions of a build that was killed: they would write into this one's schema."""
    asked = (
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where application_name = %s and usename = session_user and datname = current_database()"
    )
    connection.execute(asked, [BUILD_APPLICATION])


def _grant(connection: psycopg.Connection, moved: sql.Identifier) -> None:
    for role, may in ((READER, "select"), (WRITER, "select")):
        if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
            connection.execute(statement(f"grant {may} on {{moved}} to {{role}}", moved=moved, role=role))
