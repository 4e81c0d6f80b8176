"""Databases that several modules ask."""

from __future__ import annotations

import pytest

from fleet_assets_tests.dbt.energy_fleet import energy_lake
from fleet_assets_tests.dbt.targets import DuckTarget, PostgresTarget, Target, run_dbt


@pytest.fixture(scope="session", params=["duckdb", "postgres"])
def energy_marts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    """The fleet of energy and fuel with its models built and tested; not to be changed."""
    folder = tmp_path_factory.mktemp("energy")
    target: Target = DuckTarget(folder / "duck")
    if request.param == "postgres":
        target = PostgresTarget(folder / "postgres", request.getfixturevalue("postgres_urls")())
    target.load(energy_lake(folder))
    run_dbt(target, "build", "--full-refresh")
    return target
