"""Where the server has TimescaleDB, the lake's day tables are compressed hypertables instead of native partitions.

Belongs here: looking for the extension, what kind a table is, the statements that only the extension knows. Does not
belong here: loading (a day of a hypertable is deleted and copied in one transaction), and the move of tables that are
natively partitioned (`hypertables`).

Nothing here is a policy: TimescaleDB runs policies as the table's owner, who must then be able to log in, and
fleet_owner is not. Loads compress what has become old (decision 42).
"""

from __future__ import annotations

import re
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors, sql

from fleet_assets.adapters.postgres.names import PUBLISHED, regclass, statement
from fleet_assets.adapters.postgres.schema import BY_VEHICLE, by_day
from fleet_assets.contracts import TABLES, Table

COMPRESS_AFTER = "14 days"
"""Late rows of older days decompress their chunk for a moment; vehicles deliver within days."""

CHUNK = "30 days"
"""Of tables that are not large. Chunks begin at multiples of their length since 1970, whatever it is called: a "month"
is thirty days to TimescaleDB. So it is said in days, which never cut a day in two."""

LOCK_PATIENCE = "2s"
"""To wait for who reads a chunk that is to be compressed; the next load tries again."""

OLD_CHUNKS = """
select format('%%I.%%I', c.chunk_schema, c.chunk_name)
from timescaledb_information.chunks c
join _timescaledb_catalog.chunk k on k.schema_name = c.chunk_schema and k.table_name = c.chunk_name
where c.hypertable_schema = %s and c.hypertable_name = %s and c.range_end < now() - %s::interval
    and (not c.is_compressed or k.status & 8 > 0)
order by c.range_start
"""
"""Bit 8 of a chunk's status: rows came after it was compressed."""


def has_timescale(connection: psycopg.Connection) -> bool:
    """Whether the extension is there in this database."""
    return connection.execute("select 1 from pg_extension where extname = 'timescaledb'").fetchone() is not None


def could_have_timescale(connection: psycopg.Connection) -> bool:
    """Whether the server has the extension to offer."""
    return connection.execute("select 1 from pg_available_extensions where name = 'timescaledb'").fetchone() is not None


def native_tables(connection: psycopg.Connection) -> list[Table]:
    """The day tables that are natively partitioned: they were made before the extension was there, or without it."""
    asked = (
        "select relname::text from pg_class join pg_namespace n on n.oid = relnamespace "
        "where nspname = %s and relkind = 'p'"
    )
    names = {row[0] for row in connection.execute(asked, [PUBLISHED]).fetchall()}
    return [table for table in TABLES.values() if table.name in names]


def hypertables(connection: psycopg.Connection) -> set[str]:
    """Names of the lake's tables that are hypertables."""
    if not has_timescale(connection):
        return set()
    asked = "select hypertable_name::text from timescaledb_information.hypertables where hypertable_schema = %s"
    return {row[0] for row in connection.execute(asked, [PUBLISHED]).fetchall()}


def without_partitions(connection: sa.Connection) -> None:
    """Let this connection make plain tables where the migrations say partitioned ones: a hypertable must be one."""

    @sa.event.listens_for(connection, "before_cursor_execute", retval=True)
    def plain(_c: Any, _cursor: Any, text: str, parameters: Any, _context: Any, _many: bool) -> tuple[str, Any]:
        return plain_table(text), parameters


def plain_table(text: str) -> str:
    """A CREATE TABLE without its partition clause."""
    return re.sub(r"\s+PARTITION BY RANGE \([^)]*\)", "", text, flags=re.IGNORECASE)


def hypertable_statements(connection: psycopg.Connection) -> list[sql.Composed]:
    """What makes hypertables of the day tables that are plain yet; natively partitioned ones are let be."""
    done = hypertables(connection) | {table.name for table in native_tables(connection)}
    made = [table for table in TABLES.values() if table.partition_by and table.name not in done]
    return [text for table in made for text in as_hypertable(table, regclass(table.name))]


def as_hypertable(table: Table, place: str) -> list[sql.Composed]:
    """Statements for a plain table that lies at `place`: a chunk a day if it is large, else CHUNK; once old, compressed
    by vehicle in order of time."""
    assert table.partition_by is not None
    by = sql.Literal("vehicle_id") if table.name in BY_VEHICLE or table.name in by_day() else sql.Literal("")
    chunk = sql.Literal("1 day" if table.name in by_day() else CHUNK)
    return [
        statement(
            "select create_hypertable({on}, {time}, chunk_time_interval => interval {chunk}, migrate_data => true, "
            "create_default_indexes => false)",
            on=sql.Literal(place), time=sql.Literal(table.partition_by), chunk=chunk,
        ),
        statement(
            "alter table {t} set (timescaledb.compress, timescaledb.compress_segmentby = {by}, "
            "timescaledb.compress_orderby = {order})",
            t=sql.SQL(place), by=by, order=sql.Literal(f"{table.partition_by} desc"),
        ),
    ]  # fmt: skip


def compress_old(connection: psycopg.Connection, table: Table) -> int:
    """Compress the chunks of a hypertable that have become old, and those to which rows came since; returns how many.

    One that somebody reads at this moment is left for the next time.
    """
    old = connection.execute(OLD_CHUNKS, [PUBLISHED, table.name, COMPRESS_AFTER]).fetchall()
    return sum(_compressed(connection, chunk) for (chunk,) in old)


def _compressed(connection: psycopg.Connection, chunk: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(statement("set local lock_timeout = {patience}", patience=sql.Literal(LOCK_PATIENCE)))
            connection.execute("select compress_chunk(%s::regclass)", [chunk])
            connection.execute("set local lock_timeout = 0")
    except errors.LockNotAvailable:
        return False
    return True
