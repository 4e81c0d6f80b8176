"""Energy out of the traction battery by the hour, while it was not charged.

Belongs here: what power and charge say of the time in which it was not charged. Does not belong here: when it was
(`charging.states`), what charging put in, and energy of trips (`energy`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from fleet_assets.core.charging.rules import ChargingRules
from fleet_assets.core.charging.states import CHARGING, PLUGGED, row_states, signals_of
from fleet_assets.core.compiled import F64, I8, I64, kernel, read_only
from fleet_assets.core.energy import EnergyRules
from fleet_assets.core.integrals import median_within, spacing_within
from fleet_assets.core.motion import MOVING
from fleet_assets.core.track import Track
from fleet_assets.core.use.hours import (
    SECONDS,
    Amounts,
    Hours,
    no_shares,
    put_each,
)
from fleet_assets.core.use.steps import rate_by_hour

POWER, SOC = 0, 1
SOURCES = ("power", "soc")

_CHARGING_RULES = ChargingRules()


def battery_columns(track: Track, hours: Hours, charging: I8, asked_s: F64, rules: EnergyRules) -> dict[str, F64 | I64]:
    """Columns of HOURLY_USE on energy, per slot: net kWh (NaN: not known) and its source (-1: none).

    By power where it covers enough of the time in which the vehicle spoke and was not charged (`asked_s`); else by the
    charge that was lost, times the capacity.
    """
    by_power = rate_by_hour(track, hours, track.battery_kw, charging)
    covered_s = by_power.column(SECONDS)
    is_covered = (covered_s > 0) & (covered_s >= rules.min_coverage * asked_s)
    by_charge = no_shares(hours)
    put_each(by_charge, hours, _charge_lost(track, charging, rules))
    kwh = np.where(by_charge.is_told, by_charge.column(0), np.nan)
    return {
        "energy_used_kwh": np.where(is_covered, by_power.total, kwh),
        "energy_source": np.where(is_covered, POWER, np.where(np.isnan(kwh), -1, SOC)),
    }


def charging_rows(track: Track) -> I8:
    """Per row 1 where the vehicle charges or is plugged in, by the rules of charging: what a charge put in is never
    taken for energy that came back."""
    states = row_states(signals_of(track), _CHARGING_RULES.own_thresholds)
    return read_only(((states == CHARGING) | (states == PLUGGED)).astype(np.int8))


def _charge_lost(track: Track, charging: I8, rules: EnergyRules) -> Amounts:
    """kWh that the battery lost between two readings of its charge, those left out between which it may have been
    charged."""
    soc, days = track.soc, track.by_vehicle
    noise = rules.soc_known_steps * np.maximum(spacing_within(soc, days), rules.soc_step_pct)
    rows, lost = _lost(track.points.vehicle, track.at, soc, track.states, charging, noise, track.thresholds.silence_us)
    reported = median_within(track.at, track.column("hv_capacity_kwh"), days.first, days.last)
    capacity = np.where(reported > 0, reported, _stated_kwh(track))
    vehicle = track.points.vehicle[rows[1]]
    kwh = lost / 100 * capacity[vehicle]
    known = ~np.isnan(kwh)
    return Amounts(vehicle[known], track.at[rows[0]][known], track.at[rows[1]][known], kwh[known])


def _stated_kwh(track: Track) -> F64:
    """Capacity of each vehicle of the points as the fleet states it; NaN where it states none."""
    known = track.fleet.select("vehicle_id", pl.col("battery_capacity_kwh").cast(pl.Float64)).unique(
        "vehicle_id", keep="first"
    )
    names = pl.DataFrame({"vehicle_id": track.points.vehicle_ids})
    return names.join(known, on="vehicle_id", how="left", maintain_order="left")["battery_capacity_kwh"].to_numpy()


@kernel
def _lost(
    vehicle: I64, at: I64, soc: F64, states: I8, charging: I8, noise: F64, silence: int
) -> tuple[I64, F64]:  # fmt: skip
    """Points of charge lost between two readings, against the lowest since the vehicle stood: a reading that flickers
    loses nothing. A rise counts while it moves only, and none over a silence, in which it may have been charged."""
    rows, lost = np.empty((2, len(at)), dtype=np.int64), np.empty(len(at))
    count, before, level = 0, -1, 0.0
    for i in range(len(soc)):
        if np.isnan(soc[i]):
            continue
        if before < 0 or vehicle[before] != vehicle[i]:
            before, level = i, soc[i]
            continue
        rows[0, count], rows[1, count], lost[count] = before, i, 0.0
        moved = (states[before] == MOVING or states[i] == MOVING) and at[i] - at[before] <= silence
        if charging[before] == 1 or charging[i] == 1:
            lost[count], level = np.nan, soc[i]
        elif moved or soc[i] < level:
            lost[count], level = level - soc[i], soc[i]
        elif soc[i] - level > noise[vehicle[i]]:
            lost[count], level = np.nan, soc[i]
        count += 1
        before = i
    return rows[:, :count].copy(), lost[:count].copy()
