"""Mappings of columns that `fleet import` is told, saved in the reference folder under a name and read from there.

Does not belong here: what a mapping is (`sources.column_map`), and importing (`import_logs`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.collector.console import Console
from fleet_assets.contracts.errors import UsageError
from fleet_assets.installation import Installation
from fleet_assets.sources.column_map import AS_THEY_ARE, ColumnMap, column_map, column_map_of, stated_pairs
from fleet_assets.wording import or_meant

FOLDER = "column_maps"


def chosen_columns(installation: Installation, maps: Sequence[str], units: Sequence[str], saved: str) -> ColumnMap:
    """The mapping of a saved name with what is stated besides, which wins.

    Raises UsageError for what is no mapping, and a name under which nothing is saved.
    """
    before = _read(installation, saved) if saved else AS_THEY_ARE
    columns = {**dict(before.columns), **stated_pairs("--map", maps)}
    return column_map(columns, {**dict(before.units), **stated_pairs("--units", units)})


def _read(installation: Installation, name: str) -> ColumnMap:
    path = _path(installation, name)
    if not path.exists():
        known = sorted(path.stem for path in path.parent.glob("*.yaml"))
        listed = f"there are: {', '.join(known)}{or_meant(name, known)}" if known else "none is saved (--save-mapping)"
        raise UsageError(f"--mapping {name}: no mapping of that name is saved; {listed}")
    return column_map_of(path.read_text(encoding="utf-8"), str(path))


def save_columns(installation: Installation, name: str, chosen: ColumnMap) -> None:
    """Save a mapping under a name; raises UsageError for an empty one, and a name that is no name of a file."""
    if not chosen:
        raise UsageError("--save-mapping saves what --map and --units say: give some")
    path = _path(installation, name)
    replace_file(path, chosen.as_text().encode())
    line = f"{path} holds the mapping; next time: --mapping {name}"
    Console(stderr=True).print(line, highlight=False, markup=False, soft_wrap=True)


def _path(installation: Installation, name: str) -> Path:
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise UsageError(f"a mapping is called by letters, digits, ., - and _, not {name!r}")
    return installation.reference.root / FOLDER / f"{name}.yaml"
