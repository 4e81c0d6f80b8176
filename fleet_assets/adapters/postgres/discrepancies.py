"""A look over the server: what should hold of it, each as one sentence.

Belongs here: asking. Does not belong here: mending (`ready`, `roles`, `load`).
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.migrate import current, newest
from fleet_assets.adapters.postgres.names import OWNER, PUBLISHED, READER, ROLES
from fleet_assets.adapters.postgres.owners import AdministratorNeeded, acting, objects_of_others
from fleet_assets.adapters.postgres.roles import bare_names, finds_bare_names
from fleet_assets.adapters.postgres.timescale import could_have_timescale, has_timescale, hypertables, native_tables

OLDEST = 14
"""The first PostgreSQL with date_bin(), which the dashboards ask."""


@dataclass(frozen=True)
class Discrepancy:
    """One thing looked at: whether it is as it should be, and what was seen."""

    what: str
    holds: bool
    says: str


def look_over(server: Server, loader: Loader) -> list[Discrepancy]:
    """All findings in order; raises ServiceError where the server cannot be reached at all."""
    with server.transaction() as connection:
        found = [Discrepancy("server", True, f"{server.address} answers"), *_server(connection), _schema(connection)]
        is_made = found[-1].holds
        found += [_path(connection), *_roles(server, connection)] if is_made else []
    return [*found, _loaded(loader)] if is_made else found


def _server(connection: psycopg.Connection) -> list[Discrepancy]:
    version, number, encoding, zone = _row(
        connection,
        "select current_setting('server_version'), current_setting('server_version_num')::int / 10000, "
        "current_setting('server_encoding'), current_setting('TimeZone')",
    )
    natives, hyper = len(native_tables(connection)), len(hypertables(connection))
    kinds = {"hypertables": hyper, "natively partitioned tables": natives}
    kind = ", ".join(f"{count} {name}" for name, count in kinds.items() if count) or "no tables yet"
    is_on_offer = natives and (could_have_timescale(connection) or has_timescale(connection))
    offered = "; `fleet warehouse hypertables` moves them to TimescaleDB" if is_on_offer else ""
    is_new = int(str(number)) >= OLDEST
    advice = "" if is_new else f"; {OLDEST} or newer is needed"
    return [
        Discrepancy("version", is_new, f"PostgreSQL {version}, {kind}{offered}{advice}"),
        Discrepancy("encoding", encoding == "UTF8", str(encoding)),
        Discrepancy("time zone", zone == "UTC", f"our sessions speak {zone}"),
    ]


def _path(connection: psycopg.Connection) -> Discrepancy:
    """Where the user may not say it to the database, its owner must: `init` could only repeat that."""
    if finds_bare_names(connection):
        return Discrepancy("search path", True, "bare names find the tables")
    name, is_ours = _row(
        connection,
        "select datname, pg_has_role(session_user, datdba, 'usage') from pg_database "
        "where datname = current_database()",
    )
    text = bare_names(str(name)).as_string(connection)
    how = "run `fleet warehouse init`" if is_ours else f"the database's owner or an administrator runs: {text};"
    return Discrepancy("search path", False, f"people's bare names do not find the tables: {how}")


def _schema(connection: psycopg.Connection) -> Discrepancy:
    try:
        with connection.transaction():
            found = current(connection)
    except AdministratorNeeded as error:
        return Discrepancy("schema", False, str(error))
    is_current = found == newest()
    how = f"run `fleet warehouse {'migrate' if found else 'init'}`"
    advice = "" if is_current else f", this version needs {newest()}: {how}"
    return Discrepancy("schema", is_current, f"{found or 'none'}{advice}")


def _roles(server: Server, connection: psycopg.Connection) -> list[Discrepancy]:
    known = connection.execute("select rolname from pg_roles where rolname = any(%s)", [list(ROLES)]).fetchall()
    missing = sorted(set(ROLES) - {row[0] for row in known})
    findings = [Discrepancy("roles", not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(ROLES))]
    if READER in missing:
        return findings
    asked = (
        "select count(*) filter (where not has_table_privilege(%s, c.oid, 'select')), count(*) filter (where "
        "has_table_privilege(%s, c.oid, 'insert, update, delete, truncate')) from pg_class c "
        "where relnamespace = %s::regnamespace and relkind in ('r', 'p', 'v', 'm') "
        "and pg_has_role(%s::name, relowner, 'usage')"
    )
    role = acting(server, connection)
    closed, writable = _row(connection, asked, READER, READER, PUBLISHED, role)
    says = f"{READER} cannot read {closed} and can write {writable} of the published tables"
    mine = f"builds act as {role}" if role == OWNER else "builds act as the user itself"
    findings.append(Discrepancy("privileges", not closed and not writable, f"{says}; {mine}"))
    findings.append(_queries(server, connection))
    others = sorted({thing.owner for thing in objects_of_others(connection, role)})
    if others:
        says = f"{', '.join(others)} own what {role} should: run `fleet warehouse init`"
        findings.append(Discrepancy("owner", False, says))
    return findings


def _queries(server: Server, connection: psycopg.Connection) -> Discrepancy:
    if server.may_be(connection, READER):
        return Discrepancy("queries", True, f"run as {READER}")
    says = f"run as the user itself, who may do more than {READER}: run `fleet warehouse init`"
    return Discrepancy("queries", False, says)


def _loaded(loader: Loader) -> Discrepancy:
    behind = {name: len(days) for name, days in loader.stale().items()}
    says = ", ".join(f"{name}: {days}" for name, days in behind.items())
    return Discrepancy("loaded", not behind, f"partitions not as in the lake: {says}" if behind else "as the lake is")


def _row(connection: psycopg.Connection, asked: str, *parameters: object) -> tuple[object, ...]:
    row = connection.execute(asked.encode(), parameters or None).fetchone()
    assert row is not None
    return tuple(row)
