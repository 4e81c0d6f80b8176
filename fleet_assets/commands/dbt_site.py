"""`fleet docs`: the dbt project as a site of static files: models, columns, lineage, tests, who reads them.

Does not belong here: what the models say (dbt_models/) and the pages of this repository (`mart_page`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from fleet_assets.adapters.privacy import as_the_person_set
from fleet_assets.contracts.errors import BuildFailed, UsageError
from fleet_assets.installation import Installation

FILES = {"static_index.html": "index.html", "catalog.json": "catalog.json", "manifest.json": "manifest.json"}
"""What dbt writes, and its name in the site. The page holds the other two within itself and opens without a server."""

PUBLISHED_ON_SERVER = {"FLEET_WAREHOUSE_SCHEMA": "fleet", "FLEET_WAREHOUSE_PREFIX": ""}
"""Where dbt finds what is published in PostgreSQL; a DuckDB file knows no such thing."""


def write_site(installation: Installation, folder: Path) -> Path:
    """Write the site of what is published into `folder` and return its page; reaches no network.

    Raises UsageError before a first build, and BuildFailed with what dbt says.
    """
    from fleet_assets.pipeline.mart_models import PROJECT_DIR, dbt_environment

    if not installation.warehouse.is_published:
        raise UsageError("there are no marts to describe yet: run `fleet build`")
    dbt = str(Path(sys.executable).with_name("fleet-dbt"))
    # A DuckDB file that others have open cannot be read by dbt: it reads the private copy. A server is read as it is.
    is_file = installation.warehouse.kind == "duckdb"
    reading = installation.warehouse.building() if is_file else nullcontext()
    with reading, TemporaryDirectory(prefix="fleet-docs-") as target:
        command = [dbt, "--quiet", "docs", "generate", "--static", "--project-dir", str(PROJECT_DIR)]
        environment = os.environ | dbt_environment(installation) | PUBLISHED_ON_SERVER | {"DBT_TARGET_PATH": target}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildFailed(f"dbt could not describe the marts: {(done.stdout + done.stderr).strip()[-2000:]}")
        with as_the_person_set():
            folder.mkdir(parents=True, exist_ok=True)
            for written, name in FILES.items():
                copyfile(Path(target) / written, folder / name)
    return folder / "index.html"
