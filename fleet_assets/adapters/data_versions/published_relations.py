"""What the published warehouse file holds: marts, and views with all that they read.

Belongs here: looking into one publication. Does not belong here: its version (`duckdb_versions`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fleet_assets.adapters.data_versions.reading import Reading, read_query
from fleet_assets.contracts import TABLES

_BODY = re.compile(r"^CREATE (?:OR REPLACE )?VIEW .+? AS (?=\(|SELECT\b|WITH\b|FROM\b|VALUES\b)", re.DOTALL)


@dataclass(frozen=True)
class PublishedRelations:
    """The relations of one publication as schema.name in lower case; `views` with the statement that made each."""

    tables: frozenset[str]
    views: dict[str, str]

    @classmethod
    def of(cls, published: Path) -> PublishedRelations:
        with duckdb.connect(str(published), read_only=True) as file:
            tables = file.execute("select lower(schema_name || '.' || table_name) from duckdb_tables()").fetchall()
            views = file.execute(
                "select lower(schema_name || '.' || view_name), sql from duckdb_views() where not internal"
            ).fetchall()
        return cls(frozenset(name for (name,) in tables), dict(views))

    def lake_tables(self, names: frozenset[str]) -> frozenset[str] | None:
        """The lake tables behind relations, views followed; None for a name that is not there or an unclear view."""
        lake: set[str] = set()
        seen: set[str] = set()
        waiting = set(names)
        while waiting:
            name = waiting.pop()
            seen.add(name)
            if name.removeprefix("main.") in TABLES:
                lake.add(name.removeprefix("main."))
            elif name in self.views:
                reading = _reading(self.views[name])
                if reading is None:
                    return None
                waiting |= reading.tables - seen
            elif name not in self.tables:
                return None
        return frozenset(lake)


NOTHING_PUBLISHED = PublishedRelations(frozenset(), {})


def _reading(create_view: str) -> Reading | None:
    body = _BODY.sub("", create_view, count=1)
    return None if body == create_view else read_query(body)
