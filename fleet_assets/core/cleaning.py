"""Cleaning of telemetry: what no vehicle can have said becomes null, with a counted reason.

Belongs here: physical ranges, invalid bytes, receivers without a fix. Does not belong here: codes of a bus
(`core.can`), which positions are outliers (`position_outliers`), and repairing: nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from fleet_assets.contracts.telemetry import OBSERVATIONS, TELEMETRY
from fleet_assets.core.position_outliers import JumpRules, unreachable_rows

_POSITION = ("latitude_deg", "longitude_deg")
_FIX = (*_POSITION, "altitude_m", "heading_deg", "gps_speed_kmh")
_SPEEDS = ("speed_kmh", "gps_speed_kmh")
_KEY = ("vehicle_id", "recorded_at", "source")

_NO_CONTENT = (*_KEY, "received_at")

REPEATED = "(row)"
"""Stands for a column where whole rows were given again."""


@dataclass(frozen=True)
class CleaningRules:
    """What is impossible beyond the ranges of the contract."""

    jumps: JumpRules = field(default_factory=JumpRules)
    """Which positions cannot follow the ones around them."""
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
    """`frame`: the rows with impossible values null, one per vehicle, instant and source, in that order. `nulled`:
    column, reason, count, only where something was nulled; under `REPEATED` the rows that were given again."""

    frame: pl.LazyFrame
    nulled: pl.DataFrame


def clean_telemetry(frame: pl.LazyFrame, rules: CleaningRules | None = None) -> Cleaned:
    """Telemetry without impossible values; values become null. Columns it lacks are not needed.

    Rows of one vehicle, instant and source become one: per column the value of the fullest row that has one, of equally
    full rows the one with the larger content; a position comes from one row. `received_at` is the latest of them and
    decides nothing, so that the order of arrival never shows. Pure per frame: neighbours are looked at only within one
    vehicle and source.
    Each pass looks at what the passes before it left, so every value is counted under one reason.
    """
    chosen = rules or CleaningRules()
    given = frame.collect()
    stage = _one_row_per_key(given)
    counts = [_Nulled(REPEATED, "same vehicle, instant and source", given.height - stage.height)]
    columns = [name for name in OBSERVATIONS if name in stage.columns and name != "dtc_codes"]
    for reason, run in _PASSES:
        before = [stage[name].null_count() for name in columns]
        stage = run(stage, columns, chosen)
        counts += [_Nulled(n, reason, stage[n].null_count() - b) for n, b in zip(columns, before, strict=True)]
    schema = {"column": pl.String, "reason": pl.String, "count": pl.Int64}
    found = pl.DataFrame([count for count in counts if count.values], schema, orient="row")
    return Cleaned(stage.lazy(), found.sort("column", "reason"))


class _Nulled(NamedTuple):
    column: str
    reason: str
    values: int


def _one_row_per_key(frame: pl.DataFrame) -> pl.DataFrame:
    ordered = frame.sort(_KEY)
    same = pl.struct(_KEY) == pl.struct(_KEY).shift(1)
    repeats = ordered.select((same | same.shift(-1)).fill_null(False)).to_series()
    if not repeats.any():
        return ordered
    given = ordered.filter(repeats)
    observed = [name for name in frame.columns if name not in _NO_CONTENT]
    ranks = [pl.sum_horizontal(pl.col(observed).is_not_null()), *(_comparable(n, frame.schema[n]) for n in observed)]
    fullest_first = given.sort(*_KEY, *ranks, descending=[False] * len(_KEY) + [True] * len(ranks), nulls_last=True)
    taken = [_first_value(name, frame.columns) for name in frame.columns if name not in _KEY]
    merged = fullest_first.group_by(_KEY, maintain_order=True).agg(taken).select(frame.columns)
    return pl.concat([ordered.filter(~repeats), merged]).sort(_KEY)


def _comparable(name: str, dtype: pl.DataType) -> pl.Expr:
    return pl.col(name).list.join("\n") if isinstance(dtype, pl.List) else pl.col(name)


def _first_value(name: str, columns: list[str]) -> pl.Expr:
    """Of rows in order of preference; both halves of a position are of one row, a whole one where there is one."""
    if name == "received_at":
        return pl.col(name).max()
    if name not in _POSITION:
        return pl.col(name).drop_nulls().first()
    halves = pl.sum_horizontal(pl.col(half).is_not_null() for half in _POSITION if half in columns)
    return pl.col(name).sort_by(halves, descending=True, maintain_order=True).first()


def _not_finite(frame: pl.DataFrame, columns: list[str], _rules: CleaningRules) -> pl.DataFrame:
    floats = [name for name in columns if TELEMETRY.schema[name] == pl.Float64]
    return frame.with_columns(_keep(name, pl.col(name).is_finite()) for name in floats)


def _invalid_byte(frame: pl.DataFrame, columns: list[str], rules: CleaningRules) -> pl.DataFrame:
    speeds = [name for name in _SPEEDS if name in columns]
    return frame.with_columns(_keep(name, pl.col(name) != rules.invalid_speed_kmh) for name in speeds)


def _no_fix(frame: pl.DataFrame, columns: list[str], rules: CleaningRules) -> pl.DataFrame:
    if "altitude_m" not in columns:
        return frame
    has_fix = (pl.col("altitude_m") >= rules.no_fix_altitude_m).fill_null(True)
    return frame.with_columns(_keep(name, has_fix) for name in _FIX if name in columns)


def _null_island(frame: pl.DataFrame, columns: list[str], rules: CleaningRules) -> pl.DataFrame:
    if not _has_position(columns):
        return frame
    is_far = pl.any_horizontal(pl.col(name).abs() > rules.null_island_deg for name in _POSITION).fill_null(True)
    return frame.with_columns(_keep(name, is_far) for name in _POSITION)


def _outside_range(frame: pl.DataFrame, columns: list[str], _rules: CleaningRules) -> pl.DataFrame:
    ranged = [c for c in TELEMETRY.columns if c.name in columns and c.low is not None and c.high is not None]
    return frame.with_columns(_keep(c.name, pl.col(c.name).is_between(c.low, c.high)) for c in ranged)


def _half_position(frame: pl.DataFrame, columns: list[str], _rules: CleaningRules) -> pl.DataFrame:
    if not _has_position(columns):
        return frame.with_columns(pl.lit(None, pl.Float64).alias(name) for name in _POSITION if name in columns)
    is_whole = pl.all_horizontal(pl.col(name).is_not_null() for name in _POSITION)
    return frame.with_columns(_keep(name, is_whole) for name in _POSITION)


def _impossible_jump(frame: pl.DataFrame, columns: list[str], rules: CleaningRules) -> pl.DataFrame:
    if not _has_position(columns):
        return frame
    speed = pl.col("speed_kmh") if "speed_kmh" in columns else pl.lit(None, pl.Float64)
    may_move = (speed > rules.standing_below_kmh).fill_null(True).alias("may_move")
    outliers = unreachable_rows(frame.select(*_KEY, *_POSITION, may_move), rules.jumps)
    return frame.with_columns(_keep(name, pl.lit(~outliers)) for name in _POSITION)


_Pass = Callable[[pl.DataFrame, list[str], CleaningRules], pl.DataFrame]

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
