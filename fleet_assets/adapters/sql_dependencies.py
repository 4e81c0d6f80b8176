"""What a SELECT reads, whether its rows follow from that alone, and whether it only reads: by DuckDB's own parse of it.

Belongs here: walking the parsed statement, and views behind it. Does not belong here: which relations there are
(`duckdb_origin`), and where PostgreSQL understands a statement otherwise (`postgres.data_version`).

Nothing is assumed of what is not understood: rows of a statement that cannot be parsed, of a table function that may
read files, of a function that DuckDB does not call consistent (now(), random()) or does not know follow from nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import duckdb

HARMLESS_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
"""They compute rows from their arguments; every other table function may read what nobody watches."""

CLOCK_NAMES = frozenset(
    {
        "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "get_current_timestamp",
        "today", "now", "current_user", "session_user", "user", "current_role", "current_catalog", "current_database",
        "current_schema",
    }
)  # fmt: skip
"""They may stand without parentheses, where they parse as columns."""

MISLABELLED = frozenset({"current_localtime", "current_localtimestamp", "index_key", "json_serialize_plan"})
"""DuckDB 2.0 calls them consistent; they read the clock or the catalogue."""

CLOCK_WITH_ONE_ARGUMENT = frozenset({"age"})
"""With two arguments a difference, with one the distance from now."""

READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""Parts of a statement that give rows and change nothing; a WITH of DuckDB 2.0 may also hold COPY and INSERT."""


@dataclass(frozen=True)
class Relations:
    """What a query finds in one state of a warehouse: names (schema.name, in lower case; `main` where a query need not
    say the schema), and the SELECT of each that is a view."""

    names: frozenset[str]
    views: Mapping[str, str]

    def behind(self, sql: str, is_clear: Callable[[str], bool] = lambda _: True) -> frozenset[str] | None:
        """The relations that the rows of a SELECT follow from, views followed. None where they may depend on more: a
        name that is not there, a statement or view that is not understood, or not clear to the warehouse."""
        found: set[str] = set()
        waiting = [sql]
        while waiting:
            text = waiting.pop()
            reading = read_query(text)
            if reading is None or not reading <= self.names or not is_clear(text):
                return None
            waiting += [self.views[name] for name in (reading - found) & self.views.keys()]
            found |= reading
        return frozenset(found)


@lru_cache(maxsize=4_096)
def read_query(sql: str) -> frozenset[str] | None:
    """The relations that a SELECT reads, as schema.name in lower case; None where its rows may depend on more."""
    statement = parsed(sql)
    if statement is None or any(map(_may_change, nodes(statement))):
        return None
    return frozenset(_named(statement, frozenset()))


def parsed(sql: str) -> dict[str, Any] | None:
    """DuckDB's parse of one SELECT; None of anything else, and of what it does not understand."""
    row = _parser().cursor().execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    found = json.loads(row[0]) if row else {"error": True}
    if found["error"] or len(found["statements"]) != 1:
        return None
    statement: dict[str, Any] = found["statements"][0]
    return statement


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """All parts of a parsed statement."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(inner)


def only_reads(sql: str) -> bool:
    """Whether a statement is one SELECT, no part of which writes."""
    statement = parsed(sql)
    kinds = [] if statement is None else [str(node.get("type")) for node in nodes(statement)]
    return statement is not None and all(kind in READING_NODES for kind in kinds if kind.endswith("_NODE"))


def _named(node: Any, defined: frozenset[str]) -> Iterator[str]:
    """Relations that a part of a statement names, but for those that WITH clauses define where it stands: each is seen
    by those behind it, and by itself only in the recurring part of its own. So a clause may read what it is called."""
    if isinstance(node, list):
        for item in node:
            yield from _named(item, defined)
    if not isinstance(node, dict):
        return
    if node.get("type") == "BASE_TABLE" and (len(_path(node)) > 1 or _path(node)[0] not in defined):
        yield ".".join(["main", *_path(node)][-2:])
    for clause in (node.get("cte_map") or {}).get("map", []):
        yield from _named(clause["value"], defined)
        defined |= {clause["key"].lower()}
    for key, part in node.items():
        if key != "cte_map":
            own = {node["cte_name"].lower()} if key == "right" and node.get("cte_name") else set()
            yield from _named(part, defined | own)


def _may_change(node: dict[str, Any]) -> bool:
    """Whether a part of a statement makes its rows depend on more than relations."""
    kind = node.get("type")
    if node.get("sample") or kind in ("SHOW_REF", "VALUE_PARAMETER"):
        return True
    if kind == "BASE_TABLE":
        return bool(node.get("at_clause")) or len(_path(node)) > 2
    if kind == "TABLE_FUNCTION":
        return node["function"]["function_name"].lower() not in HARMLESS_TABLE_FUNCTIONS
    if kind == "COLUMN_REF":
        return node["column_names"][-1].lower() in CLOCK_NAMES
    name = node.get("function_name", "").lower()
    if not name or name in HARMLESS_TABLE_FUNCTIONS:
        return False
    is_clock = name in CLOCK_WITH_ONE_ARGUMENT and len(node.get("arguments", [])) == 1
    return is_clock or not _is_consistent(name)


def _path(node: dict[str, Any]) -> list[str]:
    return [part.lower() for part in node["qualified_name"]["path"]]


@cache
def _is_consistent(name: str) -> bool:
    """Whether every form of a function gives the same for the same; a macro when all in its definitions does."""
    forms = [] if name in MISLABELLED else _functions().get(name, [])
    return bool(forms) and all(
        stability == "CONSISTENT" or (definition is not None and _is_consistent_text(definition))
        for stability, definition in forms
    )


def _is_consistent_text(definition: str) -> bool:
    reading = read_query(f"select {definition}")
    return reading is not None and not reading


@cache
def _functions() -> dict[str, list[tuple[str | None, str | None]]]:
    """Stability and, of macros, definition of each form of DuckDB's functions, by name in lower case."""
    found: dict[str, list[tuple[str | None, str | None]]] = {}
    asked = (
        "select distinct lower(function_name), stability, macro_definition from duckdb_functions() "
        "where function_type in ('scalar', 'aggregate', 'macro', 'window')"
    )
    for name, stability, definition in _parser().cursor().execute(asked).fetchall():
        found.setdefault(name, []).append((stability, definition))
    return found


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database that only parses; opening one costs ten times what a parse does."""
    return duckdb.connect(config={"threads": 1})
