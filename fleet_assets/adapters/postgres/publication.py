"""A build of the marts on PostgreSQL: scratch schemas of its own, moved into the published ones when all tests hold.

Belongs here: carrying over what is not made anew, exchanging, leftovers of killed builds. Does not belong here: dbt.

Moving a table or view to another schema keeps what depends on it: views follow what they were made upon. So the marts
and views of a build go to their places in one transaction, and a reader sees all of the old or all of the new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.dependents import find_dependents, put_back
from fleet_assets.adapters.postgres.names import (
    BUILD,
    PUBLICATION,
    PUBLISHED,
    READER,
    WRITER,
    regclass,
    statement,
    table,
)
from fleet_assets.contracts import TABLES

BUILD_APPLICATION = "fleet_assets build"
"""What dbt's sessions call themselves, so that those of a build that was killed are found and ended."""

LOCK_MS = 500
"""ms to wait for readers before publication steps back to let others read, and tries again."""

LOCK_PATIENCE_S = 600
FIRST_WORD_S, NEXT_WORD_S = 5, 30
"""s of waiting for readers before somebody is told, and before they are told again."""

Words = Callable[[str], object]
"""Called with a sentence for whoever watches the build."""

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


def published(connection: psycopg.Connection, schema: str) -> list[Relation]:
    """The marts and views that builds have published in a schema; what people made there is theirs."""
    ours = {*meta_tables.mart_inputs(connection), *(one.name for one in relations(connection, _scratch_of(schema)))}
    return [one for one in relations(connection, schema) if one.name in ours]


def _scratch_of(schema: str) -> str:
    return next(scratch for scratch, published in PUBLICATION.items() if published == schema)


def relations(connection: psycopg.Connection, schema: str) -> list[Relation]:
    """All tables and views in a schema but the lake's tables, in the order they were made in."""
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
    for scratch, place in PUBLICATION.items():
        for kept in published(connection, place):
            if kept.kind == "table" and kept.name not in anew:
                _copy(connection, kept, table(kept.name, scratch))


def _copy(connection: psycopg.Connection, kept: Relation, new: sql.Identifier) -> None:
    connection.execute(statement("create table {new} (like {old} including all)", new=new, old=kept.identifier))
    connection.execute(statement("insert into {new} select * from {old}", new=new, old=kept.identifier))
    # Comments of columns come along with `like`, the table's own does not.
    row = connection.execute("select obj_description(to_regclass(%s))", [regclass(kept.name, kept.schema)]).fetchone()
    if row and row[0]:
        connection.execute(statement("comment on table {new} is {says}", new=new, says=sql.Literal(row[0])))


def exchange(connection: psycopg.Connection, waits: Words) -> list[str]:
    """Drop what is published and move what was built in its place, with what people put upon it.

    Returns a sentence for each view of somebody's that could not be put back. While readers hold what is published,
    `waits` is told who; raises LockNotAvailable when they do for too long.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(errors.LockNotAvailable), wait=wait_random_exponential(0.1, 5),
        stop=stop_after_delay(LOCK_PATIENCE_S), reraise=True, before_sleep=_Waiting(connection, waits),
    )  # fmt: skip
    return retrying(_exchange, connection)


def _exchange(connection: psycopg.Connection) -> list[str]:
    with connection.transaction():
        connection.execute(statement("set local lock_timeout = {ms}", ms=sql.Literal(f"{LOCK_MS}ms")))
        old = [one for place in PUBLICATION.values() for one in published(connection, place)]
        dependents = find_dependents(connection, [(one.schema, one.name) for one in old])
        drop(connection, old)
        for scratch, place in PUBLICATION.items():
            for built in relations(connection, scratch):
                text = f"alter {built.kind} {{built}} set schema {{schema}}"
                connection.execute(statement(text, built=built.identifier, schema=place))
                if place == PUBLISHED:
                    _grant(connection, table(built.name))
        lost = put_back(connection, dependents)
        connection.execute("set local lock_timeout = 0")
    return lost


def analyze(connection: psycopg.Connection) -> None:
    """Tell the planner about the marts: they are small, and new to it after each publication."""
    for mart in published(connection, PUBLISHED):
        if mart.kind == "table":
            connection.execute(statement("analyze {mart}", mart=mart.identifier))


HOLDERS = """
select a.pid, a.usename, extract(epoch from now() - a.xact_start)::int
from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
join pg_stat_activity a on a.pid = l.pid
where l.granted and n.nspname = any(%s) and l.pid <> pg_backend_pid() order by a.xact_start limit 1
"""


@dataclass
class _Waiting:
    """Says, now and then, who holds what is to be exchanged."""

    connection: psycopg.Connection
    waits: Words
    said_at: float = 0.0

    def __call__(self, state: RetryCallState) -> None:
        began = state.start_time
        if max(began + FIRST_WORD_S, self.said_at + NEXT_WORD_S) > time.monotonic():
            return
        self.said_at = time.monotonic()
        who = holder(self.connection)
        self.waits(f"publication waits for {who}: {time.monotonic() - began:.0f} s of {LOCK_PATIENCE_S} s so far")


def holder(connection: psycopg.Connection) -> str:
    """Who has read something published in a transaction that is still open; the oldest of several."""
    row = connection.execute(HOLDERS, [[*PUBLICATION.values()]]).fetchone()
    if row is None:
        return "a reader's transaction"
    open_for = "" if row[2] is None else f", open for {row[2]} s"
    return f"the transaction of session {row[0]} (user {row[1]}{open_for})"


def drop(connection: psycopg.Connection, found: list[Relation]) -> None:
    """Newest first, so that views go before what they read; `cascade` for views that people made upon them."""
    for one in reversed(found):
        connection.execute(statement(f"drop {one.kind} if exists {{one}} cascade", one=one.identifier))


def built(connection: psycopg.Connection) -> set[str]:
    """Names of what is in the scratch schemas."""
    return {one.name for scratch in PUBLICATION for one in relations(connection, scratch)}


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
    """Readers and writers read it; nobody but builds changes what builds make anew."""
    for role in (READER, WRITER):
        if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
            connection.execute(statement("grant select on {moved} to {role}", moved=moved, role=role))
