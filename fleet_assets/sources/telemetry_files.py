"""The source `telemetry`: files whose columns are those of the telemetry contract.

Belongs here: its declaration. Does not belong here: its reduction (`telemetry_rows`), reading cells
(`adapters.telemetry_files`).
"""

from __future__ import annotations

from fleet_assets.contracts import RAW_TELEMETRY, TELEMETRY, RawTable, Reduction, Source
from fleet_assets.sources.telemetry_rows import reduce_rows

TELEMETRY_FILES = Source(
    "telemetry",
    raw=(RawTable(RAW_TELEMETRY, "telemetry", "Rows of imported telemetry files as they were landed."),),
    reductions=(Reduction(TELEMETRY, reduce_rows, (RAW_TELEMETRY,)),),
    reader="fleet_assets.adapters.telemetry_files.chunks:READER",
    retries="fleet_assets.collector.retry_cells:RETRIES",
)
