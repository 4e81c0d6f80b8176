"""Faults of senders: readings that were not believed, far from the levels around them.

Belongs here: which of them are told, one per vehicle and day. Does not belong here: which readings are no levels
(`fillers`, `balance`), steps that were given back (`stays`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.fuel.rules import FuelEventRules


def skipped_faults(balance: pl.DataFrame, rules: FuelEventRules) -> pl.DataFrame:
    """Faults of senders, one per vehicle and UTC day on which their levels came back: from the first reading that was
    not believed to the last one, where those were far from the level for long enough."""
    lasted = pl.col("skipped_to_at") - pl.col("skipped_from_at") >= pl.duration(seconds=rules.fault_s)
    away = (pl.col("skipped_level_pct") - pl.col("level_before_pct")).abs().fill_null(rules.fault_pct)
    found = balance.filter((pl.col("skipped_count") > 0) & lasted & (away >= rules.fault_pct))
    day = pl.col("ended_at").dt.date().alias("day")
    return found.group_by("vehicle_id", day, maintain_order=True).agg(
        pl.col("skipped_from_at").min().alias("started_at"), pl.col("skipped_to_at").max().alias("ended_at"),
        pl.col("ended_at").max().alias("closed_at"), pl.col("level_before_pct").first(),
        pl.col("level_after_pct").last(), pl.col("latitude_deg", "longitude_deg", "is_engine_on").last(),
        pl.struct(
            pl.lit("readings that are no levels, far from the levels before and after them").alias("why"),
            pl.len().alias("episodes"), pl.col("skipped_count").sum().alias("plateaus"),
            pl.col("skipped_quality").first().alias("quality"), pl.col("skipped_level_pct").first().alias("level_pct"),
        ).struct.json_encode().alias("evidence"),
    ).select(
        pl.exclude("day"), pl.lit("sensor_fault").alias("kind"), pl.lit(False).alias("is_truncated"),
        pl.lit(False).alias("in_litres"), pl.lit(1.0).alias("scale"), pl.lit(None, pl.Float64).alias("change"),
        pl.lit(None, pl.Float64).alias("sd"), pl.lit(None, pl.Float64).alias("burned"),
    )  # fmt: skip
