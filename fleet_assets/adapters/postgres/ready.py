"""Having the database ready for a load: made and migrated where needed, and filled from this lake and no other.

Belongs here: `ensure_ready`, and the sentences when it cannot be. Does not belong here: how it is made (`roles`,
`migrate`).
"""

from __future__ import annotations

from fleet_assets.adapters.postgres import books
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.migrate import current, migrate, newest
from fleet_assets.adapters.postgres.names import SCHEMAS
from fleet_assets.adapters.postgres.roles import apply_privileges, initialise, strangers
from fleet_assets.contracts.errors import ServiceError, UsageError

LAKE_FACT = "lake"


def ensure_ready(server: Server, lake: str) -> None:
    """Make and migrate what is missing; raises ServiceError with what an administrator must run, or UsageError."""
    with server.transaction() as connection:
        is_ready = current(connection) == newest() and not strangers(server, connection)
    if not is_ready:
        prepare(server)
    with server.owning() as connection:
        known = books.fact(connection, LAKE_FACT)
        if known is None:
            books.note_fact(connection, LAKE_FACT, lake)
        elif known != lake:
            raise UsageError(
                f"{server.address} is loaded from another lake; use a database of its own for each lake, "
                "or say `fleet warehouse init --adopt` to load this one over it"
            )


def adopt(server: Server, lake: str) -> None:
    """Let this lake load over what another one has loaded."""
    with server.owning() as connection:
        books.note_fact(connection, LAKE_FACT, lake)


def prepare(server: Server) -> list[str]:
    """Roles, schemas, tables, privileges; returns what an administrator should still run. Raises ServiceError."""
    refused = initialise(server)
    with server.transaction() as connection:
        asked = "select name from unnest(%s::text[]) as name where to_regnamespace(name) is null"
        missing = [row[0] for row in connection.execute(asked, [list(SCHEMAS)]).fetchall()]
    if missing:
        raise ServiceError(
            f"this user may not make the schemas {', '.join(missing)} in {server.address}; "
            f"an administrator must run: {' '.join(refused)}"
        )
    migrate(server)
    return refused + apply_privileges(server)
