"""Versions of all that a query on the DuckDB warehouse can name: lake tables, marts, and views over both.

Belongs here: joining the lake's versions with the publication. Does not belong here: either of them.

A mart's version is the publication it lies in: the file is replaced whole, so its identity and times name its content.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import duckdb

from fleet_assets.adapters.data_versions.lake_versions import LakeVersions
from fleet_assets.adapters.data_versions.published_relations import NOTHING_PUBLISHED, PublishedRelations
from fleet_assets.adapters.data_versions.reading import read_query
from fleet_assets.adapters.data_versions.version import SETTLE_NS, DataVersions, FileState, Source, file_state, now_ns
from fleet_assets.contracts import TABLES


@dataclass
class DuckdbVersions:
    """The versions of one installation; remembers what it has looked at, so keep one for the life of a process."""

    published: Path
    lake_root: Path
    settle_ns: int = SETTLE_NS
    _lake: LakeVersions = field(init=False)
    _relations: tuple[FileState, PublishedRelations] | None = field(init=False, default=None)
    _lock: Lock = field(init=False, default_factory=Lock)

    def __post_init__(self) -> None:
        self._lake = LakeVersions(self.lake_root)

    def source(self, sql: str) -> Source | None:
        """What the rows of one SELECT are made from now, found without reading it.

        None where they may depend on more, and for a relation that is not there, that may show something else without
        a write, or is being replaced.
        """
        reading = read_query(sql)
        versions = None if reading is None else self.of(reading.tables)
        return None if reading is None or versions is None else Source(reading.text, versions)

    def of(self, wanted: frozenset[str]) -> DataVersions | None:
        """The data behind relations (schema.name, as `read_query` finds them) now; None where that is not known."""
        with self._lock:
            publication = file_state(self.published)
            relations = self._look_into(publication)
            lake = None if relations is None else relations.lake_tables(wanted)
            if lake is None:
                return None
            parts = [self._lake.version(TABLES[table]) for table in sorted(lake)]
        # Also of lake tables alone: before the first publication a query sees fewer of them.
        parts.append(self._of_publication(publication, is_read={name.removeprefix("main.") for name in wanted} - lake))
        known = [part for part in parts if part is not None]
        return DataVersions.joined(known) if len(known) == len(parts) else None

    def _look_into(self, publication: FileState | None) -> PublishedRelations | None:
        if publication is None:
            return NOTHING_PUBLISHED
        if self._relations is None or self._relations[0] != publication:
            try:
                self._relations = (publication, PublishedRelations.of(self.published))
            except duckdb.Error:
                return None
        return self._relations[1]

    def _of_publication(self, publication: FileState | None, is_read: set[str]) -> DataVersions:
        if publication is None or not is_read:
            return DataVersions((("publication", str(publication is not None)),), str(publication is not None), True)
        text = repr(publication)
        is_settled = publication.is_settled(now_ns(), self.settle_ns)
        return DataVersions((("publication", text),), text, is_settled)
