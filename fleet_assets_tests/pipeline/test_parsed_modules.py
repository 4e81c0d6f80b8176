"""What parsing says of modules is found once for the same sources, by whichever process, and never for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleet_assets.pipeline.parsed_modules import ParsedModules

Said = list[str | list[str]]

SAID: Said = ["the code", ["pkg.core.b"]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "pkg"
    for file in ("contracts/a.py", "core/b.py", "sources/c.py", "pipeline/d.py"):
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text("ONE = 1\n")
    return folder


def counting(parsed: list[str]) -> Callable[[str], Said]:
    def parse(module: str) -> Said:
        parsed.append(module)
        return SAID

    return parse


def ask(package: Path, module: str = "pkg.core.b") -> list[str]:
    """What a process that asks for one module has to parse; it remembers the answer."""
    parsed: list[str] = []
    known = ParsedModules(package)
    assert known.of(module, counting(parsed)) == SAID
    assert known.of(module, counting(parsed)) == SAID
    known.remember()
    return parsed


def test_a_module_is_parsed_by_the_first_process_that_asks(package: Path) -> None:
    assert [ask(package), ask(package)] == [["pkg.core.b"], []]


@pytest.mark.parametrize("file", ["contracts/a.py", "core/b.py", "sources/c.py"])
def test_what_was_said_of_other_sources_is_forgotten(package: Path, file: str) -> None:
    ask(package)
    before = ParsedModules(package).file
    (package / file).write_text("ONE = 2\n")
    assert ask(package) == ["pkg.core.b"]
    assert not before.exists()


def test_a_source_elsewhere_in_the_package_changes_no_answer(package: Path) -> None:
    ask(package)
    (package / "pipeline/d.py").write_text("ONE = 2\n")
    assert ask(package) == []


def test_a_damaged_memory_is_as_good_as_none(package: Path) -> None:
    ask(package)
    file = ParsedModules(package).file
    file.write_text(file.read_text().replace("the code", "another"))
    assert [ask(package), ask(package)] == [["pkg.core.b"], []]


def test_where_nobody_may_write_a_module_is_parsed_by_each_process(package: Path) -> None:
    (package / "pipeline" / "__pycache__").write_text("a file where the folder would be")
    assert [ask(package), ask(package)] == [["pkg.core.b"], ["pkg.core.b"]]


def test_a_module_of_another_package_is_parsed_by_every_process_since_nothing_tells_when_it_changes(
    package: Path,
) -> None:
    assert [ask(package, "depot.source"), ask(package, "depot.source")] == [["depot.source"], ["depot.source"]]
