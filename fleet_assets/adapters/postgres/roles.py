"""Schemas, roles and privileges: made where the user may, else told as statements for an administrator.

Belongs here: `initialise`, `apply_privileges`, `admit`. Does not belong here: tables (`migrate`), and whose they are
(`owners`).

    fleet_owner    owns every object: migrations and builds act as it; a member of fleet_reader, as which queries run
    fleet_writer   reads what is published, and changes rows of the lake's tables (not of marts: builds make them anew)
    fleet_reader   reads what is published; cannot write anywhere
"""

from __future__ import annotations

import re

import psycopg
from psycopg import errors, sql

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.names import (
    META,
    OWNER,
    PUBLISHED,
    READER,
    ROLES,
    SCHEMAS,
    WRITER,
    statement,
    table,
)
from fleet_assets.adapters.postgres.owners import acting, objects_of_others
from fleet_assets.adapters.postgres.timescale import could_have_timescale, has_timescale, native_tables
from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import UsageError


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
        except (errors.InsufficientPrivilege, errors.InvalidGrantOperation, errors.UndefinedObject):
            # Undefined is a role whose making was refused before: an administrator makes it first.
            self.refuse(text)
            return False
        except (errors.DuplicateObject, errors.DuplicateSchema, errors.UniqueViolation):
            # Another process made the same role or schema at the same moment.
            return True
        return True

    def refuse(self, text: sql.Composed) -> None:
        """Leave a statement to the administrator."""
        self.refused.append(f"{text.as_string(self.connection)};")

    def has_role(self, role: str) -> bool:
        return self.asked("select 1 from pg_roles where rolname = %s", role) is not None

    def asked(self, asked: str, *parameters: object) -> object:
        """The first value of the first row; None without rows."""
        row = self.connection.execute(asked.encode(), parameters).fetchone()
        return row[0] if row else None


def initialise(server: Server) -> list[str]:
    """Make roles and schemas; returns the statements that an administrator must run, none when all is done.

    They are complete: after them, this function finds nothing more that this user may not do.
    """
    with server.transaction() as connection:
        work = Administration(connection)
        user, database = str(work.asked("select session_user")), str(work.asked("select current_database()"))
        for role in ROLES:
            if not work.has_role(role):
                work.run(statement("create role {role} nologin", role=role))
        # Roles belong to the whole server: take part in those that others made only where that is allowed.
        if not server.may_be(connection, OWNER):
            work.run(statement("grant {role} to {user}", role=OWNER, user=user))
        # Queries of who builds run as fleet_reader too: who may be the owner may then be the reader.
        if not work.asked("select pg_has_role(o.oid, r.oid, 'member') from pg_roles o, pg_roles r "
                          "where o.rolname = %s and r.rolname = %s", OWNER, READER):  # fmt: skip
            work.run(statement("grant {reader} to {owner}", reader=READER, owner=OWNER))
        # Over tables that are natively partitioned it would serve nothing: `fleet warehouse hypertables` moves them.
        if could_have_timescale(connection) and not has_timescale(connection) and not native_tables(connection):
            work.run(statement("create extension if not exists timescaledb"))
        _let_owner_make_schemas(work, database)
        _make_schemas(work, acting(server, connection), database)
        _hand_over(work, is_owner=server.may_be(connection, OWNER), user=user)
        if not finds_bare_names(connection):
            work.run(bare_names(database))
        return work.refused


def finds_bare_names(connection: psycopg.Connection) -> bool:
    """Whether the database tells every session of it to look for tables in our schema."""
    asked = (
        "select setting from pg_db_role_setting join pg_database d on d.oid = setdatabase "
        "cross join unnest(setconfig) as setting "
        "where datname = current_database() and setrole = 0 and setting like 'search_path=%'"
    )
    row = connection.execute(asked).fetchone()
    return row is not None and PUBLISHED in re.findall(r"\w+", row[0].partition("=")[2])


def bare_names(database: str) -> sql.Composed:
    """The statement after which people's sessions find the tables by their bare names."""
    path = sql.SQL(", ").join([sql.Identifier(PUBLISHED), sql.Identifier("public")])
    return statement("alter database {name} set search_path = {path}", name=database, path=path)


def _let_owner_make_schemas(work: Administration, database: str) -> None:
    """An owner of schemas must be allowed to make some, also those of versions to come."""
    asked = "select has_database_privilege(oid, current_database(), 'create') from pg_roles where rolname = %s"
    text = statement("grant create on database {name} to {role}", name=database, role=OWNER)
    # Who may make schemas and not pass that on gets no error for the grant, only a warning.
    if not work.asked(asked, OWNER) and work.run(text) and not work.asked(asked, OWNER):
        work.refuse(text)


def _make_schemas(work: Administration, role: str, database: str) -> None:
    """For the role that builds act as, where it may make any; else an administrator makes them for fleet_owner."""
    owner = role if work.asked("select has_database_privilege(%s::name, %s::name, 'create')", role, database) else OWNER
    for schema in SCHEMAS:
        if not work.asked("select 1 from pg_namespace where nspname = %s", schema):
            work.run(statement("create schema {schema} authorization {owner}", schema=schema, owner=owner))


def _hand_over(work: Administration, *, is_owner: bool, user: str) -> None:
    """Give fleet_owner what others own in our schemas. What a user owns who is to become a member yet, it hands over
    itself when it is one."""
    for thing in objects_of_others(work.connection, OWNER if work.has_role(OWNER) else user):
        if is_owner:
            work.run(thing.hand_over)
        elif thing.owner != user:
            work.refuse(thing.hand_over)


def apply_privileges(server: Server) -> list[str]:
    """Privileges of readers and writers on all that is there and will be; returns what an administrator must run."""
    with server.owning() as connection:
        work = Administration(connection)
        owner = str(work.asked("select current_user"))
        for role in (READER, WRITER):
            for schema in (PUBLISHED, META):
                if work.has_role(role) and work.asked("select to_regnamespace(%s)", schema):
                    _let_read(work, role, schema, owner)
        if work.has_role(WRITER) and work.asked("select to_regnamespace(%s)", PUBLISHED):
            _let_write(work, owner)
        return work.refused


def admit(server: Server, user: str, role: str) -> list[str]:
    """Make a database user a member of one of the roles; returns what an administrator must run."""
    if role not in ROLES:
        raise UsageError(f"{role} is not one of {', '.join(ROLES)}")
    with server.transaction() as connection:
        work = Administration(connection)
        if not work.has_role(role):
            raise UsageError(f"the server has no role {role} yet: run `fleet warehouse init`")
        if not work.has_role(user):
            made = statement("create role {user} login password", user=user).as_string(connection)
            raise UsageError(f"the server has no role {user}; an administrator makes it first: {made} '…';")
        work.run(statement("grant {role} to {user}", role=role, user=user))
        return work.refused


def _let_read(work: Administration, role: str, schema: str, owner: str) -> None:
    names = {"schema": schema, "role": role, "owner": owner}
    work.run(statement("grant usage on schema {schema} to {role}", **names))
    if own := _own(work, schema):
        work.run(statement("grant select on {tables} to {role}", tables=_listed(own, schema), role=role))
    text = "alter default privileges for role {owner} in schema {schema} grant select on tables to {role}"
    work.run(statement(text, **names))


def _let_write(work: Administration, owner: str) -> None:
    """Rows of the lake's tables, which migrations make in the schema; marts are moved there, made anew by builds."""
    own = _own(work, PUBLISHED)
    for verb, way, is_lake in (("grant", "to", True), ("revoke", "from", False)):
        if names := [name for name in own if (name in TABLES) is is_lake]:
            text = f"{verb} insert, update, delete on {{tables}} {way} {{role}}"
            work.run(statement(text, tables=_listed(names, PUBLISHED), role=WRITER))
    text = (
        "alter default privileges for role {owner} in schema {schema} grant insert, update, delete on tables to {role}"
    )
    work.run(statement(text, owner=owner, schema=PUBLISHED, role=WRITER))


def _own(work: Administration, schema: str) -> list[str]:
    """Tables and views of the session's role in a schema; whose the others are says who reads them."""
    asked = (
        "select relname::text from pg_class where relnamespace = to_regnamespace(%s) "
        "and relkind in ('r', 'p', 'v', 'm') and pg_has_role(current_user, relowner, 'usage') order by relname"
    )
    return [row[0] for row in work.connection.execute(asked, [schema]).fetchall()]


def _listed(names: list[str], schema: str) -> sql.Composed:
    return sql.SQL(", ").join([table(name, schema) for name in names])
