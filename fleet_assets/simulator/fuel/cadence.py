"""Cadence: the instants at which a tracker sends a row.

Belongs here: when. Does not belong here: what a row holds (`rows`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fleet_assets.simulator.fuel.diary import Diary
from fleet_assets.simulator.fuel.faults import SILENCES, Fault, spans_of
from fleet_assets.simulator.spans import within
from fleet_assets.simulator.terrain import F64

LAST_WORD_S = 1.0
"""s after the key was turned at which every tracker says so."""
JITTER = 0.2
"""Share of its period by which a row is sooner or later."""


def instants(diary: Diary, faults: Sequence[Fault], rng: np.random.Generator) -> F64:
    """Whole seconds since 1970 of a vehicle's rows: at its pace while switched on, slowly or never while off."""
    vehicle, plan, engine = diary.vehicle, diary.plan, diary.engine
    edges = np.ravel(np.column_stack((engine.on, engine.off)))
    bounds = np.concatenate(([plan.start_s], edges, [plan.end_s]))
    is_on = np.arange(len(bounds) - 1) % 2 == 1
    time = np.concatenate((
        _every(bounds[:-1][is_on], bounds[1:][is_on], vehicle.moving_s, rng),
        np.ceil(engine.off) + LAST_WORD_S,
        _every(bounds[:-1][~is_on], bounds[1:][~is_on], vehicle.off_s, rng)
        if vehicle.sender.silence != "all" else np.zeros(0),
    ))  # fmt: skip
    time = np.unique(np.round(time))
    time = time[(time >= plan.start_s) & (time < plan.end_s)]
    return time[~within(time, spans_of(faults, SILENCES))]


def _every(start: F64, end: F64, period_s: float, rng: np.random.Generator) -> F64:
    """Instants in spans: soon after their start, then every period with some jitter."""
    first = start + rng.uniform(0, min(period_s, 5.0), len(start))
    repeats = np.maximum(((end - first) / period_s).astype(np.int64) + 1, 0)
    number = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    jitter = rng.uniform(-JITTER, JITTER, len(number)) * period_s * (number > 0)
    time: F64 = np.repeat(first, repeats) + number * period_s + jitter
    is_inside = time < np.repeat(end, repeats)
    return time[is_inside]
