"""Rises over midnight: what a day holds that began before it, of the vehicles of a track.

Belongs here: which source's rise is believed, and whether it can be. Does not belong here: the readings themselves
(`last_readings`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, kernel, read_only
from fleet_assets.core.distance import STEP_SLACK_KM
from fleet_assets.core.integrals import spacing_of
from fleet_assets.core.merge import SourceRules
from fleet_assets.core.thresholds import HOUR_US
from fleet_assets.core.track import Track
from fleet_assets.core.trips.unobserved import MORE_THAN_A_STEP
from fleet_assets.core.use.hours import Amounts


@dataclass(frozen=True)
class Rises:
    """RISES_OVER_MIDNIGHT of one day, one row per vehicle and kind, with the vehicle's number and what was risen by."""

    rows: pl.DataFrame

    def plausible(self, kind: str, max_per_hour: float, slack: float) -> Amounts:
        """What counters of a kind rose by; a step back, or faster than possible, says nothing."""
        return _amounts(self._plausible(kind, max_per_hour, slack))

    def driven(self, least_km: float, place_km: float, max_kmh: float) -> Amounts:
        """Kilometres that were driven over midnight without a row that tells of it, as `trips.unobserved` finds them:
        by an odometer that rose by more than its step and than a trip's least distance, else between two places."""
        read = self._plausible("odometer", max_kmh, STEP_SLACK_KM)
        step_km = _finer_step(*(read_only(read[name].to_numpy()) for name in ("before", "after")))
        driven = read.filter(pl.Series(read["rise"].to_numpy() > np.maximum(least_km, MORE_THAN_A_STEP * step_km)))
        placed = self._plausible("place", max_kmh, STEP_SLACK_KM).filter(pl.col("rise") > place_km)
        is_read = pl.col("kind") == "odometer"
        unread = placed.join(self.rows.filter(is_read), on="vehicle", how="anti")
        return _amounts(pl.concat([driven, unread]))

    def _plausible(self, kind: str, max_per_hour: float, slack: float) -> pl.DataFrame:
        most = (pl.col("ended") - pl.col("began")) * (max_per_hour / HOUR_US) + slack
        return self.rows.filter(pl.col("kind") == kind, pl.col("rise") >= 0, pl.col("rise") <= most)


def rises_of(track: Track, rises: pl.DataFrame, rules: SourceRules) -> Rises:
    """The rises of a track's vehicles; of several sources that of the best one that was heard last, as it is elsewhere
    (`merge`)."""
    ids = track.points.vehicle_ids
    numbers = pl.DataFrame({"vehicle_id": ids, "vehicle": pl.int_range(len(ids), eager=True)})
    by = ("vehicle", "kind")
    is_alive = pl.col("began_at") >= pl.col("began_at").max().over(by) - pl.duration(seconds=rules.other_hold_s)
    order = {name: place for place, name in enumerate(rules.priority)}
    rank = pl.col("source").replace_strict(order, default=len(order), return_dtype=pl.Int64)
    best = (
        rises.join(numbers, on="vehicle_id")
        .filter(is_alive)
        .sort(*by, rank, "source")
        .unique(by, keep="first", maintain_order=True)
    )
    return Rises(
        best.select(
            *by, "before", "after", began=pl.col("began_at").to_physical(), ended=pl.col("ended_at").to_physical(),
            rise=pl.col("after") - pl.col("before").fill_null(0.0),
        )
    )  # fmt: skip


def _amounts(rows: pl.DataFrame) -> Amounts:
    vehicle, began, ended, rise = (rows[name].to_numpy() for name in ("vehicle", "began", "ended", "rise"))
    return Amounts(vehicle, began, ended, rise)


@kernel
def _finer_step(before: F64, after: F64) -> F64:
    """The finer spacing of two readings, per pair."""
    steps = np.empty(len(before))
    for k in range(len(before)):
        steps[k] = min(spacing_of(before[k]), spacing_of(after[k]))
    return steps
