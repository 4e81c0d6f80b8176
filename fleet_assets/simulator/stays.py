"""The truth of stays: stops between trips, and what was filled or charged in them.

Belongs here: rows of truth about standing. Does not belong here: deciding what happens (`journey`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from fleet_assets.simulator.battery import CHARGE_STEP_S
from fleet_assets.simulator.blocks import CHARGING, Columns, Stock
from fleet_assets.simulator.places import Place
from fleet_assets.simulator.truth import ChargeTruth, RefuelTruth, StopTruth, instant
from fleet_assets.simulator.vehicles import Vehicle

IDLING_S = 300.0
"""s of running engine from which a stay is idling."""
TO_THE_PUMP_S = 60.0
_LITRES_PER_S = {"ice": 1.2, "phev": 0.55}
"""Flow of a lorry's and of a car's pump: 72 and 33 l/min."""


@dataclass
class Stay:
    """A stay that goes on: since when, from when on its buses sleep (s), where, and what kind it has become."""

    started_at: datetime
    asleep_from: float
    place: Place
    is_engine_left_on: bool
    block: int
    """Number of the block that ends with its beginning."""
    kind: str = "parking"
    filled_until: float = 0.0
    """s since 1970 at which its filling was over."""

    @property
    def busy_until(self) -> float:
        """s since 1970 from which nobody is about any more."""
        return max(self.asleep_from, self.filled_until)


def stop_truth(vehicle: Vehicle, stay: Stay, ended_at: datetime, blocks: Sequence[Columns]) -> StopTruth:
    """The stay that ends with the next movement; `blocks` are those that lie in it or reach into it."""
    started, ended = stay.started_at.timestamp(), ended_at.timestamp()
    rpm, lph = (
        np.concatenate([block[name][(block["time"] > started) & (block["time"] <= ended)] for block in blocks])
        for name in ("rpm", "fuel_lph")
    )
    engine_on_s = float((rpm > 0).sum())
    is_idling = stay.kind == "parking" and engine_on_s >= IDLING_S
    latitude, longitude = vehicle.city.terrain.degrees(np.array([stay.place.x]), np.array([stay.place.y]))
    return StopTruth(
        vehicle_id=vehicle.vehicle_id,
        started_at=stay.started_at,
        ended_at=ended_at,
        zone_id=stay.place.zone_id,
        kind="idling" if is_idling else stay.kind,
        engine_on_s=engine_on_s,
        idle_fuel_l=float(lph.sum() / 3600) if vehicle.type.engine else None,
        latitude_deg=float(latitude[0]),
        longitude_deg=float(longitude[0]),
    )


def refuel_truth(vehicle: Vehicle, stay: Stay, litres: float, before_l: float) -> RefuelTruth:
    """A filling that begins soon after the vehicle is switched off."""
    starts = stay.asleep_from + TO_THE_PUMP_S
    return RefuelTruth(
        vehicle_id=vehicle.vehicle_id,
        started_at=instant(starts),
        ended_at=instant(starts + litres / _LITRES_PER_S[vehicle.kind]),
        zone_id=stay.place.zone_id,
        litres=litres,
        level_before_l=before_l,
        level_after_l=before_l + litres,
    )


def charge_truth(
    vehicle: Vehicle, stay: Stay, plugged: tuple[float, float], block: Columns, before: Stock
) -> ChargeTruth:
    """The charge whose samples are `block`, plugged in from plugged[0] to plugged[1] (s); `before`: what was left."""
    is_charging = (block["mode"] == CHARGING) & (block["hv_kw"] < 0)
    times = block["time"][is_charging]
    battery = vehicle.type.battery
    peak = float(block["charger_kw"].max())
    return ChargeTruth(
        vehicle_id=vehicle.vehicle_id,
        plugged_at=instant(plugged[0]),
        unplugged_at=instant(plugged[1]),
        started_at=instant(times[0]),
        ended_at=instant(times[-1] + CHARGE_STEP_S),
        zone_id=stay.place.zone_id,
        kind="dc" if battery is not None and peak > battery.ac_charge_kw * 1.01 else "ac",
        energy_charger_kwh=float(block["charger_kw"].sum() * CHARGE_STEP_S / 3600),
        energy_battery_kwh=float(-block["hv_kw"].sum() * CHARGE_STEP_S / 3600),
        peak_power_kw=peak,
        start_soc_pct=before.charge * 100,
        end_soc_pct=float(block["charge"][-1] * 100),
    )
