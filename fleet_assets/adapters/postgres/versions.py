"""Versions of what a query reads, from the books: no table is read for it.

Belongs here: following views to the tables behind them. Does not belong here: what a statement reads (`reading`).

A partition's rows and its hash are written in one transaction. What a mart was built from is withdrawn before its build
begins and noted after it is published; in between it has no version. So what is computed between two equal answers was
computed from that. A view's version is its text; one that asks the clock, or cannot be judged, has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import psycopg

from fleet_assets.adapters.data_versions import DataVersions
from fleet_assets.adapters.postgres.names import META, PUBLISHED, statement, table
from fleet_assets.adapters.postgres.reading import read
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
select n.nspname, c.relname,
    case when c.relkind in ('r', 'p') then '' when c.relkind = 'v' then pg_get_viewdef(c.oid) else 'not certain' end
from behind join pg_class c using (oid) join pg_namespace n on n.oid = c.relnamespace
"""

MARKS = """
select table_name,
    encode(sha256(convert_to(coalesce(string_agg(day || content, ',' order by day) filter (where row_count > 0), ''),
        'UTF8')), 'hex'),
    max(loaded_at)::text || ' ' || count(*)
from {loaded} where table_name = any(%(names)s) group by table_name
union all
select model, encode(sha256(convert_to(inputs, 'UTF8')), 'hex'), published_at::text
from {marts} where model = any(%(names)s) and inputs <> ''
order by 1
"""


def data_versions(connection: psycopg.Connection, address: str, names: Iterable[str]) -> DataVersions | None:
    """The data behind relations (schema.name) now; None for one that is not there, not in the books or not certain."""
    wanted = {_bare(name) for name in names}
    if None in wanted:
        return None
    parameters: dict[str, object] = {"schema": PUBLISHED, "names": sorted(str(name) for name in wanted)}
    found = connection.execute(BEHIND, parameters).fetchall()
    if not wanted <= {name for schema, name, _ in found if schema == PUBLISHED}:
        return None
    if any(schema != PUBLISHED for schema, _, _ in found):
        return None
    # What is neither table nor view (a materialized view is as old as its last refresh) cannot be judged either.
    views = {name: text for _, name, text in found if text}
    if any(read(connection, text.strip().removesuffix(";")) is None for text in views.values()):
        return None
    tables = sorted(name for _, name, text in found if not text)
    text = statement(MARKS, loaded=table("loaded", META), marts=table("mart_inputs", META))
    marks = connection.execute(text, {"names": tables}).fetchall()
    known = {name for name, _, _ in marks} | set(TABLES)
    if not set(tables) <= known:
        return None
    texts = [(name, hashlib.sha256(text.encode()).hexdigest()) for name, text in sorted(views.items())]
    of = (("postgres", address), *((name, mark) for name, mark, _ in marks), *texts)
    return DataVersions(tuple(sorted(of)), repr([*marks, *texts]), is_settled=True)


def _bare(name: str) -> str | None:
    """A relation's own name; None in a schema that is not published. The parser says `main` where none is named."""
    schema, _, bare = name.rpartition(".")
    return bare if schema in ("", "main", PUBLISHED) else None
