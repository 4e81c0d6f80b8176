"""What parsing modules says of them, remembered beside their bytecode: to parse all of them takes half a second.

Belongs here: which sources an answer holds for, and where it is kept. Does not belong here: the parsing
(`code_versions`).

An answer holds for exactly the sources of the package that was asked, byte by byte, and for one version of Python;
those of other sources are forgotten. Modules of another package (one that declares a source) are parsed by every
process: nothing here sees when they change. Where nobody may write beside the sources, nothing is remembered.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, TypeVar

import fleet_assets
from fleet_assets.adapters.remembered import recall, remember

_LAYERS = ("contracts", "core", "sources")
"""Folders of the package whose sources decide what is said of a module: its own, and of what it takes from others."""
Said = TypeVar("Said")
"""What parsing says, made of what JSON knows: lists, no tuples."""


class ParsedModules:
    """What is known of the modules of a package in a folder."""

    def __init__(self, package: Path) -> None:
        self.file = _file(package)
        self._known: dict[str, Any] = recall(self.file)
        self._kept = len(self._known)
        self._own = f"{package.name}."
        self._others: dict[str, Any] = {}

    def of(self, name: str, parse: Callable[[str], Said]) -> Said:
        """What parsing says of a module, or of a function of one (`module:name`); it is parsed once."""
        known = self._known if name.startswith(self._own) else self._others
        if name not in known:
            known[name] = parse(name)
        said: Said = known[name]
        return said

    def remember(self) -> None:
        """Keep for other processes what was parsed in this one."""
        if len(self._known) == self._kept:
            return
        with suppress(OSError):
            remember(self.file, self._known)
            for other in self.file.parent.glob(f"{_begin()}*"):
                if other != self.file:
                    other.unlink(missing_ok=True)
        self._kept = len(self._known)


@cache
def parsed_modules() -> ParsedModules:
    """What is known of the modules of this package."""
    return ParsedModules(package_folder())


def package_folder() -> Path:
    """Where the sources of this package are."""
    return Path(str(fleet_assets.__file__)).parent


def sources_digest(package: Path, layers: Iterable[str]) -> str:
    """Sixteen hex digits that name the sources in these folders of a package."""
    digest = hashlib.sha256()
    for layer in layers:
        for path in sorted((package / layer).rglob("*.py")):
            digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _file(package: Path) -> Path:
    beside = Path(cache_from_source(str(package / "pipeline" / "parsed_modules.py")))
    return beside.with_name(f"{_begin()}{sources_digest(package, _LAYERS)}.json")


def _begin() -> str:
    return f"parsed-{sys.implementation.cache_tag}-"
