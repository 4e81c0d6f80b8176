"""Where the files are that lie beside the package in the repository: the dbt project, Dagster's settings.

Does not belong here: what they hold, and files inside the package (whoever reads one finds it beside itself).
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def project_file(name: str) -> Path:
    """A file or folder of the repository's top level: in `fleet_assets/project` of an installed package, else there.

    Raises FileNotFoundError where it is in neither place: the installation is not whole.
    """
    # The package first: beside an installed one lie the files of others.
    for folder in (_PACKAGE / "project", _PACKAGE.parent):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(2, "is missing from this installation of fleet_assets", name)
