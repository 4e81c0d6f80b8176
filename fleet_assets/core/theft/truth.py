"""Truth: what really happened to the tanks of a simulated fleet, in the parts by which detectors are judged.

Belongs here: which events are thefts, which other losses, and what a false alarm may really be. Does not belong here:
judging (`evaluation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from fleet_assets.core.theft.bound import with_bound

CONFIRMED = timedelta(days=2)
"""What happens so short before the end may not be final yet: it is left out of what should have been found."""

OTHER_LOSSES = ("siphoning", "leak")
"""Fuel that is gone without leave, though not at once: to find it is no false alarm, and not a theft found."""

CAUSES = (
    "cans", "generator", "spill", "transfer", "pto", "refuel", "scale_change", "swap", "zero", "filler", "outage",
    "gap", "parked_step",
)  # fmt: skip
"""What a false alarm may really be, the likeliest first; anything else is noise, slope, heat or slosh."""

NOISE = "noise"


@dataclass(frozen=True)
class Truth:
    """`thefts` that ended before `until`, and `losses` (OTHER_LOSSES): events with vehicle_id, started_at, ended_at,
    volume (l) and columns of strata, thefts with the `bound` of their noise; `others`: vehicle_id, kind, started_at,
    ended_at of all else, faults too."""

    thefts: pl.DataFrame
    losses: pl.DataFrame
    others: pl.DataFrame
    vehicle_months: float
    until: datetime


def truth_of(tables: Mapping[str, pl.DataFrame], first: datetime, end: datetime) -> Truth:
    """Of a simulated fleet's tables of truth (events, faults, vehicles) between two instants. A month has 30 days."""
    until = end - CONFIRMED
    events = tables["events"].rename({"litres": "volume"})
    columns = ("vehicle_id", "kind", "started_at", "ended_at")
    others = pl.concat([tables[name].select(columns) for name in ("events", "faults")])
    thefts = events.filter((pl.col("kind") == "theft") & (pl.col("ended_at") < until))
    months = (end - first) / timedelta(days=30)
    return Truth(
        thefts=with_bound(thefts, tables["trips"], tables["vehicles"], months),
        losses=events.filter(pl.col("kind").is_in(OTHER_LOSSES)),
        others=others.filter(pl.col("kind").is_in(CAUSES)),
        vehicle_months=tables["vehicles"].height * ((until - first) / timedelta(days=30)), until=until,
    )  # fmt: skip
