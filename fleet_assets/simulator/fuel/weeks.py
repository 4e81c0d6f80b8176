"""Weeks: a vehicle's diary from the first shift of a plan to the end of it.

Belongs here: walking through shifts and calls. Does not belong here: legs and stock (`diary`).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from fleet_assets.simulator.fuel.diary import HARD_DAY, Diary, open_diary
from fleet_assets.simulator.fuel.habits import Call, shifts
from fleet_assets.simulator.fuel.incidents import Ongoing, happen, leak
from fleet_assets.simulator.fuel.plan import FuelFleetPlan
from fleet_assets.simulator.fuel.refuelling import provide, refuel_at_depot
from fleet_assets.simulator.fuel.vehicles import FuelVehicle

_DIARY_STREAM = 31
PREPARES_S = 120.0
"""s between coming back and leaving again, at least."""


def keep_diary(vehicle: FuelVehicle, plan: FuelFleetPlan) -> Diary:
    """Everything that one vehicle does and that is done to its tanks."""
    rng = np.random.default_rng([plan.seed, _DIARY_STREAM, vehicle.index])
    diary, ongoing = open_diary(vehicle, plan, rng), Ongoing()
    for shift in shifts(vehicle, plan, rng):
        diary.at = max(shift.departs, diary.at + PREPARES_S)
        diary.day_factor = float(np.exp(rng.normal(0, HARD_DAY)))
        for call in shift.calls:
            _call(diary, ongoing, call)
            if diary.is_over:
                break
        if diary.is_over:
            break
        refuel_at_depot(diary)
    _end(diary, ongoing)
    return diary


def _call(diary: Diary, ongoing: Ongoing, call: Call) -> None:
    meanwhile = partial(_meanwhile, ongoing=ongoing)
    # What is left in the tank decides on the way, so a theft comes first.
    diary.close(meanwhile)
    provide(diary, call.place, meanwhile)
    if not diary.is_over:
        diary.go(call.place, call.is_engine_left_on, meanwhile)
        diary.at = max(diary.at, diary.stay.start + call.stay_s)


def _meanwhile(diary: Diary, until: float, ongoing: Ongoing) -> None:
    leak(diary, ongoing, until)
    happen(diary, ongoing, until)


def _end(diary: Diary, ongoing: Ongoing) -> None:
    """Stand until the end of the plan."""
    end = diary.plan.end_s
    if diary.engine.is_running:
        diary.engine.stop(max(diary.at, diary.engine.times[-1][-1] + 1))
    if ongoing.leak_lph:
        ongoing.leak_end = min(ongoing.leak_end, end)
        leak(diary, ongoing, end)
