"""What every test may use: the folder of real recordings, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings (setting FLEET_REAL_DATA); skips where it is absent."""
    folder = Path(os.environ.get("FLEET_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder} (set FLEET_REAL_DATA)")
    return folder
