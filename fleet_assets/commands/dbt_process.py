"""`fleet-dbt`: dbt, in the folder and with the options of the server that builds need.

Belongs here: what must be true of the dbt process alone. Does not belong here: which command it runs (`defs.marts`).

libpq reads PGOPTIONS for every connection of a process. In the process that starts dbt, Dagster's own storage may be a
database too, whose tables belong to another role: so the options travel there under a name that libpq does not know.
"""

from __future__ import annotations

import os

from fleet_assets.adapters import dbt_session


def main() -> None:
    """Run dbt with the arguments of this process."""
    os.environ["PGOPTIONS"] = os.environ.get(dbt_session.SERVER_OPTIONS, "")
    if folder := os.environ.get(dbt_session.FOLDER):
        os.chdir(folder)
    from dbt.cli.main import cli

    cli()


if __name__ == "__main__":
    main()
