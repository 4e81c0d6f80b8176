"""Refuelling: where and how much a vehicle takes, at a station or at its depot, at once or in steps.

Belongs here: fillings and their flows. Does not belong here: the way to a station (`diary`).
"""

from __future__ import annotations

from fleet_assets.simulator.fuel.curves import Flow
from fleet_assets.simulator.fuel.diary import Diary, Happening, Meanwhile
from fleet_assets.simulator.places import Place

LOW = 0.27
"""Share of the tank below which a vehicle goes to a station."""
RESERVE = 0.10
DEPOT_BELOW = 0.65
"""Share below which a vehicle that fills up at its depot does so at the end of a shift."""
FULL = (0.90, 0.98)
SIP_L, SIP_TANK_L = (10.0, 40.0), 200.0
"""Litres of a small filling, of a tank up to this size; a larger one gets as much more as it is larger."""
SIPS = 0.2
"""Chance of a small filling on a leg, of a driver who fills little and often."""
PUMP_STOP = 0.01
PUMP_STOP_S = (60.0, 110.0)
"""s at the pump of a stop so short that it lies inside a trip."""
TWO_STEPS = 0.15
PAUSE_S = (60.0, 480.0)
"""s between the two steps of one filling."""
ENGINE_ON = 0.08
DEPOT_LPM = 60.0
SPILL = (0.006, 0.015)
"""Share of the tank that runs over."""


def provide(diary: Diary, towards: Place, meanwhile: Meanwhile) -> None:
    """Before a leg: by way of a station, if the tank asks for it or the driver likes to."""
    vehicle, rng = diary.vehicle, diary.rng
    station = vehicle.city.nearest_station(diary.stay.place)
    left = diary.stock(1) - diary.way_l(station, towards)
    room, most = vehicle.capacity_l * FULL[0] - diary.stock(1) - diary.stock(2), _sip(diary)[1]
    if diary.usable_share() < LOW or left < RESERVE * vehicle.tank_l:
        _visit(diary, station, meanwhile, float(rng.uniform(*FULL)))
    elif room > most and vehicle.filling == "sips" and rng.random() < SIPS:
        _visit(diary, station, meanwhile, None)
    elif room > most and rng.random() < PUMP_STOP:
        _stop_at_the_pump(diary, station, meanwhile)


def refuel_at_depot(diary: Diary) -> None:
    """At the end of a shift, where the depot has a pump."""
    if diary.vehicle.filling == "depot" and diary.usable_share() < DEPOT_BELOW and not diary.engine.is_running:
        starts = diary.stay.free_from + float(diary.rng.uniform(60, 600))
        diary.at = _fill(diary, starts, _missing(diary, float(diary.rng.uniform(*FULL))), DEPOT_LPM)


def _sip(diary: Diary) -> tuple[float, float]:
    """Least and most litres of a small filling."""
    larger = max(diary.vehicle.capacity_l / SIP_TANK_L, 1.0)
    return larger * SIP_L[0], larger * SIP_L[1]


def _visit(diary: Diary, station: Place, meanwhile: Meanwhile, share: float | None) -> None:
    diary.go(station, bool(diary.rng.random() < ENGINE_ON), meanwhile)
    if diary.is_over:
        return
    litres = _missing(diary, share) if share else _split(diary, float(diary.rng.uniform(*_sip(diary))))
    starts = diary.stay.free_from + float(diary.rng.uniform(45, 180))
    diary.at = _fill(diary, starts, litres, diary.vehicle.pump_lpm) + float(diary.rng.uniform(90, 420))


def _stop_at_the_pump(diary: Diary, station: Place, meanwhile: Meanwhile) -> None:
    """A stop too short to end a trip: fill for two minutes at most and drive on."""
    lasts, rng = float(diary.rng.uniform(*PUMP_STOP_S)), diary.rng
    diary.go(station, True, meanwhile)
    if diary.is_over:
        return
    starts = diary.stay.start + float(rng.uniform(8, 15))
    litres = min(lasts / 60 * diary.vehicle.pump_lpm, sum(_missing(diary, FULL[1]).values()))
    _fill(diary, starts, _split(diary, litres), diary.vehicle.pump_lpm, may_pause=False)
    diary.at = starts + lasts + float(rng.uniform(5, 10))


def _missing(diary: Diary, share: float) -> dict[int, float]:
    """Litres per tank up to a share of it."""
    return {tank: max(share * diary.size(tank) - diary.stock(tank), 0.0) for tank in (1, 2) if diary.size(tank)}


def _split(diary: Diary, litres: float) -> dict[int, float]:
    """Litres over the tanks by the room they have."""
    room = _missing(diary, 1.0)
    return {tank: litres * space / sum(room.values()) for tank, space in room.items()}


def _fill(diary: Diary, starts: float, litres: dict[int, float], lpm: float, may_pause: bool = True) -> float:
    """Fill the tanks one after the other, now and then in two steps; returns when it is over (s since 1970)."""
    rng, total = diary.rng, sum(litres.values())
    if total < 1:
        return starts
    first = float(rng.uniform(0.4, 0.8)) if may_pause and rng.random() < TWO_STEPS else 1.0
    ends = starts
    for part in (first, 1 - first):
        for tank, volume in litres.items():
            if part * volume > 0:
                length = part * volume / lpm * 60
                diary.flow(Flow(ends, ends + length, part * volume, tank))
                ends += length
        if part == first < 1:
            ends += float(rng.uniform(*PAUSE_S))
    tank = 0 if len(litres) > 1 else 1
    diary.happenings.append(Happening("refuel", starts, ends, total, tank, diary.engine.is_running, diary.stay.place))
    diary.stay.free_from = _spill(diary, ends)
    return diary.stay.free_from


def _spill(diary: Diary, after: float) -> float:
    """Too much in the tank: some of it runs over."""
    rng = diary.rng
    if rng.random() >= diary.plan.rates.spill:
        return after
    litres = float(rng.uniform(*SPILL)) * diary.vehicle.tank_l
    starts, lasts = after + float(rng.uniform(5, 60)), float(rng.uniform(60, 180))
    diary.flow(Flow(starts, starts + lasts, -litres, 1))
    is_on = diary.engine.is_running
    diary.happenings.append(Happening("spill", starts, starts + lasts, litres, 1, is_on, diary.stay.place))
    return starts + lasts
