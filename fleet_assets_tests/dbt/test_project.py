"""The dbt project runs without a word, writes nothing into its folder, and describes every column."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet_assets.contracts import TABLES
from fleet_assets.core.motion import MotionRules
from fleet_assets.installation import Installation
from fleet_assets_tests.conftest import REPOSITORY

PROJECT = REPOSITORY / "dbt_models"
DOCUMENTS = [yaml.safe_load(path.read_text()) for path in sorted(PROJECT.glob("models/**/*.yml"))]
MODELS: list[dict[str, Any]] = [model for document in DOCUMENTS for model in document.get("models", [])]


def dbt(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as the pipeline calls it; every warning is an error, so that deprecations show."""
    from fleet_assets.pipeline.mart_models import dbt_environment

    executable = Path(sys.executable).with_name("fleet-dbt")
    return subprocess.run(
        [executable, "--quiet", "--warn-error", *arguments, "--project-dir", PROJECT, "--show-all-deprecations"],
        env=os.environ | dbt_environment(installation), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_parse_and_build_of_an_empty_fleet_are_silent_and_leave_the_project_alone(installation: Installation) -> None:
    before = sorted(PROJECT.rglob("*"))
    with installation.warehouse.building():
        for command in ("parse", "build"):
            done = dbt(installation, command)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        installation.warehouse.publish()
        assert installation.warehouse.row_counts() == {
            "charging_daily": 0, "charging_hourly_stats": 0, "energy_hourly": 0, "fuel_daily": 0, "ingest_health": 0,
            "monthly_summary": 0, "telemetry_daily": 0, "theft_alarms": 0, "trip_daily_stats": 0, "vehicle_daily": 0,
            "vehicle_last_known": 0,
        }  # fmt: skip
    assert sorted(PROJECT.rglob("*")) == before
    assert sorted(path.name for path in (installation.settings.root / "dbt").iterdir()) == ["logs", "target"]


def test_every_model_and_column_is_described() -> None:
    files = {path.stem for path in PROJECT.glob("models/**/*.sql")}
    assert {model["name"] for model in MODELS} == files
    undescribed = [model["name"] for model in MODELS if not model.get("description")]
    undescribed += [
        f"{model['name']}.{column['name']}"
        for model in MODELS for column in model["columns"] if not column.get("description")
    ]  # fmt: skip
    assert undescribed == []


def test_sources_are_tables_of_the_lake_and_say_what_their_contract_says() -> None:
    tables = [table for document in DOCUMENTS for source in document.get("sources", []) for table in source["tables"]]
    assert {table["name"]: table["description"] for table in tables} == {
        table["name"]: TABLES[table["name"]].row for table in tables
    }


@pytest.mark.parametrize(
    "model", [m for m in MODELS if "data_type" in m["columns"][0]], ids=lambda model: model["name"]
)
def test_every_column_of_a_mart_has_a_type_that_both_databases_know(model: dict[str, Any]) -> None:
    portable = {"text", "date", "bigint", "float8", "timestamptz", "boolean"}
    assert {column["data_type"] for column in model["columns"]} <= portable


def test_what_counts_as_motion_is_the_same_in_views_and_trips() -> None:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    rules = MotionRules()
    assert variables["moving_above_kmh"] == rules.moving_above_kmh
    assert variables["gps_moving_above_kmh"] == rules.gps_moving_above_kmh
