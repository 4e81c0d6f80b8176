"""Medians of levels before and after a stay, with a least volume and a least stay, as Wialon has it.

Belongs here: that rule. Does not belong here: stays of the fuel tables (`core.fuel.stays`).
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.theft.baselines.readings import SCORED, before

WIDTH, STAGES = 5, 2
"""Readings of a median, and how often it is taken one after the other."""
MOVING_KMH = 1.6
LEAST_STAY_S = 300.0
LEAST_L = 3.0
"""l of a fall from which it is told, so that thresholds can be swept from there."""


def stay_medians(readings: pl.DataFrame) -> pl.DataFrame:
    """A fall within a stay, of levels smoothed by a median in stages; a job runs every hour and compares the level
    before the hour, or the stay, with the last one in it. So a fall across the edge of an hour is two."""
    smoothed = pl.col("litres")
    for _ in range(STAGES):
        smoothed = smoothed.rolling_median(WIDTH, min_samples=1, center=True).over("vehicle_id")
    is_moving = (pl.col("speed_kmh") > MOVING_KMH).fill_null(value=False)
    marked = readings.with_columns(smoothed.alias("level"), is_moving.alias("is_moving"))
    is_new = pl.col("is_moving") != before("is_moving")
    stay = is_new.fill_null(value=True).cum_sum().alias("stay")
    led = marked.with_columns(stay, before("level").alias("level_before"), before("at").alias("from_at"))
    stood = led.filter(~pl.col("is_moving"))
    lasted = (pl.col("at").last() - pl.coalesce("from_at", "at").first()).over("vehicle_id", "stay")
    parts = stood.filter(lasted.dt.total_seconds() >= LEAST_STAY_S).group_by(
        "vehicle_id", "stay", pl.col("at").dt.truncate("1h").alias("hour"), maintain_order=True
    ).agg(
        pl.coalesce(pl.col("from_at").first(), pl.col("at").first()).alias("started_at"),
        pl.col("at").last().alias("ended_at"),
        (pl.coalesce("level_before", "level").first() - pl.col("level").last()).alias("volume_l"),
    )  # fmt: skip
    return parts.filter(pl.col("volume_l") >= LEAST_L).with_columns(score=pl.col("volume_l")).select(SCORED.names())
