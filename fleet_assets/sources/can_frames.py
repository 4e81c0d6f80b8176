"""The source `can`: frames of CAN buses, from the collector and from log files.

Belongs here: its declaration. Does not belong here: its raw table (`contracts.raw`), readers of logs
(`adapters.log_files`), decoding (`can`).
"""

from __future__ import annotations

from fleet_assets.contracts import (
    CAN_SOURCE,
    DBC_BINDINGS,
    DBC_FILES,
    RAW_CAN,
    SIGNAL_MAPS,
    TELEMETRY,
    VEHICLES,
    RawTable,
    Reduction,
    Rows,
    Source,
)

DECODING_INPUTS = (
    RAW_CAN, DBC_FILES, Rows(DBC_BINDINGS, ("vehicle_id", "bus", "dbc")), Rows(VEHICLES, ("vehicle_id", "dbc")),
)  # fmt: skip
"""What frames are decoded with."""

CAN = Source(
    CAN_SOURCE,
    raw=(RawTable(RAW_CAN, CAN_SOURCE, "CAN frames as the collector and the imports landed them.", unit="frames"),),
    reductions=(
        Reduction(
            TELEMETRY, "fleet_assets.sources.can:reduce_frames", (*DECODING_INPUTS, SIGNAL_MAPS), ("grid_seconds",)
        ),
    ),
    reader="fleet_assets.adapters.log_files.chunks:READER",
    retries="fleet_assets.collector.retry_entries:RETRIES",
)
