"""Detectors that others run today, written anew from what is known of their methods, and the rule that ours must beat.

Belongs here: the list of them. Does not belong here: each method (modules of their own), judging them
(`core.theft.evaluation`).

Each finds events with a score, so that its threshold can be swept; `usual` is the threshold its users have. None of
them is the original: what their descriptions leave open is chosen here, in their favour where there is a choice, and
said in the docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from fleet_assets.core.theft.baselines.additive import additive_score
from fleet_assets.core.theft.baselines.forest import row_forest
from fleet_assets.core.theft.baselines.readings import SCORED
from fleet_assets.core.theft.baselines.stays import stay_medians
from fleet_assets.core.theft.baselines.steps import ten_minutes, ten_points, two_readings

__all__ = ["BASELINES", "SIGNAL_TO_NOISE", "Baseline"]

SIGNAL_TO_NOISE = "signal to noise"
"""Name of the rule that is no baseline on readings: see `signal_to_noise`."""


@dataclass(frozen=True)
class Baseline:
    """One detector: its name in six letters, what its score counts, the threshold its users have, what finds
    events (READING in, SCORED out), and whether it learns from all vehicles together."""

    short: str
    unit: str
    usual: float
    find: Callable[[pl.DataFrame], pl.DataFrame]
    is_of_fleet: bool = False

    def of(self, readings: pl.DataFrame) -> pl.DataFrame:
        """Events of all vehicles; one after the other where each stands for itself, because a fleet says much."""
        if self.is_of_fleet:
            return self.find(readings)
        found = [self.find(own) for _, own in readings.group_by("vehicle_id", maintain_order=True)]
        return pl.concat([SCORED.to_frame(), *found])


BASELINES: Mapping[str, Baseline] = {
    "two readings": Baseline("2read", "l", 10.0, two_readings),
    "ten points": Baseline("10pts", "points", 10.0, ten_points),
    "ten minutes": Baseline("10min", "% of tank", 10.0, ten_minutes),
    "stay medians": Baseline("stays", "l", 10.0, stay_medians),
    "additive score": Baseline("score", "of 100", 85.0, additive_score),
    "row forest": Baseline("rows", "anomaly", 0.0, row_forest, is_of_fleet=True),
}
"""By name, in the order in which they are told. Every anomaly that the forest tells is an alarm to its users."""
