"""The rule that matters: a candidate's unexplained litres over their standard deviation, with a tuned threshold.

Belongs here: that rule. Does not belong here: candidates themselves (`core.theft.candidates`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.theft.baselines.readings import SCORED

THEFTS = ("fall", "slow")
"""Kinds of candidates that it judges; what was given back, or that nobody saw, is none."""
LOSSES = ("nights",)
"""Kinds that tell siphoning over days, with a threshold of their own."""


def signal_to_noise(
    candidates: pl.DataFrame, capacities: pl.DataFrame, kinds: tuple[str, ...] = THEFTS
) -> pl.DataFrame:  # fmt: skip
    """SCORED of candidates (THEFT_CANDIDATES), with `closed_at`: falls of a tank that no outage and no step of the
    whole source explains.

    `capacities`: vehicle_id and capacity_l, for litres of tanks that the platform does not know.
    """
    is_own = ~pl.col("is_in_outage") & ~pl.col("is_of_source")
    chosen = candidates.filter(is_own & pl.col("kind").is_in(kinds))
    sized = chosen.join(capacities, on="vehicle_id", how="left", maintain_order="left")
    litres = pl.coalesce("volume_l", pl.col("share_pct") / 100 * pl.col("capacity_l"))
    told = sized.with_columns(litres.alias("volume_l"), pl.col("size_over_noise").alias("score"))
    return told.select(*SCORED.names(), "closed_at")
