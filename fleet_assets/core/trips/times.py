"""Times: how long a trip moved, stood and idled, how often it was observed, and how much of it.

Belongs here: shares of a trip's duration. Does not belong here: what moves (`motion`) and where trips end.
"""

from __future__ import annotations

import numpy as np

from fleet_assets.core.cadence import hold_of_states
from fleet_assets.core.compiled import F64, I8, I64, Mask, kernel
from fleet_assets.core.integrals import shared, time_in_state
from fleet_assets.core.motion import MOVING
from fleet_assets.core.thresholds import Thresholds
from fleet_assets.core.trips.batch import TripBatch


def times_of(batch: TripBatch, km: F64) -> dict[str, object]:
    """Columns of TRIPS on time, of trips that drove so many kilometres."""
    track, trips, duration_s = batch.track, batch.trips, batch.duration_s
    counts = track.points.row_count
    rows, moved = _times_of(track.at, track.states, counts, trips.first, trips.last, track.thresholds)
    # What was driven took at least the time of the highest speed that was seen.
    with np.errstate(divide="ignore", invalid="ignore"):
        needed_s = np.where(batch.fastest_kmh > 0, km / batch.fastest_kmh * 3600, 0.0)
    moving_s = np.minimum(np.maximum(moved[:, 0] + batch.edges.moved_s, needed_s), duration_s)
    standing_s = np.minimum(moved[:, 1], duration_s - moving_s)
    return {
        "duration_s": duration_s,
        "moving_s": moving_s,
        "standing_s": standing_s,
        "unknown_s": duration_s - moving_s - standing_s,
        "idle_s": np.minimum(_idle_s(batch), standing_s),
        "point_count": rows[:, 0],
        "cadence_s": _cadence_s(batch, moved[:, 2], rows[:, 1]),
        "coverage_pct": _covered_pct(moved[:, 2] + batch.edges.moved_s, duration_s),
    }


def _covered_pct(covered_s: F64, duration_s: F64) -> F64:
    """Share of the duration within reach of an observation; all of a trip that is but one instant."""
    share = covered_s / np.maximum(duration_s, 1e-6)
    return np.where(duration_s > 0, np.clip(share * 100, 0, 100), 100.0)


def _cadence_s(batch: TripBatch, covered_s: F64, steps: I64) -> F64:
    """Mean seconds between two observations, those that enclose the trip included and silences left out."""
    at, edges = batch.track.at, batch.edges
    edge_s = batch.around.duration_s(at) - batch.trips.duration_s(at)
    every = steps + (edges.before >= 0) + (edges.after >= 0)
    return np.where(every > 0, (covered_s + edge_s) / np.maximum(every, 1), np.nan)


def _idle_s(batch: TripBatch) -> F64:
    """NaN where nothing says whether an engine runs, or where no row tells of standing with its engine known."""
    track, engine = batch.track, batch.track.engine
    if not len(engine):
        return np.full(len(batch.trips), np.nan)
    known = _any_known(engine, batch.trips.first, batch.trips.last)
    idle_s = time_in_state(track.at, track.idling, 1, batch.trips, track.thresholds.silence_us, track.thresholds)
    return np.where(known, idle_s, np.nan)


@kernel
def _times_of(
    at: I64, states: I8, row_count: I64, first: I64, last: I64, thresholds: Thresholds
) -> tuple[I64, F64]:  # fmt: skip
    """Per trip (telemetry rows, steps within reach of each other) and seconds (moving, standing, within reach).

    Between two observations of movement all the time counts: a longer silence within a trip was driven through.
    """
    dense, bridge = thresholds.dense_us, thresholds.bridge_us
    counts, seconds = np.zeros((len(first), 2), dtype=np.int64), np.zeros((len(first), 3))
    for k in range(len(first)):
        reach = hold_of_states(at, states, first[k], last[k], thresholds)
        moving = standing = covered = 0.0
        steps, rows, before = 0, row_count[first[k]], first[k]
        for i in range(first[k] + 1, last[k] + 1):
            step = at[i] - at[i - 1]
            covered += min(step, reach)
            steps += step <= reach
            rows += row_count[i]
            if states[i] < 0:
                continue
            step = at[i] - at[before]
            was, is_now = states[before] == MOVING, states[i] == MOVING
            if was and is_now and step <= bridge:
                moving += step
            else:
                moving += shared(step, was, is_now, reach, bridge, dense)
                standing += shared(step, not was, not is_now, reach, thresholds.silence_us, dense)
            before = i
        counts[k, 0], counts[k, 1] = rows, steps
        seconds[k, 0], seconds[k, 1], seconds[k, 2] = moving / 1e6, standing / 1e6, covered / 1e6
    return counts, seconds


@kernel
def _any_known(states: I8, first: I64, last: I64) -> Mask:
    known = np.zeros(len(first), dtype=np.bool_)
    for k in range(len(first)):
        for i in range(first[k], last[k] + 1):
            if states[i] >= 0:
                known[k] = True
                break
    return known
