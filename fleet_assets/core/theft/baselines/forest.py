"""An IsolationForest over rows, with twelve features and five per cent of them anomalous, as Fuel Copilot ships it.

Belongs here: that model. Does not belong here: models of candidates.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64
from fleet_assets.core.theft.baselines.readings import SCORED, before, runs

CONTAMINATION = 0.05
TREES, SEED = 100, 42
APART = timedelta(minutes=30)
"""Anomalous rows no further apart are one event; it counts where the level fell in it."""
ROWS_EVERY = "5m"
"""The last reading of so long is a row: what a tracker says every second is no other knowledge."""
L_PER_KM = 0.3
"""What a kilometre is expected to burn, of every vehicle."""
FEATURES = (
    "change_lph", "drop", "speed", "engine_on", "hour", "weekday", "weekend", "distance", "expected", "deviation",
    "mean_10", "deviation_10",
)  # fmt: skip


def row_forest(readings: pl.DataFrame) -> pl.DataFrame:
    """Runs of rows that the forest calls anomalous and in which the level fell; the score is the largest anomaly of
    their rows over the least that is one. The forest learns from the rows that it judges, as the original does."""
    if readings.is_empty():
        return SCORED.to_frame()
    rows = _rows(readings)
    anomaly = _anomalies(rows.select(FEATURES).to_numpy())
    least = float(np.quantile(anomaly, 1 - CONTAMINATION))
    fell = (before("litres") - pl.col("litres")).fill_null(0.0)
    scored = rows.with_columns(pl.Series("score", anomaly - least), fell.alias("drop"))
    events = runs(scored.with_columns((pl.col("score") >= 0).alias("is_flagged")), APART)
    return events.filter(pl.col("volume_l") > 0)


def _rows(readings: pl.DataFrame) -> pl.DataFrame:
    thinned = readings.group_by(
        "vehicle_id", pl.col("at").dt.truncate(ROWS_EVERY).alias("_at"), maintain_order=True
    ).last().drop("_at")  # fmt: skip
    hours = (pl.col("at") - before("at")).dt.total_microseconds() / 3.6e9
    drop = (before("litres") - pl.col("litres")).fill_null(0.0)
    distance = (pl.col("odometer_km") - before("odometer_km")).clip(0.0).fill_null(0.0)
    ten = pl.col("litres").rolling_mean(10, min_samples=1), pl.col("litres").rolling_std(10, min_samples=2)
    told = thinned.with_columns(
        (-drop / hours.clip(1 / 60)).fill_null(0.0).alias("change_lph"), drop.alias("drop"),
        pl.col("speed_kmh").fill_null(0.0).alias("speed"),
        pl.col("is_ignition_on").cast(pl.Float64).fill_null(0.0).alias("engine_on"),
        pl.col("local_hour").cast(pl.Float64).alias("hour"), pl.col("local_weekday").cast(pl.Float64).alias("weekday"),
        (pl.col("local_weekday") >= 6).cast(pl.Float64).alias("weekend"), distance.alias("distance"),
        ten[0].over("vehicle_id").alias("mean_10"), ten[1].over("vehicle_id").fill_null(0.0).alias("deviation_10"),
    )  # fmt: skip
    expected = L_PER_KM * pl.col("distance")
    return told.with_columns(expected.alias("expected"), (pl.col("drop") - expected).alias("deviation"))


def _anomalies(rows: F64) -> F64:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=TREES, random_state=SEED).fit(rows)
    anomalies: F64 = -forest.score_samples(rows)
    return anomalies
