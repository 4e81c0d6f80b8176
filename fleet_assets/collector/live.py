"""What the live state shows: the newest decoded value of each telemetry column of each vehicle.

Belongs here: the choice of the newest value, and keeping DBC files, bindings and signal maps current while a worker
runs. Does not belong here: decoding (`core.can`, `sources.can`), writing to Redis (adapters/live_state).
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import structlog

from fleet_assets.adapters.reference import ReferenceStore
from fleet_assets.contracts import DBC_BINDINGS, DBC_FILES, OBSERVATIONS, SIGNAL_MAPS, VEHICLES
from fleet_assets.contracts.errors import DataError

log = structlog.get_logger(__name__)

ToTelemetry = Callable[[pl.DataFrame], pl.DataFrame]
"""RAW_CAN rows to TELEMETRY rows."""

_TABLES = (DBC_FILES, DBC_BINDINGS, SIGNAL_MAPS, VEHICLES)


def latest_values(telemetry: pl.DataFrame) -> pl.DataFrame:
    """One row a vehicle and telemetry column: its newest value that is not null.

    Columns: vehicle_id, signal, value (text), observed_at. A column that only an older row holds is taken from there.
    """
    columns = [name for name in OBSERVATIONS if name in telemetry.columns]
    texts = [_as_text(name, telemetry.schema[name]) for name in columns]
    long = (
        telemetry.lazy()
        .sort("recorded_at")
        .select("vehicle_id", pl.col("recorded_at").alias("observed_at"), *texts)
        .unpivot(on=columns, index=["vehicle_id", "observed_at"], variable_name="signal")
        .filter(pl.col("value").is_not_null())
        .unique(["vehicle_id", "signal"], keep="last", maintain_order=True)
    )
    return long.select("vehicle_id", "signal", "value", "observed_at").sort("vehicle_id", "signal").collect()


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    return column.list.join(" ") if isinstance(dtype, pl.List) else column.cast(pl.String)


class LiveDecoder:
    """Raw frames to the values shown live. A changed reference file is used from the next call on."""

    def __init__(self, reference: ReferenceStore, grid_seconds: int) -> None:
        self._reference, self._grid_seconds = reference, grid_seconds
        self._fingerprint: tuple[str, ...] = ()
        self._to_telemetry: ToTelemetry | None = None

    def __call__(self, frames: pl.DataFrame) -> pl.DataFrame:
        """RAW_CAN rows to the columns of `latest_values`."""
        fingerprint = tuple(self._reference.fingerprint(table) for table in _TABLES)
        if self._to_telemetry is None or fingerprint != self._fingerprint:
            self._to_telemetry = self._refreshed()
            self._fingerprint = fingerprint
        return latest_values(self._to_telemetry(frames))

    def _refreshed(self) -> ToTelemetry:
        try:
            return can_to_telemetry(self._reference, self._grid_seconds)
        except DataError as error:
            # Half-edited reference files must not blank the live state: the last good ones stay in force.
            if self._to_telemetry is None:
                raise
            log.warning("reference_not_used", error=str(error), meaning="the last good files stay in force")
            return self._to_telemetry


def can_to_telemetry(reference: ReferenceStore, grid_seconds: int) -> ToTelemetry:
    """The decoder for the DBC files, bindings and signal maps as they are now."""
    # Imported here: a worker without live state needs no decoder in memory.
    from fleet_assets.sources.can import telemetry_from_can
    from fleet_assets.sources.declared import declared_bindings, declared_signal_map

    tables = (reference.read(DBC_BINDINGS).lazy(), reference.read(VEHICLES).lazy(), reference.texts(DBC_FILES).lazy())
    bindings, signal_map = declared_bindings(*tables), declared_signal_map(reference.texts(SIGNAL_MAPS).lazy())
    return lambda frames: telemetry_from_can(frames, bindings, signal_map, grid_seconds).frame
