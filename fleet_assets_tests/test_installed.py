"""What `pip install .` brings is whole: it works from anywhere, without the repository beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from zipfile import ZipFile

import pytest

from fleet_assets_tests.conftest import REPOSITORY

BESIDE = ("dagster.yaml", "deploy/dagster-postgres.yaml", "pyproject.toml", "workspace.yaml")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the sources, so that building leaves nothing in the repository."""
    sources, wheels = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheels")
    for folder in ("fleet_assets", "dbt_models"):
        copytree(REPOSITORY / folder, sources / folder, ignore=ignore_patterns("__pycache__", "target", "logs"))
    (sources / "deploy").mkdir()
    for name in ("setup.py", "setup.cfg", "README.md", *BESIDE):
        copy(REPOSITORY / name, sources / name)
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(wheels), str(sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = wheels.glob("fleet_assets-*.whl")
    return found


def test_the_wheel_holds_every_file_of_the_package_and_of_the_project_and_no_other(wheel: Path) -> None:
    files = {path.relative_to(REPOSITORY) for path in _files("fleet_assets")}
    beside = [*(path.relative_to(REPOSITORY) for path in _files("dbt_models")), *map(Path, BESIDE)]
    expected = {str(path) for path in files} | {f"fleet_assets/project/{path}" for path in beside}
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected


START = """
from fleet_assets.commands.dagster_home import prepare_dagster_home
from fleet_assets.commands.ui import WORKSPACE_FILE
from fleet_assets.definitions import defs
from fleet_assets.installation import Installation

prepare_dagster_home(Installation.from_environment())
assets = {key.to_user_string() for key in defs().resolve_asset_graph().get_all_asset_keys()}
print({"trips", "vehicle_daily"} <= assets, WORKSPACE_FILE)
"""
"""What `fleet build` and `fleet ui` do first: all that lies beside the package in the repository is read."""


def test_what_was_installed_starts_in_any_folder(wheel: Path, tmp_path: Path) -> None:
    installed, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with ZipFile(wheel) as archive:
        archive.extractall(installed)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FLEET_", "DAGSTER_"))}
    environment |= {"PYTHONPATH": str(installed), "FLEET_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", START], env=environment, cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", str(installed / "fleet_assets" / "project" / "workspace.yaml")]
    assert (tmp_path / "home" / "dagster" / "dagster.yaml").read_bytes() == (REPOSITORY / "dagster.yaml").read_bytes()
    assert str(REPOSITORY) not in (tmp_path / "home" / "dbt" / "target" / "manifest.json").read_text()


def _files(folder: str) -> list[Path]:
    """The files of a folder that are kept under version control."""
    written = {"__pycache__", "target", "logs"}
    return [path for path in (REPOSITORY / folder).rglob("*") if path.is_file() and not written & {*path.parts}]
