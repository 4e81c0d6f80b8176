"""Rows that a command writes to a file, in the format that the file's name asks for.

Belongs here: that choice. Does not belong here: formats (`query`), what is written.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from fleet_assets.adapters.durable_file import replace_file
from fleet_assets.adapters.privacy import as_the_person_set
from fleet_assets.commands.query import FORMATS
from fleet_assets.contracts.errors import UsageError


def ending_of(output: Path) -> str:
    """The format that a file's name asks for; raises UsageError for one that there is not."""
    ending = output.suffix.removeprefix(".").lower()
    if ending not in FORMATS.keys() - {"table"}:
        raise UsageError(f"{output}: write a .csv, .json or .parquet file")
    return ending


def write_rows(output: Path, rows: pl.DataFrame) -> None:
    """Write all rows at once, or nothing; as the person's own file."""
    with as_the_person_set():
        replace_file(output, FORMATS[ending_of(output)](rows))
