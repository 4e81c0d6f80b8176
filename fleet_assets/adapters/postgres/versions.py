"""Versions of what a query reads, from the books: no table is read for it.

Belongs here: following views to the tables behind them. Does not belong here: what a query reads (`data_versions`).

A partition's rows and its hash are written in one transaction. What a mart was built from is withdrawn before its build
begins and noted after it is published; in between it has no version. So what is computed between two equal answers was
computed from that.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from fleet_assets.adapters.data_versions import DataVersions
from fleet_assets.adapters.postgres.names import META, PUBLISHED, statement, table
from fleet_assets.contracts import TABLES

BEHIND = """
with recursive named as (
    select c.oid, c.relname, c.relkind, c.relnamespace from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %(schema)s and c.relname = any(%(names)s)
), behind as (
    select oid from named
    union
    select d.refobjid from behind join pg_rewrite r on r.ev_class = behind.oid
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
)
select n.nspname, c.relname, c.relkind::text from behind join pg_class c using (oid)
join pg_namespace n on n.oid = c.relnamespace
"""

MARKS = """
select table_name,
    encode(sha256(convert_to(coalesce(string_agg(day || content, ',' order by day) filter (where row_count > 0), ''),
        'UTF8')), 'hex'),
    max(loaded_at)::text || ' ' || count(*)
from {loaded} where table_name = any(%(names)s) group by table_name
union all
select model, inputs, published_at::text from {marts} where model = any(%(names)s) and inputs <> ''
order by 1
"""


def data_versions(connection: psycopg.Connection, address: str, names: Iterable[str]) -> DataVersions | None:
    """The data behind relations (schema.name) now; None for one that is not there or not in the books."""
    wanted = {_bare(name) for name in names}
    if None in wanted:
        return None
    parameters: dict[str, object] = {"schema": PUBLISHED, "names": sorted(str(name) for name in wanted)}
    found = connection.execute(BEHIND, parameters).fetchall()
    if not wanted <= {name for schema, name, _ in found if schema == PUBLISHED}:
        return None
    if any(schema != PUBLISHED for schema, _, _ in found):
        return None
    tables = sorted(name for _, name, kind in found if kind in ("r", "p"))
    text = statement(MARKS, loaded=table("loaded", META), marts=table("mart_inputs", META))
    marks = connection.execute(text, {"names": tables}).fetchall()
    known = {name for name, _, _ in marks} | set(TABLES)
    if not set(tables) <= known:
        return None
    views = sorted(name for _, name, kind in found if kind not in ("r", "p"))
    # A view's text has no version of its own: publications that make it anew change its identity.
    made = connection.execute(
        "select relname, c.oid::text from pg_class c join pg_namespace n on n.oid = relnamespace "
        "where nspname = %s and relname = any(%s) order by 1", [PUBLISHED, views],
    ).fetchall()  # fmt: skip
    of = (("postgres", address), *((name, mark) for name, mark, _ in marks), *made)
    return DataVersions(tuple(sorted(of)), repr([*marks, *made]), is_settled=True)


def _bare(name: str) -> str | None:
    """A relation's own name; None in a schema that is not published. The parser says `main` where none is named."""
    schema, _, bare = name.rpartition(".")
    return bare if schema in ("", "main", PUBLISHED) else None
