"""DuckDB's own parse of a SELECT: whether it only reads, and which relations stand in it.

Belongs here: the parsed statement. Does not belong here: whether its rows may be kept (`duckdb_origin`).
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from fleet_assets.later import Later

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Later("duckdb")

READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""Parts of a statement that give rows and change nothing; a WITH of DuckDB 2.0 may also hold COPY and INSERT."""


def nodes(sql: str) -> list[dict[str, Any]]:
    """All parts of one SELECT, as DuckDB parses it; none of anything else, and of what it does not understand."""
    row = _parser().cursor().execute("select json_serialize_sql(?::varchar)", [sql]).fetchone()
    found = json.loads(row[0]) if row else {"error": True}
    return [] if found["error"] or len(found["statements"]) != 1 else [*_parts(found["statements"][0])]


def only_reads(sql: str) -> bool:
    """Whether a statement is one SELECT, no part of which writes."""
    kinds = [str(node.get("type")) for node in nodes(sql)]
    return bool(kinds) and all(kind in READING_NODES for kind in kinds if kind.endswith("_NODE"))


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _parts(inner)


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database that only parses; opening one costs ten times what a parse does."""
    # Gone before DuckDB is: it complains of what is left at the end of a program.
    atexit.register(_parser.cache_clear)
    return duckdb.connect(config={"threads": 1})
