"""The lake's tables as SQL views: the contract's columns over whatever Parquet files there are.

Belongs here: types and text of the statements. Does not belong here: who runs them (`warehouse`).
"""

from __future__ import annotations

import os
import re
import resource
from contextlib import ExitStack
from pathlib import Path

from fleet_assets.contracts import Table

HELD = Path("/proc/self/fd")

DUCKDB_TYPES = {
    "str": "varchar", "f64": "double", "i64": "bigint", "u8": "utinyint", "u32": "uinteger", "bool": "boolean",
    "date": "date", "ts": "timestamptz", "bin": "blob", "json": "varchar", "list[str]": "varchar[]",
}  # fmt: skip


def lake_files(table: Table, lake_url: str) -> str | None:
    """The pattern of a lake table's Parquet files, or None where there is not one."""
    folder = Path(lake_url.removeprefix("file://")) / table.name
    return str(folder / "**" / "*.parquet") if next(folder.glob("**/*.parquet"), None) else None


def held_files(table: Table, lake_url: str, held: ExitStack) -> list[str] | None:
    """The present files of a lake table as names that stand for these very bytes until `held` is closed.

    A query opens a file more than once; under its own name it could find the footer of one version and the pages of
    the next. The names are those of open descriptors, so this needs /proc; elsewhere they are the files' own.
    """
    folder = Path(lake_url.removeprefix("file://")) / table.name
    paths = sorted(folder.glob("**/*.parquet"))
    if not (HELD.is_dir() and _may_open(len(paths))):
        return [str(path) for path in paths] or None
    return [str(HELD / str(held.enter_context(path.open("rb")).fileno())) for path in paths] or None


def own_names(text: str) -> str:
    """The text with the files' own names in place of those of `held_files`, while these are held."""
    return re.sub(rf"{HELD}/\d+", lambda found: os.readlink(found[0]), text)


def _may_open(count: int) -> bool:
    """Whether this process may have so many more files open, twice (DuckDB opens them again); raises its limit."""
    wanted = 2 * count + 256
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted <= max(soft, hard)


def view_statement(table: Table, files: str | list[str] | None) -> str:
    """SQL that makes a view of a lake table: the contract's columns, over a pattern of files, some, or none.

    A column that no file has yet is null. The folder's date is not a column.
    """
    columns = ", ".join(
        f"cast(null as {DUCKDB_TYPES[column.kind]}) as {quoted(column.name)}" for column in table.columns
    )
    rows = f"select {columns} where false"
    if files is not None:
        options = "union_by_name = true, hive_partitioning = false"
        named = literal(files) if isinstance(files, str) else f"[{', '.join(map(literal, files))}]"
        rows += f" union all by name select * from read_parquet({named}, {options})"
    return f"create or replace view {quoted(table.name)} as {rows}"


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
