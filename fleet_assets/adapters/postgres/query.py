"""Read-only queries: one SELECT in a transaction that cannot write, as fleet_reader where the user may be it.

Belongs here: what may be asked, types of the answer, refusals as sentences. Does not belong here: showing it.
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import psycopg
from psycopg import errors
from psycopg.types.json import set_json_loads

from fleet_assets.adapters import described
from fleet_assets.adapters.explained import explained
from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server, sentence
from fleet_assets.adapters.postgres.data_version import LOCKED, follows
from fleet_assets.adapters.postgres.names import PUBLISHED, READER
from fleet_assets.contracts.errors import DataError, UsageError
from fleet_assets.contracts.table_names import no_such_table

EXPLAINED = ("select", "with", "values", "table")
READING = (*EXPLAINED, "show")
"""How a statement begins that only reads; the transaction is read-only besides."""

BEFORE = re.compile(r"^(\s|--[^\n]*\n|/\*.*?\*/|\()+", re.DOTALL)
"""What may stand before the first word."""

DTYPES: dict[str, pl.DataType] = {
    "bool": pl.Boolean(), "int2": pl.Int64(), "int4": pl.Int64(), "int8": pl.Int64(), "oid": pl.Int64(),
    "float4": pl.Float64(), "float8": pl.Float64(), "text": pl.String(), "varchar": pl.String(), "bpchar": pl.String(),
    "name": pl.String(), "date": pl.Date(), "timestamp": pl.Datetime("us"), "timestamptz": pl.Datetime("us", "UTC"),
    "interval": pl.Duration("us"), "bytea": pl.Binary(),
}  # fmt: skip
"""Types that keep their meaning; whole and decimal `numeric` see `_numbers`; anything else is its text."""

ANALYST_CAN = ("42", "22", "0A", "25", "21", "54")
"""Classes of errors that are the question's: syntax and names, values, unsupported, read-only, cardinality, limits."""


PUBLISHED_RELATIONS = (
    "from pg_class c join pg_namespace n on n.oid = relnamespace "
    "where nspname = %s and relkind in ('r', 'p', 'v', 'm') and not relispartition"
)
COMMENTED = f"select relname, obj_description(c.oid, 'pg_class') {PUBLISHED_RELATIONS}"
COLUMNS_OF = (
    "select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) from pg_attribute "
    f"where attnum > 0 and not attisdropped and attrelid = (select c.oid {PUBLISHED_RELATIONS} and relname = %s) "
    "order by attnum"
)


def query(server: Server, sql: str) -> pl.DataFrame:
    """The rows of one SELECT; raises UsageError for anything else, and for names that are not there."""
    _refuse_unless_reading(sql)
    with server.reading(READER) as connection:
        return _rows(connection, sql)


def query_with_version(server: Server, sql: str) -> tuple[pl.DataFrame, str | None]:
    """The same, and the version of the data in the very snapshot that the rows come from; None where they depend on
    more."""
    _refuse_unless_reading(sql)
    with server.reading() as connection:
        server.act_as(connection, READER)
        rows = _rows(connection, sql)
        locked = [relation for (relation,) in connection.execute(LOCKED).fetchall()]
        connection.execute("reset role")
        return rows, meta_tables.data_version(connection) if follows(connection, sql, locked) else None


def _described(connection: psycopg.Connection, sql: str) -> pl.DataFrame | None:
    """The answer to `show tables` and `describe TABLE`; None for any other question."""
    if described.asks_for_tables(sql):
        return described.tables_frame(connection.execute(COMMENTED, [PUBLISHED]).fetchall())
    name = described.asks_about(sql)
    if name is None:
        return None
    rows = connection.execute(COLUMNS_OF, [PUBLISHED, name]).fetchall()
    if not rows:
        raise UsageError(no_such_table(name, _tables(connection), "; run `fleet build`"))
    return described.columns_frame(rows)


def _rows(connection: psycopg.Connection, sql: str) -> pl.DataFrame:
    told = _described(connection, sql)
    if told is not None:
        return told
    cursor = connection.cursor()
    set_json_loads(lambda text: text if isinstance(text, str) else bytes(text).decode(), cursor)
    try:
        # Prepared, so that the server takes one statement only, and sends types that are not known here as text.
        with connection.transaction():
            return _frame(cursor.execute(sql.strip().removesuffix(";").encode(), prepare=True))
    except psycopg.Error as error:
        raise _refusal(connection, error) from None


def _refuse_unless_reading(sql: str) -> None:
    if described.asks_for_tables(sql) or described.asks_about(sql):
        return
    inner = explained(sql)
    begins = BEFORE.sub("", sql if inner is None else inner).split(maxsplit=1)
    if not begins or begins[0].lower().rstrip(";") not in (READING if inner is None else EXPLAINED):
        raise UsageError("a query is one SELECT (or EXPLAIN of one); it reads and changes nothing")


def _frame(cursor: psycopg.Cursor[Any]) -> pl.DataFrame:
    described = cursor.description or []
    names = [column.name for column in described]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"more than one column is called {', '.join(twice)}; give each a name of its own with AS")
    columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
    return pl.DataFrame([_series(column, values) for column, values in zip(described, columns, strict=True)])


def _series(column: psycopg.Column, values: tuple[Any, ...]) -> pl.Series:
    kind = column.type_display.split("(")[0]
    if kind == "numeric":
        return _numbers(column.name, values)
    if kind.endswith("[]"):
        return _list(column.name, values)
    if kind in DTYPES:
        return pl.Series(column.name, values, dtype=DTYPES[kind], strict=True)
    return pl.Series(column.name, [None if value is None else str(value) for value in values], dtype=pl.String)


def _numbers(name: str, values: tuple[Any, ...]) -> pl.Series:
    """Exact numbers: whole ones (the sum of whole numbers is one) as such, others as floats."""
    exponents = [value.as_tuple().exponent for value in values if value is not None]
    if exponents and all(isinstance(exponent, int) and exponent >= 0 for exponent in exponents):
        return pl.Series(name, [None if value is None else int(value) for value in values], dtype=pl.Int64)
    return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)


def _list(name: str, values: tuple[Any, ...]) -> pl.Series:
    made = pl.Series(name, values)
    return made if isinstance(made.dtype, pl.List) else pl.Series(name, values, dtype=pl.List(pl.String))


def _refusal(connection: psycopg.Connection, error: psycopg.Error) -> Exception:
    said = sentence(error)
    state = error.sqlstate or ""
    if isinstance(error, errors.UndefinedTable):
        known, missing = _tables(connection), re.search(r'relation "(?:\w+\.)?(\w+)"', said)
        return UsageError(no_such_table(missing[1], known, "; run `fleet build`") if missing else said)
    if isinstance(error, errors.ReadOnlySqlTransaction):
        # The server calls it a SELECT also where a WITH of it deletes; else it names what would have written.
        what = "" if "SELECT" in said else f": {said}"
        return UsageError(f"a query is one SELECT that only reads, and this one would change something{what}")
    if isinstance(error, errors.InsufficientPrivilege):
        return UsageError(f"{said}; a query is one SELECT over published tables")
    if state[:2] in ANALYST_CAN:
        return UsageError(said)
    return DataError(said)


def _tables(connection: psycopg.Connection) -> list[str]:
    asked = (
        "select relname from pg_class join pg_namespace n on n.oid = relnamespace "
        "where nspname = %s and relkind in ('r', 'p', 'v', 'm') order by relname"
    )
    return [row[0] for row in connection.execute(asked, [PUBLISHED]).fetchall()]
