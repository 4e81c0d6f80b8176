"""Blocks: stretches of time in which a vehicle's buses are awake, as columns of one sample a second.

Belongs here: the block of a leg and of a charge. Does not belong here: their order (`journey`), noise and gauges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.simulator.battery import CHARGE_STEP_S, CHARGER, Flow, charge_up, discharge
from fleet_assets.simulator.driving import wheel_power_kw
from fleet_assets.simulator.places import Place
from fleet_assets.simulator.powertrain import Use, drive
from fleet_assets.simulator.roads import Road
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.vehicles import Vehicle

Columns = dict[str, F64]

LAST_FRAMES_S = 3
"""s that the buses stay awake after the key is turned."""
CRANK_S = 3
"""s from the key to the running engine."""
PARKED_S = 60
"""s of frames after a charge is complete."""

ON, CHARGING = 1.0, 2.0
"""Values of the column `mode`."""


@dataclass(frozen=True)
class Stock:
    """What a vehicle has at a moment: share of charge, litres in the tank, coolant temperature (degC)."""

    charge: float
    litres: float
    coolant_c: float


@dataclass(frozen=True)
class Plug:
    """A charge that begins at `starts` and ends when the battery holds `target` of its charge, or at `ends` (s).

    `wall_kw` is the power at the charge port; on alternating current the charger loses a tenth of it.
    """

    place: Place
    starts: float
    ends: float
    wall_kw: float
    target: float


@dataclass(frozen=True)
class Leg:
    """A leg to be driven: instant (s) of its first movement, m/s per second, its road, s switched on before and after.

    `is_key_turned`: whether the vehicle is switched off at the end (else it idles until its next leg).
    """

    starts: float
    speed: F64
    road: Road
    before_s: int
    after_s: int
    was_asleep: bool = True
    is_key_turned: bool = True


def leg_block(vehicle: Vehicle, leg: Leg, stock: Stock) -> tuple[Columns, Stock]:
    """Samples of the leg with the time before and after it, and what is left then."""
    speed = np.concatenate((np.zeros(leg.before_s), leg.speed, np.zeros(leg.after_s)))
    count = len(speed)
    way = leg.road.at(np.cumsum(speed))
    ignition, running = np.ones(count), np.ones(count, dtype=np.bool_)
    if leg.was_asleep:
        running[:CRANK_S] = False
    if leg.is_key_turned:
        ignition[-LAST_FRAMES_S:] = 0.0
        running[-LAST_FRAMES_S:] = False
    wheel = wheel_power_kw(speed, way.pop("gradient"), vehicle)
    use = drive(vehicle, speed, wheel, stock.charge, running)
    columns = way | _engine(use, count) | _battery(use.battery, stock.charge, count)
    columns |= {"time": leg.starts - leg.before_s + np.arange(count, dtype=np.float64), "step": np.ones(count),
                "speed": speed, "wheel_kw": wheel, "mode": np.full(count, ON), "ignition": ignition}  # fmt: skip
    columns["litres"] = stock.litres - np.cumsum(columns["fuel_lph"]) / 3600
    columns["coolant"] = _warmed(stock.coolant_c, columns["rpm"])
    return _complete(columns), _left(columns)


def charge_block(vehicle: Vehicle, plug: Plug, stock: Stock) -> tuple[Columns, Stock]:
    """Samples of a charge, a sample per 10 s, and what is in the battery then."""
    battery = vehicle.type.battery
    assert battery is not None
    is_dc = plug.wall_kw > battery.ac_charge_kw
    loss = 1.0 if is_dc else CHARGER
    power = charge_up(battery, stock.charge, plug.target, plug.wall_kw * loss, plug.ends - plug.starts)
    spare_s = plug.ends - plug.starts - len(power) * CHARGE_STEP_S
    spare = int(max(min(PARKED_S, spare_s), 0) / CHARGE_STEP_S)
    power = np.concatenate((power, np.zeros(spare)))
    count = len(power)
    columns = _battery(discharge(battery, power, stock.charge, CHARGE_STEP_S), stock.charge, count)
    columns |= {"time": plug.starts + np.arange(count, dtype=np.float64) * CHARGE_STEP_S,
                "step": np.full(count, CHARGE_STEP_S), "x": np.full(count, plug.place.x),
                "y": np.full(count, plug.place.y), "mode": np.full(count, CHARGING),
                "height": _heights(vehicle, plug.place, count),
                "litres": np.full(count, stock.litres), "coolant": np.full(count, stock.coolant_c),
                "plugged": np.ones(count), "charger_kw": -power / loss,
                "charger_v": np.full(count, 230.0) if not is_dc else columns["hv_v"],
                "charge_state": np.where(power < 0, 2.0 if is_dc else 1.0, 3.0)}  # fmt: skip
    return _complete(columns), _left(columns)


def _heights(vehicle: Vehicle, place: Place, count: int) -> F64:
    return np.repeat(vehicle.city.terrain.heights(np.array([place.x]), np.array([place.y])), count)


def _engine(use: Use, count: int) -> Columns:
    if use.engine is None:
        return {name: np.zeros(count) for name in ("rpm", "load", "fuel_lph")}
    return {"rpm": use.engine.rpm, "load": use.engine.load_pct, "fuel_lph": use.engine.fuel_lph}


def _battery(flow: Flow | None, charge: float, count: int) -> Columns:
    if flow is None:
        nothing = np.zeros(count)
        return {"hv_kw": nothing, "hv_v": nothing, "hv_a": nothing, "charge": np.full(count, charge)}
    return {"hv_kw": flow.power_kw, "hv_v": flow.volts, "hv_a": flow.amps, "charge": flow.charge}


def _warmed(start_c: float, rpm: F64) -> F64:
    """Coolant that comes to 88 degC within minutes of running; it keeps its warmth in the pauses of a leg."""
    running_s = np.cumsum((rpm > 0).astype(np.float64))
    temperature: F64 = 88 + (start_c - 88) * np.exp(-running_s / 420)
    return temperature


_COLUMNS = (
    "time", "step", "mode", "ignition", "speed", "wheel_kw", "x", "y", "height", "heading", "rpm", "load", "fuel_lph",
    "litres", "coolant", "hv_kw", "hv_v", "hv_a", "charge", "plugged", "charger_kw", "charger_v", "charge_state",
)  # fmt: skip


def _complete(columns: Columns) -> Columns:
    """All columns of a block; those that say nothing here are 0."""
    return {name: columns.get(name, np.zeros(len(columns["time"]))) for name in _COLUMNS}


def _left(columns: Columns) -> Stock:
    return Stock(*(float(columns[name][-1]) for name in ("charge", "litres", "coolant")))


def join_blocks(blocks: list[Columns]) -> Columns:
    """The samples of all blocks, one after the other, with the block's number in `block`."""
    if not blocks:
        return {name: np.zeros(0) for name in (*_COLUMNS, "block")}
    joined = {name: np.concatenate([block[name] for block in blocks]) for name in _COLUMNS}
    joined["block"] = np.repeat(np.arange(len(blocks), dtype=np.float64), [len(block["time"]) for block in blocks])
    return joined
