"""A lake beside a database that is loaded from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.postgres.connection import Server
from fleet_assets.adapters.postgres.load import Loader
from fleet_assets_tests.fixtures.fleet_here import fleet_here

__all__ = ["fleet_here"]


@pytest.fixture
def loader(tmp_path: Path, postgres_url: str) -> Loader:
    """An empty lake, and an empty database."""
    return Loader(Server(postgres_url), Lake(str(tmp_path / "lake")))
