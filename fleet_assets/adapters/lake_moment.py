"""A lake at one moment: what many questions that belong together are asked of.

Belongs here: staying with the generations that were found first. Does not belong here: reading and writing (`lake`).
"""

from __future__ import annotations

from fleet_assets.adapters.lake import Generation, Lake
from fleet_assets.adapters.lake_manifest import Manifest
from fleet_assets.contracts import Table


class LakeMoment(Lake):
    """A lake of which each table stays what it was when it was first asked for, whatever is stored meanwhile.

    Who asks for thousands of partitions (a plan) gets answers that belong together, and looks for the newest generation
    once a table. It is for reading: what is written through it is not seen through it.
    """

    def __init__(self, lake: Lake) -> None:
        super().__init__(str(lake.root), lake.kept)
        self._lake = lake
        self._found: dict[str, Generation] = {}

    def manifest(self, table: Table) -> Manifest:
        return self._lake.manifest(table)

    def generation(self, table: Table) -> Generation:
        """What the table was at the first question."""
        found = self._found.get(table.name)
        if found is None:
            found = self._found[table.name] = self._lake.generation(table)
        return found
