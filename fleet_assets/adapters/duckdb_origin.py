"""What the rows of a query on the DuckDB warehouse are made from: the published file, and generations of lake
tables.

Belongs here: naming these. Does not belong here: reading them (`warehouse`).

Marts lie in the published file, which is only ever replaced whole; lake tables are views over the files of their newest
generation, in each query anew, and a generation never changes. A file system keeps times in steps, so that two writes
within one step may look like one: while the published file was changed within the last SETTLE_NS, nobody can say what
rows are made from.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from functools import cache, lru_cache
from pathlib import Path

import duckdb

from fleet_assets.adapters.lake import Generation, Lake
from fleet_assets.adapters.sql_dependencies import Relations
from fleet_assets.contracts import TABLES

SETTLE_NS = 2_000_000_000
"""ns; the coarsest steps of file times in use are the two seconds of FAT; ext4, XFS and APFS need ten milliseconds."""

VIEW_HEAD = re.compile(r"^CREATE (?:OR REPLACE )?VIEW .+? AS (?=\(|SELECT\b|WITH\b|FROM\b|VALUES\b)", re.DOTALL)


@cache
def _lake_names() -> frozenset[str]:
    return frozenset(f"main.{name}" for name in TABLES)


FileState = tuple[int, int, int, int, int]
"""Device, number, size, ns of the last change of content, and of any change (a rename too), by the file system."""


def file_state(path: Path) -> FileState | None:
    """The state of a file; None where there is none."""
    try:
        return _state(path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return None


def origin(sql: str, published: Path, lake: Lake, settle_ns: int) -> str | None:
    """Names what the rows of a SELECT would be made from now, as `Warehouse.origin` promises."""
    state = file_state(published)
    try:
        behind = _relations(published, state).behind(sql)
        if behind is None:
            return None
        tables = [TABLES[name.removeprefix("main.")] for name in sorted(behind & _lake_names())]
        read = [str(published), state, *((table.name, _contents(lake.generation(table))) for table in tables)]
    except (FileNotFoundError, duckdb.Error):
        # It is being replaced.
        return ""
    is_settled = state is None or max(state[-2:]) + settle_ns < time.time_ns()
    return hashlib.sha256(repr(read).encode()).hexdigest() if is_settled else ""


_marks: dict[Path, tuple[Generation, str]] = {}
"""By table the generation that was named last, with its name."""


def _contents(generation: Generation) -> str:
    """Names a generation: by its number too, since content that was there before may come back meanwhile."""
    known = _marks.get(generation.folder)
    if known is None or known[0] is not generation:
        files = [str(file.relative_to(generation.folder)) for file in generation.files()]
        known = _marks[generation.folder] = (
            generation,
            hashlib.sha256(repr([generation.number, files]).encode()).hexdigest(),
        )
    return known[1]


def _state(status: os.stat_result) -> FileState:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@lru_cache(maxsize=4)
def _relations(published: Path, state: FileState | None) -> Relations:
    """Lake tables, marts and views over both, looked up once for each state of the published file."""
    if state is None:
        return Relations(_lake_names(), {})
    asked = (
        "select lower(schema_name || '.' || table_name), null from duckdb_tables() union all "
        "select lower(schema_name || '.' || view_name), sql from duckdb_views() where not internal"
    )
    with duckdb.connect(str(published), read_only=True) as file:
        found = dict(file.execute(asked).fetchall())
    lake = _lake_names()
    # In a query a lake table is a view made anew, whatever the published file calls so.
    views = {name: VIEW_HEAD.sub("", text, count=1) for name, text in found.items() if text and name not in lake}
    return Relations(lake | found.keys(), views)
