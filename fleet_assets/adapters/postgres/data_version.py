"""The version of all that builds put into the database, and whether the rows of a SELECT follow from it alone.

Belongs here: looking the version up, and where PostgreSQL understands a statement otherwise than DuckDB, whose parse is
used. Does not belong here: who makes a new version (`meta_tables.new_version`, in each transaction that changes
answers).

The version is one row with a random value. A snapshot in which it has a value sees exactly what was committed with it,
and before: whoever writes it holds the row until the commit. Beyond what DuckDB's reading refuses, nothing may read
PostgreSQL's clock ('today'::date) or its catalogue ('trips'::regclass), nor what people made themselves beside the
marts: when they change it, the version stays.
"""

from __future__ import annotations

import re
from threading import Lock
from typing import Any

import psycopg
from cachetools import LRUCache, cached
from psycopg import errors

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.names import META, PUBLICATION, PUBLISHED, statement, table
from fleet_assets.adapters.sql_dependencies import Relations, nodes, parsed
from fleet_assets.contracts import TABLES

JUDGED = 4_096
"""Statements of which it is remembered whether their rows follow from a version."""

CLOCK_WORDS = re.compile(r"\b(now|today|tomorrow|yesterday)\b", re.IGNORECASE)
"""Texts with these become instants of the clock wherever PostgreSQL takes them for dates."""

INSTANTS = re.compile(r"^(date|time|timestamp)", re.IGNORECASE)
CATALOGUE = re.compile(r"^reg", re.IGNORECASE)
"""Types: regclass, regproc and the like look a name up."""

STABLE = frozenset(
    {
        "age", "array_to_string", "concat", "concat_ws", "date_add", "date_part", "date_subtract", "date_trunc",
        "format", "generate_series", "json_agg", "json_build_array", "json_build_object", "json_object_agg",
        "jsonb_agg", "jsonb_build_array", "jsonb_build_object", "make_timestamptz", "timezone", "to_char", "to_date",
        "to_json", "to_jsonb", "to_timestamp",
    }
)  # fmt: skip
"""They depend on the time zone and on how dates are written, which every session of ours says alike."""

OTHERS = """
select distinct proname::text from pg_proc
where pronamespace <> 'pg_catalog'::regnamespace or provolatile <> 'i' and proname <> all(%s)
"""
"""Functions that may give something else for the same."""

RELATIONS = """
select case n.nspname when %(published)s then 'main' else n.nspname end || '.' || c.relname,
    case c.relkind when 'v' then rtrim(pg_get_viewdef(c.oid), ' ;') end
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(places)s) and c.relkind in ('r', 'p', 'v')
    and (c.relname = any(%(lake)s) or exists (select from {marts} where model = c.relname))
"""
"""Lake tables, marts and the models' views; what people made themselves is not among them."""


class DataVersion:
    """The version of one database; safe to use from several threads."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection | None = None
        self._looking = Lock()
        self._contents = cached(LRUCache(1), lock=Lock())(self._look_into)
        self._follows = cached(LRUCache(JUDGED), lock=Lock())(self._judge)

    def origin(self, sql: str) -> str | None:
        """The version where the rows of a SELECT follow from it alone, else None; raises ServiceError when the server
        is away."""
        version = self.now()
        return version if version and self._follows(version, sql) else None

    def now(self) -> str:
        """The version at this moment; nothing where builds have not made any yet, or this user may not see it."""
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
        if self._connection is None:
            self._connection = self._server.connect(autocommit=True)
        try:
            return meta_tables.data_version(self._connection)
        except (errors.UndefinedTable, errors.InsufficientPrivilege):
            return ""

    def _judge(self, version: str, sql: str) -> bool:
        """Looked into after the version was looked up: as long as that is the version, the judgement holds."""
        relations, others = self._contents(version)
        return relations.behind(sql, lambda text: _is_clear(text, others)) is not None

    def _look_into(self, version: str) -> tuple[Relations, frozenset[str]]:
        """What a query finds in this version, and the functions that it may not call."""
        del version
        text = statement(RELATIONS, marts=table("mart_inputs", META))
        given = {"published": PUBLISHED, "places": [*PUBLICATION.values()], "lake": [*TABLES]}
        with self._server.transaction() as connection:
            found = dict(connection.execute(text, given).fetchall())
            others = connection.execute(OTHERS, [sorted(STABLE)]).fetchall()
        views = {name: body for name, body in found.items() if body}
        # A query may say the schema, or leave it to the search path.
        said = {name.replace("main.", f"{PUBLISHED}.", 1): name for name in found}
        views |= {name: views[bare] for name, bare in said.items() if bare in views}
        return Relations(frozenset({*found, *said}), views), frozenset(name for (name,) in others)


def _is_clear(sql: str, others: frozenset[str]) -> bool:
    """Whether the rows of a statement, as this server understands it, follow from the relations in it."""
    found = [*nodes(parsed(sql))]
    # What the server does not know is DuckDB's word for syntax: count_star, list_value.
    called = {str(node["function_name"]).lower() for node in found if node.get("function_name")}
    return not called & others and not any(map(_is_unclear, found))


def _is_unclear(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    # Names are compared in lower case; "Trips" is another table, or WITH clause, here.
    if kind == "BASE_TABLE":
        return any(name != name.lower() for name in node["qualified_name"]["path"])
    if "key" in node and "value" in node:
        return str(node["key"]) != str(node["key"]).lower()
    if kind == "VALUE_CONSTANT":
        return bool(CLOCK_WORDS.search(str(node["literal"].get("text", ""))))
    if kind == "OPERATOR_CAST":
        to = str(node["type_expr"]["type_name"])
        return bool(CATALOGUE.match(to)) or (bool(INSTANTS.match(to)) and _is_put_together(node["child"]))
    return False


def _is_put_together(node: dict[str, Any]) -> bool:
    """Whether a value may be a text that was computed, such as 'to' || 'day'."""
    if node.get("type") == "OPERATOR_CAST":
        return _is_put_together(node["child"])
    return node.get("class") not in ("COLUMN_REF", "CONSTANT") and node.get("function_name") not in (*STABLE, "+", "-")
