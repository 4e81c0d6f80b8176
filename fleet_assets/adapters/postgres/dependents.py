"""What people put upon the marts: views of their own in other schemas, and privileges for single roles.

Belongs here: remembering them before an exchange takes the marts away, and putting them back upon the new ones. Does
not belong here: the exchange (`publication`).

A view is made again with its owner and privileges, as far as the user of the session may. What cannot be put back is
named, and its text kept in `fleet_meta.facts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import psycopg
from psycopg import errors, sql

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import sentence
from fleet_assets.adapters.postgres.names import ROLES, regclass, statement, table
from fleet_assets.adapters.postgres.partitions import exists

FACT = "views_let_go"
"""Fact that holds the views which could not be put back, as JSON by name."""

VIEWS = """
with recursive ours as (select unnest(%(names)s::text[])::regclass::oid as oid), upon as (
    select oid from ours
    union
    select r.ev_class from upon
    join pg_depend d on d.refobjid = upon.oid and d.refclassid = 'pg_class'::regclass
        and d.classid = 'pg_rewrite'::regclass
    join pg_rewrite r on r.oid = d.objid
)
select n.nspname, c.relname, c.relkind = 'm', pg_get_userbyid(c.relowner), pg_get_viewdef(c.oid)
from upon join pg_class c using (oid) join pg_namespace n on n.oid = c.relnamespace
where c.oid not in (select oid from ours) order by c.oid
"""

GRANTS = """
select case a.grantee when 0 then '' else pg_get_userbyid(a.grantee) end, a.privilege_type, a.is_grantable
from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
where n.nspname = %s and c.relname = %s and a.grantee <> c.relowner
"""


@dataclass(frozen=True)
class Grant:
    """What one role ("": everybody) may do with a relation."""

    schema: str
    name: str
    role: str
    privilege: str
    may_grant: bool


@dataclass(frozen=True)
class View:
    """A view that somebody made upon the marts."""

    schema: str
    name: str
    is_materialized: bool
    owner: str
    text: str
    grants: list[Grant]


@dataclass(frozen=True)
class Dependents:
    """What is upon some relations of ours."""

    grants: list[Grant]
    views: list[View]


def find_dependents(connection: psycopg.Connection, ours: Iterable[tuple[str, str]]) -> Dependents:
    """What people put upon relations of ours, given by schema and name."""
    names = [*ours]
    # Without a search path the texts name every schema.
    (path,) = connection.execute("select current_setting('search_path')").fetchone() or ("",)
    connection.execute("set local search_path = ''")
    rows = connection.execute(VIEWS, {"names": [regclass(name, schema) for schema, name in names]}).fetchall()
    connection.execute("select set_config('search_path', %s, true)", [path])
    views = [
        View(schema, view, is_materialized, owner, text, _grants(connection, schema, view))
        for schema, view, is_materialized, owner, text in rows
    ]
    grants = [grant for name in names for grant in _grants(connection, *name) if grant.role not in ROLES]
    return Dependents(grants, views)


def put_back(connection: psycopg.Connection, dependents: Dependents) -> list[str]:
    """Put it upon what is there now; returns a sentence for each view that could not be."""
    for grant in dependents.grants:
        if exists(connection, grant.name, grant.schema):
            _give(connection, grant)
    refused = [(view, why) for view in dependents.views if (why := _refusal(connection, view))]
    if refused:
        kept = json.loads(meta_tables.fact(connection, FACT) or "{}")
        kept |= {f"{view.schema}.{view.name}": asdict(view) | {"why": why} for view, why in refused}
        meta_tables.note_fact(connection, FACT, json.dumps(kept))
    return [
        f"the view {view.schema}.{view.name} of {view.owner} went with the marts it was made upon ({why}); "
        f"its text is in fleet_meta.facts, {FACT}"
        for view, why in refused
    ]


def _refusal(connection: psycopg.Connection, view: View) -> str:
    """Make a view again; why not, where it cannot be."""
    if view.is_materialized:
        return "it is materialized"
    try:
        with connection.transaction():
            (builder,) = connection.execute("select current_user").fetchone() or ("",)
            # Its schema and its owner are not the builds' own: the session's user may be more than that.
            connection.execute("set local role none")
            place = table(view.name, view.schema)
            text = view.text.strip().removesuffix(";")
            connection.execute(statement("create view {place} as ", place=place) + sql.SQL(text))
            connection.execute(statement("alter view {place} owner to {owner}", place=place, owner=view.owner))
            for grant in view.grants:
                _give(connection, grant)
            connection.execute(statement("set local role {builder}", builder=builder))
    except errors.LockNotAvailable:
        raise
    except psycopg.Error as error:
        return sentence(error)
    return ""


def _give(connection: psycopg.Connection, grant: Grant) -> None:
    # The word of the privilege comes from the server's own catalogue.
    parts = {
        "word": sql.SQL(grant.privilege), "place": table(grant.name, grant.schema),
        "role": sql.Identifier(grant.role) if grant.role else sql.SQL("public"),
        "option": sql.SQL(" with grant option" if grant.may_grant else ""),
    }  # fmt: skip
    connection.execute(statement("grant {word} on {place} to {role}{option}", **parts))


def _grants(connection: psycopg.Connection, schema: str, name: str) -> list[Grant]:
    rows: Sequence[tuple[str, str, bool]] = connection.execute(GRANTS, [schema, name]).fetchall()
    return [Grant(schema, name, *row) for row in rows]
