"""Having the database ready for a load: made and migrated where needed, and filled from this lake and no other.

Belongs here: `ensure_ready`, and the sentences when it cannot be. Does not belong here: how it is made (`roles`,
`migrate`).
"""

from __future__ import annotations

from fleet_assets.adapters.postgres import meta_tables
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.installed_tables import lacking
from fleet_assets.adapters.postgres.migrate import current, migrate, newest
from fleet_assets.adapters.postgres.owners import acting, objects_of_others, refuse_unless_usable
from fleet_assets.adapters.postgres.roles import apply_privileges, initialise
from fleet_assets.contracts.errors import UsageError

LAKE_FACT = "lake"


def ensure_ready(server: Server, lake: str) -> None:
    """Make and migrate what is missing; raises AdministratorNeeded, or UsageError."""
    with server.owning() as connection:
        is_ready = current(connection) == newest() and not lacking(connection)
        is_ready = is_ready and not objects_of_others(connection, acting(server, connection))
    if not is_ready:
        prepare(server)
    with server.owning() as connection:
        known = meta_tables.fact(connection, LAKE_FACT)
        if known is None:
            meta_tables.note_fact(connection, LAKE_FACT, lake)
        elif known != lake:
            raise UsageError(
                f"{server.address} is loaded from another lake; use a database of its own for each lake, "
                "or say `fleet warehouse init --adopt` to load this one over it"
            )


def adopt(server: Server, lake: str) -> None:
    """Let this lake load over what another one has loaded."""
    with server.owning() as connection:
        meta_tables.note_fact(connection, LAKE_FACT, lake)


def prepare(server: Server) -> list[str]:
    """Roles, schemas, tables, privileges; returns what an administrator should still run.

    Raises AdministratorNeeded where tables cannot be made before.
    """
    refused = initialise(server)
    with server.transaction() as connection:
        refuse_unless_usable(connection, acting(server, connection), refused)
    migrate(server)
    return refused + apply_privileges(server)
