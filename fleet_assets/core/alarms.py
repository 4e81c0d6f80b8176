"""Alarms of any source: told once, however often what they tell of happens again.

Belongs here: which of several alarms of a vehicle and kind is raised, ids. Does not belong here: what a source raises
alarms for (`core.theft.alarms`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import polars as pl

from fleet_assets.core.compiled import I64, Mask, kernel, read_only
from fleet_assets.core.ids import event_ids
from fleet_assets.core.rules_version import rules_version

CODE_VERSION = 1
"""Raised whenever the code, not a rule, changes which alarms there are."""

OWNER = ("vehicle_id", "source", "kind")
"""Alarms of one of these follow each other."""


@dataclass(frozen=True)
class AlarmRules:
    """When an alarm is told again."""

    quiet_h: float = 24.0
    """h after an alarm in which no other one of its vehicle, source and kind is raised."""

    @cached_property
    def version(self) -> str:
        """Names every rule and the code's version."""
        return rules_version(self, CODE_VERSION)


def told_once(alarms: pl.DataFrame, rules: AlarmRules) -> pl.DataFrame:
    """Of alarms (`closed_at`, `started_at`, OWNER) those that are raised, in order of OWNER and time.

    One is raised unless another of its owner was raised less than `quiet_h` before it became final; of two that become
    final at once the one that began first. What comes later never takes an alarm back.
    """
    first = (*OWNER, "closed_at", "started_at")
    # The rest only so that no order of rows decides between two of one start.
    rows = alarms.sort(*first, *sorted(set(alarms.columns) - set(first)))
    owner = rows.select(pl.struct(OWNER).rle_id().cast(pl.Int64)).to_series().to_numpy()
    at = rows["closed_at"].cast(pl.Int64).to_numpy()
    quiet = timedelta(hours=rules.quiet_h) // timedelta(microseconds=1)
    return rows.filter(pl.Series(_apart(read_only(owner), read_only(at), quiet), dtype=pl.Boolean))


@kernel
def _apart(owner: I64, at: I64, quiet: int) -> Mask:
    """Which of ordered instants come at least `quiet` after the last that was taken of the same owner."""
    taken = np.zeros(len(at), dtype=np.bool_)
    last = np.int64(0)
    for k in range(len(at)):
        if k == 0 or owner[k] != owner[k - 1] or at[k] - last >= quiet:
            taken[k] = True
            last = at[k]
    return taken


def with_alarm_id(alarms: pl.DataFrame) -> pl.DataFrame:
    """The alarms with the id that their OWNER and start give."""
    owner = alarms["vehicle_id"] + "/" + alarms["source"] + "/" + alarms["kind"]
    return alarms.with_columns(event_ids(owner, alarms["started_at"]).alias("alarm_id"))
