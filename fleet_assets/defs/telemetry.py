"""Telemetry assets: every source brought to the one contract, and decoded signals at full rate on demand.

Does not belong here: decoding and cleaning rules (`core`, `sources`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
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
from fleet_assets.core.can import Bindings, decode, signals_long
from fleet_assets.core.cleaning import clean_telemetry
from fleet_assets.defs.day_assets import Day, Noted, day_asset
from fleet_assets.defs.raw import rows_of_day
from fleet_assets.places import Places
from fleet_assets.sources.can import telemetry_from_can
from fleet_assets.sources.declared import declared_bindings, declared_signal_map, readable_databases
from fleet_assets.sources.unread import Unread

DECODING_INPUTS = (RAW_CAN, DBC_FILES, DBC_BINDINGS, VEHICLES)


def grid(places: Places, _day: date) -> Iterable[str]:
    """The grid is a setting outside the lake that decides what telemetry looks like."""
    return [f"grid_seconds={places.settings.grid_seconds}"]


@day_asset(TELEMETRY, reads=(*DECODING_INPUTS, SIGNAL_MAPS, RAW_TELEMETRY), group="telemetry", sources=grid)
def telemetry(day: Day) -> Noted:
    """Signals decoded, mapped, converted, reduced to the grid; imported rows as they are; then cleaned."""
    grid_seconds = day.places.settings.grid_seconds
    from_bus = telemetry_from_can(
        day.read(RAW_CAN).collect(), _bindings(day), declared_signal_map(day.read(SIGNAL_MAPS)), grid_seconds
    )
    imported = TELEMETRY.conform(rows_of_day(day.read(RAW_TELEMETRY), day).drop("entry_id"))
    cleaned = clean_telemetry(pl.concat([rows_of_day(from_bus.frame.lazy(), day), imported]))
    nulled = from_bus.nulled.to_dicts() + cleaned.nulled.to_dicts()
    notes = {"bus": asdict(from_bus.counts), "nulled": nulled, "unread": _unread(day, from_bus.unread)}
    return Noted(cleaned.frame, notes)


@day_asset(CAN_SIGNALS, reads=DECODING_INPUTS, group="telemetry", on_demand=True)
def can_signals(day: Day) -> Noted:
    """Every signal of every bound DBC at full rate, mapped to telemetry or not. Large: materialise it on demand."""
    decoded = decode(day.read(RAW_CAN).collect(), _bindings(day))
    return Noted(rows_of_day(signals_long(decoded).lazy(), day), {"bus": asdict(decoded.counts)})


def _unread(day: Day, unread: Sequence[Unread]) -> list[dict[str, Any]]:
    """Vehicles whose frames gave nothing, with the DBC files that know their identifiers."""
    databases = readable_databases(day.read(DBC_FILES)) if unread else {}
    return [vehicle.note(databases) for vehicle in unread]


def _bindings(day: Day) -> Bindings:
    return declared_bindings(day.read(DBC_BINDINGS), day.read(VEHICLES), day.read(DBC_FILES))
