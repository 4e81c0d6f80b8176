"""What the rows of a query on the DuckDB warehouse are made from: the published file, and generations of lake tables.

Belongs here: naming these. Does not belong here: reading them (`warehouse`).

Marts lie in the published file, which is only ever replaced whole; lake tables are views over the files of their newest
generation, in each query anew, and a generation never changes. A file system keeps times in steps, so that two writes
within one step may look like one: while the published file was changed within the last SETTLE_NS, nobody can say what
rows are made from.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet_assets.adapters.lake import Generation, Lake
from fleet_assets.adapters.parsed_select import nodes
from fleet_assets.adapters.published_file import FileState, file_state
from fleet_assets.adapters.sql_words import CLOCK_WORDS, words
from fleet_assets.contracts import TABLES
from fleet_assets.later import Later

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Later("duckdb")

SETTLE_NS = 2_000_000_000
"""ns; the coarsest steps of file times in use are the two seconds of FAT; ext4, XFS and APFS need ten milliseconds."""

HARMLESS = ["unnest", "range", "generate_series", "repeat"]
"""Table functions that compute rows from their arguments; every other one may read what nobody watches."""

UNSTABLE = f"""
select lower(function_name) from duckdb_functions() where function_name <> all({HARMLESS}) and (
    function_type in ('table', 'table_macro') or function_type <> 'macro' and stability <> 'CONSISTENT')
union select lower(view_name) from duckdb_views() where internal and schema_name <> 'information_schema'
"""
TEXTS = """
select lower(view_name), sql from duckdb_views()
where not internal and (schema_name <> 'main' or view_name <> all(?))
union all select lower(function_name), macro_definition from duckdb_functions() where function_type = 'macro'
"""
"""Views and macros. In a query a lake table is a view made anew, whatever the published file calls so."""

NEVER = CLOCK_WORDS | {"information_schema", "index_key", "json_serialize_plan"}


def origin(sql: str, published: Path, lake: Lake, settle_ns: int) -> str | None:
    """Names what the rows of a SELECT would be made from now, as `Warehouse.origin` promises."""
    state = file_state(published)
    try:
        tables = _lake_tables(sql, published, state)
        if tables is None:
            return None
        read = [str(published), state, *(_named(lake.generation(TABLES[name])) for name in tables)]
    except (FileNotFoundError, duckdb.Error):
        # It is being replaced.
        return ""
    is_settled = state is None or max(state[-2:]) + settle_ns < time.time_ns()
    return hashlib.sha256(repr(read).encode()).hexdigest() if is_settled else ""


def _named(generation: Generation) -> tuple[object, ...]:
    """Names a generation: not by its content, since what was there before may come back meanwhile. Files of an earlier
    version that nobody may adopt have no generation yet, and are named by what they hold."""
    return generation.folder, generation.number, generation.made_at, generation.number or generation.facts


@lru_cache(maxsize=4_096)
def _lake_tables(sql: str, published: Path, state: FileState | None) -> list[str] | None:
    """The lake tables that a SELECT may read, views followed; None where its rows may depend on more."""
    parts = nodes(sql)
    unstable, texts = _catalogue(published, state)
    named = found = words(sql)
    while found:
        found = words(" ".join(texts[word] for word in found & texts.keys())) - named
        named |= found
    return None if not parts or named & unstable or any(map(_is_foreign, parts)) else sorted(named & TABLES.keys())


def _is_foreign(node: dict[str, Any]) -> bool:
    """Whether a part of a statement samples rows, tells of tables, or may read a file: their names have a dot."""
    names = node["qualified_name"]["path"] if node.get("type") == "BASE_TABLE" else []
    return bool(node.get("sample")) or node.get("type") == "SHOW_REF" or any("." in name for name in names)


@lru_cache(maxsize=4)
def _catalogue(published: Path, state: FileState | None) -> tuple[frozenset[str], dict[str, str]]:
    """Names of what may give other rows without a write, and the texts behind names; once for each published file."""
    texts: defaultdict[str, str] = defaultdict(str)
    with duckdb.connect(str(published) if state else ":memory:", read_only=bool(state)) as file:
        for name, text in file.execute(TEXTS, [[*TABLES]]).fetchall():
            texts[name] += f" {text}"
        return NEVER.union(name for (name,) in file.execute(UNSTABLE).fetchall()), texts
