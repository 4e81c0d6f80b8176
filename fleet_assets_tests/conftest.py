"""What every test may use: an empty installation, real servers, and the real recordings where there are any."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from fleet_assets.installation import Installation

pytest_plugins = [
    "fleet_assets_tests.fixtures.redis",
    "fleet_assets_tests.fixtures.postgres",
    "fleet_assets_tests.fixtures.read_project",
    "fleet_assets_tests.fixtures.small_disk",
    "fleet_assets_tests.fixtures.timescale",
]

REPOSITORY = Path(__file__).resolve().parent.parent

# Loading the definitions reads FLEET_HOME: never the one of whoever runs the tests.
SHARED_HOME = REPOSITORY / ".pytest_cache" / "fleet"
os.environ["FLEET_HOME"] = str(SHARED_HOME)

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

FleetCommand = Callable[..., subprocess.CompletedProcess[str]]


LONG = ("e2e", "proofs", "property", "dbt", "defs", "commands")
"""Folders of tests that take long: they come first, so that no core waits for the last of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first, else in the order in which they stand."""
    items.sort(key=lambda item: not set(LONG) & set(item.path.relative_to(REPOSITORY).parts))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings (setting FLEET_REAL_DATA); skips where it is absent."""
    folder = Path(os.environ.get("FLEET_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder} (set FLEET_REAL_DATA)")
    return folder


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An empty installation that this process uses as its own."""
    for name in [name for name in os.environ if name.startswith("FLEET_") and name != "FLEET_REAL_DATA"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLEET_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Installation.from_environment()


@pytest.fixture
def fleet(installation: Installation) -> FleetCommand:
    """Runs the command line as a person would: in a process of its own, on the installation of this test."""

    def run(*arguments: object, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "fleet_assets", *map(str, arguments)],
            env=os.environ | {"FLEET_HOME": str(installation.settings.root), "COLUMNS": "160"} | environment,
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    return run
