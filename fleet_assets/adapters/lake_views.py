"""The lake's tables as SQL views: the contract's columns over the files of a generation, or over a pattern of names,
with what they mean.

Belongs here: types and text of the statements. Does not belong here: who runs them (`warehouse`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fleet_assets.contracts import Table

DUCKDB_TYPES = {
    "str": "varchar", "f64": "double", "i64": "bigint", "u8": "utinyint", "u32": "uinteger", "bool": "boolean",
    "date": "date", "ts": "timestamptz", "bin": "blob", "json": "varchar", "list[str]": "varchar[]",
}  # fmt: skip


def named_files(table: Table, lake_root: Path) -> str | None:
    """A pattern of the names by which people know the files of a lake table, or None where there is not one.

    A view over it follows the lake for as long as it stands, each file whole; what must be of one generation is a view
    over `Generation.files`.
    """
    folder = lake_root / table.name
    return str(folder / "**" / "*.parquet") if next(folder.glob("**/*.parquet"), None) else None


def view_statement(table: Table, files: str | Sequence[Path] | None) -> str:
    """SQL that makes a view of a lake table: the contract's columns, over a pattern of files, some, or none.

    A column that no file has yet is null. The folder's date is not a column.
    """
    columns = ", ".join(
        f"cast(null as {DUCKDB_TYPES[column.kind]}) as {quoted(column.name)}" for column in table.columns
    )
    rows = f"select {columns} where false"
    if files:
        options = "union_by_name = true, hive_partitioning = false"
        named = literal(files) if isinstance(files, str) else f"[{', '.join(literal(str(file)) for file in files)}]"
        rows += f" union all by name select * from read_parquet({named}, {options})"
    return f"create or replace view {quoted(table.name)} as {rows}"


def comment_statements(table: Table) -> str:
    """SQL that says of the view of a lake table what a row is, and what each column means."""
    name = quoted(table.name)
    says = [f"comment on view {name} is {literal(table.row)}"]
    says += [f"comment on column {name}.{quoted(one.name)} is {literal(one.comment)}" for one in table.columns]
    return "; ".join(says)


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
