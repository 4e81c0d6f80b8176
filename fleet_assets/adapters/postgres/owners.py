"""Whose what lies in our schemas is, and what has to be said where it is not that of the role builds act as.

Belongs here: finding what others own, the statements that hand it over, the refusal. Does not belong here: running
them (`roles`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.names import META, OWNER, PUBLICATION, SCHEMAS, statement
from fleet_assets.adapters.postgres.partitions import exists
from fleet_assets.contracts import TABLES
from fleet_assets.contracts.errors import ServiceError

OBJECTS = """
select 'schema' as kind, null as schema, nspname::text as name, pg_get_userbyid(nspowner)::text as owner
from pg_namespace where nspname = any(%(schemas)s) and not pg_has_role(%(role)s::name, nspowner, 'usage')
union all
select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
    n.nspname::text, c.relname::text, pg_get_userbyid(c.relowner)::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm')
    and not pg_has_role(%(role)s::name, c.relowner, 'usage')
order by schema nulls first, name
"""

CLOSED = """
select name from unnest(%(schemas)s::text[]) as name left join pg_namespace on nspname = name
where oid is null or not has_schema_privilege(%(role)s::name, oid, 'create')
    or not has_schema_privilege(%(role)s::name, oid, 'usage')
"""


class AdministratorNeeded(ServiceError):
    """What this user may not do; `statements` are what an administrator runs in the database, in this order."""

    def __init__(self, says: str, statements: Sequence[str] = ()) -> None:
        super().__init__(f"{says}; `fleet warehouse init` prints what an administrator must run")
        self.says = says
        self.statements = list(statements)


@dataclass(frozen=True)
class OwnedObject:
    """A schema (where `schema` is None), table or view, and whose it is."""

    kind: str
    schema: str | None
    name: str
    owner: str

    @property
    def is_in_the_way(self) -> bool:
        """Whether it stands where builds put marts, so that moving it away mends that; lake tables have to stay."""
        return self.schema in {*PUBLICATION, *PUBLICATION.values()} and self.name not in TABLES

    @property
    def hand_over(self) -> sql.Composed:
        """The statement that gives it to fleet_owner."""
        return statement(f"alter {self.kind} {{one}} owner to {{role}}", one=self._identifier, role=OWNER)

    @property
    def move_away(self) -> sql.Composed:
        """The statement that moves a table or view to where no build looks."""
        return statement(f"alter {self.kind} {{one}} set schema {{public}}", one=self._identifier, public="public")

    @property
    def _identifier(self) -> sql.Identifier:
        return sql.Identifier(self.name) if self.schema is None else sql.Identifier(self.schema, self.name)


def acting(server: Server, connection: psycopg.Connection) -> str:
    """The role that builds act as: fleet_owner where the user may, else the user."""
    if server.may_be(connection, OWNER):
        return OWNER
    row = connection.execute("select session_user::text").fetchone()
    assert row is not None
    return str(row[0])


def objects_of_others(connection: psycopg.Connection, role: str) -> list[OwnedObject]:
    """What builds make or change and is not `role`'s to change: made before roles were, or restored, or in the way.

    What people made for themselves beside the marts is theirs, and not among these.
    """
    found = [
        OwnedObject(*row) for row in connection.execute(OBJECTS, {"schemas": list(SCHEMAS), "role": role}).fetchall()
    ]
    models = _models(connection) if found else set()
    return [
        one for one in found
        if one.schema not in PUBLICATION.values() or one.name in TABLES or models is None or one.name in models
    ]  # fmt: skip


def _models(connection: psycopg.Connection) -> set[str] | None:
    """Names of what builds have published; None where the books are closed to this session."""
    try:
        with connection.transaction():
            return {*meta_tables.mart_inputs(connection)} if exists(connection, "mart_inputs", META) else set()
    except errors.InsufficientPrivilege:
        return None


def refuse_unless_usable(connection: psycopg.Connection, role: str, statements: Sequence[str] = ()) -> None:
    """Raises AdministratorNeeded where `role` cannot build: schemas closed to it, or tables in them that others own."""
    closed = [row[0] for row in connection.execute(CLOSED, {"schemas": list(SCHEMAS), "role": role}).fetchall()]
    if closed:
        raise AdministratorNeeded(f"{role} may not build in the schemas {', '.join(closed)}", statements)
    found = [thing for thing in objects_of_others(connection, role) if thing.schema is not None]
    if found:
        raise AdministratorNeeded(_remedy(connection, role, found), statements)


def _remedy(connection: psycopg.Connection, role: str, found: list[OwnedObject]) -> str:
    one = found[0]
    more = f", nor with {len(found) - 1} more that others own" if len(found) > 1 else ""
    ways = [f"moves it ({one.move_away.as_string(connection)};)"] if one.is_in_the_way else []
    ways.append(f"hands it over ({one.hand_over.as_string(connection)};)")
    return (
        f"{one.schema}.{one.name} is a {one.kind} of {one.owner}, which {role} cannot do anything with{more}: "
        f"{one.owner} or an administrator {' or '.join(ways)}"
    )
