"""Telemetry tables: every source brought to the one contract, and decoded signals at full rate on demand.

Does not belong here: what a source adds (its reductions, `sources`), decoding and cleaning rules (`core`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import polars as pl

from fleet_assets.contracts import CAN_SIGNALS, TELEMETRY, Registry, Table
from fleet_assets.core.window import Window
from fleet_assets.later import Later
from fleet_assets.pipeline.day_tables import DayTable, Noted, day_table
from fleet_assets.pipeline.parts import Compute, Part
from fleet_assets.sources.can_frames import DECODING_INPUTS
from fleet_assets.sources.reduced import Reduced

if TYPE_CHECKING:
    from fleet_assets.core.can import decode, signals_long
    from fleet_assets.core.cleaning import clean_telemetry
    from fleet_assets.sources.declared import declared_bindings
else:
    # A plan that finds nothing to make calls none of it.
    decode = Later("fleet_assets.core.can.decoding", "decode")
    signals_long = Later("fleet_assets.core.can.long_form", "signals_long")
    clean_telemetry = Later("fleet_assets.core.cleaning", "clean_telemetry")
    declared_bindings = Later("fleet_assets.sources.declared", "declared_bindings")

Given = Sequence[pl.LazyFrame | Reduced]
"""What the reductions of sources gave."""


def gathered(parts: Given, window: Window, table: Table) -> Noted:
    """Rows of every source as each declares them."""
    reduced = [part if isinstance(part, Reduced) else Reduced(part) for part in parts]
    is_of_day = pl.col(table.partition_by or "recorded_at") >= window.day_start
    rows = pl.concat([table.conform(one.rows).filter(is_of_day) for one in reduced])
    notes = {name: note for one in reduced for name, note in one.notes.items()}
    return Noted(rows, {**notes, "nulled": [row for one in reduced for row in one.nulled]})


def cleaned(parts: Given, window: Window, table: Table) -> Noted:
    """Rows of every source: decoded, mapped, converted and reduced as each declares; then cleaned."""
    found = gathered(parts, window, table)
    clean = clean_telemetry(found.frame)
    return Noted(clean.frame, {**found.notes, "nulled": found.notes["nulled"] + clean.nulled.to_dicts()})


def telemetry_tables(sources: Registry) -> list[DayTable]:
    """Telemetry and the other tables to which sources add what they declare, and the signals of CAN frames."""
    others = [_filled(table, sources, gathered) for table in sources.filled if table.name != TELEMETRY.name]
    return [_filled(TELEMETRY, sources, cleaned), can_signals, *others]


def _filled(table: Table, sources: Registry, compute: Compute) -> DayTable:
    parts = [Part.of(source, reduction) for source, reduction in sources.reductions_to(table)]
    return day_table(table, parts=parts, group="telemetry")(compute)


@day_table(CAN_SIGNALS, reads=DECODING_INPUTS, group="telemetry", on_demand=True)
def can_signals(
    raw_can: pl.LazyFrame, dbc_files: pl.LazyFrame, dbc_bindings: pl.LazyFrame, vehicles: pl.LazyFrame, window: Window
) -> Noted:
    """Every signal of every bound DBC at full rate, mapped to telemetry or not. Large: materialise it on demand."""
    decoded = decode(raw_can.collect(), declared_bindings(dbc_bindings, vehicles, dbc_files))
    return Noted(_of_day(signals_long(decoded).lazy(), window), {"bus": asdict(decoded.counts)})


def _of_day(frame: pl.LazyFrame, window: Window) -> pl.LazyFrame:
    """Only the rows whose instant lies in the day itself, not those of the look-back."""
    return frame.filter(pl.col("recorded_at") >= window.day_start)
