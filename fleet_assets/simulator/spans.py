"""Spans of time: when buses are awake, and windows drawn at random within them.

Belongs here: intervals as pairs of arrays. Does not belong here: what happens in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleet_assets.simulator.blocks import ON, Columns
from fleet_assets.simulator.terrain import F64

JOINT_S = 1.5
"""s between two samples up to which the buses stay awake."""


@dataclass(frozen=True)
class Spans:
    """Intervals in s since 1970, both ends included, in order and apart."""

    start: F64
    end: F64


def awake_spans(samples: Columns, mode: float = ON) -> Spans:
    """Stretches without a pause in one mode: switched on (a sample a second), or charging (block by block)."""
    time, block = (samples[name][samples["mode"] == mode] for name in ("time", "block"))
    if not len(time):
        return Spans(np.zeros(0), np.zeros(0))
    breaks = np.diff(time) > JOINT_S if mode == ON else np.diff(block) > 0
    first = np.concatenate(([True], breaks))
    last = np.concatenate((breaks, [True]))
    return Spans(time[first], time[last])


def draw_windows(spans: Spans, per_hour: float, length_s: tuple[float, float], rng: np.random.Generator) -> Spans:
    """Windows that begin anywhere in the spans, equally likely at every instant; those that overlap are one."""
    lengths = spans.end - spans.start
    total = float(lengths.sum())
    count = int(rng.poisson(per_hour * total / 3600))
    at = np.sort(rng.uniform(0, total, count))
    before = np.concatenate(([0.0], np.cumsum(lengths)))[:-1]
    which = np.searchsorted(before, at, side="right") - 1
    start = spans.start[which] + at - before[which]
    return merged(start, start + rng.uniform(*length_s, count))


def merged(start: F64, end: F64) -> Spans:
    """The spans that begin at `start`, in order; those that overlap are one."""
    if not len(start):
        return Spans(start, end)
    latest = np.maximum.accumulate(end)
    begins = np.concatenate(([True], start[1:] > latest[:-1]))
    return Spans(start[begins], latest[np.concatenate((begins[1:], [True]))])


def within(time: F64, spans: Spans) -> npt.NDArray[np.bool_]:
    """Whether each instant lies in one of the spans."""
    if not len(spans.start):
        return np.zeros(len(time), dtype=np.bool_)
    which = np.searchsorted(spans.start, time, side="right") - 1
    return (which >= 0) & (time <= spans.end[np.maximum(which, 0)])
