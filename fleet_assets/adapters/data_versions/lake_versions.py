"""Versions of lake tables: the content hashes of their partitions, at the cost of one look at the manifest.

Belongs here: naming what a table's newest generation holds. Does not belong here: generations (`lake_manifest`).

A generation never changes, so its version is settled as soon as it is there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from fleet_assets.adapters.data_versions.version import DataVersions
from fleet_assets.adapters.lake import Generation, Lake
from fleet_assets.contracts import Table


@dataclass
class LakeVersions:
    """The versions of the tables below one lake folder; remembers one generation of each."""

    root: Path
    _lake: Lake = field(init=False)
    _known: dict[str, tuple[Generation, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lake = Lake(str(self.root))

    def version(self, table: Table) -> DataVersions:
        """What the table's newest generation holds."""
        generation = self._lake.generation(table)
        known = self._known.get(table.name)
        if known is None or known[0] is not generation:
            known = self._known[table.name] = generation, _mark(generation)
        return DataVersions(((table.name, known[1]),), f"{table.name} {generation.number}", is_settled=True)


def _mark(generation: Generation) -> str:
    contents = [str(file.relative_to(generation.folder)) for file in generation.files()]
    return hashlib.sha256(repr(contents).encode()).hexdigest()
