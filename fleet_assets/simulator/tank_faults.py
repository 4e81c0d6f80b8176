"""Faults of a lorry's tank sender: zeros that come and go, and nonsense soon after waking.

Belongs here: when it tells something that is not so, and what. Does not belong here: what a sound sender tells
(`gauges`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fleet_assets.simulator.blocks import ON, Columns
from fleet_assets.simulator.plan import FleetPlan
from fleet_assets.simulator.spans import Spans, awake_spans, draw_windows
from fleet_assets.simulator.terrain import F64
from fleet_assets.simulator.truth import SenderFaultTruth, instant
from fleet_assets.simulator.vehicles import Vehicle

ZERO_S = (60.0, 3_600.0)
WAKE_UP_S = (5.0, 30.0)
_STREAM = 5


def draw_tank_faults(samples: Columns, vehicle: Vehicle, plan: FleetPlan) -> list[SenderFaultTruth]:
    """The faults of one vehicle in order; only lorries have any."""
    if vehicle.kind != "ice":
        return []
    rng, on = np.random.default_rng([plan.seed, _STREAM, vehicle.index]), awake_spans(samples, ON)
    zeros = draw_windows(on, plan.tank_zeros_per_hour, ZERO_S, rng)
    confused = on.start[rng.random(len(on.start)) < plan.wake_up_nonsense]
    nonsense = Spans(confused, confused + rng.uniform(*WAKE_UP_S, len(confused)))
    told = {"zero": np.zeros(len(zeros.start)), "wake_up": rng.uniform(0, 100, len(confused))}
    rows = [
        SenderFaultTruth(vehicle.vehicle_id, kind, instant(float(start)), instant(float(end)), float(level))
        for kind, spans in (("zero", zeros), ("wake_up", nonsense))
        for start, end, level in zip(spans.start, spans.end, told[kind], strict=True)
    ]
    return sorted(rows, key=lambda row: row.started_at)


def spoiled(time: F64, level_pct: F64, faults: Sequence[SenderFaultTruth]) -> F64:
    """Levels with what is told in the times of faults; where the sender tells nothing, it goes on doing so."""
    for fault in faults:
        is_wrong = (time >= fault.started_at.timestamp()) & (time <= fault.ended_at.timestamp())
        level_pct = np.where(is_wrong & ~np.isnan(level_pct), fault.level_pct, level_pct)
    return level_pct
