"""A PostgreSQL warehouse as the platform makes it, over the last days of a fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets.adapters.postgres.schema import BY_VEHICLE
from fleet_assets_tests.dbt.targets import SOURCES, PostgresTarget, run_dbt
from fleet_assets_tests.deploy.fleet_of_today import fill


@pytest.fixture(scope="module")
def warehouse(
    postgres_urls: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection]:
    """Loaded partition by partition, with the schema and indexes of the contracts, and marts."""
    folder = tmp_path_factory.mktemp("warehouse")
    lake, target = Lake(str(folder / "lake")), PostgresTarget(folder / "postgres", postgres_urls())
    fill(lake, datetime.now(UTC).replace(microsecond=0))
    for _ in Loader(Server(target.url), lake).load(sorted({table.name for table in SOURCES} | BY_VEHICLE.keys())):
        pass
    target.folder.mkdir()
    run_dbt(target, "run")
    with psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute("analyze")
        # As Grafana: nothing is found but by its schema.
        connection.execute("set search_path = ''")
        yield connection
