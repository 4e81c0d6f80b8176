"""The options of `fleet warehouse`. Does not belong here: any work of its own (`commands.warehouse`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from fleet_assets.installation import Installation
from fleet_assets.plain_help import PlainTyper

app = PlainTyper(
    no_args_is_help=True,
    help="The warehouse on a PostgreSQL server (FLEET_WAREHOUSE_URL=postgresql://user:password@host/db).\n\n"
    "A build makes and migrates what it needs by itself where its user may; these commands do it ahead.",
)


class Role(StrEnum):
    """What a database user may do."""

    reader = "reader"
    writer = "writer"
    owner = "owner"


@app.command("init")
def init(
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Load this lake over what another lake has loaded into the database.")
    ] = False,
) -> None:
    """Make roles, schemas, tables and privileges.

    What this user may not do goes to standard output, one statement a line, for an administrator (exit code 1).

    Example: `FLEET_WAREHOUSE_URL=postgresql://fleet:secret@db/fleet fleet warehouse init > administrator.sql`.
    """
    from fleet_assets.commands.warehouse import run_init

    run_init(Installation.from_environment(), adopt)


@app.command("migrate")
def migrate() -> None:
    """Bring the tables to what this version of fleet_assets needs; forward only, all of it or nothing."""
    from fleet_assets.commands.warehouse import run_migrate

    run_migrate(Installation.from_environment())


@app.command("grant")
def grant(
    user: Annotated[str, typer.Argument(help="Database user; without one, privileges of all tables are renewed.")] = "",
    role: Annotated[
        Role,
        typer.Option(
            help="reader reads; writer also changes rows of lake tables, not of marts; owner builds and migrates."
        ),
    ] = (Role.reader),
) -> None:
    """Let a database user in.

    Example: `fleet warehouse grant grafana` after `create role grafana login password '…'` in the database.
    """
    from fleet_assets.commands.warehouse import run_grant

    run_grant(Installation.from_environment(), user, role.value)


@app.command("hypertables")
def hypertables() -> None:
    """Move tables that are natively partitioned to hypertables of TimescaleDB, which the server got later.

    Each is copied while people read it, compared with its copy, and exchanged in one transaction; views upon it are put
    back. It takes the room of the largest table twice. Stopped at any moment, the same command goes on.
    """
    from fleet_assets.commands.warehouse import run_hypertables

    run_hypertables(Installation.from_environment())


@app.command("check")
def check() -> None:
    """Look the server over: reachable, version, encoding, schema, roles, privileges, and what is loaded of the lake.

    Exit code 1 when something does not hold.
    """
    from fleet_assets.commands.warehouse import run_check

    run_check(Installation.from_environment())
