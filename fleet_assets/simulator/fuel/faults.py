"""Faults: what makes a level wrong or silent although the tank is as it was.

Belongs here: spells and steps of faults, and what a reading becomes in them. Does not belong here: noise, slope, slosh
and heat, which every sender has (`senders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.fuel.diary import Diary, Stay
from fleet_assets.simulator.fuel.plan import FuelFleetPlan
from fleet_assets.simulator.fuel.vehicles import SOURCES, Sender
from fleet_assets.simulator.spans import Spans, merged, within
from fleet_assets.simulator.terrain import F64

FILLER_PCT = 76.8
"""Raw 192 of 250: seen for hours in recordings of delivery vans."""
FILLER_SHARE = 0.85
"""Share of the readings of a spell that are the filler; the rest is real."""
ZERO_S, FILLER_S, GAP_S, OUTAGE_S = (30.0, 43_200.0), (3_600.0, 28_800.0), (600.0, 21_600.0), (3_600.0, 36_000.0)
SILENT_AFTER_ZERO, SILENT_S = 0.3, (3_600.0, 86_400.0)
"""Chance that nothing at all follows a spell of zeros, and for how long."""
SWAP_PCT, SWAP_SCALE = (3.0, 10.0), (0.93, 1.07)
SCALES, SCALE_S = (0.8, 0.85, 0.9, 1.1), (43_200.0, 432_000.0)
KEY_OFF_S, KEY_ON_S = 120.0, 15.0
"""s after the key was turned in which a reading may mean nothing."""
_SOURCE_STREAM = 33


@dataclass(frozen=True)
class Fault:
    """One fault: s since 1970 (a step has no length), its size in points, where it is a step, and its scale."""

    kind: str
    start: float
    end: float
    size_pct: float | None = None
    scale: float = 1.0


SILENCES = ("gap", "outage")
"""Kinds of faults in which there are no rows."""
_SCALED = ("swap", "scale_change")


def draw_faults(diary: Diary, rng: np.random.Generator) -> list[Fault]:
    """Faults of one vehicle, its source's among them."""
    rates = diary.plan.rates
    zeros = _spells("zero", rates.zero, ZERO_S, diary.plan, rng)
    silent = [
        Fault("gap", zero.end, zero.end + float(rng.uniform(*SILENT_S)))
        for zero in zeros if rng.random() < SILENT_AFTER_ZERO
    ]  # fmt: skip
    fillers = _spells("filler", rates.filler, FILLER_S, diary.plan, rng)
    gaps = _spells("gap", rates.gap, GAP_S, diary.plan, rng)
    found = [*zeros, *silent, *fillers, *gaps, *_swaps(diary.plan, rng), *_parked_steps(diary, rng)]
    return sorted([*found, *source_faults(diary.plan, diary.vehicle.source)], key=lambda fault: fault.start)


def source_faults(plan: FuelFleetPlan, source: str) -> list[Fault]:
    """What happens to all vehicles of a source at the same time."""
    rng = np.random.default_rng([plan.seed, _SOURCE_STREAM, SOURCES.index(source)])
    outages = _spells("outage", plan.rates.outage, OUTAGE_S, plan, rng)
    changes = _spells("scale_change", plan.rates.scale_change, SCALE_S, plan, rng)
    return outages + [step for change in changes for step in _there_and_back(change, float(rng.choice(SCALES)))]


def _there_and_back(change: Fault, scale: float) -> list[Fault]:
    """Another scale at one minute, and the right one again at another."""
    first, last = (60.0 * round(at / 60) for at in (change.start, change.end))
    return [replace(change, start=at, end=at, scale=by) for at, by in ((first, scale), (last, 1 / scale))]


def _times(per_day: float, plan: FuelFleetPlan, rng: np.random.Generator) -> F64:
    return np.sort(rng.uniform(plan.start_s, plan.end_s, int(rng.poisson(per_day * plan.days))))


def _spells(
    kind: str, per_day: float, lasts_s: tuple[float, float], plan: FuelFleetPlan, rng: np.random.Generator
) -> list[Fault]:
    """Spells of which short ones are as likely as long ones (by the logarithm of their length)."""
    times = _times(per_day, plan, rng)
    lengths = np.exp(rng.uniform(np.log(lasts_s[0]), np.log(lasts_s[1]), len(times)))
    return [Fault(kind, float(at), float(at + length)) for at, length in zip(times, lengths, strict=True)]


def _swaps(plan: FuelFleetPlan, rng: np.random.Generator) -> list[Fault]:
    times = _times(plan.rates.swap, plan, rng)
    sizes = rng.uniform(*SWAP_PCT, len(times)) * rng.choice((-1, 1), len(times))
    scales = rng.uniform(*SWAP_SCALE, len(times))
    return [Fault("swap", float(at), float(at), float(size), float(scale))
            for at, size, scale in zip(times, sizes, scales, strict=True)]  # fmt: skip


def _parked_steps(diary: Diary, rng: np.random.Generator) -> list[Fault]:
    """Steps inside stays; what is drawn for an instant on the road does not happen."""
    times, slope = _times(diary.plan.rates.parked_step, diary.plan, rng), diary.vehicle.sender.slope_pct
    sizes = rng.normal(0, slope, len(times))
    stays = [(at, size, *_stay_at(diary, at)) for at, size in zip(times, sizes, strict=True)]
    return [Fault("parked_step", float(at), end, float(size)) for at, size, stay, end in stays if at < end and stay]


def _stay_at(diary: Diary, instant: float) -> tuple[Stay | None, float]:
    """The stay that began last, and when it ended."""
    begun = [number for number, stay in enumerate(diary.stays) if stay.start <= instant]
    if not begun:
        return None, 0.0
    ends = diary.legs[begun[-1]].start if begun[-1] < len(diary.legs) else diary.plan.end_s
    return diary.stays[begun[-1]], ends


def spans_of(faults: Sequence[Fault], kinds: Sequence[str]) -> Spans:
    """The times of faults of some kinds; those that overlap are one."""
    chosen = sorted((fault.start, fault.end) for fault in faults if fault.kind in kinds)
    starts, ends = (np.array([pair[side] for pair in chosen]) for side in (0, 1))
    return merged(starts, ends)


def shifted(time: F64, level: F64, faults: Sequence[Fault]) -> F64:
    """Levels (points) with the offsets and scales of steps in them."""
    for fault in faults:
        if fault.kind in _SCALED:
            since = time >= fault.start
            level = np.where(since, level * fault.scale + (fault.size_pct or 0.0), level)
        elif fault.kind == "parked_step":
            level = level + (fault.size_pct or 0.0) * ((time >= fault.start) & (time < fault.end))
    return level


def spoiled(
    time: F64, level: F64, faults: Sequence[Fault], keys: tuple[F64, F64], sender: Sender, rng: np.random.Generator
) -> tuple[F64, npt.NDArray[np.bool_]]:
    """Readings with zeros, fillers and nonsense around turns of the key (`keys`: on, off), and which are such."""
    chance, value = rng.random(len(time)), rng.uniform(0, 100, len(time))
    is_zero = within(time, spans_of(faults, ("zero",)))
    is_filler = within(time, spans_of(faults, ("filler",))) & (chance < FILLER_SHARE)
    is_nonsense = _after(time, keys[1], KEY_OFF_S, sender, rng) | _after(time, keys[0], KEY_ON_S, sender, rng)
    nonsense = np.where(value < 40, 0.0, np.where(value > 90, 100.0, value))
    level = np.where(is_nonsense, nonsense, level)
    level = np.where(is_filler, FILLER_PCT, np.where(is_zero, 0.0, level))
    return level, is_zero | is_filler | is_nonsense


def _after(time: F64, turns: F64, lasts_s: float, sender: Sender, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Readings soon after a turn of the key, of those turns after which the sender is confused."""
    confused = turns[rng.random(len(turns)) < sender.key_nonsense]
    if not len(confused):
        return np.zeros(len(time), dtype=np.bool_)
    turn = np.searchsorted(confused, time, side="right") - 1
    return (turn >= 0) & (time - confused[np.maximum(turn, 0)] <= lasts_s)


def with_sizes(faults: Sequence[Fault], level_at: dict[float, float]) -> list[Fault]:
    """Steps of a scale with the points by which they moved what was told of the level that was there."""
    return [
        replace(fault, size_pct=_moved(fault, level_at[fault.start], faults)) if fault.kind in _SCALED else fault
        for fault in faults
    ]


def _moved(step: Fault, level: float, faults: Sequence[Fault]) -> float:
    around = np.array([np.nextafter(step.start, 0), step.start])
    before, after = shifted(around, np.full(2, level), [fault for fault in faults if fault.kind in _SCALED])
    return float(after - before)
