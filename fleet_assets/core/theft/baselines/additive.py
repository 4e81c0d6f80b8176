"""An additive score from 50 up, as Fuel Copilot has it: movement, time, sensor, size, pattern, recovery.

Belongs here: that rule. Does not belong here: a model that learns.

Of the original the parts, the base of 50, the least drop and the threshold of 85 are known; the weights are not. Those
here are set so that a large fall at night of a parked vehicle reaches 100.
"""

from __future__ import annotations

import polars as pl

from fleet_assets.core.theft.baselines.readings import SCORED, runs

LEAST_PCT, LEAST_L = 10.0, 56.8
"""A drop is so many points and 15 US gal at least, within `WITHIN`."""
WITHIN = "6h"
PATTERN_DAYS = 30
_BASE, _STOOD, _DROVE, _NIGHT, _SOUND, _BROKEN = 50.0, 25.0, -25.0, 10.0, 5.0, -20.0
_LARGE, _LARGER, _PATTERN, _RECOVERED = 5.0, 10.0, 5.0, -40.0
_STOOD_KM, _DROVE_KM = 1.0, 20.0
_BROKEN_PCT, _RECOVERED_PCT = 1.0, 5.0


def additive_score(readings: pl.DataFrame) -> pl.DataFrame:
    """Falls below the highest level of six hours, scored; one event per run of readings that are so far below it."""
    told = _with_hours(readings)
    is_drop = (pl.col("points") >= LEAST_PCT) & (pl.col("drop") >= LEAST_L)
    scored = told.with_columns(_score().alias("score"), is_drop.alias("is_flagged"))
    events = runs(scored)
    earlier = pl.col("started_at").shift(1).over("vehicle_id")
    is_pattern = (pl.col("started_at") - earlier <= pl.duration(days=PATTERN_DAYS)).fill_null(value=False)
    pattern = pl.when(is_pattern).then(_PATTERN).otherwise(0.0)
    return events.with_columns((pl.col("score") + pattern).clip(0.0, 100.0).alias("score")).select(SCORED.names())


def _with_hours(readings: pl.DataFrame) -> pl.DataFrame:
    """Readings with the drop from the highest level of six hours (`drop` l, `points`), the way in them (`km`), and
    the highest level of the six hours after (`later`, points)."""

    def over(expr: pl.Expr) -> pl.Expr:
        return expr.over("vehicle_id")

    highest = over(pl.col("litres").rolling_max_by("at", window_size=WITHIN))
    odometer = pl.col("odometer_km").forward_fill()
    way = over(odometer - odometer.rolling_min_by("at", window_size=WITHIN))
    drops = readings.with_columns(
        (highest - pl.col("litres")).alias("drop"), way.fill_null(0.0).alias("km"),
    ).with_columns((100 * pl.col("drop") / pl.col("capacity_l")).alias("points"))  # fmt: skip
    # Backwards in time, so that a window that ends with a reading holds what came after it.
    back = drops.with_columns((-pl.col("at").dt.epoch("us")).cast(pl.Datetime("us")).alias("back_at")).reverse()
    later = over(pl.col("pct").rolling_max_by("back_at", window_size=WITHIN))
    return back.with_columns(later.alias("later")).reverse().drop("back_at")


def _score() -> pl.Expr:
    km, points = pl.col("km"), pl.col("points")
    movement = pl.when(km < _STOOD_KM).then(_STOOD).when(km > _DROVE_KM).then(_DROVE).otherwise(0.0)
    time = pl.when((pl.col("local_hour") >= 22) | (pl.col("local_hour") < 5)).then(_NIGHT).otherwise(0.0)
    sensor = pl.when(pl.col("pct") < _BROKEN_PCT).then(_BROKEN).otherwise(_SOUND)
    size = pl.when(points >= 30).then(_LARGER).when(points >= 20).then(_LARGE).otherwise(0.0)
    is_back = pl.col("later") >= pl.col("pct") + points - _RECOVERED_PCT
    recovery = pl.when(is_back).then(_RECOVERED).otherwise(0.0)
    return _BASE + movement + time + sensor + size + recovery
