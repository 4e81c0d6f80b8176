"""Merging of several sources: per quantity the best source that is alive, never two at once.

Belongs here: the order of sources and the choice between them at one instant.
Does not belong here: vendors' names of quantities (`sources`) and the quality of values (`cleaning`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, I8, I64, kernel, read_only
from fleet_assets.core.thresholds import micros

COUNTERS = ("odometer_km", "fuel_used_total_l")
"""Cumulative quantities: increments count within one source only, because each counts from its own zero."""

_MOTION = ("speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg")


@dataclass(frozen=True)
class SourceRules:
    """Which of several sources is used, and for how long it silences the others."""

    priority: tuple[str, ...] = ("can",)
    """Sources from best to worst; sources not named follow in alphabetical order."""
    motion_hold_s: float = 30.0
    """s for which a better source of speed or position silences a worse one."""
    other_hold_s: float = 300.0
    """s for which a better source of any other quantity silences a worse one."""


def ranked(frame: pl.DataFrame, priority: Sequence[str]) -> I8:
    """Rank of each row's source, 0 the best; empty where all rows have the same source (or none is named)."""
    if "source" not in frame.columns:
        return np.empty(0, dtype=np.int8)
    runs = frame["source"].rle().struct.unnest()
    names = sorted(runs["value"].unique().to_list())
    if len(names) < 2:
        return np.empty(0, dtype=np.int8)
    order = [name for name in priority if name in names] + [name for name in names if name not in priority]
    codes = runs["value"].replace_strict(order, list(range(len(order))), return_dtype=pl.Int8)
    return np.repeat(codes.to_numpy(), runs["len"].to_numpy())


def instant_starts(vehicle: I64, at: I64) -> I64:
    """First row of each (vehicle, instant) of ordered rows."""
    if not len(at):
        return np.empty(0, dtype=np.int64)
    changes = (vehicle[1:] != vehicle[:-1]) | (at[1:] != at[:-1])
    return np.flatnonzero(np.concatenate((np.ones(1, dtype=np.bool_), changes)))


def merge_sources(
    vehicle: I64, at: I64, rank: I8, starts: I64, columns: dict[str, F64], rules: SourceRules
) -> tuple[dict[str, F64], dict[str, I8], I64]:
    """Columns, counters' origins and row counts per instant. Rows are sorted by vehicle, instant and rank.

    A value is used where no better source has given the same quantity shortly before; repeated rows count once.
    """
    ranks = rank if len(rank) else np.zeros(len(at), dtype=np.int8)
    merged: dict[str, F64] = {}
    origin: dict[str, I8] = {}
    for name, values in columns.items():
        hold = micros(rules.motion_hold_s if name in _MOTION else rules.other_hold_s)
        kept = read_only(_prefer(vehicle, at, ranks, values, hold)) if len(rank) else values
        merged[name], source = _collapse(starts, ranks, kept)
        if len(rank) and name in COUNTERS:
            origin[name] = source
    return merged, origin, _count_rows(starts, ranks)


@kernel
def _prefer(vehicle: I64, at: I64, rank: I8, values: F64, hold: int) -> F64:
    kept = values.copy()
    last = np.full(rank.max() + 1, -(2**62))
    for i in range(len(at)):
        if i > 0 and vehicle[i] != vehicle[i - 1]:
            last[:] = -(2**62)
        if np.isnan(values[i]):
            continue
        for better in range(rank[i]):
            if at[i] - last[better] <= hold:
                kept[i] = np.nan
        if not np.isnan(kept[i]):
            last[rank[i]] = at[i]
    return kept


@kernel
def _collapse(starts: I64, rank: I8, values: F64) -> tuple[F64, I8]:
    merged = np.full(len(starts), np.nan)
    source = np.zeros(len(starts), dtype=np.int8)
    for k in range(len(starts)):
        end = starts[k + 1] if k + 1 < len(starts) else len(values)
        for i in range(starts[k], end):
            if np.isnan(values[i]):
                continue
            if np.isnan(merged[k]):
                merged[k], source[k] = values[i], rank[i]
            elif rank[i] == source[k]:
                # Rows that repeat a key are equal in the contract; if they are not, order must still not matter.
                merged[k] = max(merged[k], values[i])
    return merged, source


@kernel
def _count_rows(starts: I64, rank: I8) -> I64:
    counts = np.ones(len(starts), dtype=np.int64)
    for k in range(len(starts)):
        end = starts[k + 1] if k + 1 < len(starts) else len(rank)
        for i in range(starts[k] + 1, end):
            counts[k] += rank[i] != rank[i - 1]
    return counts
