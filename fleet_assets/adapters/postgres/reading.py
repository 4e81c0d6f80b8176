"""What a query on PostgreSQL reads, and whether its result is a function of that alone.

Belongs here: where PostgreSQL understands a statement otherwise than DuckDB, whose parse is used. Does not belong here:
versions of what is read (`versions`).

Beyond what DuckDB's reading refuses, nothing here may read PostgreSQL's clock ('today'::date) or its catalogue
('trips'::regclass). Spelling counts: PostgreSQL tells "N" from N and varchar(2) from varchar(3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg

from fleet_assets.adapters.data_versions import Reading, parsed, read_query

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
select exists (
    select from pg_proc where proname = any(%s) and (pronamespace <> 'pg_catalog'::regnamespace
        or provolatile <> 'i' and proname <> all(%s))
)
"""


def read(connection: psycopg.Connection, sql: str) -> Reading | None:
    """What one SELECT reads; None when its result may depend on anything else."""
    reading = read_query(sql)
    statement = parsed(sql)
    if reading is None or statement is None or any(map(_is_unclear, _nodes(statement))):
        return None
    # What the server does not know is DuckDB's word for syntax: count_star, list_value.
    called = {str(node["function_name"]).lower() for node in _nodes(statement) if node.get("function_name")}
    row = connection.execute(OTHERS, [sorted(called), sorted(STABLE)]).fetchone()
    return None if row is None or row[0] else Reading(reading.tables, sql.strip())


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(inner)


def _is_unclear(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        # Names are compared in lower case; "Trips" is another table here.
        path = node["qualified_name"]["path"]
        return any(name != name.lower() for name in path)
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
