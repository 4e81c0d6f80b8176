"""The same models on a real PostgreSQL give the same marts: only the loading of the lake's tables differs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import psycopg
import pytest
import yaml
from polars.testing import assert_frame_equal
from psycopg.conninfo import conninfo_to_dict

from fleet_assets.contracts import STOPS, TRIPS, VEHICLES, Table
from fleet_assets.places import Places
from fleet_assets_tests.conftest import REPOSITORY
from fleet_assets_tests.dbt.small_fleet import stops, store, trips, vehicles

pytest.importorskip("dbt.adapters.postgres", reason="dbt-postgres is not installed")

PROJECT = REPOSITORY / "dbt_models"
MARTS = ("trip_daily_stats", "vehicle_daily", "monthly_summary")
TYPES = {"str": "text", "f64": "float8", "i64": "bigint", "bool": "boolean", "date": "date", "ts": "timestamptz"}


def load(connection: psycopg.Connection, table: Table, rows: pl.DataFrame) -> None:
    columns = ", ".join(f"{column.name} {TYPES[column.kind]}" for column in table.columns)
    connection.execute(f"create table {table.name} ({columns})")
    with connection.cursor().copy(f"copy {table.name} from stdin") as copy:
        for row in rows.iter_rows():
            copy.write_row(row)


def build(profiles: Path, target: dict[str, object]) -> None:
    """Run every model and test; any warning is an error."""
    profiles.mkdir()
    profile = {"fleet": {"target": "here", "outputs": {"here": target}}}
    (profiles / "profiles.yml").write_text(yaml.safe_dump(profile))
    folders = {name: str(profiles / name) for name in ("DBT_TARGET_PATH", "DBT_LOG_PATH")}
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--quiet", "--warn-error", "build", "--project-dir", PROJECT],
        env=os.environ | folders | {"DBT_PROFILES_DIR": str(profiles), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def marts_of_postgres(url: str, profiles: Path) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url, autocommit=True) as connection:
        for table, rows in ((TRIPS, trips()), (STOPS, stops()), (VEHICLES, vehicles())):
            load(connection, table, rows)
        at = conninfo_to_dict(url)
        build(profiles, {
            "type": "postgres", "host": at["host"], "port": int(at.get("port") or 5432), "user": at["user"],
            "password": at.get("password") or "none", "dbname": at["dbname"], "schema": "public", "threads": 2,
        })  # fmt: skip
        connection.execute("set timezone = 'UTC'")
        return {mart: connection.execute(f"select * from {mart} order by 1, 2").fetchall() for mart in MARTS}


def marts_of_duckdb(places: Places, profiles: Path) -> dict[str, pl.DataFrame]:
    store(places.lake, trips(), stops())
    with places.warehouse.building() as file:
        build(profiles, {"type": "duckdb", "path": str(file), "schema": "main", "settings": {"TimeZone": "UTC"}})
        with duckdb.connect(str(file)) as connection:
            connection.execute("set timezone = 'UTC'")
            return {mart: pl.DataFrame(connection.sql(f"from {mart} order by 1, 2").to_arrow_table()) for mart in MARTS}


def test_both_databases_give_the_same_marts(places: Places, postgres_url: str, tmp_path: Path) -> None:
    expected = marts_of_duckdb(places, tmp_path / "duckdb")
    found = marts_of_postgres(postgres_url, tmp_path / "postgres")
    for mart, frame in expected.items():
        assert frame.height > 0
        assert_frame_equal(pl.DataFrame(found[mart], schema=frame.schema, orient="row"), frame)
