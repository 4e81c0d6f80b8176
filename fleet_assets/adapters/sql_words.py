"""The words of a statement, which each warehouse looks up in its own catalogue to see what rows depend on.

Belongs here: words, and those that read the clock or the session in any SQL. Does not belong here: what a catalogue
says of the others (`duckdb_origin`, `postgres.data_version`).

Every word counts, wherever it stands: also in a comment, a text or as the name of a column. So nothing that a statement
names is overlooked, whatever its grammar; a result that could have been kept may be computed again.
"""

from __future__ import annotations

import re

CLOCK_WORDS = frozenset(
    {
        "age", "current_catalog", "current_date", "current_localtime", "current_localtimestamp", "current_role",
        "current_time", "current_timestamp", "current_user", "describe", "explain", "localtime", "localtimestamp",
        "now", "session_user", "show", "summarize", "tablesample", "today", "tomorrow", "user", "yesterday",
    }
)  # fmt: skip
"""What follows from the clock, chance, the session or the catalogue, without being a function that says so: words of
the grammar, texts such as 'today' that PostgreSQL reads as dates, and functions that DuckDB 2.0 calls consistent."""


def words(text: str) -> frozenset[str]:
    """The words of a statement, in lower case."""
    return frozenset(re.findall(r"[\w$]+", text.lower()))
