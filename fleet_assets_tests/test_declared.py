"""setup.cfg declares what is imported, and nothing else but what is loaded by name."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

from fleet_assets_tests.conftest import REPOSITORY

LOADED_BY_NAME = {
    "dagster-postgres": "deploy/dagster-postgres.yaml names its classes",
    "dagster-webserver": "`dagster dev`, which `fleet ui` starts, serves with it",
    "dbt-duckdb": "the adapter that dbt_models/profiles.yml names",
    "dbt-postgres": "the other one",
    "hiredis": "redis reads answers with it where it is there",
    "pytz": "duckdb makes aware instants with it",
    "tzdata": "zoneinfo reads it where the system has no zones",
}
"""Distributions that no line of ours imports, each with who does."""

TOOLS = {
    "import-linter", "ipykernel", "mypy", "pandas-stubs", "pytest-xdist", "ruff", "setuptools", "types-cachetools",
    "types-pyyaml",
}  # fmt: skip
"""What `make check` and `make test` call, mypy reads, or a notebook runs in."""

OF_ANOTHER_NAME = {"dbt": "dbt-core", "can": "python-can", "yaml": "pyyaml", "sqlalchemy": "sqlalchemy"}


def declared(extra: str = "") -> set[str]:
    config = ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    text = config["options.extras_require"][extra] if extra else config["options"]["install_requires"]
    return {canonical(Requirement(line).name) for line in text.split("\n") if line.strip()}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(*folders: str) -> set[str]:
    """Distributions of the modules that files below the folders import, by what is installed."""
    known = packages_distributions()
    ours = {"fleet_assets", "fleet_assets_tests", *(path.stem for path in (REPOSITORY / "benchmarks").glob("*.py"))}
    modules = {name for path in _files(folders) for name in _modules(ast.parse(path.read_text(encoding="utf-8")))}
    outside = modules - ours - set(sys.stdlib_module_names)
    return {canonical(OF_ANOTHER_NAME.get(name) or (known.get(name) or [name])[0]) for name in outside}


def _files(folders: Iterable[str]) -> Iterator[Path]:
    for folder in folders:
        yield from (REPOSITORY / folder).rglob("*.py")


def _modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_the_package_declares_what_it_imports_and_nothing_else() -> None:
    assert imported("fleet_assets") == declared() - set(LOADED_BY_NAME)
    assert set(LOADED_BY_NAME) <= declared()


def test_what_tests_and_benchmarks_import_is_declared_and_nothing_else() -> None:
    tests = imported("fleet_assets_tests", "examples") - declared()
    assert tests == declared("test") - TOOLS
    assert imported("benchmarks") - declared() - declared("test") == declared("bench")
    assert not imported("examples") - declared()


def test_every_declared_distribution_has_its_exact_version() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().split("\n")
    pinned = {canonical(line.partition("==")[0]) for line in lines if "==" in line}
    extra = {canonical(line.partition("[")[0]) for line in pinned}
    assert {*declared(), *declared("test"), *declared("bench")} <= pinned | extra
