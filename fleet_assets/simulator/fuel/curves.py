"""Curves over time: speed and fuel rate between knots, their integrals, and litres that flow in and out of a tank.

Belongs here: piecewise linear functions of time, evaluated at many instants at once. Does not belong here: what
happens (`diary`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fleet_assets.simulator.terrain import F64

EDGE_S = 0.001
"""s in which an engine starts or stops."""


@dataclass(frozen=True)
class Flow:
    """Litres that run into a tank (negative: out of it) evenly from `start` to `end` (s since 1970); tank 1 or 2."""

    start: float
    end: float
    litres: float
    tank: int = 1


@dataclass(frozen=True)
class Curve:
    """A quantity per hour that is linear between knots."""

    time: F64
    per_hour: F64

    def at(self, instants: F64) -> F64:
        """The quantity per hour at instants; 0 before the first knot and after the last."""
        if not len(self.time):
            return np.zeros(len(instants))
        return np.interp(instants, self.time, self.per_hour, left=0.0, right=0.0)

    def integral(self, instants: F64) -> F64:
        """What has come together since the first knot."""
        if len(self.time) < 2:
            return np.zeros(len(instants))
        length = np.diff(self.time)
        area = (self.per_hour[1:] + self.per_hour[:-1]) / 2 * length
        before = np.concatenate(([0.0], np.cumsum(area)))
        inside = np.clip(instants, self.time[0], self.time[-1])
        knot = np.clip(np.searchsorted(self.time, inside, side="right") - 1, 0, len(length) - 1)
        since = inside - self.time[knot]
        slope = (self.per_hour[knot + 1] - self.per_hour[knot]) / length[knot]
        total: F64 = (before[knot] + self.per_hour[knot] * since + slope * since**2 / 2) / 3600
        return total


@dataclass
class EngineLog:
    """An engine from key to key: knots of speed (km/h) and fuel rate (l/h), and when it ran."""

    idle_lph: float
    times: list[F64] = field(default_factory=list)
    speeds: list[F64] = field(default_factory=list)
    rates: list[F64] = field(default_factory=list)
    on: list[float] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    burned_l: float = 0.0
    """Litres burned up to the last knot."""

    @property
    def is_running(self) -> bool:
        return len(self.on) > len(self.off)

    def burned_by(self, at: float) -> float:
        """Litres burned up to an instant after the last knot, until which a running engine idles."""
        idles_s = max(at - float(self.times[-1][-1]), 0.0) if self.is_running else 0.0
        return self.burned_l + self.idle_lph * idles_s / 3600

    def start(self, at: float) -> None:
        if not self.is_running:
            self.on.append(at)
            self._add((at - EDGE_S, at), (0, 0), (0, self.idle_lph))

    def stop(self, at: float) -> None:
        if self.is_running:
            self.off.append(at)
            self._add((at, at + EDGE_S), (0, 0), (self.idle_lph, 0))

    def drive(self, times: F64, speed_kmh: F64, l_per_km: float) -> float:
        """Litres burned on a leg whose speed is linear between knots, 0 at both ends."""
        rates = self.idle_lph + l_per_km * speed_kmh
        self._add(times, speed_kmh, rates)
        return float(np.trapezoid(rates, times) / 3600)

    def work(self, start: float, end: float, lph: float) -> None:
        """Drive a machine while parked."""
        self._add((start, start + EDGE_S, end - EDGE_S, end), (0,) * 4, (self.idle_lph, lph, lph, self.idle_lph))

    def _add(self, times: F64 | Sequence[float], speeds: F64 | Sequence[float], rates: F64 | Sequence[float]) -> None:
        before = [(self.times[-1][-1:], self.rates[-1][-1:])] if self.times else []
        at, lph = (np.concatenate(parts) for parts in zip(*before, (times, rates), strict=True))
        self.burned_l += float(np.trapezoid(lph, at) / 3600)
        for log, values in ((self.times, times), (self.speeds, speeds), (self.rates, rates)):
            log.append(np.asarray(values, dtype=np.float64))

    def curves(self) -> tuple[Curve, Curve]:
        """Speed and fuel rate over all of it."""
        if not self.times:
            nothing = Curve(np.zeros(0), np.zeros(0))
            return nothing, nothing
        times = np.concatenate(self.times)
        return Curve(times, np.concatenate(self.speeds)), Curve(times, np.concatenate(self.rates))


def flowed(flows: Sequence[Flow], tank: int, instants: F64) -> F64:
    """Litres that have run into a tank up to each instant, less those that have run out of it."""
    chosen = [flow for flow in flows if flow.tank == tank]
    if not chosen:
        return np.zeros(len(instants))
    start, end, litres = (np.array([getattr(flow, name) for flow in chosen]) for name in ("start", "end", "litres"))
    rate = litres / (end - start)
    edges, change = np.concatenate((start, end)), np.concatenate((rate, -rate))
    order = np.argsort(edges, kind="stable")
    edges, slope = edges[order] - edges[order][0], np.cumsum(change[order])
    total = np.concatenate(([0.0], np.cumsum(slope[:-1] * np.diff(edges))))
    litres_then: F64 = np.interp(instants - start.min(), edges, total)
    return litres_then


def leg_speeds(distance_km: float, cruise_kmh: float, rng: np.random.Generator) -> tuple[F64, F64]:
    """Knots of one leg: s since its start and km/h, with halts, so that the area is the distance."""
    count = max(int(distance_km / cruise_kmh * 3600 / _PIECE_S), 3)
    speed = cruise_kmh * rng.uniform(0.5, 1.4, count)
    speed[rng.random(count) < _HALTS] = 0.0
    speed[count // 2] = cruise_kmh
    knots = np.concatenate(([0.0], speed, [0.0]))
    length = _PIECE_S * rng.uniform(0.6, 1.4, count + 1)
    area_km = float(((knots[1:] + knots[:-1]) / 2 * length).sum() / 3600)
    return np.concatenate(([0.0], np.cumsum(length * distance_km / area_km))), knots


_PIECE_S = 60.0
"""s of one piece of a leg."""
_HALTS = 0.08
"""Share of knots at which a leg halts; two in a row stand for about a minute."""
