"""Plateaus of fuel level: stretches of one UTC day with the level that their readings agree on.

Belongs here: the path from telemetry to rows of FUEL_PLATEAUS. Does not belong here: tank sizes and litres made of per
cent (`volumes`), changes between plateaus (`balance`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts.fuel import FUEL_PLATEAUS, QUALITIES
from fleet_assets.contracts.reference import VEHICLES
from fleet_assets.core.compiled import F64, I8, I64, Mask, read_only
from fleet_assets.core.fuel.fillers import FillerRules, not_believed
from fleet_assets.core.fuel.learnt import MAD_SD
from fleet_assets.core.fuel.levels import (
    Levels,
    day_steps,
    joined_windows,
    levels_of,
    mostly,
    nearest_within,
    sums_between,
)
from fleet_assets.core.fuel.windows import WindowRules, Windows, find_windows
from fleet_assets.core.motion import MOVING, UNKNOWN
from fleet_assets.core.points import vehicle_ranges
from fleet_assets.core.thresholds import micros
from fleet_assets.core.track import Track, TrackRules, each_track

LEVELS = ("fuel_level_pct", "fuel_level_2_pct", "fuel_level_l")
"""Telemetry columns that tell a level."""

TELEMETRY_USED = (
    *LEVELS, "speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg", "odometer_km", "is_ignition_on",
    "engine_speed_rpm", "fuel_rate_lph", "fuel_used_total_l",
)  # fmt: skip
"""Telemetry columns that a plateau is made of."""


@dataclass(frozen=True)
class PlateauRules(TrackRules):
    """How readings of a level become plateaus; what moves is decided as for trips."""

    windows: WindowRules = field(default_factory=WindowRules)
    fillers: FillerRules = field(default_factory=FillerRules)
    few_samples: int = 3
    """Readings below which a plateau is called `few`: a median of two is a mean."""
    noisy_pct: float = 4.0
    """Points of standard deviation (1.4826 MAD) above which a plateau is called `noisy`."""
    reach_s: float = 600.0
    """s for which a speed, a rate or a running engine stands at most: trackers tell every ten minutes."""
    least_step_pct: float = 0.01
    """Points that two levels differ by to be two: arithmetic of floating point is finer."""
    least_step_l: float = 0.01
    """Litres that two levels differ by to be two."""


def fuel_plateaus(
    telemetry: pl.LazyFrame, rules: PlateauRules | None = None, vehicles: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """Plateaus (contract FUEL_PLATEAUS, its order) of all days that `telemetry` holds.

    A plateau is a window of driving or of standing (`WindowRules`) with the median of its levels; windows of a stand
    that say the same without any spread are one plateau. Readings of exactly zero and fillers are left out of a level;
    a window of nothing else is kept, and its quality says so. Each day is a pure function of its own rows. `vehicles`
    (VEHICLES) say which have an engine. Telemetry may come in any order; the work is done on collection, in batches of
    vehicles.
    """
    fleet = VEHICLES.empty().lazy() if vehicles is None else vehicles
    work = partial(_collect, telemetry, fleet, rules or PlateauRules())
    return pl.defer(work, schema=FUEL_PLATEAUS.schema)


def _collect(telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, rules: PlateauRules) -> pl.DataFrame:
    present = telemetry.collect_schema().names()
    levels = [name for name in LEVELS if name in present]
    told = telemetry.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in levels)) if levels else None
    if told is None:
        return FUEL_PLATEAUS.empty()
    sources = _sources(told, rules.sources.priority, "source" in present)
    if sources.is_empty():
        return FUEL_PLATEAUS.empty()
    ranges = vehicle_ranges(telemetry.filter(pl.col("vehicle_id").is_in(sources["vehicle_id"].unique().to_list())),
                            TELEMETRY_USED)  # fmt: skip
    work = partial(plateaus_of, rules=rules)
    found = each_track(telemetry, TELEMETRY_USED, ranges, vehicles.collect(), rules, work)
    plateaus = pl.concat([FUEL_PLATEAUS.empty().drop("source"), *found])
    day = pl.col("started_at").dt.date().alias("day")
    named = plateaus.with_columns(day).join(sources, on=["vehicle_id", "day"], how="left", maintain_order="left")
    return FUEL_PLATEAUS.conform(named.drop("day").sort(FUEL_PLATEAUS.order).lazy()).collect()


def _sources(told: pl.LazyFrame, priority: Sequence[str], has_source: bool) -> pl.DataFrame:
    """Per vehicle and day the best source that told a level."""
    name = pl.col("source") if has_source else pl.lit(None, pl.String).alias("source")
    seen = told.select("vehicle_id", pl.col("recorded_at").dt.date().alias("day"), name).unique()
    rank = pl.col("source").replace_strict(list(priority), range(len(priority)), default=len(priority))
    ordered = seen.sort("vehicle_id", "day", rank, "source")
    return ordered.unique(["vehicle_id", "day"], keep="first", maintain_order=True).collect(engine="streaming")


def plateaus_of(track: Track, rules: PlateauRules) -> pl.DataFrame:
    """Plateaus of one track, in order of vehicle and start; the columns of FUEL_PLATEAUS but for its source."""
    daily = track.by_day()
    vehicle, at = daily.points.vehicle, daily.at
    told = [daily.column(name) for name in LEVELS]
    bad = [
        not_believed(vehicle, at, values, rules.fillers, name.endswith("_l"))
        for name, values in zip(LEVELS, told, strict=True)
    ]
    has_level = np.zeros(len(at), dtype=np.bool_)
    for values in told:
        if len(values):
            has_level |= ~np.isnan(values)
    windows = find_windows(
        vehicle, at, daily.states, daily.column("is_ignition_on"), read_only(has_level), rules.windows
    )
    found = [levels_of(v, b, windows.rows, windows.bounds) for v, b in zip(told, bad, strict=True)]
    windows = _joined(windows, mostly(daily.engine, windows.rows, windows.bounds), found)
    found = [levels_of(v, b, windows.rows, windows.bounds) for v, b in zip(told, bad, strict=True)]
    columns = {**_level_columns(daily, told, bad, found, windows, rules), **_other_columns(daily, windows, rules)}
    schema = {name: kind for name, kind in FUEL_PLATEAUS.schema.items() if name != "source"}
    return pl.DataFrame(columns, nan_to_null=True).select(schema.keys()).cast(pl.Schema(schema))


def _joined(windows: Windows, engine: I8, found: Sequence[Levels]) -> Windows:
    """The windows with those that say the same as the one before put together with it."""
    medians, mads = np.column_stack([one.median for one in found]), np.column_stack([one.mad for one in found])
    kept = joined_windows(windows.session, windows.state, engine, medians, mads)
    bounds = np.append(windows.bounds[kept], windows.bounds[-1])
    facts = windows.session[kept], windows.state[kept], windows.ignition[kept]
    return replace(windows, bounds=bounds, session=facts[0], state=facts[1], ignition=facts[2])


def _level_columns(
    track: Track, told: Sequence[F64], bad: Sequence[Mask], found: Sequence[Levels], windows: Windows,
    rules: PlateauRules,
) -> dict[str, object]:  # fmt: skip
    pct, second, litres = found
    vehicle = track.points.vehicle
    of_window = vehicle[windows.first] if len(windows) else np.empty(0, dtype=np.int64)
    step_pct = day_steps(vehicle, told[0], bad[0], rules.least_step_pct)[of_window]
    step_l = day_steps(vehicle, told[2], bad[2], rules.least_step_l)[of_window]
    readings = np.diff(windows.bounds)
    # What the quality is of: the first tank, else litres, else the second tank.
    has = [~np.isnan(one.median) for one in (pct, litres)]
    first = np.select(has, [pct.median, litres.median], second.median)
    refused = np.select(has, [pct.is_refused, litres.is_refused], second.is_refused)
    is_lost = second.is_refused & (has[0] | has[1])
    used = np.maximum(np.maximum(pct.used, np.where(is_lost, 0, second.used)), litres.used)
    spread = MAD_SD * np.where(np.isnan(pct.mad), 0.0, pct.mad)
    codes = np.select(
        [refused & (first == 0), refused, spread > rules.noisy_pct, used < rules.few_samples], [4, 3, 2, 1], 0
    )
    return {
        "level_pct": pct.median, "level_mad_pct": pct.mad, "level_2_pct": np.where(is_lost, np.nan, second.median),
        "level_2_mad_pct": np.where(is_lost, np.nan, second.mad), "level_l": litres.median, "level_mad_l": litres.mad,
        "level_step_pct": step_pct, "level_step_l": step_l, "sample_count": used,
        "left_out_count": np.where(refused, 0, np.maximum(readings - used, 0)),
        "quality": pl.Series(codes).replace_strict(
            range(len(QUALITIES)), list(QUALITIES), return_dtype=pl.String
        ),
    }  # fmt: skip


def _other_columns(track: Track, windows: Windows, rules: PlateauRules) -> dict[str, object]:
    first, middle, last = (read_only(rows) for rows in (windows.first, windows.middle, windows.last))
    engine = mostly(track.engine, windows.rows, windows.bounds)
    sums = sums_between(
        track.points.vehicle, track.at, track.states, track.engine, _speed(track), track.column("fuel_rate_lph"),
        middle, micros(rules.reach_s),
    )  # fmt: skip
    names = ("driven_km", "rated_l", "moving_s", "idle_s")
    after = ("driven_after_km", "rated_after_l", "moving_after_s", "idle_after_s")
    return {
        "vehicle_id": track.points.vehicle_ids.gather(track.points.vehicle[first]),
        "started_at": track.at[first], "ended_at": track.at[last],
        "is_engine_on": _as_bool(engine), "is_ignition_on": _as_bool(windows.ignition),
        "is_moving": _as_bool(np.where(windows.state == MOVING, 1, windows.state)),
        **{name: nearest_within(track.column(name), first, middle, last)
           for name in ("odometer_km", "fuel_used_total_l", "latitude_deg", "longitude_deg")},
        **dict(zip((*names, *after), sums.T.copy(), strict=True)),
    }  # fmt: skip


def _speed(track: Track) -> F64:
    """The vehicle's own speed, else the receiver's, per instant."""
    own, gps = track.column("speed_kmh"), track.column("gps_speed_kmh")
    if not len(own) or not len(gps):
        return own if len(own) else gps
    return read_only(np.where(np.isnan(own), gps, own))


def _as_bool(codes: I8 | I64) -> pl.Series:
    """1 and 0 as true and false, null for any other."""
    return (
        pl.DataFrame({"code": codes}).select(pl.when(pl.col("code") != UNKNOWN).then(pl.col("code") == 1)).to_series()
    )
