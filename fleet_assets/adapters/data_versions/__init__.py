"""Versions of data: what a result was computed from, found without reading the data.

Belongs here: what a query reads, and the versions of lake tables and of the published warehouse file. Does not belong
here: who keeps results (`query_cache`).
"""

from fleet_assets.adapters.data_versions.duckdb_versions import DuckdbVersions
from fleet_assets.adapters.data_versions.reading import Reading, only_reads, parsed, read_query
from fleet_assets.adapters.data_versions.version import SETTLE_NS, DataVersions, FileState, Source, file_state

__all__ = [
    "SETTLE_NS",
    "DataVersions",
    "DuckdbVersions",
    "FileState",
    "Reading",
    "Source",
    "file_state",
    "only_reads",
    "parsed",
    "read_query",
]
