"""Charging periods: what one day's telemetry says of cables, charging power and charge, in stretches of an hour.

Belongs here: what a stretch measures. Does not belong here: the states of rows (`states`) and sessions (`sessions`).
"""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts import CHARGING_PERIODS, TIMESTAMP, VEHICLES
from fleet_assets.contracts.charging import PERIOD_STATES
from fleet_assets.core.charging.curves import minute_curves
from fleet_assets.core.charging.rules import ChargingRules
from fleet_assets.core.charging.states import (
    AWAY,
    CHARGING,
    Signals,
    highest_of,
    measured,
    row_states,
    signals_of,
    stretches_of,
)
from fleet_assets.core.compiled import F64, I64, Mask, read_only
from fleet_assets.core.integrals import ends_of
from fleet_assets.core.points import vehicle_ranges
from fleet_assets.core.track import Track, each_track

SIGNS = ("soc_pct", "is_charger_connected", "charger_power_kw", "hv_power_kw", "hv_current_a")
"""Quantities of which a vehicle that can be charged tells at least one."""

TELEMETRY_USED = (
    *SIGNS, "hv_voltage_v", "charger_voltage_v", "hv_capacity_kwh", "engine_speed_rpm", "speed_kmh", "gps_speed_kmh",
    "odometer_km", "latitude_deg", "longitude_deg",
)  # fmt: skip
"""Telemetry columns that a charging period is made of."""


def charging_periods(telemetry: pl.LazyFrame, rules: ChargingRules) -> pl.LazyFrame:
    """Charging periods (contract CHARGING_PERIODS, its order) of all days that `telemetry` holds.

    Each day is a pure function of its own rows. Vehicles that say nothing of a battery have none. Telemetry may come in
    any order; the work is done on collection, in batches of vehicles.
    """
    return pl.defer(partial(_collect_periods, telemetry, rules), schema=CHARGING_PERIODS.schema)


def _collect_periods(telemetry: pl.LazyFrame, rules: ChargingRules) -> pl.DataFrame:
    found = [CHARGING_PERIODS.empty()]
    told = _of_batteries(telemetry)
    if told is not None:
        ranges = vehicle_ranges(told, TELEMETRY_USED)
        found += each_track(told, TELEMETRY_USED, ranges, VEHICLES.empty(), rules, partial(periods_of, rules=rules))
    return pl.concat(found).sort(CHARGING_PERIODS.order)


def _of_batteries(telemetry: pl.LazyFrame) -> pl.LazyFrame | None:
    """The rows of vehicles that tell of a battery; None without any."""
    present = [name for name in SIGNS if name in telemetry.collect_schema().names()]
    if not present:
        return None
    is_told = pl.any_horizontal(pl.col(name).count() > 0 for name in present)
    vehicles = telemetry.group_by("vehicle_id").agg(is_told.alias("is_told")).collect(engine="streaming")
    told = vehicles.filter("is_told")["vehicle_id"].to_list()
    if len(told) == vehicles.height:
        return telemetry if told else None
    return telemetry.filter(pl.col("vehicle_id").is_in(told)) if told else None


def periods_of(track: Track, rules: ChargingRules) -> pl.DataFrame:
    """Charging periods (contract CHARGING_PERIODS) of all days of one track, in order of vehicle and start."""
    daily, numbers = track.by_day(), rules.own_thresholds
    signals = signals_of(daily)
    states = row_states(signals, numbers)
    rows = stretches_of(signals, states, numbers)
    first, last = rows[:, 0].copy(), rows[:, 1].copy()
    kind = states[first]
    ac, battery = (measured(signals, values, first, last, numbers) for values in (signals.ac_kw, signals.battery_kw))
    is_away, has_ac = kind == AWAY, ac[:, 6] > 0
    main = np.where(has_ac[:, None], ac, battery)
    columns: dict[str, object] = {
        "vehicle_id": daily.points.vehicle_ids.gather(daily.points.vehicle[first]),
        "started_at": daily.at[first],
        "ended_at": daily.at[last],
        "state": pl.Series(kind).replace_strict(range(len(PERIOD_STATES)), PERIOD_STATES, return_dtype=pl.String),
        "is_connected": _is_connected(signals, first, last) & ~is_away,
        "reading_count": np.where(is_away, 0, main[:, 6]),
        "charging_s": np.where(is_away, 0.0, np.nan_to_num(main[:, 5])),
        "peak_power_kw": np.where(is_away, np.nan, main[:, 7]),
        "curve": minute_curves(signals, first, last, kind == CHARGING),
    }
    for name, table in (("ac", ac), ("battery", battery)):
        columns |= _readings(daily.at, name, np.where(is_away[:, None], np.nan, table))
    columns |= (
        _states_of_charge(daily, first, last) | _voltages(daily, first, last, is_away) | _places(daily, first, last)
    )
    frame = pl.DataFrame(columns, nan_to_null=True)
    return frame.select(CHARGING_PERIODS.schema.names()).cast(CHARGING_PERIODS.schema)


def _is_connected(signals: Signals, first: I64, last: I64) -> Mask:
    """Per stretch whether a cable was seen plugged in."""
    counted: I64 = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(signals.connected > 0)))
    found: Mask = counted[last + 1] > counted[first]
    return found


def _readings(at: I64, name: str, table: F64) -> dict[str, object]:
    """First and last reading of a power, and the energy between them."""
    columns: dict[str, object] = {f"{name}_kwh": table[:, 4]}
    for end, column in (("first", 0), ("last", 2)):
        columns[f"{end}_{name}_at"] = _instants(at, table[:, column])
        columns[f"{end}_{name}_kw"] = table[:, column + 1]
    return columns


def _instants(at: I64, rows: F64) -> pl.Series:
    """Instants of rows; null where the row is NaN or negative."""
    is_known = rows >= 0
    picked = at[np.where(is_known, rows, 0).astype(np.int64)] if len(at) else np.zeros(0, dtype=np.int64)
    series = pl.Series(picked, dtype=pl.Int64).cast(TIMESTAMP)
    return pl.select(pl.when(pl.Series(is_known)).then(series)).to_series()


def _picked(values: F64, rows: I64) -> F64:
    """Values of rows; NaN where the row is negative, or nothing was ever observed."""
    return np.where(rows >= 0, values[rows], np.nan) if len(values) else np.full(len(rows), np.nan)


def _states_of_charge(track: Track, first: I64, last: I64) -> dict[str, object]:
    soc, capacity = track.soc, track.column("hv_capacity_kwh")
    rows = ends_of(soc, first, last)
    columns: dict[str, object] = {"capacity_kwh": _picked(capacity, ends_of(capacity, first, last)[:, 1])}
    for end, number in (("first", 0), ("last", 1)):
        columns[f"{end}_soc_at"] = _instants(track.at, rows[:, number].astype(np.float64))
        columns[f"{end}_soc_pct"] = _picked(soc, rows[:, number])
    return columns


def _voltages(track: Track, first: I64, last: I64, is_away: Mask) -> dict[str, object]:
    """Highest voltage at the port, and the battery's last one at that moment or before it within the stretch."""
    port, battery = track.column("charger_voltage_v"), track.column("hv_voltage_v")
    rows = np.where(is_away, -1, highest_of(port, first, last))
    until = np.where(rows >= 0, rows, first)
    return {
        "charger_voltage_v": _picked(port, rows),
        "hv_voltage_v": np.where(rows >= 0, _picked(battery, ends_of(battery, first, until)[:, 1]), np.nan),
    }


def _places(track: Track, first: I64, last: I64) -> dict[str, object]:
    odometer, lat, lon = (track.column(name) for name in ("odometer_km", "latitude_deg", "longitude_deg"))
    read = ends_of(odometer, first, last)
    both = read_only(lat + lon) if len(lat) and len(lon) else track.column("")
    placed = ends_of(both, first, last)
    columns: dict[str, object] = {
        "first_odometer_km": _picked(odometer, read[:, 0]), "last_odometer_km": _picked(odometer, read[:, 1]),
    }  # fmt: skip
    return columns | {
        f"{end}{name}": _picked(values if len(both) else both, placed[:, number])
        for end, number in (("first_", 0), ("", 1))
        for name, values in (("latitude_deg", lat), ("longitude_deg", lon))
    }  # fmt: skip
