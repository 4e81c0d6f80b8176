"""Schemas, roles and privileges: made where the user may, else told as statements for an administrator.

Belongs here: `initialise`, `apply_privileges`, `admit`. Does not belong here: tables (`migrate`).

    fleet_owner    owns every object: migrations and builds act as it
    fleet_writer   reads and writes rows of the published tables
    fleet_reader   reads published tables; cannot write anywhere
"""

from __future__ import annotations

import psycopg
from psycopg import errors, sql

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.names import META, OWNER, PUBLISHED, READER, ROLES, SCHEMAS, WRITER, statement
from fleet_assets.adapters.postgres.timescale import could_have_timescale
from fleet_assets.contracts.errors import UsageError

FOREIGN = """
select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end, n.nspname, c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm') and c.relowner <> %s::regrole
    and pg_has_role(session_user, c.relowner, 'member') order by n.nspname, c.relname
"""

FOREIGNERS = """
select distinct pg_get_userbyid(owner)::text from (
    select nspowner as owner from pg_namespace where nspname = any(%(schemas)s)
    union all select relowner from pg_class join pg_namespace n on n.oid = relnamespace
    where nspname = any(%(schemas)s) and relkind in ('r', 'p', 'v', 'm')
) as owners where owner <> %(owner)s::regrole order by 1
"""


class Administration:
    """Statements tried one by one; `refused` keeps those that only an administrator may run."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.refused: list[str] = []

    def run(self, text: sql.Composed) -> bool:
        """Whether it was done; not being allowed is no error."""
        try:
            with self.connection.transaction():
                self.connection.execute(text)
        except (errors.InsufficientPrivilege, errors.InvalidGrantOperation):
            self.refused.append(f"{text.as_string(self.connection)};")
            return False
        except (errors.DuplicateObject, errors.UniqueViolation):
            # Another process made the same role or schema at the same moment.
            return True
        return True

    def has_role(self, role: str) -> bool:
        return self.connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone() is not None


def initialise(server: Server) -> list[str]:
    """Make roles and schemas; returns the statements that an administrator must run, none when all is done."""
    with server.transaction() as connection:
        work = Administration(connection)
        user = str(_one(connection, "select session_user"))
        for role in ROLES:
            if not work.has_role(role):
                work.run(statement("create role {role} nologin", role=role))
        # Roles belong to the whole server: take part in those that others made only where that is allowed.
        if work.has_role(OWNER) and not server.may_be(connection, OWNER):
            work.run(statement("grant {role} to {user}", role=OWNER, user=user))
        if could_have_timescale(connection):
            work.run(statement("create extension if not exists timescaledb"))
        owner = OWNER if server.may_be(connection, OWNER) else user
        if owner == OWNER:
            _hand_over(work)
        for schema in SCHEMAS:
            if not _one(connection, "select to_regnamespace(%s)", schema):
                work.run(statement("create schema {schema} authorization {owner}", schema=schema, owner=owner))
        database = str(_one(connection, "select current_database()"))
        path = sql.SQL(", ").join([sql.Identifier(PUBLISHED), sql.Identifier("public")])
        work.run(statement("alter database {name} set search_path = {path}", name=database, path=path))
        _grant(work, OWNER if server.may_be(connection, OWNER) else user)
        return work.refused


def strangers(server: Server, connection: psycopg.Connection) -> list[str]:
    """Who owns what fleet_owner should: made before its role was, or restored. Empty where builds do not act as it."""
    if not server.may_be(connection, OWNER):
        return []
    found = connection.execute(FOREIGNERS, {"schemas": list(SCHEMAS), "owner": OWNER}).fetchall()
    return [row[0] for row in found]


def _hand_over(work: Administration) -> None:
    """Give fleet_owner what its members own in our schemas; what others own, an administrator must."""
    asked = (
        "select nspname::text from pg_namespace where nspname = any(%s) and nspowner <> %s::regrole "
        "and pg_has_role(session_user, nspowner, 'member')"
    )
    schemas = [row[0] for row in work.connection.execute(asked, [list(SCHEMAS), OWNER]).fetchall()]
    if schemas:
        # An owner of schemas must be allowed to make some.
        database = str(_one(work.connection, "select current_database()"))
        work.run(statement("grant create on database {name} to {role}", name=database, role=OWNER))
    for schema in schemas:
        work.run(statement("alter schema {schema} owner to {role}", schema=schema, role=OWNER))
    for kind, schema, name in work.connection.execute(FOREIGN, [list(SCHEMAS), OWNER]).fetchall():
        work.run(statement(f"alter {kind} {{one}} owner to {{role}}", one=sql.Identifier(schema, name), role=OWNER))
    others = work.connection.execute(FOREIGNERS, {"schemas": list(SCHEMAS), "owner": OWNER}).fetchall()
    for (other,) in others:
        work.refused.append(
            f"{statement('reassign owned by {a} to {b}', a=other, b=OWNER).as_string(work.connection)};"
        )


def apply_privileges(server: Server) -> list[str]:
    """Privileges of readers and writers on all that is there and will be; returns what an administrator must run."""
    with server.owning() as connection:
        work = Administration(connection)
        _grant(work, str(_one(connection, "select current_user")))
        return work.refused


def admit(server: Server, user: str, role: str) -> list[str]:
    """Make a database user a member of one of the roles; returns what an administrator must run."""
    if role not in ROLES:
        raise UsageError(f"{role} is not one of {', '.join(ROLES)}")
    with server.transaction() as connection:
        work = Administration(connection)
        for name in (role, user):
            if not work.has_role(name):
                raise UsageError(f"the server has no role {name}; create it first, or run `fleet warehouse init`")
        work.run(statement("grant {role} to {user}", role=role, user=user))
        return work.refused


def _grant(work: Administration, owner: str) -> None:
    reading, writing = sql.SQL("select"), sql.SQL("select, insert, update, delete")
    for role, schema, may in (
        (READER, PUBLISHED, reading), (READER, META, reading), (WRITER, PUBLISHED, writing), (WRITER, META, reading)
    ):  # fmt: skip
        if not work.has_role(role) or not _one(work.connection, "select to_regnamespace(%s)", schema):
            continue
        names: dict[str, str | sql.Composable] = {"schema": schema, "role": role, "owner": owner, "may": may}
        work.run(statement("grant usage on schema {schema} to {role}", **names))
        work.run(statement("grant {may} on all tables in schema {schema} to {role}", **names))
        work.run(
            statement(
                "alter default privileges for role {owner} in schema {schema} grant {may} on tables to {role}", **names
            )
        )


def _one(connection: psycopg.Connection, asked: str, *parameters: object) -> object:
    row = connection.execute(asked.encode(), parameters).fetchone()
    return row[0] if row else None
