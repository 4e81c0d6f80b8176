"""Rows: one vehicle's telemetry, column by column.

Belongs here: which columns a vehicle's tracker fills, and with what. Does not belong here: the truth about them
(`truth`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet_assets.contracts import TELEMETRY
from fleet_assets.simulator.fuel.cadence import instants
from fleet_assets.simulator.fuel.curves import Curve, flowed
from fleet_assets.simulator.fuel.diary import Diary
from fleet_assets.simulator.fuel.faults import Fault, shifted, spoiled
from fleet_assets.simulator.fuel.senders import read, stepped
from fleet_assets.simulator.terrain import F64

COUNTER_STEP_L = 0.5
ODOMETER_STEP_KM = 0.1
FIRST_KM = (20_000.0, 500_000.0)
POSITION_M, M_PER_DEGREE = 4.0, 111_195.0
IDLE_RPM, RPM_PER_KMH = 640.0, 9.0
LEVELS = ("fuel_level_pct", "fuel_level_l", "fuel_level_2_pct")
_FILLED = (
    "speed_kmh", "odometer_km", "latitude_deg", "longitude_deg", "is_ignition_on", "engine_speed_rpm",
    "fuel_used_total_l", "fuel_rate_lph",
)  # fmt: skip
ROW_SCHEMA = pl.Schema(
    {name: TELEMETRY.schema[name] for name in ("vehicle_id", "recorded_at", "source", *_FILLED, *LEVELS)}
)
"""Columns of a simulated row: those of telemetry, of which it fills no others."""


@dataclass(frozen=True)
class Drawn:
    """One vehicle's rows, and what was really in its tanks at each of them."""

    rows: pl.DataFrame
    time: F64
    is_level_true: npt.NDArray[np.bool_]
    """Rows with a level that no fault has spoiled."""


def litres_in(diary: Diary, tank: int, time: F64) -> F64:
    """What is in a tank at instants (s since 1970)."""
    first = diary.filled[tank] - sum(flow.litres for flow in diary.flows if flow.tank == tank)
    _, rate = diary.engine.curves()
    in_and_out = flowed(diary.flows, tank, time)
    litres: F64 = first + in_and_out - diary.share(tank) * rate.integral(time)
    return litres


def draw_rows(diary: Diary, faults: Sequence[Fault], rng: np.random.Generator) -> Drawn:
    """What the vehicle's tracker sends."""
    time = instants(diary, faults, rng)
    speed, rate = diary.engine.curves()
    is_on = rate.at(time) > 0
    levels, is_spoiled = _levels(diary, time, is_on, faults, rng)
    columns = {
        "vehicle_id": pl.repeat(diary.vehicle.vehicle_id, len(time), eager=True),
        "recorded_at": pl.Series((time * 1e6).astype(np.int64)).cast(pl.Datetime("us", "UTC")),
        "source": pl.repeat(diary.vehicle.source, len(time), eager=True),
        **_motion(diary, speed, time, rng),
        **_engine(diary, rate, speed, time, is_on, rng),
        **levels,
    }
    frame = pl.DataFrame(columns, schema_overrides={name: ROW_SCHEMA[name] for name in columns})
    rows = frame.with_columns(pl.lit(None, ROW_SCHEMA[name]).alias(name) for name in ROW_SCHEMA if name not in columns)
    rows = rows.select(ROW_SCHEMA.names()).with_columns(pl.col(pl.Float64).fill_nan(None))
    has_level = rows.select(pl.any_horizontal(pl.col(name).is_not_null() for name in LEVELS)).to_series().to_numpy()
    return Drawn(rows, time, has_level & ~is_spoiled)


def _levels(
    diary: Diary, time: F64, is_on: npt.NDArray[np.bool_], faults: Sequence[Fault], rng: np.random.Generator
) -> tuple[dict[str, F64], npt.NDArray[np.bool_]]:
    sender, keys = diary.vehicle.sender, (np.array(diary.engine.on), np.array(diary.engine.off))
    shown, is_spoiled = {}, np.zeros(len(time), dtype=np.bool_)
    for tank, name in ((1, "fuel_level_pct"), (2, "fuel_level_2_pct")):
        if not diary.size(tank):
            continue
        level = read(diary, time, litres_in(diary, tank, time), diary.size(tank), rng)
        level = stepped(shifted(time, level, faults), sender.step_pct)
        level, spoiled_now = spoiled(time, level, faults, keys, sender, rng)
        shown[name] = np.where(is_on, level, np.nan) if sender.silence != "none" else level
        is_spoiled = is_spoiled | spoiled_now
    if sender.is_litres:
        shown["fuel_level_l"] = shown.pop("fuel_level_pct") / 100 * diary.vehicle.tank_l
    return shown, is_spoiled


def _motion(diary: Diary, speed: Curve, time: F64, rng: np.random.Generator) -> dict[str, F64]:
    driven = speed.integral(time)
    odometer = rng.uniform(*FIRST_KM) + driven
    x, y = _way(diary, driven)
    latitude, longitude = diary.vehicle.city.terrain.degrees(x, y)
    off = rng.normal(0, POSITION_M / M_PER_DEGREE, (2, len(time)))
    return {
        "speed_kmh": np.round(speed.at(time), 1),
        "odometer_km": np.floor(odometer / ODOMETER_STEP_KM) * ODOMETER_STEP_KM,
        "latitude_deg": np.round(latitude + off[0], 6),
        "longitude_deg": np.round(longitude + off[1], 6),
    }


def _way(diary: Diary, driven: F64) -> tuple[F64, F64]:
    """Metres east and north of the city after so many km: straight from place to place."""
    km = np.concatenate(([0.0], np.cumsum([leg.distance_km for leg in diary.legs])))
    places = [stay.place for stay in diary.stays]
    x, y = (np.interp(driven, km, [getattr(place, axis) for place in places]) for axis in ("x", "y"))
    return x, y


def _engine(
    diary: Diary, rate: Curve, speed: Curve, time: F64, is_on: npt.NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, F64 | npt.NDArray[np.bool_]]:
    sender = diary.vehicle.sender
    shown: dict[str, F64 | npt.NDArray[np.bool_]] = {"is_ignition_on": is_on}
    if sender.has_counter:
        first = float(rng.uniform(5_000, 90_000))
        counted = first + diary.vehicle.counter_bias * rate.integral(time)
        shown["fuel_used_total_l"] = np.floor(counted / COUNTER_STEP_L) * COUNTER_STEP_L
        turns = IDLE_RPM + RPM_PER_KMH * speed.at(time) + rng.normal(0, 5, len(time))
        shown["engine_speed_rpm"] = np.where(is_on, np.round(turns * 8) / 8, 0.0)
    if sender.has_rate:
        lph = diary.vehicle.counter_bias * rate.at(time) * np.exp(rng.normal(0, 0.1, len(time)))
        shown["fuel_rate_lph"] = np.round(lph / 0.05) * 0.05
    return shown
