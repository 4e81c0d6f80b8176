"""PostgreSQL's client programs: found, and run against a server without its secrets among the arguments.

Belongs here: `pg_dump` and `pg_restore` as processes. Does not belong here: what they are asked for
(`postgres_copies`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from psycopg.conninfo import make_conninfo

from fleet_assets.adapters.postgres.connection import CONNECT_TIMEOUT_S, Server
from fleet_assets.contracts.errors import ServiceError

INSTALLED = Path("/usr/lib/postgresql")
"""Where Debian keeps the client programs of each version; PATH has a wrapper that may choose an older one."""

SECRETS = ("password", "sslpassword")
"""Parts of an address that are never among the arguments of a program, which every user of the machine can read."""


def find(name: str, server: Server) -> str:
    """The first of the installed programs that is not older than the server, which refuses older ones.

    Raises ServiceError without one.
    """
    beside = sorted(INSTALLED.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True)
    on_path = shutil.which(name)
    programs = ([on_path] if on_path else []) + [str(path) for path in beside]
    if not programs:
        raise ServiceError(f"{name} is not installed: it comes with PostgreSQL's client programs")
    with server.connect() as connection:
        needed = connection.info.server_version // 10_000
    versions = {program: _version(program) for program in programs}
    for program, version in versions.items():
        if version >= needed:
            return program
    newest = max(versions.values())
    raise ServiceError(f"{name} {newest} is older than the server ({needed}): install its client programs")


def attempt(program: str, server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that was found on the server's database, however it ends; it never asks for a password."""
    plain = {name: value for name, value in server.parts.items() if name not in SECRETS}
    address = make_conninfo(**{"connect_timeout": str(CONNECT_TIMEOUT_S)} | plain)
    secret = {"PGPASSWORD": server.parts["password"]} if server.parts.get("password") else {}
    # In English, since what it says is read.
    environment = os.environ | {"LC_ALL": "C"} | secret
    command = [program, "--no-password", f"--dbname={address}", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def run(program: str, server: Server, *arguments: str) -> None:
    """As `attempt`; raises ServiceError with the program's own words when it fails."""
    done = attempt(program, server, *arguments)
    if done.returncode:
        raise ServiceError(f"{Path(program).name} on {server.address}: {' '.join(done.stderr.split())[:500]}")


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0
