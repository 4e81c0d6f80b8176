"""Telemetry assets: every source brought to the one contract, and decoded signals at full rate on demand.

Does not belong here: decoding and cleaning rules (`core`, `sources`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from functools import lru_cache

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
from fleet_assets.core.can import Bindings, CompiledDatabase, bind, compile_database, decode, signals_long
from fleet_assets.core.cleaning import clean_telemetry
from fleet_assets.core.reference import effective_bindings
from fleet_assets.defs.day_assets import Day, Noted, day_asset
from fleet_assets.defs.raw import rows_of_day
from fleet_assets.places import Places
from fleet_assets.sources.can import telemetry_from_can
from fleet_assets.sources.signal_map import SignalMap, load_signal_maps

DECODING_INPUTS = (RAW_CAN, DBC_FILES, DBC_BINDINGS, VEHICLES)


def grid(places: Places, _day: date) -> Iterable[str]:
    """The grid is a setting outside the lake that decides what telemetry looks like."""
    return [f"grid_seconds={places.settings.grid_seconds}"]


@day_asset(TELEMETRY, reads=(*DECODING_INPUTS, SIGNAL_MAPS, RAW_TELEMETRY), group="telemetry", sources=grid)
def telemetry(day: Day) -> Noted:
    """Signals decoded, mapped, converted, reduced to the grid; imported rows as they are; then cleaned."""
    grid_seconds = day.places.settings.grid_seconds
    from_bus = telemetry_from_can(day.read(RAW_CAN).collect(), _bindings(day), _signal_map(day), grid_seconds)
    imported = TELEMETRY.conform(rows_of_day(day.read(RAW_TELEMETRY), day).drop("entry_id"))
    cleaned = clean_telemetry(pl.concat([rows_of_day(from_bus.frame.lazy(), day), imported]))
    nulled = from_bus.nulled.to_dicts() + cleaned.nulled.to_dicts()
    return Noted(cleaned.frame, {"bus": asdict(from_bus.counts), "nulled": nulled})


@day_asset(CAN_SIGNALS, reads=DECODING_INPUTS, group="telemetry", on_demand=True)
def can_signals(day: Day) -> Noted:
    """Every signal of every bound DBC at full rate, mapped to telemetry or not. Large: materialise it on demand."""
    decoded = decode(day.read(RAW_CAN).collect(), _bindings(day))
    return Noted(rows_of_day(signals_long(decoded).lazy(), day), {"bus": asdict(decoded.counts)})


def _bindings(day: Day) -> Bindings:
    pairs = effective_bindings(day.read(DBC_BINDINGS), day.read(VEHICLES)).collect()
    wanted = day.read(DBC_FILES).filter(pl.col("name").is_in(pairs["dbc"].to_list())).collect()
    return bind(pairs, {name: _compiled(text, name) for name, text in wanted.select("name", "text").iter_rows()})


@lru_cache(maxsize=256)
def _compiled(text: str, name: str) -> CompiledDatabase:
    # Parsing a DBC takes up to a second; the days of a range share the same few files.
    return compile_database(text, name)


def _signal_map(day: Day) -> SignalMap:
    # A map of the user comes after the shipped ones: what it says again replaces what they say.
    rows = day.read(SIGNAL_MAPS).sort("origin", "name", descending=[True, False]).collect()
    return load_signal_maps(rows["text"].to_list(), [f"{name}.yaml" for name in rows["name"]])
