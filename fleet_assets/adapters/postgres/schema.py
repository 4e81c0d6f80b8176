"""The tables of the database as SQLAlchemy metadata, made from the contracts, and their indexes.

Belongs here: types, keys, partition rule, indexes each with the query it serves. Does not belong here: how the database
gets there (`migrations`), the partitions (`partitions`), and the marts (dbt makes them).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from fleet_assets.adapters.postgres.names import META, PUBLISHED
from fleet_assets.contracts import CAN_SIGNALS, TABLES, TELEMETRY, Table, registry
from fleet_assets.contracts.catalogue import Catalogue

TYPES: dict[str, sa.types.TypeEngine[Any]] = {
    "str": sa.Text(),
    "f64": sa.Double(),
    "i64": sa.BigInteger(),
    "u8": sa.SmallInteger(),
    "u32": sa.BigInteger(),
    "bool": sa.Boolean(),
    "date": sa.Date(),
    "ts": sa.TIMESTAMP(timezone=True),
    "bin": postgresql.BYTEA(),
    "json": sa.Text(),
    "list[str]": postgresql.ARRAY(sa.Text()),
}
"""PostgreSQL has no unsigned numbers: the next larger signed type holds them all."""

LARGE = (CAN_SIGNALS.name, TELEMETRY.name)
"""Large tables besides the raw ones."""

BY_VEHICLE = {
    "telemetry": ("vehicle_id", "recorded_at"),
    "trips": ("vehicle_id", "started_at"),
    "stops": ("vehicle_id", "started_at"),
    "standing_periods": ("vehicle_id", "started_at"),
    "power_sessions": ("vehicle_id", "started_at"),
    "charging_sessions": ("vehicle_id", "plugged_at"),
    "charging_hours": ("vehicle_id", "hour_at"),
    "hourly_use": ("vehicle_id", "hour_at"),
}
"""B-trees: the newest row of a vehicle, its track over a span, its trips and stays in order of time."""

METADATA = sa.MetaData()
"""Everything that migrations make; whole by `migrated()`."""

INSTALLED = sa.MetaData()
"""Raw tables of sources that other packages declare: made from their contracts, since no migration knows them."""


@cache
def by_day() -> frozenset[str]:
    """Tables whose month partitions are divided into days: a day of them is exchanged whole (docs/decisions/0011)."""
    return frozenset({*LARGE, *(raw.table.name for raw in registry().raw)})


def _table(table: Table) -> sa.Table:
    home = INSTALLED if table.name in registry().not_shipped else METADATA
    columns = [sa.Column(c.name, TYPES[c.kind], nullable=not c.required, comment=c.comment) for c in table.columns]
    made = sa.Table(table.name, home, *columns, schema=PUBLISHED, comment=table.row)
    if table.partition_by:
        made.dialect_options["postgresql"]["partition_by"] = f"RANGE ({table.partition_by})"
        # A day's rows lie together, so a summary of 128 pages tells which days a query over a span need not read.
        sa.Index(f"{table.name}_{table.partition_by}_brin", made.c[table.partition_by], postgresql_using="brin")
    elif set(table.key) <= set(table.required):
        made.append_constraint(sa.PrimaryKeyConstraint(*table.key, name=f"{table.name}_pkey"))
    if table.name in BY_VEHICLE:
        sa.Index(f"{table.name}_vehicle", *(made.c[name] for name in BY_VEHICLE[table.name]))
    return made


LAKE = Catalogue(lambda: {table.name: _table(table) for table in TABLES.values()})
"""The lake's tables by name."""

LOADED = sa.Table(
    "loaded", METADATA,
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("loaded_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    schema=META,
)  # fmt: skip
"""One stored partition of the lake that is in the database, by the hash of its bytes (`meta_tables.NO_DAY`: no day)."""

MART_INPUTS = sa.Table(
    "mart_inputs", METADATA,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("inputs", sa.Text, nullable=False),
    sa.Column("published_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    schema=META,
)  # fmt: skip
"""What each published model was made from."""

FACTS = sa.Table(
    "facts", METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    schema=META,
)  # fmt: skip
"""What is true of the whole database: which lake it is loaded from."""


def migrated() -> sa.MetaData:
    """All that migrations make."""
    assert len(LAKE)
    return METADATA


def installed() -> sa.MetaData:
    """All that is made from contracts of other packages."""
    assert len(LAKE)
    return INSTALLED
