"""`show tables` and `describe TABLE`: what is published, in the words that tables and columns carry as comments.

Belongs here: telling such a question, and the frames that answer it, the same for every warehouse. Does not belong
here: where a warehouse keeps its comments (`duckdb_query`, `postgres.query`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

SHOW_TABLES = re.compile(r"\s*show\s+(?:all\s+)?tables\s*;?\s*", re.IGNORECASE)
DESCRIBE = re.compile(r'\s*desc(?:ribe)?\s+(?:table\s+)?(?:fleet\.)?"?(\w+)"?\s*;?\s*', re.IGNORECASE)

COLUMNS = pl.Schema({"column_name": pl.String(), "column_type": pl.String(), "meaning": pl.String()})
TABLES = pl.Schema({"name": pl.String(), "row": pl.String()})
"""`row`: what a row of the table is."""


def asks_for_tables(sql: str) -> bool:
    """Whether a statement asks which tables there are."""
    return SHOW_TABLES.fullmatch(sql) is not None


def asks_about(sql: str) -> str | None:
    """The table that a statement asks about; None where it asks something else, `describe select ...` too."""
    found = DESCRIBE.fullmatch(sql)
    return found[1].lower() if found and found[1].lower() not in ("select", "with", "from", "values") else None


def columns_frame(rows: Iterable[tuple[str, str, str | None]]) -> pl.DataFrame:
    """The answer about one table: name, type and comment of each column, in its order."""
    return pl.DataFrame(list(rows), schema=COLUMNS, orient="row")


def tables_frame(rows: Iterable[tuple[str, str | None]]) -> pl.DataFrame:
    """The answer about all: name and comment of each table and view, by name."""
    return pl.DataFrame(sorted(rows), schema=TABLES, orient="row")
