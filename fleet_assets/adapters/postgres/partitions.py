"""Native partitions of the lake's day tables: months, and in large tables days within them that are exchanged whole.

Belongs here: making, filling and exchanging them. Does not belong here: which rows (`load`), hypertables (`timescale`).

    fleet.trips       -> fleet_parts.trips_2026_03                                   a day's rows are deleted and copied
    fleet.telemetry   -> fleet_parts.telemetry_2026_03 -> fleet_parts.telemetry_2026_03_05      a day is a table

A day table is filled and indexed while nobody sees it; only then the month, and nothing else, is locked for the moment
in which the old one is dropped and the new one attached.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg import errors, sql
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

from fleet_assets.adapters.postgres.names import PARTS, PUBLISHED, regclass, statement, table
from fleet_assets.adapters.postgres.schema import LAKE
from fleet_assets.contracts import Table

LOCK_MS = 80
"""ms to wait for readers of the month, who are kept waiting as long; then step back and try again."""

LOCK_PATIENCE_S = 600
"""s after which a reader that never ends makes the exchange fail."""


def month_name(contract: Table, day: date) -> str:
    return f"{contract.name}_{day:%Y_%m}"


def day_name(contract: Table, day: date) -> str:
    return f"{contract.name}_{day:%Y_%m_%d}"


def ensure_month(connection: psycopg.Connection, contract: Table, day: date, *, divided: bool) -> None:
    """Have the partition of a day's month. Attaching locks nobody out, as `create table … partition of` would."""
    name = month_name(contract, day)
    if exists(connection, name):
        return
    first = day.replace(day=1)
    names = {"month": table(name, PARTS), "t": table(contract.name), "by": sql.Identifier(_instant(contract))}
    text = "create table {month} (like {t} including defaults)" + (" partition by range ({by})" if divided else "")
    connection.execute(statement(text, **names))
    bounds = {"low": _at(first), "high": _at(next_month(first))}
    connection.execute(statement("alter table {t} attach partition {month} " + BETWEEN, **names, **bounds))


def new_day(connection: psycopg.Connection, contract: Table, day: date) -> sql.Identifier:
    """An unseen table for a day's rows. Its constraint spares the search for rows of other days when it is attached."""
    fresh = table(f"{day_name(contract, day)}_new", PARTS)
    text = (
        "create table {new} (like {t} including defaults, constraint day_bounds "
        "check ({by} is not null and {by} >= {low} and {by} < {high}))"
    )
    names = {"new": fresh, "t": table(contract.name), "by": sql.Identifier(_instant(contract))}
    connection.execute(statement(text, **names, low=_at(day), high=_at(day + timedelta(days=1))))
    return fresh


def index_like_parent(connection: psycopg.Connection, contract: Table, fresh: sql.Identifier) -> None:
    """The parent's indexes, made after the rows are there: sorted once instead of rearranged row by row."""
    for index in sorted(LAKE[contract.name].indexes, key=lambda one: str(one.name)):
        method = index.dialect_options["postgresql"]["using"] or "btree"
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in index.columns)
        text = "create index on {new} using {method} ({columns})"
        connection.execute(statement(text, new=fresh, method=str(method), columns=columns))


@retry(
    retry=retry_if_exception_type(errors.LockNotAvailable), wait=wait_random_exponential(0.05, 5),
    stop=stop_after_delay(LOCK_PATIENCE_S), reraise=True,
)  # fmt: skip
def exchange_day(connection: psycopg.Connection, contract: Table, day: date, fresh: sql.Identifier | None) -> None:
    """Put a filled table in the place of a day's partition, or nothing; readers see the change at commit.

    A statement that reads the month holds this up, and this then holds up others: for LOCK_MS at most, over and over.
    """
    # The savepoint gives the locks back when the wait was in vain.
    with connection.transaction():
        connection.execute(statement("set local lock_timeout = {ms}", ms=sql.Literal(f"{LOCK_MS}ms")))
        old = table(day_name(contract, day), PARTS)
        connection.execute(statement("drop table if exists {old}", old=old))
        if fresh is not None:
            month = table(month_name(contract, day), PARTS)
            connection.execute(statement("alter table {new} rename to {name}", new=fresh, name=day_name(contract, day)))
            bounds = {"low": _at(day), "high": _at(day + timedelta(days=1))}
            connection.execute(
                statement("alter table {month} attach partition {day} " + BETWEEN, month=month, day=old, **bounds)
            )
        connection.execute("set local lock_timeout = 0")


BETWEEN = "for values from ({low}) to ({high})"


def delete_day(connection: psycopg.Connection, contract: Table, day: date | None) -> None:
    """Delete a day's rows, or all of a table without days; readers are not held up."""
    if day is None:
        connection.execute(statement("delete from {t}", t=table(contract.name)))
        return
    names = {"t": table(contract.name), "by": sql.Identifier(_instant(contract))}
    text = statement("delete from {t} where {by} >= {low} and {by} < {high}",
                     **names, low=_at(day), high=_at(day + timedelta(days=1)))  # fmt: skip
    connection.execute(text)


def exists(connection: psycopg.Connection, name: str, schema: str = PARTS) -> bool:
    found = connection.execute("select to_regclass(%s)", [regclass(name, schema)]).fetchone()
    return found is not None and found[0] is not None


def is_divided(connection: psycopg.Connection, contract: Table) -> bool:
    """Whether a table is natively partitioned: that is what it is, not what the server could have made of it."""
    asked = "select relkind = 'p' from pg_class where oid = to_regclass(%s)"
    row = connection.execute(asked, [regclass(contract.name, PUBLISHED)]).fetchone()
    return bool(row and row[0])


def next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _instant(contract: Table) -> str:
    assert contract.partition_by is not None
    return contract.partition_by


def _at(day: date) -> sql.Literal:
    return sql.Literal(datetime(day.year, day.month, day.day, tzinfo=UTC))
