"""`fleet docs`: the dbt project as a site of static files: models, columns, lineage, tests, who reads them.

Does not belong here: what the models say (dbt_models/) and the pages of this repository (`mart_page`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from fleet_assets.contracts.errors import BuildFailed, UsageError
from fleet_assets.places import Places

FILES = {"static_index.html": "index.html", "catalog.json": "catalog.json", "manifest.json": "manifest.json"}
"""What dbt writes, and its name in the site. The page holds the other two within itself and opens without a server."""


def write_site(places: Places, folder: Path) -> Path:
    """Write the site of what is published into `folder` and return its page; reaches no network.

    Raises UsageError before a first build, and BuildFailed with what dbt says.
    """
    from fleet_assets.defs.marts import PROJECT_DIR, dbt_environment

    if not places.warehouse.is_published:
        raise UsageError("there are no marts to describe yet: run `fleet build`")
    dbt = str(Path(sys.executable).with_name("dbt"))
    with places.warehouse.building(), TemporaryDirectory(prefix="fleet-docs-") as target:
        command = [dbt, "--quiet", "docs", "generate", "--static", "--project-dir", str(PROJECT_DIR)]
        environment = os.environ | dbt_environment(places) | {"DBT_TARGET_PATH": target}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildFailed(f"dbt could not describe the marts: {(done.stdout + done.stderr).strip()[-2000:]}")
        folder.mkdir(parents=True, exist_ok=True)
        for written, name in FILES.items():
            copyfile(Path(target) / written, folder / name)
    return folder / "index.html"
