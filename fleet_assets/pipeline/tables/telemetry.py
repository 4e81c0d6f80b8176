"""Telemetry tables: every source brought to the one contract, and decoded signals at full rate on demand.

Does not belong here: decoding and cleaning rules (`core`, `sources`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from fleet_assets.contracts import (
    CAN_SIGNALS,
    DBC_BINDINGS,
    DBC_FILES,
    RAW_CAN,
    RAW_TELEMETRY,
    SIGNAL_MAPS,
    TELEMETRY,
    VEHICLES,
)
from fleet_assets.core.can import decode, signals_long
from fleet_assets.core.cleaning import clean_telemetry
from fleet_assets.core.window import Window
from fleet_assets.pipeline.day_tables import Noted, day_table
from fleet_assets.pipeline.reference_reads import Rows
from fleet_assets.sources.can import telemetry_from_can
from fleet_assets.sources.declared import declared_bindings, declared_signal_map, readable_databases
from fleet_assets.sources.unread import Unread

DECODING_INPUTS = (
    RAW_CAN, DBC_FILES, Rows(DBC_BINDINGS, ("vehicle_id", "bus", "dbc")), Rows(VEHICLES, ("vehicle_id", "dbc")),
)  # fmt: skip


@day_table(
    TELEMETRY, reads=(*DECODING_INPUTS, SIGNAL_MAPS, RAW_TELEMETRY), settings=["grid_seconds"], group="telemetry"
)
def telemetry(
    raw_can: pl.LazyFrame, dbc_files: pl.LazyFrame, dbc_bindings: pl.LazyFrame, vehicles: pl.LazyFrame,
    signal_maps: pl.LazyFrame, raw_telemetry: pl.LazyFrame, window: Window, grid_seconds: int,
) -> Noted:  # fmt: skip
    """Signals decoded, mapped, converted, reduced to the grid; imported rows as they are; then cleaned."""
    bindings = declared_bindings(dbc_bindings, vehicles, dbc_files)
    from_bus = telemetry_from_can(raw_can.collect(), bindings, declared_signal_map(signal_maps), grid_seconds)
    imported = TELEMETRY.conform(_of_day(raw_telemetry, window).drop("entry_id"))
    cleaned = clean_telemetry(pl.concat([_of_day(from_bus.frame.lazy(), window), imported]))
    nulled = from_bus.nulled.to_dicts() + cleaned.nulled.to_dicts()
    notes = {"bus": asdict(from_bus.counts), "nulled": nulled, "unread": _unread(dbc_files, from_bus.unread)}
    return Noted(cleaned.frame, notes)


@day_table(CAN_SIGNALS, reads=DECODING_INPUTS, group="telemetry", on_demand=True)
def can_signals(
    raw_can: pl.LazyFrame, dbc_files: pl.LazyFrame, dbc_bindings: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window
) -> Noted:
    """Every signal of every bound DBC at full rate, mapped to telemetry or not. Large: materialise it on demand."""
    decoded = decode(raw_can.collect(), declared_bindings(dbc_bindings, vehicles, dbc_files))
    return Noted(_of_day(signals_long(decoded).lazy(), window), {"bus": asdict(decoded.counts)})


def _unread(dbc_files: pl.LazyFrame, unread: Sequence[Unread]) -> list[dict[str, Any]]:
    """Vehicles whose frames gave nothing, with the DBC files that know their identifiers."""
    databases = readable_databases(dbc_files) if unread else {}
    return [vehicle.note(databases) for vehicle in unread]


def _of_day(frame: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """Only the rows whose instant lies in the day itself, not those of the look-back."""
    return frame.filter(pl.col("recorded_at") >= window.day_start)
