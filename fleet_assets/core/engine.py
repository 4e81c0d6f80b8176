"""Engines: per instant, whether a combustion engine runs. One definition for trips, stops and what is made of them.

Belongs here: the choice of evidence (engine speed, ignition) by what drives the vehicle. Does not belong here: time and
fuel of idling (`trips.measures`, `standing`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.core.compiled import F64, I8, I64, kernel, read_only
from fleet_assets.core.motion import UNKNOWN
from fleet_assets.core.points import Points

ENGINE_ON_RPM = 500.0
"""rpm above which an engine drives or idles, and is not only turned."""

_LONG_AGO = -(2**62)
_NO_ENGINE = "bev"
_ELECTRIC = ("phev", "hev", _NO_ENGINE)


def engine_states(points: Points, fleet: pl.DataFrame, hold: int) -> I8:
    """Per instant 1 engine on, 0 off, UNKNOWN; an empty array where no engine signal was ever observed.

    Engine speed above 0 says on. Where none is known the ignition does, but of a vehicle with nothing but an engine
    only: a hybrid's, and a battery car's, is on while no engine runs. A vehicle whose `powertrain` the fleet does not
    state is electric if it ever gave a state of charge in these points. A battery car has no engine to be on or off.
    A value stands for `hold` us.
    """
    rpm, ignition = points.column("engine_speed_rpm"), points.column("is_ignition_on")
    powertrains = _powertrains(points, fleet)
    if len(ignition):
        ignition = _of(points.vehicle, ignition, ~np.isin(powertrains, _ELECTRIC))
    if len(rpm):
        rpm = _of(points.vehicle, rpm, powertrains != _NO_ENGINE)
    if not len(rpm) and not len(ignition):
        return np.empty(0, dtype=np.int8)
    return _engine_states(points.vehicle, points.at, rpm, ignition, hold)


def _powertrains(points: Points, fleet: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """Per vehicle of the points its powertrain; `hev` where charge was observed and nothing is stated, else `ice`."""
    stated = pl.DataFrame({"vehicle_id": points.vehicle_ids}).join(
        fleet.select("vehicle_id", "powertrain").unique("vehicle_id", keep="first"), on="vehicle_id", how="left",
        maintain_order="left",
    )["powertrain"]  # fmt: skip
    soc = points.column("soc_pct")
    has_charge = np.zeros(len(stated), dtype=np.bool_)
    if len(soc) and stated.null_count():
        has_charge[points.vehicle[~np.isnan(soc)]] = True
    found = stated.fill_null(pl.Series(np.where(has_charge, "hev", "ice")))
    return found.to_numpy().astype(np.str_)


def _of(vehicle: I64, values: F64, is_witness: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> F64:
    """The values of the vehicles for which they say something; nothing where there are none."""
    if is_witness.all():
        return values
    kept = read_only(np.where(is_witness[vehicle], values, np.nan))
    return kept if not np.isnan(kept).all() else kept[:0]


@kernel
def _engine_states(vehicle: I64, at: I64, rpm: F64, ignition: F64, hold: int) -> I8:
    states = np.full(len(at), UNKNOWN, dtype=np.int8)
    rpm_at = ignition_at = _LONG_AGO
    for i in range(len(at)):
        if i > 0 and vehicle[i] != vehicle[i - 1]:
            rpm_at = ignition_at = _LONG_AGO
        if len(rpm) > 0 and not np.isnan(rpm[i]):
            rpm_at = at[i]
            states[i] = 1 if rpm[i] > 0 else 0
        elif at[i] - rpm_at <= hold:
            states[i] = states[i - 1]
        elif len(ignition) > 0 and not np.isnan(ignition[i]):
            ignition_at = at[i]
            states[i] = 1 if ignition[i] > 0 else 0
        elif at[i] - ignition_at <= hold:
            states[i] = states[i - 1]
    return states
