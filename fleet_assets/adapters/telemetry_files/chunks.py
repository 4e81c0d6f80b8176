"""Telemetry files as the import takes them: chunks of typed rows, with those that cannot be read set aside.

Does not belong here: cells and files (the modules beside this one).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fleet_assets.adapters.chunks import CHUNK_ROWS, Chunk
from fleet_assets.adapters.log_files import LogOptions
from fleet_assets.adapters.telemetry_files.cells import TelemetryOptions
from fleet_assets.adapters.telemetry_files.reader import TELEMETRY_SUFFIXES, read_telemetry
from fleet_assets.contracts import FileReader


def rows_of_file(path: Path, options: LogOptions) -> Iterator[Chunk]:
    answers = TelemetryOptions(options.vehicle_id, options.zone, options.unix_unit, options.budget, options.columns)
    for typed in read_telemetry(path, answers, CHUNK_ROWS):
        yield Chunk(typed.rows.drop("row"), typed.rejected)


READER = FileReader(TELEMETRY_SUFFIXES, rows_of_file, "CSV/Parquet with contract columns")
