"""The lake's tables as SQL views: the contract's columns over whatever Parquet files there are.

Belongs here: types and text of the statements. Does not belong here: who runs them (`warehouse`).
"""

from __future__ import annotations

from pathlib import Path

from fleet_assets.contracts import Table

DUCKDB_TYPES = {
    "str": "varchar", "f64": "double", "i64": "bigint", "u8": "utinyint", "u32": "uinteger", "bool": "boolean",
    "date": "date", "ts": "timestamptz", "bin": "blob", "json": "varchar", "list[str]": "varchar[]",
}  # fmt: skip


def lake_files(table: Table, lake_url: str) -> str | None:
    """The pattern of a lake table's Parquet files, or None where there is not one."""
    folder = Path(lake_url.removeprefix("file://")) / table.name
    return str(folder / "**" / "*.parquet") if next(folder.glob("**/*.parquet"), None) else None


def view_statement(table: Table, files: str | None) -> str:
    """SQL that makes a view of a lake table: the contract's columns, over a pattern of files or without any.

    A column that no file has yet is null. The folder's date is not a column.
    """
    columns = ", ".join(
        f"cast(null as {DUCKDB_TYPES[column.kind]}) as {quoted(column.name)}" for column in table.columns
    )
    rows = f"select {columns} where false"
    if files is not None:
        options = "union_by_name = true, hive_partitioning = false"
        rows += f" union all by name select * from read_parquet({literal(files)}, {options})"
    return f"create or replace view {quoted(table.name)} as {rows}"


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
