"""Queries of the DuckDB warehouse: one SELECT over the published marts and the lake, by their bare names.

Belongs here: what a query may see and open, its refusals in sentences, and its rows as a frame. Does not belong here:
the published file and how it comes about (`warehouse`), what rows were made from (`duckdb_origin`), how they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fleet_assets.adapters import described, published_file
from fleet_assets.adapters.explained import explained
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_views import literal, quoted, view_statement
from fleet_assets.adapters.parsed_select import only_reads
from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import DataError, UsageError
from fleet_assets.contracts.table_names import no_such_table
from fleet_assets.later import Later

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Later("duckdb")

PLAIN = {"INTERVAL": "epoch_us({})", "HUGEINT": "cast({} as bigint)"}
"""Types that Arrow has no equal of, and what is read instead: microseconds; 64 bits (a sum beyond them fails)."""

OFFLINE: dict[str, str | bool | int | float | list[str]] = {"autoinstall_known_extensions": "false"}
"""A query downloads nothing: DuckDB would fetch an extension for what it does not know."""

ALL_TABLES = (
    "select table_name, comment from duckdb_tables() where database_name = $1 and schema_name = 'main' union all "
    "select view_name, comment from duckdb_views() where database_name = $1 and schema_name = 'main'"
)
COLUMNS_OF = (
    "select column_name, comment from duckdb_columns() "
    "where database_name = $1 and schema_name = 'main' and table_name = $2"
)
TYPES_OF = (
    "select column_name, lower(data_type) from duckdb_columns() "
    "where database_name = 'memory' and schema_name = 'main' and table_name = $1 order by column_index"
)


def answer(sql: str, published: Path, lake: Lake, read_lake: Callable[[], str]) -> pl.DataFrame:
    """The rows of one SELECT; `read_lake` says which lake the published views read. See `Warehouse.query`."""
    with duckdb.connect(config=OFFLINE) as connection:
        connection.execute("set timezone = 'UTC'")
        try:
            _show_lake(connection, sql, lake, is_published=published.exists())
            if published.exists():
                _show_marts(connection, published)
            _confine(connection, lake, published)
            told = _described(connection, sql, published)
            return _frame(_only_reading(connection, sql)) if told is None else told
        except duckdb.Error as error:
            raise _refusal(connection, error, published, lake, read_lake) from None


def _show_lake(connection: duckdb.DuckDBPyConnection, sql: str, lake: Lake, *, is_published: bool) -> None:
    """Views of the lake's tables; files are opened only of those that the query names (0.1 ms a file)."""
    for table in TABLES.values():
        is_named = re.search(rf"\b{table.name}\b", sql, re.IGNORECASE)
        files = lake.generation(table).files() if is_named or not is_published else []
        if files or is_published:
            connection.execute(view_statement(table, files if is_named else None))


def _confine(connection: duckdb.DuckDBPyConnection, lake: Lake, published: Path) -> None:
    """From here on the lake is all that a query may open: no other file of this machine, no address."""
    allowed = (lake.root, published.parent)
    folders = ", ".join(literal(str(folder)) for folder in allowed)
    connection.execute(f"set allowed_directories = [{folders}]")
    connection.execute("set enable_external_access = false")
    # A SELECT can call enable_logging and enable_profiling, which write files where they are told to.
    connection.execute("set lock_configuration = true")


def _show_marts(connection: duckdb.DuckDBPyConnection, published: Path) -> None:
    """Attached under the name it was built with, since its own views say that name."""
    catalogue = quoted(published.stem)
    try:
        connection.execute(f"attach {literal(str(published))} as {catalogue} (read_only)")
    except duckdb.Error as error:
        said = published_file.sentence(error)
        raise DataError(f"{published} cannot be read; `fleet build` publishes it anew: {said}") from None
    for name in tables_of(connection, published.stem):
        if name not in TABLES:
            connection.execute(f"create view {quoted(name)} as from {catalogue}.main.{quoted(name)}")


def _described(connection: duckdb.DuckDBPyConnection, sql: str, published: Path) -> pl.DataFrame | None:
    """The answer to `show tables` and `describe TABLE`; None for any other question, and a table that there is not."""
    asks_for_all, name = described.asks_for_tables(sql), described.asks_about(sql)
    if not asks_for_all and name is None:
        return None
    known = tables_of(connection, "memory")
    if asks_for_all:
        rows = dict(_comments(connection, published, ALL_TABLES))
        return described.tables_frame((name, TABLES[name].row if name in TABLES else rows.get(name)) for name in known)
    if name is None or name not in known:
        return None
    if name in TABLES:
        says = {column.name: column.comment for column in TABLES[name].columns}
    else:
        says = dict(_comments(connection, published, COLUMNS_OF, name))
    kinds = connection.execute(TYPES_OF, [name]).fetchall()
    return described.columns_frame((column, kind, says.get(column)) for column, kind in kinds)


def _comments(connection: duckdb.DuckDBPyConnection, published: Path, asked: str, *more: str) -> list[tuple[str, str]]:
    """Names and comments in the published file."""
    return connection.execute(asked, [published.stem, *more]).fetchall()


def _refusal(
    connection: duckdb.DuckDBPyConnection, error: duckdb.Error, published: Path, lake: Lake,
    read_lake: Callable[[], str],
) -> DataError | UsageError:  # fmt: skip
    sentence = published_file.sentence(error)
    missing = re.search(r"Table with name (\S+) does not exist", sentence)
    if missing:
        known = tables_of(connection, "memory")
        unbuilt = "" if published.exists() else "; the marts are not built yet: run `fleet build`"
        return UsageError(no_such_table(missing[1], known, unbuilt))
    if read_lake() != str(lake.root):
        sentence += f"; {published} reads the lake at {read_lake()}: run `fleet build`, which puts it right"
    is_about_data = isinstance(error, duckdb.IOException | duckdb.InvalidInputException)
    return DataError(sentence) if is_about_data else UsageError(sentence)


def tables_of(connection: duckdb.DuckDBPyConnection, catalogue: str, kind: str = "%") -> list[str]:
    """Tables and views by name; `kind` as the information schema says it."""
    found = connection.execute(
        "select table_name from information_schema.tables "
        "where table_catalog = ? and table_schema = 'main' and table_type like ? order by 1",
        [catalogue, kind],
    )
    return [name for (name,) in found.fetchall()]


def _only_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """DuckDB reads `show tables`, `describe` and `summarize` as SELECT, and also a WITH that copies into a file."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or not only_reads(explained(statements[0].query) or statements[0].query):
        raise UsageError("a query is one SELECT (or show tables, describe TABLE, explain SELECT); nothing was run")
    return connection.sql(statements[0])


def _frame(rows: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """The rows as a frame; the difference of two instants is a duration, the sum of whole numbers a whole number."""
    twice = sorted({name for name in rows.columns if rows.columns.count(name) > 1})
    if twice:
        raise UsageError(f"more than one column is called {', '.join(twice)}; give each a name of its own with AS")
    kinds = dict(zip(rows.columns, map(str, rows.types), strict=True))
    plain = [f"{PLAIN[kind].format(quoted(name))} as {quoted(name)}" for name, kind in kinds.items() if kind in PLAIN]
    if plain:
        rows = rows.project(f"* replace ({', '.join(plain)})")
    spans = [name for name, kind in kinds.items() if kind == "INTERVAL"]
    return _read(rows).with_columns(pl.col(spans).cast(pl.Duration("us")))


@dataclass(frozen=True)
class _Stream:
    """Rows on their way from one library to the other, and nothing else of DuckDB: Polars keeps a relation that it is
    given, and DuckDB complains of that when a program ends."""

    capsule: Any

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        del requested_schema
        return self.capsule


def _read(rows: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """All rows; without pyarrow, which takes longer to load than most queries to run."""
    try:
        return pl.DataFrame(_Stream(rows.__arrow_c_stream__()))
    except pl.exceptions.ComputeError:
        # What DuckDB says of a row on the way is mere text to Polars. Asked for all rows it says so itself.
        return pl.DataFrame(_Stream(rows.materialize().__arrow_c_stream__()))
