"""Names in the database: schemas, roles, locks; and writing names into SQL.

Belongs here: what more than one module of this package calls by name. Does not belong here: any statement.
"""

from __future__ import annotations

from psycopg import sql

PUBLISHED = "fleet"
PARTS = "fleet_parts"
BUILD = "fleet_build"
META = "fleet_meta"
INTERNAL = ("staging", "intermediate")
BUILD_PREFIX = f"{BUILD}_"
PUBLICATION = {BUILD: PUBLISHED, **{f"{BUILD_PREFIX}{name}": name for name in INTERNAL}}
"""Where the relations of a build go, by the schema it makes them in."""

SCHEMAS = (PUBLISHED, PARTS, META, *INTERNAL, *PUBLICATION)

OWNER = "fleet_owner"
WRITER = "fleet_writer"
READER = "fleet_reader"
ROLES = (OWNER, WRITER, READER)

BUILD_LOCK = 0x666C6565_00000001
"""Advisory lock: one build of the marts at a time, on whatever machine."""

SCHEMA_LOCK = 0x666C6565_00000002
"""Advisory lock: one migration at a time."""

LOAD_LOCK = 0x666C6565_00000003
"""Advisory lock: one load at a time."""


def statement(text: str, **names: str | sql.Composable) -> sql.Composed:
    """SQL text whose {placeholders} are names, quoted here; `schema.table` names are given as `table(...)`."""
    parts = {key: sql.Identifier(name) if isinstance(name, str) else name for key, name in names.items()}
    # The texts are this package's own; what comes from outside is a quoted name or a bound parameter.
    return sql.SQL(text).format(**parts)


def table(name: str, schema: str = PUBLISHED) -> sql.Identifier:
    """A table by schema and name, quoted."""
    return sql.Identifier(schema, name)


def regclass(name: str, schema: str = PUBLISHED) -> str:
    """The same as text, which to_regclass and casts to regclass read."""
    return table(name, schema).as_string()
