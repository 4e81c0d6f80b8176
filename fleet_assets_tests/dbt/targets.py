"""The dbt project on a database of its own, run in this process: a DuckDB file over a lake, or a PostgreSQL server.

Belongs here: loading a lake's tables, running dbt, reading what came of it. Does not belong here: what is expected.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from unittest.mock import patch

import duckdb
import polars as pl
import psycopg
import yaml
from dbt.cli.main import dbtRunner
from psycopg.conninfo import conninfo_to_dict

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.lake_views import view_statement
from fleet_assets.contracts import (
    CHARGING_HOURS,
    CHARGING_SESSIONS,
    ENERGY_PRICES,
    FUEL_EVENTS,
    HOURLY_USE,
    INGEST_DAILY,
    INGEST_GAPS,
    INGEST_OUTAGES,
    INGEST_QUARANTINED,
    STANDING_PERIODS,
    STOPS,
    TELEMETRY,
    THEFT_CANDIDATES,
    THEFT_REVIEWS,
    TRIPS,
    VEHICLES,
    Table,
)
from fleet_assets.contracts.alarms import ALARMS
from fleet_assets.contracts.theft import THEFT_SCORES
from fleet_assets.pipeline.mart_inputs import TouchedDays
from fleet_assets_tests.conftest import REPOSITORY

PROJECT = REPOSITORY / "dbt_models"
SOURCES = (
    TRIPS, STOPS, STANDING_PERIODS, HOURLY_USE, CHARGING_SESSIONS, CHARGING_HOURS, FUEL_EVENTS, VEHICLES, TELEMETRY,
    INGEST_DAILY, INGEST_GAPS, INGEST_OUTAGES, INGEST_QUARANTINED, THEFT_CANDIDATES, THEFT_SCORES, ALARMS,
    THEFT_REVIEWS, ENERGY_PRICES,
)  # fmt: skip
TYPES = {
    "str": "text", "f64": "float8", "i64": "bigint", "bool": "boolean", "date": "date", "ts": "timestamptz",
    "list[str]": "text[]", "json": "text",
}  # fmt: skip


class Target(Protocol):
    """One database with the lake's tables and the models."""

    @property
    def folder(self) -> Path: ...

    def profile(self) -> dict[str, object]: ...

    def load(self, lake: Lake) -> None: ...

    def rows(self, sql: str, timezone: str = "UTC") -> pl.DataFrame: ...

    def found_after(self, changes: str, check: str) -> int:
        """How many rows a dbt test finds after statements that are undone then; of a project that was built here."""
        ...


@dataclass(frozen=True)
class DuckTarget:
    """A DuckDB file."""

    folder: Path

    def profile(self) -> dict[str, object]:
        settings = {"TimeZone": "UTC", "threads": 1}
        return {"type": "duckdb", "path": str(self._file), "schema": "main", "settings": settings}

    def load(self, lake: Lake) -> None:
        """Views of the lake's tables."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(self._file)) as connection:
            for table in SOURCES:
                connection.execute(view_statement(table, lake.generation(table).files()))

    def rows(self, sql: str, timezone: str = "UTC") -> pl.DataFrame:
        with duckdb.connect(str(self._file)) as connection:
            connection.execute(f"set timezone = '{timezone}'")
            return pl.DataFrame(connection.sql(sql).to_arrow_table())

    def found_after(self, changes: str, check: str) -> int:
        with duckdb.connect(str(self._file)) as connection:
            connection.execute("begin")
            for table in SOURCES:
                # Views of files cannot be changed.
                connection.execute(f"create table rows_of as from {table.name}; drop view {table.name}")
                connection.execute(f"alter table rows_of rename to {table.name}")
            connection.execute(changes)
            found = len(connection.execute(_compiled(self, check)).fetchall())
            connection.execute("rollback")
        return found

    @property
    def _file(self) -> Path:
        return self.folder / "fleet.duckdb"


@dataclass(frozen=True)
class PostgresTarget:
    """A database of a PostgreSQL server."""

    folder: Path
    url: str

    def profile(self) -> dict[str, object]:
        at = conninfo_to_dict(self.url)
        return {
            "type": "postgres", "host": at["host"], "port": int(at.get("port") or 5432), "user": at["user"],
            "password": at.get("password") or "none", "dbname": at["dbname"], "schema": "fleet", "threads": 2,
        }  # fmt: skip

    def load(self, lake: Lake) -> None:
        """The lake's rows anew, in any order: what is built of them must not depend on it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("create schema if not exists fleet")
            connection.execute("set search_path = fleet")
            for table in SOURCES:
                columns = ", ".join(f"{column.name} {TYPES[column.kind]}" for column in table.columns)
                connection.execute(f"create table if not exists {table.name} ({columns})")
                connection.execute(f"delete from {table.name}")
                _copy(connection, table, lake.scan(table).collect().sample(fraction=1, shuffle=True, seed=7))

    def rows(self, sql: str, timezone: str = "UTC") -> pl.DataFrame:
        with psycopg.connect(self.url) as connection:
            connection.execute(f"set timezone = '{timezone}'; set search_path = fleet".encode())
            found = connection.execute(sql)
            names = [column.name for column in found.description or ()]
            return pl.DataFrame(found.fetchall(), schema=names, orient="row", infer_schema_length=None)

    def found_after(self, changes: str, check: str) -> int:
        with psycopg.connect(self.url) as connection:
            connection.execute("set search_path = fleet")
            connection.execute(changes.encode())
            found = len(connection.execute(_compiled(self, check).encode()).fetchall())
            connection.rollback()
        return found


def run_dbt(target: Target, *command: str, touched: TouchedDays | None = None) -> None:
    """One dbt command on a target; all days without `touched`. Fails with what dbt says, warnings included."""
    profiles = target.folder / "profiles.yml"
    profiles.write_text(yaml.safe_dump({"fleet": {"target": "here", "outputs": {"here": target.profile()}}}))
    folders = {name: str(target.folder / name) for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH")}
    days = "" if touched is None else json.dumps(touched, default=str)
    here = {"DBT_PROFILES_DIR": str(target.folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    with patch.dict(os.environ, folders | here | {"FLEET_TOUCHED_DAYS": days}):
        done = dbtRunner().invoke([*command, "--project-dir", str(PROJECT), "--quiet", "--warn-error"])
    failed = [f"{found.node.name}: {found.message}" for found in getattr(done.result, "results", []) if _failed(found)]
    assert done.success, done.exception or failed


def _compiled(target: Target, check: str) -> str:
    """The SQL of a dbt test as it was run last."""
    (path,) = (target.folder / "DBT_TARGET_PATH" / "compiled").rglob(f"{check}.sql")
    return path.read_text()


def _failed(found: object) -> bool:
    return str(getattr(found, "status", "")) in {"error", "fail", "runtime error", "warn"}


def _copy(connection: psycopg.Connection, table: Table, rows: pl.DataFrame) -> None:
    with connection.cursor().copy(f"copy {table.name} from stdin") as copy:
        for row in rows.iter_rows():
            copy.write_row(row)
