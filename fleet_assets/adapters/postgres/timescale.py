"""Where the server has TimescaleDB, the lake's day tables are compressed hypertables instead of native partitions.

Belongs here: looking for the extension, and the statements that only it knows. Does not belong here: loading (a day of
a hypertable is deleted and copied in one transaction).
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from fleet_assets.adapters.postgres.names import PUBLISHED, statement
from fleet_assets.adapters.postgres.schema import BY_DAY, BY_VEHICLE
from fleet_assets.contracts import TABLES, Table

COMPRESS_AFTER = "14 days"
"""Late rows of older days decompress their chunk for a moment; vehicles deliver within days."""


def has_timescale(connection: psycopg.Connection) -> bool:
    """Whether the extension is there in this database."""
    return connection.execute("select 1 from pg_extension where extname = 'timescaledb'").fetchone() is not None


def could_have_timescale(connection: psycopg.Connection) -> bool:
    """Whether the server has the extension to offer."""
    return connection.execute("select 1 from pg_available_extensions where name = 'timescaledb'").fetchone() is not None


def without_partitions(connection: sa.Connection) -> None:
    """Let this connection make plain tables where the migrations say partitioned ones: a hypertable must be one."""

    @sa.event.listens_for(connection, "before_cursor_execute", retval=True)
    def plain(_c: Any, _cursor: Any, text: str, parameters: Any, _context: Any, _many: bool) -> tuple[str, Any]:
        return plain_table(text), parameters


def plain_table(text: str) -> str:
    """A CREATE TABLE without its partition clause."""
    return re.sub(r"\s+PARTITION BY RANGE \([^)]*\)", "", text, flags=re.IGNORECASE)


def hypertable_statements(connection: psycopg.Connection) -> list[sql.Composed]:
    """What makes hypertables of the day tables that are none yet."""
    asked = "select hypertable_name from timescaledb_information.hypertables where hypertable_schema = %s"
    done = {row[0] for row in connection.execute(asked, [PUBLISHED]).fetchall()}
    made = [table for table in TABLES.values() if table.partition_by and table.name not in done]
    return [text for table in made for text in as_hypertable(table)]


def as_hypertable(table: Table) -> list[sql.Composed]:
    """A chunk a day for large tables, else a month; compressed by vehicle in order of time once it is old."""
    on = sql.Literal(f"{PUBLISHED}.{table.name}")
    assert table.partition_by is not None
    by = sql.Literal("vehicle_id") if table.name in BY_VEHICLE or table.name in BY_DAY else sql.Literal("")
    chunk = sql.Literal("1 day" if table.name in BY_DAY else "1 month")
    return [
        statement(
            "select create_hypertable({on}, {time}, chunk_time_interval => interval {chunk}, migrate_data => true, "
            "create_default_indexes => false)", on=on, time=sql.Literal(table.partition_by), chunk=chunk,
        ),
        statement(
            "alter table {t} set (timescaledb.compress, timescaledb.compress_segmentby = {by}, "
            "timescaledb.compress_orderby = {order})",
            t=sql.Identifier(PUBLISHED, table.name), by=by, order=sql.Literal(f"{table.partition_by} desc"),
        ),
        statement(
            "select add_compression_policy({on}, interval {after}, if_not_exists => true)",
            on=on, after=sql.Literal(COMPRESS_AFTER),
        ),
    ]  # fmt: skip
