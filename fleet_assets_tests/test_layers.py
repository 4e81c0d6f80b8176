"""Who may import whom, as architecture.md says, and what a small box must never load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from fleet_assets_tests.conftest import REPOSITORY


def test_every_layer_imports_only_what_it_may() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--config", "setup.cfg", "--no-cache"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_collector_starts_without_dagster() -> None:
    code = (
        "import sys, fleet_assets.cli, fleet_assets.collector.cli;"
        "print([name for name in sys.modules if name.split('.')[0] in ('dagster', 'dbt', 'sklearn')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_import_starts_without_what_it_does_not_need() -> None:
    slow = "('numba', 'pandas', 'asammdf', 'can', 'duckdb', 'redis')"
    code = (
        "import sys, fleet_assets.cli, fleet_assets.commands.import_logs, fleet_assets.adapters.landed_rows;"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
