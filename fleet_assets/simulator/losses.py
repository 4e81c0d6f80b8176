"""Losses of lorries on CAN: what is taken out of a tank while a lorry stands switched off.

Belongs here: one stay's losses and their truth. Does not belong here: sizes (`fuel.losses`), the order of stays
(`journey`).
"""

from __future__ import annotations

import numpy as np

from fleet_assets.simulator.fuel.losses import LONG_S, THEFT_L, share_of_day, siphoning_size, theft_size
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.stays import Stay
from fleet_assets.simulator.truth import FuelLossTruth, instant
from fleet_assets.simulator.vehicles import Vehicle

MARGIN_S = 60.0
"""s between the ends of a stay and a loss."""
KEPT = 0.15
"""Share of the tank that is left, so that the lorry reaches a station."""
_STREAM = 4


def losses_rng(vehicle: Vehicle, plan: FleetPlan) -> np.random.Generator:
    """A stream of their own: a lorry that loses nothing drives as it would in a world without thieves."""
    return np.random.default_rng([plan.seed, _STREAM, vehicle.index])


def lose(
    vehicle: Vehicle, stay: Stay, until: float, litres: float, plan: FleetPlan, rng: np.random.Generator
) -> FuelLossTruth | None:
    """What is taken in the stay that ends at `until` (s since 1970), of `litres` in the tank."""
    free_from = stay.busy_until + MARGIN_S
    length = until - stay.started_at.timestamp()
    is_theft, is_siphoning = rng.random(2) < np.array([plan.thefts_per_day, plan.siphonings_per_day]) * share_of_day(
        length
    )
    if vehicle.kind != "ice" or stay.is_engine_left_on or not (is_theft or (is_siphoning and length >= LONG_S)):
        return None
    wanted, lasts = theft_size(rng) if is_theft else siphoning_size(rng)
    taken = min(wanted, litres - KEPT * vehicle.type.tank_l)
    latest = until - MARGIN_S - lasts
    if latest < free_from or (taken < wanted and taken < THEFT_L[0]):
        return None
    starts = float(rng.uniform(free_from, latest))
    return FuelLossTruth(
        vehicle_id=vehicle.vehicle_id,
        kind="theft" if is_theft else "siphoning",
        started_at=instant(starts),
        ended_at=instant(starts + lasts),
        zone_id=stay.place.zone_id,
        litres=taken,
        level_before_l=litres,
        level_after_l=litres - taken,
    )
