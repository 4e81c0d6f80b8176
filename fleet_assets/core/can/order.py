"""Frames in their one order. Belongs here: checking and restoring it. Does not belong here: duplicates (`core.raw`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.contracts import RAW_CAN
from fleet_assets.core.can.distinct import distinct
from fleet_assets.core.can.payload import U32
from fleet_assets.core.compiled import I64, kernel, read_only


@dataclass(frozen=True)
class OrderedFrames:
    """`frames` by vehicle, instant and entry; `vehicle`: number of each row's vehicle in `vehicles`, without entries
    where there is only one."""

    frames: pl.DataFrame
    vehicle: U32
    vehicles: list[str]


def in_order(frames: pl.DataFrame) -> OrderedFrames:
    """The rows in their order. Looking is cheaper than sorting, and the raw rows of a day are sorted already."""
    whole = OrderedFrames(frames, *distinct(frames["vehicle_id"]))
    if _is_ordered(whole):
        return whole
    order = [name for name in RAW_CAN.order if name in frames.columns]
    ordered = frames.sort(order, maintain_order=True)
    return OrderedFrames(ordered, *distinct(ordered["vehicle_id"]))


def _is_ordered(whole: OrderedFrames) -> bool:
    if whole.vehicles != sorted(whole.vehicles):
        return False
    ties = np.empty(1 << 16, dtype=np.int64)
    count = _ties(whole.vehicle, read_only(whole.frames["recorded_at"].to_physical().to_numpy()), ties)
    if count <= 0 or "entry_id" not in whole.frames.columns:
        return count >= 0
    if count > len(ties):
        return False
    entry, places = whole.frames["entry_id"], pl.Series(ties[:count])
    return bool((entry.gather(places) >= entry.gather(places - 1)).all())


@kernel
def _ties(vehicle: U32, at: I64, ties: I64) -> int:
    """Number of rows with the vehicle and instant of the row before (the first of them in `ties`); -1: out of order."""
    count = 0
    for i in range(1, len(at)):
        is_same = len(vehicle) == 0 or vehicle[i] == vehicle[i - 1]
        if is_same and at[i] > at[i - 1]:
            continue
        if (is_same and at[i] < at[i - 1]) or (not is_same and vehicle[i] < vehicle[i - 1]):
            return -1
        if is_same:
            if count < len(ties):
                ties[count] = i
            count += 1
    return count
