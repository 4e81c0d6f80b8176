"""`fleet warehouse`: the PostgreSQL warehouse made, migrated, opened to people, and looked over.

Belongs here: what the person reads. Does not belong here: any statement (`adapters.postgres`).
"""

from __future__ import annotations

from rich.text import Text

from fleet_assets.adapters.postgres import roles
from fleet_assets.adapters.postgres.discrepancies import Discrepancy, look_over
from fleet_assets.adapters.postgres.hypertables import move_to_hypertables
from fleet_assets.adapters.postgres.migrate import migrate, newest
from fleet_assets.adapters.postgres.owners import AdministratorNeeded
from fleet_assets.adapters.postgres.ready import adopt, prepare
from fleet_assets.collector.console import Console
from fleet_assets.contracts.errors import ServiceError
from fleet_assets.installation import Installation
from fleet_assets.wording import counted


def run_init(installation: Installation, take_over: bool) -> None:
    """Make roles, schemas and tables; a second call changes nothing.

    Raises ServiceError for what this user may not do, after printing the statements for who may.
    """
    try:
        refused = prepare(installation.server)
    except AdministratorNeeded as error:
        raise _left_to_administrator(error.says, error.statements) from None
    if take_over:
        adopt(installation.server, installation.lake.identity())
    state = f"{installation.server.address} is ready: schema {newest()}, tables in `fleet`"
    if refused:
        raise _left_to_administrator(state, refused)
    _say(state)


def run_migrate(installation: Installation) -> None:
    """Bring the tables to what this version needs; raises ServiceError before `init`."""
    before = migrate(installation.server)
    _say(f"schema {newest()}" + (" already" if before == newest() else f", before: {before or 'none'}"))


def run_grant(installation: Installation, user: str, role: str) -> None:
    """Let a database user in as reader, writer or owner; without a user, renew the privileges of all tables.

    Raises ServiceError when this user may not, after printing the statements for who may.
    """
    refused = (
        roles.admit(installation.server, user, f"fleet_{role}") if user else roles.apply_privileges(installation.server)
    )
    if refused:
        raise _left_to_administrator(
            "nothing was granted" if user else "not all privileges are as they should be", refused
        )
    _say(f"{user} may now act as fleet_{role}" if user else "privileges are as they should be")


def run_hypertables(installation: Installation) -> None:
    """Move natively partitioned tables to hypertables, and say which; a second call finds nothing to move."""
    moved = 0
    try:
        for one in move_to_hypertables(installation.server, _say):
            _say(f"{one.table}: {one.rows:,} rows copied and compared, a hypertable now")
            moved += 1
    except AdministratorNeeded as error:
        raise _left_to_administrator(error.says, error.statements) from None
    _say(f"{counted(moved, 'table')} moved" if moved else "no table is natively partitioned: nothing to move")


def run_check(installation: Installation) -> None:
    """Print what was found; raises ServiceError when something does not hold."""
    found = look_over(installation.server, installation.loader)
    for one in found:
        _say(f"{'ok' if one.holds else 'NO':<3} {one.what}: {one.says}")
    wrong = [one for one in found if not one.holds]
    if wrong:
        raise ServiceError(_first(wrong))


def _first(wrong: list[Discrepancy]) -> str:
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f"this does not hold: {wrong[0].what}: {wrong[0].says}{more}"


def _left_to_administrator(state: str, statements: list[str]) -> ServiceError:
    """Prints the statements, one a line and nothing else, so that they can go into a file or into psql."""
    for text in statements:
        _say(text)
    return ServiceError(f"{state}; an administrator must run what is on standard output, in this database")


def ask_administrator(refused: list[str]) -> None:
    """Print what only an administrator may run, if there is anything; for commands that have done their own work."""
    if refused:
        _say("This user may not do all of it. An administrator should run, in this database:")
        for text in refused:
            _say(f"  {text}")


def _say(line: str) -> None:
    # As a text of rich, which is never cut: half a statement would be another one.
    Console().print(Text(line), soft_wrap=True)
