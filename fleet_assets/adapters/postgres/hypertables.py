"""The move of natively partitioned tables to hypertables, for a database that got TimescaleDB after its tables.

Belongs here: copying, comparing, exchanging one table after the other. Does not belong here: making hypertables where
tables are new (`migrate`).

A table is copied beside itself while people go on reading it, compared row for row by a hash that does not ask for
order, and only then exchanged, all in one transaction: killed or refused, the table is what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.dependents import find_dependents, put_back
from fleet_assets.adapters.postgres.names import LOAD_LOCK, PARTS, PUBLISHED, regclass, statement, table
from fleet_assets.adapters.postgres.owners import AdministratorNeeded
from fleet_assets.adapters.postgres.roles import apply_privileges
from fleet_assets.adapters.postgres.schema import LAKE
from fleet_assets.adapters.postgres.timescale import (
    as_hypertable,
    compress_old,
    could_have_timescale,
    has_timescale,
    native_tables,
)
from fleet_assets.contracts import Table
from fleet_assets.contracts.errors import ServiceError

EXTENSION = "create extension if not exists timescaledb"


@dataclass(frozen=True)
class Moved:
    """One table that is a hypertable now, with its rows."""

    table: str
    rows: int


def move_to_hypertables(server: Server, tell: Callable[[str], object] = lambda _: None) -> Iterator[Moved]:
    """Move every natively partitioned table of the lake; yields after each. `tell` hears of views that were lost.

    Raises ServiceError where the server has no TimescaleDB, or a copy does not equal its table, and AdministratorNeeded
    where this user may not make the extension.
    """
    _require_extension(server)
    with server.transaction() as connection:
        natives = native_tables(connection)
    for contract in natives:
        with server.owning() as connection:
            moved = _move(connection, contract, tell)
            meta_tables.new_version(connection)
        yield moved
        with server.owning() as connection:
            compress_old(connection, contract)
    if natives:
        apply_privileges(server)


def _require_extension(server: Server) -> None:
    with server.transaction() as connection:
        if has_timescale(connection):
            return
        if not could_have_timescale(connection):
            raise ServiceError(f"{server.address} has no TimescaleDB to offer: its administrator installs it")
        try:
            connection.execute(EXTENSION)
        except errors.InsufficientPrivilege:
            raise AdministratorNeeded("this user may not make the extension TimescaleDB", [f"{EXTENSION};"]) from None


def _move(connection: psycopg.Connection, contract: Table, tell: Callable[[str], object]) -> Moved:
    old, fresh = table(contract.name), table(f"{contract.name}_hyper", PARTS)
    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, %s))", [contract.name, LOAD_LOCK])
    # Readers go on; who would write waits.
    connection.execute(statement("lock table {old} in share mode", old=old))
    connection.execute(statement("create table {new} (like {old} including defaults including comments)",
                                 new=fresh, old=old))  # fmt: skip
    for text in as_hypertable(contract, regclass(f"{contract.name}_hyper", PARTS)):
        connection.execute(text)
    connection.execute(statement("insert into {new} select * from {old}", new=fresh, old=old))
    rows = _equal(connection, contract, old, fresh)
    _index(connection, contract, fresh)
    dependents = find_dependents(connection, [(PUBLISHED, contract.name)])
    connection.execute(statement("drop table {old} cascade", old=old))
    connection.execute(statement("alter table {new} set schema {schema}", new=fresh, schema=PUBLISHED))
    there = table(f"{contract.name}_hyper")
    connection.execute(statement("alter table {new} rename to {name}", new=there, name=contract.name))
    for lost in put_back(connection, dependents):
        tell(lost)
    return Moved(contract.name, rows)


def _equal(connection: psycopg.Connection, contract: Table, old: sql.Identifier, fresh: sql.Identifier) -> int:
    """Rows of the copy; raises ServiceError where they are not those of the table."""
    text = "select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from {t} as t"
    before, after = (connection.execute(statement(text, t=one)).fetchone() for one in (old, fresh))
    if before is None or after is None or before != after:
        raise ServiceError(f"the copy of {contract.name} does not equal it; nothing was exchanged")
    return int(after[0])


def _index(connection: psycopg.Connection, contract: Table, fresh: sql.Identifier) -> None:
    """The indexes of the table under their names: they lie in another schema until the exchange."""
    for index in sorted(LAKE[contract.name].indexes, key=lambda one: str(one.name)):
        method = index.dialect_options["postgresql"]["using"] or "btree"
        columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in index.columns)
        text = "create index {name} on {new} using {method} ({columns})"
        made = statement(text, name=str(index.name), new=fresh, method=str(method), columns=columns)
        connection.execute(made)
