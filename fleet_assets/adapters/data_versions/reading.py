"""What a query reads, and whether its result is a function of that alone, taken from DuckDB's own parse of it.

Belongs here: walking the parsed statement. Does not belong here: whether the named tables exist, and their versions.

Nothing is assumed of what is not understood: a statement that cannot be parsed, a table function that may read files, a
function that DuckDB does not call consistent (now(), random(), current_setting()) or does not know make it `None`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import duckdb

KEPT_PARSES = 4_096

HARMLESS_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
"""They compute rows from their arguments; every other table function may read what has no version."""

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

_POSITIONS = ("query_location", "query_location_length")


@dataclass(frozen=True)
class Reading:
    """One deterministic SELECT: `tables` it reads as schema.name in lower case, `text` equal for equal statements."""

    tables: frozenset[str]
    text: str


@dataclass(frozen=True)
class _Unclear(Exception):
    """The result may depend on more than the tables read."""

    what: str


@lru_cache(maxsize=KEPT_PARSES)
def read_query(sql: str) -> Reading | None:
    """What a statement reads; None when its result may depend on anything else."""
    statement = parsed(sql)
    if statement is None:
        return None
    tables: set[str] = set()
    try:
        _walk(statement, frozenset(), tables)
    except _Unclear:
        return None
    return Reading(frozenset(tables), json.dumps(_without_positions(statement)))


def parsed(sql: str) -> dict[str, Any] | None:
    """DuckDB's parse of one SELECT; None of anything else, and of what it does not understand."""
    row = _parser().cursor().execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    found = json.loads(row[0]) if row else {"error": True}
    if found["error"] or len(found["statements"]) != 1:
        return None
    statement: dict[str, Any] = found["statements"][0]
    return statement


def only_reads(sql: str) -> bool:
    """Whether a statement is one SELECT, no part of which writes."""
    statement = parsed(sql)
    return statement is not None and all(_kinds_of_nodes(statement))


def _kinds_of_nodes(node: Any) -> Iterator[bool]:
    """Of every query within a parsed statement: whether it only reads."""
    if isinstance(node, dict):
        kind = node.get("type")
        if isinstance(kind, str) and kind.endswith("_NODE"):
            yield kind in READING_NODES
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _kinds_of_nodes(inner)


def _walk(node: Any, in_scope: frozenset[str], tables: set[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(item, in_scope, tables)
        return
    if not isinstance(node, dict):
        return
    defined = [entry["key"].lower() for entry in (node.get("cte_map") or {}).get("map", [])]
    recursive = [node["cte_name"].lower()] if node.get("cte_name") else []
    in_scope = in_scope | set(defined) | set(recursive)
    _judge(node, in_scope, tables)
    for value in node.values():
        _walk(value, in_scope, tables)


def _judge(node: dict[str, Any], in_scope: frozenset[str], tables: set[str]) -> None:
    """Take note of a table, or raise _Unclear for what makes the result depend on more than tables."""
    if node.get("sample"):
        raise _Unclear("sample")
    kind = node.get("type")
    if kind == "BASE_TABLE":
        _note_table(node, in_scope, tables)
    elif kind == "TABLE_FUNCTION":
        if node["function"]["function_name"].lower() not in HARMLESS_TABLE_FUNCTIONS:
            raise _Unclear(node["function"]["function_name"])
    elif kind in ("SHOW_REF", "VALUE_PARAMETER"):
        raise _Unclear(kind)
    elif kind == "COLUMN_REF":
        if node["column_names"][-1].lower() in CLOCK_NAMES:
            raise _Unclear(node["column_names"][-1])
    elif "function_name" in node and node["function_name"].lower() not in HARMLESS_TABLE_FUNCTIONS:
        name = node["function_name"].lower()
        is_clock = name in CLOCK_WITH_ONE_ARGUMENT and len(node.get("arguments", [])) == 1
        if is_clock or not _is_consistent(name):
            raise _Unclear(name)


def _note_table(node: dict[str, Any], in_scope: frozenset[str], tables: set[str]) -> None:
    path = [part.lower() for part in node["qualified_name"]["path"]]
    if node.get("at_clause") or len(path) > 2:
        raise _Unclear(".".join(path))
    if len(path) == 2:
        tables.add(".".join(path))
    elif path[0] not in in_scope:
        tables.add(f"main.{path[0]}")


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
    return reading is not None and not reading.tables


@cache
def _functions() -> dict[str, list[tuple[str | None, str | None]]]:
    """Stability and, of macros, definition of each form of DuckDB's functions, by name in lower case."""
    found: dict[str, list[tuple[str | None, str | None]]] = {}
    forms = (
        _parser()
        .cursor()
        .execute(
            "select distinct lower(function_name), stability, macro_definition from duckdb_functions() "
            "where function_type in ('scalar', 'aggregate', 'macro', 'window')"
        )
    )
    for name, stability, definition in forms.fetchall():
        found.setdefault(name, []).append((stability, definition))
    return found


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database that only parses; opening one costs ten times what a parse does."""
    return duckdb.connect(config={"threads": 1})


def _without_positions(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_positions(item) for item in node]
    if isinstance(node, dict):
        return {name: _without_positions(value) for name, value in node.items() if name not in _POSITIONS}
    return node
