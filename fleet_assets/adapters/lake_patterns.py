"""The files without rows of the lake's tables: whether each can still be read.

Belongs here: reading them, and remembering the hashes of those that could be. Does not belong here: writing them
(`lake`), and what is done about one that is broken (`lake_damage`).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fleet_assets.adapters.durable_file import content_hash
from fleet_assets.adapters.lake import Lake
from fleet_assets.adapters.remembered import recall, remember
from fleet_assets.contracts import TABLES, Table

MEMORY = "known_patterns.json"
"""File of the lake that keeps, of each table, the hash of the file without rows that was read, and the columns then."""


def broken_patterns(lake: Lake) -> list[Table]:
    """The tables whose file without rows cannot be read, or has columns that are none of the table's."""
    files = {table.name: lake.pattern(table) for table in TABLES.values()}
    found = {name: _state(TABLES[name], file) for name, file in files.items() if file.exists()}
    known = recall(lake.root / MEMORY)
    # The same bytes are as readable as before, and to compare them loads nothing.
    moved = [name for name, state in found.items() if known.get(name) != state]
    broken = [name for name in moved if not _has_schema(files[name], TABLES[name])]
    if moved:
        with suppress(OSError):
            remember(lake.root / MEMORY, {name: state for name, state in found.items() if name not in broken})
    return [TABLES[name] for name in broken]


def _state(table: Table, file: Path) -> list[str]:
    return [content_hash(file), *table.schema]


def _has_schema(path: Path, table: Table) -> bool:
    """Whether it can be read and has columns of the contract; it may lack those that were added since."""
    # Imported here: it takes longer than a look at years of days.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Not `read_table`, which loads pandas: half a second of a build that finds nothing to do.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            found = file.read()
        return bool(found.num_rows == 0 and {*found.column_names} <= {*table.schema})
    except (pa.ArrowException, OSError, ValueError):
        return False
