"""Cleaning of telemetry: what no vehicle can have said becomes null, with a counted reason.

Belongs here: physical ranges, invalid bytes, receivers without a fix, impossible jumps. Does not belong here: codes of
a bus (`core.can`), judgement of levels over time (`fuel`), and repairing: nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet_assets.contracts.telemetry import OBSERVATIONS, TELEMETRY
from fleet_assets.core.strays import Fixes, StrayRules, stray_positions

_POSITION = ("latitude_deg", "longitude_deg")
_FIX = (*_POSITION, "altitude_m", "heading_deg", "gps_speed_kmh")
_SPEEDS = ("speed_kmh", "gps_speed_kmh")


@dataclass(frozen=True)
class CleaningRules(StrayRules):
    """What is impossible beyond the ranges of the contract."""

    invalid_speed_kmh: float = 255.0
    """km/h: the byte FF, which means "not available" on every bus and in most trackers."""
    no_fix_altitude_m: float = -1000.0
    """m below which the receiver has no fix (one sends -5400 at power-on); the deepest road is 430 m below the sea."""
    standing_below_kmh: float = 1.6
    """km/h of the vehicle's own speed up to which it stands, so that a repeated position is no old one."""
    null_island_deg: float = 0.0001
    """deg around latitude 0, longitude 0, which stands for "unknown" (11 m; there is no road within 500 km)."""


@dataclass(frozen=True)
class Cleaned:
    """`frame`: the same rows with impossible values null, sorted by vehicle, instant, source. `nulled`: column, reason,
    count (only where something was nulled). Both are lazy and share one pass: collect them with `collect`."""

    frame: pl.LazyFrame
    nulled: pl.LazyFrame

    def collect(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Both frames from one scan of the input."""
        frame, nulled = pl.collect_all([self.frame, self.nulled])
        return frame, nulled


def clean_telemetry(frame: pl.LazyFrame, rules: CleaningRules | None = None) -> Cleaned:
    """Telemetry without impossible values; rows stay, values become null. Columns it lacks are not needed.

    Pure per frame: neighbours are looked at only within one vehicle and source. Each pass looks at what the passes
    before it left, so every value is counted under one reason.
    """
    chosen = rules or CleaningRules()
    present = frame.collect_schema().names()
    columns = [name for name in OBSERVATIONS if name in present and name != "dtc_codes"]
    stage = frame.sort("vehicle_id", "recorded_at", "source")
    stages = [("", stage)]
    for reason, run in _PASSES:
        stage = run(stage, columns, chosen)
        stages.append((reason, stage))
    return Cleaned(stage, _nulled(stages, columns))


def _nulled(stages: list[tuple[str, pl.LazyFrame]], columns: list[str]) -> pl.LazyFrame:
    """Per pass and column, observed values before minus after."""
    counts = [
        stage.select(pl.col(name).count().cast(pl.Int64) for name in columns)
        .unpivot(variable_name="column", value_name="observed")
        .with_columns(pl.lit(reason).alias("reason"), pl.lit(k).alias("pass"))
        for k, (reason, stage) in enumerate(stages)
    ]
    before = pl.col("observed").shift(1).over("column", order_by="pass")
    return (
        pl.concat(counts)
        .with_columns((before - pl.col("observed")).alias("count"))
        .filter(pl.col("count") > 0)
        .select("column", "reason", "count")
        .sort("column", "reason")
    )


def _not_finite(frame: pl.LazyFrame, columns: list[str], _rules: CleaningRules) -> pl.LazyFrame:
    floats = [name for name in columns if TELEMETRY.schema[name] == pl.Float64]
    return frame.with_columns(_keep(name, pl.col(name).is_finite()) for name in floats)


def _invalid_byte(frame: pl.LazyFrame, columns: list[str], rules: CleaningRules) -> pl.LazyFrame:
    speeds = [name for name in _SPEEDS if name in columns]
    return frame.with_columns(_keep(name, pl.col(name) != rules.invalid_speed_kmh) for name in speeds)


def _no_fix(frame: pl.LazyFrame, columns: list[str], rules: CleaningRules) -> pl.LazyFrame:
    if "altitude_m" not in columns:
        return frame
    has_fix = (pl.col("altitude_m") >= rules.no_fix_altitude_m).fill_null(True)
    return frame.with_columns(_keep(name, has_fix) for name in _FIX if name in columns)


def _null_island(frame: pl.LazyFrame, columns: list[str], rules: CleaningRules) -> pl.LazyFrame:
    if not _has_position(columns):
        return frame
    is_far = pl.any_horizontal(pl.col(name).abs() > rules.null_island_deg for name in _POSITION).fill_null(True)
    return frame.with_columns(_keep(name, is_far) for name in _POSITION)


def _outside_range(frame: pl.LazyFrame, columns: list[str], _rules: CleaningRules) -> pl.LazyFrame:
    ranged = [c for c in TELEMETRY.columns if c.name in columns and c.low is not None and c.high is not None]
    return frame.with_columns(_keep(c.name, pl.col(c.name).is_between(c.low, c.high)) for c in ranged)


def _half_position(frame: pl.LazyFrame, columns: list[str], _rules: CleaningRules) -> pl.LazyFrame:
    if not _has_position(columns):
        return frame.with_columns(pl.lit(None, pl.Float64).alias(name) for name in _POSITION if name in columns)
    is_whole = pl.all_horizontal(pl.col(name).is_not_null() for name in _POSITION)
    return frame.with_columns(_keep(name, is_whole) for name in _POSITION)


def _impossible_jump(frame: pl.LazyFrame, columns: list[str], rules: CleaningRules) -> pl.LazyFrame:
    if not _has_position(columns):
        return frame
    speed = pl.col("speed_kmh") if "speed_kmh" in columns else pl.lit(None, pl.Float64)
    may_move = (speed > rules.standing_below_kmh).fill_null(True).alias("may_move")
    track = pl.struct("vehicle_id", "source", "recorded_at", *_POSITION, may_move)
    is_on_track = track.map_batches(lambda rows: ~_strays(rows, rules), return_dtype=pl.Boolean)
    return frame.with_columns(is_on_track.alias("_on_track")).with_columns(
        _keep(name, pl.col("_on_track")) for name in _POSITION
    ).drop("_on_track")  # fmt: skip


_Pass = Callable[[pl.LazyFrame, list[str], CleaningRules], pl.LazyFrame]

_PASSES: tuple[tuple[str, _Pass], ...] = (
    ("not a finite number", _not_finite),
    ("invalid byte 255", _invalid_byte),
    ("receiver without a fix", _no_fix),
    ("position 0,0", _null_island),
    ("outside the physical range", _outside_range),
    ("latitude without longitude", _half_position),
    ("impossible jump", _impossible_jump),
)


def _keep(name: str, condition: pl.Expr) -> pl.Expr:
    """The column where the condition holds, null elsewhere."""
    return pl.when(condition).then(pl.col(name)).alias(name)


def _has_position(columns: list[str]) -> bool:
    return all(name in columns for name in _POSITION)


def _strays(rows: pl.Series, rules: CleaningRules) -> pl.Series:
    """Per row of a struct series (vehicle, source, instant, position): whether its position is a stray."""
    frame = rows.struct.unnest().with_row_index("row").filter(pl.col("latitude_deg").is_not_null())
    frame = frame.sort("vehicle_id", "source", "recorded_at", *_POSITION)
    group = frame.select(pl.struct("vehicle_id", "source").rle_id()).to_series().to_numpy().astype(np.int64)
    at, lat, lon = (frame[name].to_physical().to_numpy() for name in ("recorded_at", *_POSITION))
    strays = stray_positions(Fixes(group, at, lat, lon, frame["may_move"].to_numpy()), rules)
    mask = np.zeros(len(rows), dtype=np.bool_)
    mask[frame["row"].to_numpy()[strays]] = True
    return pl.Series(mask)
