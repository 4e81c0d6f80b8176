"""Frames in their one order. Belongs here: checking and restoring it. Does not belong here: duplicates (`core.raw`)."""

from __future__ import annotations

import polars as pl

from fleet_assets.contracts import RAW_CAN


def in_order(frames: pl.DataFrame) -> pl.DataFrame:
    """The rows by vehicle, instant, entry, in one chunk. Looking is cheaper than sorting, and raw days are sorted."""
    whole = frames.rechunk()
    return whole if _is_ordered(whole) else whole.sort(*RAW_CAN.order).rechunk()


def _is_ordered(frames: pl.DataFrame) -> bool:
    vehicle, at = frames["vehicle_id"], frames["recorded_at"].to_physical()
    if frames.height < 2:
        return True
    is_same = vehicle == vehicle.shift(1)
    is_tie = is_same & (at == at.shift(1))
    is_back = is_same & (at < at.shift(1)) | (vehicle < vehicle.shift(1))
    if is_back.any():
        return False
    ties = is_tie.fill_null(value=False).arg_true()
    entry = frames["entry_id"]
    return bool((entry.gather(ties) >= entry.gather(ties - 1)).all()) if len(ties) else True
