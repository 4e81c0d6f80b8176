"""The files that a person meant by naming files and folders.

Does not belong here: reading them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fleet_assets.contracts.errors import UsageError


def expand(paths: Sequence[Path], endings: Sequence[str]) -> list[Path]:
    """Named files as they are, folders replaced by the files below them that have one of the endings, sorted.

    Raises UsageError for a path that does not exist and for a folder in which there is no such file: a misspelt name
    must not look like success.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += _inside(path, endings)
        elif path.exists():
            found.append(path)
        else:
            raise UsageError(f"{path}: there is no such file or folder")
    return list(dict.fromkeys(found))


def _inside(folder: Path, endings: Sequence[str]) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and has_ending(path, endings)]
    if not files:
        raise UsageError(f"{folder}: no file below it ends in {', '.join(endings)}")
    return files


def has_ending(path: Path, endings: Sequence[str]) -> bool:
    """Whether the name ends in one of the endings, also with `.gz` behind it."""
    return path.name.lower().removesuffix(".gz").endswith(tuple(endings))
