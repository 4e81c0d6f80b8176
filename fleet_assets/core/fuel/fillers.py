"""Fillers: constant codes that a sender gives in place of a level, found by how readings jump to them and back.

Belongs here: which readings of one day are not believed. Does not belong here: levels (`plateaus`), and codes of a bus
that say themselves that they are none (`core.can`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_assets.core.compiled import F64, I64, Mask, helper, kernel

COARSEST = 0.2
"""Share of the scale that no step of a sender exceeds: gauges of eighths are the coarsest, and flicker by one."""

_KEYS = 50_002
"""Values that are told apart: 5,000 l in steps of 0.1 l, 100 % in steps of 0.002 points."""


@dataclass(frozen=True)
class FillerRules:
    """When a value is a code and not a level."""

    filler_jump_pct: float = 5.0
    """Points (of litres: of the day's highest level) that readings jump to a filler and back at least."""
    filler_jumps: int = 3
    """Excursions to one and the same value in a day from which it is a filler: one lorry of a delivery fleet sent raw
    192 (76.8 %) between real levels, dozens of times a day."""
    filler_share: float = 0.5
    """Share of the day's excursions that go to this value at least: slosh jumps to many values."""
    filler_long_s: float = 300.0
    """s that an excursion lasts to count as a long one; of those two are enough."""


def not_believed(vehicle: I64, at: I64, levels: F64, rules: FillerRules, is_litres: bool) -> Mask:
    """Per reading whether it is no level: exactly zero, or in a run of a filler. `vehicle` changes with the day, so
    that each day is judged by itself."""
    if not len(levels):
        return np.zeros(len(vehicle), dtype=np.bool_)
    long_us, share = int(rules.filler_long_s * 1e6), rules.filler_jump_pct / 100
    return _fillers(vehicle, at, levels, share, is_litres, rules.filler_jumps, rules.filler_share, long_us)


@kernel
def _fillers(
    vehicle: I64, at: I64, levels: F64, jump_share: float, is_litres: bool, jumps: int, share: float, long_us: int
) -> Mask:  # fmt: skip
    bad = np.zeros(len(levels), dtype=np.bool_)
    counts, longs = np.zeros(_KEYS, dtype=np.int64), np.zeros(_KEYS, dtype=np.int64)
    starts = np.empty(
        len(levels) + 1, dtype=np.int64
    )  # first rows of the runs of one value; memory is taken as written
    scale = (_KEYS - 2) / (5_000.0 if is_litres else 100.0)
    begin = 0
    while begin < len(levels):
        end = begin
        runs = 0
        last = -1
        nearest, top = np.inf, 0.0 if is_litres else 100.0
        while end < len(levels) and vehicle[end] == vehicle[begin]:
            value = levels[end]
            if not np.isnan(value):
                if value == 0.0:
                    bad[end] = True
                elif last < 0 or value != levels[last]:
                    if last >= 0:
                        nearest = min(nearest, abs(value - levels[last]))
                    top = max(top, value)
                    starts[runs] = end
                    runs += 1
                    last = end
            end += 1
        if runs > 2:
            starts[runs] = end
            # A sender of coarse steps goes to and fro between two of them; none is coarser than an eighth.
            jump = max(jump_share * top, min(1.5 * nearest, COARSEST * top))
            _mark_runs(at, levels, starts[: runs + 1], jump, scale, jumps, share, long_us, counts, longs, bad)
        begin = end
    return bad


@helper
def _mark_runs(
    at: I64, levels: F64, starts: I64, jump: float, scale: float, jumps: int, share: float, long_us: int,
    counts: I64, longs: I64, bad: Mask,
) -> None:  # fmt: skip
    """Marks the runs of fillers of one day. `counts` and `longs` are all zero before and after."""
    total = 0
    for k in range(1, len(starts) - 2):
        value, before, after = levels[starts[k]], levels[starts[k - 1]], levels[starts[k + 1]]
        away = min(abs(value - before), abs(value - after))
        if away > jump and abs(before - after) <= 0.3 * away:
            key = _key(value, scale)
            counts[key] += 1
            longs[key] += at[starts[k + 1]] - at[starts[k]] >= long_us
            total += 1
    for k in range(len(starts) - 1):
        value = levels[starts[k]]
        key = _key(value, scale)
        is_filler = (counts[key] >= jumps or longs[key] >= 2) and counts[key] >= share * total
        if is_filler and _is_jump(levels, starts, k, jump):
            for i in range(starts[k], starts[k + 1]):
                bad[i] = bad[i] or levels[i] == value
    for k in range(1, len(starts) - 2):
        key = _key(levels[starts[k]], scale)
        counts[key] = 0
        longs[key] = 0


@helper
def _key(value: float, scale: float) -> int:
    """Number of a value among those that are told apart; what lies beyond the scale is its end."""
    return int(min(max(value * scale, 0.0), _KEYS - 1.0))


@helper
def _is_jump(levels: F64, starts: I64, k: int, jump: float) -> bool:
    """Whether readings jumped to run k or away from it."""
    value = levels[starts[k]]
    came = k > 0 and abs(value - levels[starts[k - 1]]) > jump
    return bool(came or (k + 2 < len(starts) and abs(value - levels[starts[k + 1]]) > jump))
