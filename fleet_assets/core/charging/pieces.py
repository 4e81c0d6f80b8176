"""Pieces: charging periods as arrays for kernels, in order of vehicle and time, with what limits their vehicle.

Belongs here: the conversion. Does not belong here: what follows from them (`sessions`, `portions`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from fleet_assets.contracts.charging import PERIOD_STATES
from fleet_assets.core.charging.states import AWAY
from fleet_assets.core.compiled import F64, I8, I64, helper, read_only
from fleet_assets.core.geo import great_circle_km

NEVER, PLUG_IN, BATTERY = 0, 1, 2
"""Whether a rise of charge without power may be a charge: never without a cable; a plug-in's engine charges too."""

_NUMBERS = {
    "charging_s": "charging_s", "ac_kwh": "ac_kwh", "battery_kwh": "battery_kwh", "peak_kw": "peak_power_kw",
    "first_km": "first_odometer_km", "last_km": "last_odometer_km", "first_lat": "first_latitude_deg",
    "first_lon": "first_longitude_deg", "lat": "latitude_deg", "lon": "longitude_deg",
}  # fmt: skip
"""Arrays of numbers, by the columns that they are."""

_CHARGES_BY_RISE = {"ice": NEVER, "hev": NEVER, "phev": PLUG_IN, "bev": BATTERY}


class Pieces(NamedTuple):
    """Periods; instants are us, -1 where there is none; numbers NaN."""

    vehicle: I64
    start: I64
    end: I64
    state: I8
    connected: I8
    readings: I64
    charging_s: F64
    ac_kwh: F64
    battery_kwh: F64
    peak_kw: F64
    first_ac_at: I64
    first_ac_kw: F64
    last_ac_at: I64
    last_ac_kw: F64
    first_battery_at: I64
    first_battery_kw: F64
    last_battery_at: I64
    last_battery_kw: F64
    first_soc_at: I64
    first_soc: F64
    last_soc_at: I64
    last_soc: F64
    first_km: F64
    last_km: F64
    first_lat: F64
    first_lon: F64
    lat: F64
    lon: F64
    may_rise: I8


def pieces_of(periods: pl.DataFrame) -> Pieces:
    """The arrays of periods in order of vehicle and start, which hold `powertrain` too."""
    codes = periods["vehicle_id"].rle_id().cast(pl.Int64)
    may_rise = periods["powertrain"].replace_strict(_CHARGES_BY_RISE, default=BATTERY, return_dtype=pl.Int8)
    states = periods["state"].replace_strict(PERIOD_STATES, range(len(PERIOD_STATES)), return_dtype=pl.Int8)
    read = {
        f"{end}_{name}": column
        for end in ("first", "last")
        for name, unit in (("ac", "kw"), ("battery", "kw"), ("soc", "pct"))
        for name, column in (
            (f"{name}_at", _at(periods, f"{end}_{name}_at")),
            (name if unit == "pct" else f"{name}_kw", _f64(periods, f"{end}_{name}_{unit}")),
        )
    }
    columns: dict[str, Any] = read | {
        "vehicle": read_only(codes.to_numpy()),
        "start": _at(periods, "started_at"),
        "end": _at(periods, "ended_at"),
        "state": read_only(states.to_numpy()),
        "connected": read_only(periods["is_connected"].fill_null(value=False).cast(pl.Int8).to_numpy()),
        "readings": read_only(periods["reading_count"].to_numpy()),
        "may_rise": read_only(may_rise.to_numpy()),
    }
    columns |= {name: _f64(periods, column) for name, column in _NUMBERS.items()}
    return Pieces(**columns)


def _at(periods: pl.DataFrame, name: str) -> I64:
    return read_only(periods[name].dt.timestamp("us").fill_null(-1).to_numpy())


def _f64(periods: pl.DataFrame, name: str) -> F64:
    return read_only(periods[name].fill_null(np.nan).to_numpy())


@helper
def km_moved(p: Pieces, a: int, b: int) -> float:
    """How far the vehicle was driven between two pieces, by odometer, else position (km); any distance where it tells
    neither and was in use on both sides, none where it tells neither and was not."""
    before, after = p.last_km[a], p.first_km[b]
    if not (np.isnan(before) or np.isnan(after)):
        return float(abs(after - before))
    if not (np.isnan(p.lat[a] + p.lon[a]) or np.isnan(p.first_lat[b] + p.first_lon[b])):
        return float(great_circle_km(p.lat[a], p.lon[a], p.first_lat[b], p.first_lon[b]))
    return np.inf if p.state[a] == AWAY and p.state[b] == AWAY else 0.0
