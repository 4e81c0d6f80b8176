"""The version of all that builds put into the database, and whether the rows of a SELECT follow from it alone.

Belongs here: looking the version up, and what the server says of a statement that it has answered. Does not belong
here: who makes a new version (`meta_tables.new_version`, in each transaction that changes answers).

The version is one row with a random value. A snapshot in which it has a value sees exactly what was committed with it,
and before: whoever writes it holds the row until the commit.

What a statement read, views followed, is what its transaction holds locks on. What it called is among its words.
"""

from __future__ import annotations

import re
from threading import Lock

import psycopg
from psycopg import errors
from psycopg.pq import ExecStatus

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.names import META, PUBLICATION, statement, table
from fleet_assets.adapters.sql_words import CLOCK_WORDS, words
from fleet_assets.contracts import TABLES

LOOK = b"select value from fleet_meta.facts where name = 'data_version'"

STABLE = [
    "array_to_json", "array_to_string", "concat", "concat_ws", "date", "date_add", "date_part", "date_subtract",
    "date_trunc", "extract", "format", "generate_series", "interval", "json_agg", "json_build_array",
    "json_build_object", "json_object_agg", "jsonb_agg", "jsonb_build_array", "jsonb_build_object", "length",
    "make_timestamptz", "numeric", "overlaps", "quote_literal", "quote_nullable", "row_to_json", "time", "timestamp",
    "timestamptz", "timetz", "timezone", "to_char", "to_date", "to_json", "to_jsonb", "to_number", "to_timestamp",
]  # fmt: skip
"""Functions that depend on the time zone and on how dates are written, which every session of ours says alike."""

INSTANTS = frozenset({"date", "time", "timetz", "timestamp", "timestamptz"})
UNCLEAR = re.compile(r"\\|\bu&|\bpg_|\breg(class|coll|config|dict|namespace|oper|proc|role|type)", re.IGNORECASE)
"""Characters written otherwise, and what looks into the catalogue."""

LOCKED = "select relation from pg_lock_status() where pid = pg_backend_pid() and relation is not null"

READ = """
select coalesce(bool_and(coalesce(
    n.nspname = any(%(places)s) and c.relkind in ('r', 'p', 'v')
    and (c.relname = any(%(lake)s) or exists (select from {marts} where model = c.relname))
    or n.nspname like '\\_timescaledb%%'
    or exists (select from pg_inherits where inhrelid = c.oid and inhparent = any(%(locked)s)), false)), true),
    coalesce(string_agg(pg_get_viewdef(c.oid), ' ') filter (where c.relkind = 'v'), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.oid = any(%(locked)s) and n.nspname <> 'pg_catalog' and c.relkind not in ('i', 'I', 't')
"""
"""Whether all that was read is lake tables with their parts, marts and the models' views, and the texts of these views;
what people made themselves is not among them."""

CALLED = """
select exists (
    select from pg_proc p where proname = any(%(words)s) and (
        provolatile <> 'i' and proname <> all(%(stable)s)
        or %(is_put_together)s and prorettype = 'text'::regtype and proname <> all('{lower,upper,to_char}')
        or pronamespace <> 'pg_catalog'::regnamespace and not exists (
            select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e')))
    or exists (select from pg_proc where pronamespace <> 'pg_catalog'::regnamespace and proname !~ '^[[:alnum:]_$]+$')
"""
"""Whether some words name a function that may give something else for the same: a volatile one, one that people made,
and, where texts become dates, one that might put 'today' together."""


def follows(connection: psycopg.Connection, sql: str, locked: list[int]) -> bool:
    """Whether the rows of a statement follow from the version, by the relations that its transaction has locked."""
    said = {"places": [*PUBLICATION.values()], "lake": [*TABLES], "locked": locked}
    row = connection.execute(statement(READ, marts=table("mart_inputs", META)), said).fetchone()
    is_ours, views = row or (False, "")
    has_instants = bool(words(sql) & INSTANTS)
    text = f"{sql} {views}"
    if not is_ours or UNCLEAR.search(text) or words(text) & CLOCK_WORDS or (has_instants and "||" in sql):
        return False
    # A name in quotes keeps its capitals.
    named = [*words(text), *re.findall(r"[\w$]+", sql)]
    asked = {"words": named, "stable": STABLE, "is_put_together": has_instants}
    return connection.execute(CALLED, asked).fetchone() == (False,)


class DataVersion:
    """The version of one database; safe to use from several threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection | None = None
        self._looking = Lock()

    def now(self) -> str:
        """The version at this moment; nothing where builds have not made any yet, or this user may not see it. Raises
        ServiceError when the server is away."""
        with self._looking:
            try:
                return self._look()
            except psycopg.OperationalError:
                # The session may have ended long ago, with the server that is back by now.
                self._connection = None
            try:
                return self._look()
            except psycopg.OperationalError as error:
                raise self._server.ended(error) from None

    def _look(self) -> str:
        """One round trip, with as little around it as can be: each hit of the cache waits for this."""
        if self._connection is None:
            self._connection = self._server.connect(autocommit=True)
        found = self._connection.pgconn.exec_prepared(b"look", None)
        if found.status == ExecStatus.TUPLES_OK:
            return (found.get_value(0, 0) or b"").decode() if found.ntuples else ""
        try:
            version = meta_tables.data_version(self._connection)
        except (errors.UndefinedTable, errors.InsufficientPrivilege):
            return ""
        self._connection.pgconn.prepare(b"look", LOOK)
        return version
