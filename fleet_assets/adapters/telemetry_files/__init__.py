"""CSV and Parquet files whose columns are those of the telemetry contract, as chunks of typed rows.

Belongs here: their header (columns), their cells (cells), their containers (reader).
Does not belong here: other people's column names and units (`sources`), what becomes of the rows.
"""

from fleet_assets.adapters.telemetry_files.cells import (
    NO_VEHICLE,
    TYPED_REASONS,
    TelemetryOptions,
    TypedRows,
    typed_rows,
)
from fleet_assets.adapters.telemetry_files.reader import TELEMETRY_SUFFIXES, read_telemetry

__all__ = [
    "NO_VEHICLE", "TELEMETRY_SUFFIXES", "TYPED_REASONS", "TelemetryOptions", "TypedRows", "read_telemetry",
    "typed_rows",
]  # fmt: skip
