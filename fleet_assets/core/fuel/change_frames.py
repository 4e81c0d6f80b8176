"""Frames of what kernels found in a series: changes and stays, with what the balance says of both ends.

Belongs here: from arrays to frames, in litres or points. Does not belong here: which changes there are (`stays`), what
they are called (`wording`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from fleet_assets.contracts.schema import TIMESTAMP
from fleet_assets.core.compiled import F64, read_only
from fleet_assets.core.fuel.series import Series
from fleet_assets.core.fuel.stays import Found
from fleet_assets.core.window import Window

_PLACE = ("latitude_deg", "longitude_deg")


def told_in_litres(series: Series, balance: pl.DataFrame) -> F64:
    """Per plateau 1 where its unit is litres, 0 where points."""
    is_litres = balance["unexplained_l"].is_not_null().cast(pl.Float64).to_numpy()
    rows = series.row
    # What a row of the balance says of both of its plateaus.
    return read_only(is_litres[np.where(rows >= 0, rows, np.append(rows[1:], -1))])


def change_frame(series: Series, found: Found, balance: pl.DataFrame, in_litres: F64) -> pl.DataFrame:
    """The changes with their bounds, units, and what the balance says of both ends."""
    s, (a, b) = series, (found.facts[:, 0], found.facts[:, 1])
    row, first = s.row[b], s.row[np.minimum(a + 1, len(s.row) - 1)]
    at_end = balance[row].select("vehicle_id", "source", *_PLACE, pl.col("level_after_pct"))
    names = ("change", "sd", "levels_sd", "burned_sd", "drift_sd")
    values = {name: found.values[:, k] for k, name in enumerate(names)}
    numbers = {
        "started_at": s.end[a], "ended_at": s.start[b], "closed_at": found.facts[:, 4], "what": found.facts[:, 2],
        "how": found.facts[:, 3], "before_count": found.facts[:, 5], "after_count": found.facts[:, 6],
        "burned": s.burned[b] - s.burned[a], "scale": s.scale[b], "in_litres": in_litres[b] > 0, "head_at": s.start[a],
        "level_at_end": s.level[b] - s.burned[b], "level_at_start": s.level[a] - s.burned[a],
    }  # fmt: skip
    frame = pl.DataFrame({**numbers, **values}).with_columns(
        pl.col("started_at", "ended_at", "closed_at", "head_at").cast(TIMESTAMP)
    )
    # What was there while it happened, not when the vehicle had driven on.
    at_start = balance[first].select("level_before_pct", "is_engine_on", pl.col(_PLACE).name.prefix("first_"))
    both = pl.concat([at_end, at_start, frame], how="horizontal")
    return both.with_columns(pl.coalesce(f"first_{name}", name).alias(name) for name in _PLACE)


def stay_frame(series: Series, found: Found, balance: pl.DataFrame, in_litres: F64) -> pl.DataFrame:
    """The stays with what each lost, as `weekly.weekly_losses` takes them."""
    s, (a, b) = series, (found.stays[:, 0], found.stays[:, 1])
    stays = pl.DataFrame({
        "started_at": s.end[a], "ended_at": s.start[b], "closed_at": found.stays[:, 2], "happened": found.stays[:, 3],
        "change": found.stay_values[:, 0], "sd": found.stay_values[:, 1], "scale": s.scale[b],
        "left": found.stay_values[:, 2], "left_sd": found.stay_values[:, 3], "in_litres": in_litres[b] > 0,
    }).with_columns(pl.col("started_at", "ended_at", "closed_at").cast(TIMESTAMP))  # fmt: skip
    return stays.with_columns(balance["vehicle_id"][s.row[b]])


def mondays_of(days: Window) -> Iterator[datetime]:
    """The starts of weeks among the days."""
    monday = days.day_start + timedelta(days=-days.day_start.weekday() % 7)
    while monday < days.day_end:
        yield monday
        monday += timedelta(days=7)
