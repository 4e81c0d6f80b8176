"""A look over the server: what should hold of it, each as one sentence.

Belongs here: asking. Does not belong here: mending (`ready`, `roles`, `load`).
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.migrate import current, newest
from fleet_assets.adapters.postgres.names import PUBLISHED, READER, ROLES
from fleet_assets.adapters.postgres.roles import strangers
from fleet_assets.adapters.postgres.timescale import could_have_timescale, has_timescale

OLDEST = 130_000
"""PostgreSQL 13: `drop … cascade` of partitioned indexes and sha256() behave as needed from there on."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is as it should be, and what was seen."""

    what: str
    holds: bool
    says: str


def look_over(server: Server, loader: Loader) -> list[Finding]:
    """All findings in order; raises ServiceError where the server cannot be reached at all."""
    with server.transaction() as connection:
        found = [Finding("server", True, f"{server.address} answers"), *_server(connection), _schema(connection)]
        is_made = found[-1].holds
        found += _roles(server, connection) if is_made else []
    return [*found, _loaded(loader)] if is_made else found


def _server(connection: psycopg.Connection) -> list[Finding]:
    version, number, encoding, zone, path = _row(
        connection,
        "select current_setting('server_version'), current_setting('server_version_num')::int, "
        "current_setting('server_encoding'), current_setting('TimeZone'), (select array_to_string(setconfig, ' ') "
        "from pg_db_role_setting join pg_database d on d.oid = setdatabase where datname = current_database() "
        "and setrole = 0)",
    )
    kind = "hypertables" if has_timescale(connection) else "native partitions"
    offered = "" if has_timescale(connection) or not could_have_timescale(connection) else ", TimescaleDB is on offer"
    has_path = PUBLISHED in str(path)
    return [
        Finding("version", int(str(number)) >= OLDEST, f"PostgreSQL {version}, {kind}{offered}"),
        Finding("encoding", encoding == "UTF8", str(encoding)),
        Finding("time zone", zone == "UTC", f"our sessions speak {zone}"),
        Finding(
            "search path", has_path, "bare names find the tables" if has_path else "run `fleet warehouse init`"
        ),
    ]  # fmt: skip


def _schema(connection: psycopg.Connection) -> Finding:
    found = current(connection)
    is_current = found == newest()
    advice = "" if is_current else f", this version needs {newest()}: run `fleet warehouse init` or `migrate`"
    return Finding("schema", is_current, f"{found or 'none'}{advice}")


def _roles(server: Server, connection: psycopg.Connection) -> list[Finding]:
    known = connection.execute("select rolname from pg_roles where rolname = any(%s)", [list(ROLES)]).fetchall()
    missing = sorted(set(ROLES) - {row[0] for row in known})
    findings = [Finding("roles", not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(ROLES))]
    if READER in missing:
        return findings
    asked = (
        "select count(*) filter (where not has_table_privilege(%s, c.oid, 'select')), count(*) filter (where "
        "has_table_privilege(%s, c.oid, 'insert, update, delete, truncate')) from pg_class c "
        "where relnamespace = %s::regnamespace and relkind in ('r', 'p', 'v', 'm')"
    )
    closed, writable = _row(connection, asked, READER, READER, PUBLISHED)
    says = f"{READER} cannot read {closed} and can write {writable} of the published tables"
    mine = "builds act as fleet_owner" if server.may_be(connection, ROLES[0]) else "builds act as the user itself"
    findings.append(Finding("privileges", not closed and not writable, f"{says}; {mine}"))
    others = strangers(server, connection)
    if others:
        says = f"{', '.join(others)} own what fleet_owner should: run `fleet warehouse init`"
        findings.append(Finding("owner", False, says))
    return findings


def _loaded(loader: Loader) -> Finding:
    behind = {name: len(days) for name, days in loader.stale().items()}
    says = ", ".join(f"{name}: {days}" for name, days in behind.items())
    return Finding("loaded", not behind, f"partitions not as in the lake: {says}" if behind else "as the lake is")


def _row(connection: psycopg.Connection, asked: str, *parameters: object) -> tuple[object, ...]:
    row = connection.execute(asked.encode(), parameters or None).fetchone()
    assert row is not None
    return tuple(row)
