"""What the declarative setup.cfg cannot say: files of the top level that become part of the installed package.

`fleet_assets.project_files` finds them there. Does not belong here: anything that setup.cfg can say.
"""

from __future__ import annotations

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

PROJECT = {"fleet_assets.project": ".", "fleet_assets.project.dbt_models": "dbt_models"}
"""Packages that hold no Python; which files they hold stands in setup.cfg under package_data."""


class BuildPackage(build_py):
    """Passes over Python files of the top level, such as this one: they are no modules of the package."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        return [] if package in PROJECT else found


setup(
    packages=[*find_packages(include=["fleet_assets", "fleet_assets.*"]), *PROJECT],
    package_dir=PROJECT,
    cmdclass={"build_py": BuildPackage},
)
