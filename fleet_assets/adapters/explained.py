"""What an EXPLAIN explains, in the words of DuckDB and of PostgreSQL.

Belongs here: telling the word and its options from the statement behind them. Does not belong here: whether that
statement may be run (`warehouse`, `postgres.query`): EXPLAIN ANALYZE runs it.
"""

from __future__ import annotations

import re

BLANK = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)"

OPTION = "analy[sz]e|verbose|costs|settings|generic_plan|buffers|serialize|wal|timing|summary|memory|format"

EXPLAIN = re.compile(
    rf"{BLANK}*explain(?:{BLANK}+(?:analy[sz]e|verbose)\b)*(?:{BLANK}*\({BLANK}*(?:{OPTION})\b[\w\s,]*\))?(?=\W)",
    re.IGNORECASE | re.DOTALL,
)
"""The word EXPLAIN with its options, before or within parentheses."""


def explained(sql: str) -> str | None:
    """The statement that an EXPLAIN explains; None where a statement is none."""
    found = EXPLAIN.match(sql)
    return sql[found.end() :] if found else None
