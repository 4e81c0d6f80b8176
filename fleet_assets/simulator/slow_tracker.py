"""Slow trackers: what one that speaks every so many seconds would have sent of a vehicle that is known densely.

Belongs here: which values and which instants are sent. Does not belong here: anything that reads them.
"""

from __future__ import annotations

import numpy as np
import polars as pl

MEMORY_S = 60.0
"""s for which a tracker keeps the newest value of a quantity: the rarest messages come once a minute."""
AWAKE_S = 5.0
"""s after the last word on the bus for which the tracker is awake; asleep it sends nothing."""

_NOT_KEPT = ("vehicle_id", "recorded_at", "received_at", "source", "dtc_codes")


def newest_values(telemetry: pl.DataFrame) -> pl.DataFrame:
    """The same rows in order, each with the newest value of every quantity that is at most `MEMORY_S` old."""
    at, ordered = pl.col("recorded_at"), telemetry.sort("vehicle_id", "recorded_at")
    kept = [
        pl.when(
            at - pl.when(pl.col(name).is_not_null()).then(at).forward_fill().over("vehicle_id")
            <= pl.duration(seconds=MEMORY_S)
        ).then(pl.col(name).forward_fill().over("vehicle_id")).alias(name)
        for name in telemetry.columns if name not in _NOT_KEPT and telemetry[name].null_count() < telemetry.height
    ]  # fmt: skip
    return ordered.with_columns(kept)


def sent_every(
    seconds: float, telemetry: pl.DataFrame, jitter: float = 0.0, seed: int = 0, phase: float = 0.0
) -> pl.DataFrame:
    """The rows that are newest at every multiple of `seconds` since 1970, moved by `phase` of it and by up to `jitter`
    of it at random; none for an instant at which the vehicle has been silent for `AWAKE_S`. `telemetry` is in the order
    of `newest_values`."""
    rows, begin = [], 0
    random = np.random.default_rng(seed)
    for (_,), own in telemetry.group_by("vehicle_id", maintain_order=True):
        at = own["recorded_at"].dt.timestamp("us").to_numpy() / 1e6
        counts = np.arange(at[0] // seconds, at[-1] // seconds + 1)
        instants = np.sort((counts + phase + random.uniform(-jitter, jitter, len(counts))) * seconds)
        newest = np.searchsorted(at, instants, side="right") - 1
        is_awake = (newest >= 0) & (instants - at[np.maximum(newest, 0)] < AWAKE_S)
        rows.append(begin + np.unique(newest[is_awake]))
        begin += own.height
    return telemetry[np.concatenate(rows) if rows else []]
