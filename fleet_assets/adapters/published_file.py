"""The state of a DuckDB file, whether it can be read and by whom, and DuckDB's errors as sentences.

Belongs here: those. Does not belong here: which file is published and when it is looked at (`warehouse`).

DuckDB keeps a checksum with every block and compares it whenever the block is read, so that reading all of them finds
any flipped bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fleet_assets.adapters.lake_views import literal, quoted
from fleet_assets.later import Later

if TYPE_CHECKING:
    import duckdb
else:
    # The state of a file is known without it.
    duckdb = Later("duckdb")

TABLES = "select schema_name, table_name from duckdb_tables() where database_name = 'looked_at'"

STORAGE: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.0.0"}
"""With what a file is made: DuckDB 1.0 is the first release whose files every later one reads, and a file of this
version opens in all of them. Left to itself DuckDB 2 writes what only it and later releases read."""

STORAGE_NUMBER = 64
"""The version of such a file as its header says it, behind eight bytes of checksum and `DUCK`."""

FileState = tuple[int, int, int, int, int]
"""Device, number, size, ns of the last change of content, and of any change (a rename too), by the file system."""


def file_state(path: Path) -> FileState | None:
    """The state of a file; None where there is none."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def opens_in_old_clients(path: Path) -> bool:
    """Whether a file has the storage version of STORAGE."""
    with path.open("rb") as file:
        header = file.read(20)
    return header[8:12] == b"DUCK" and int.from_bytes(header[12:20], "little") == STORAGE_NUMBER


def damage(path: Path, *, every_block: bool) -> str | None:
    """What DuckDB says when it reads the catalogue, or all of the file; nothing where it can, None where it may not."""
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach {literal(str(path))} as looked_at (read_only)")
            tables = connection.execute(TABLES).fetchall()
            for schema, name in tables if every_block else ():
                asked = f"select bit_xor(hash(t)) from looked_at.{quoted(schema)}.{quoted(name)} as t"
                connection.execute(asked).fetchall()
    except duckdb.Error as error:
        # Who has it open for writing, or keeps it to himself, has not damaged it.
        return None if is_held(error) or "Permission denied" in str(error) else sentence(error)
    return ""


def is_held(error: duckdb.Error) -> bool:
    """Whether another process has the file open for writing; a wrong block is another thing."""
    return "Could not set lock" in str(error)


def sentence(error: duckdb.Error) -> str:
    """What went wrong, without the excerpt of the statement that DuckDB appends."""
    return " ".join(str(error).split("\n\nLINE ")[0].split("\nLINE ")[0].split())
