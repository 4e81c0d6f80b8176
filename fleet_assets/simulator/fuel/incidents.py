"""Incidents: thefts, siphoning, leaks and the honest ways in which fuel leaves a tank while a vehicle stands.

Belongs here: what can happen during a stay, with its litres and minutes. Does not belong here: failing senders
(`faults`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fleet_assets.simulator.fuel.curves import Flow
from fleet_assets.simulator.fuel.diary import Diary, Happening
from fleet_assets.simulator.fuel.losses import LONG_S, THEFT_L, share_of_day, siphoning_size, theft_size
from fleet_assets.simulator.terrain import F64

MARGIN_S = 120.0
"""s between two incidents and from the ends of a stay."""
KEPT = 0.08
"""Share of the tank that no hose reaches."""
SIPHONING_NIGHTS = (5, 15)
LEAK_LPH, LEAK_S = (0.1, 0.5), (2 * 86_400.0, 8 * 86_400.0)
CAN_L, CAN_S = (5.0, 20.0), (60.0, 300.0)
GENERATOR_LPH, GENERATOR_S = (1.2, 2.8), (3_600.0, 14_400.0)
PTO_LPH, PTO_S = (4.0, 9.0), (1_200.0, 7_200.0)
TRANSFER_LPM = 25.0
THEFT_ENGINE_ON = 0.2


@dataclass
class Ongoing:
    """What lasts longer than one stay: nights of siphoning still to come, and a leak."""

    siphoning_nights: int = 0
    series: int = 0
    leak_lph: float = 0.0
    leak_end: float = 0.0
    leaked_to: float = 0.0
    leaked: list[Flow] = field(default_factory=list)


@dataclass
class Span:
    """The time of a stay in which something can still happen (s since 1970)."""

    start: float
    end: float

    def place(self, lasts: float, rng: np.random.Generator) -> float | None:
        """Some instant at which something that lasts so long can begin; what comes next comes after it."""
        if self.end - self.start < lasts + MARGIN_S:
            return None
        begins = float(rng.uniform(self.start, self.end - lasts))
        self.start = begins + lasts + MARGIN_S
        return begins


def happen(diary: Diary, ongoing: Ongoing, until: float) -> None:
    """What happens in the stay that ends at `until`."""
    span = Span(diary.stay.free_from + MARGIN_S, until - MARGIN_S)
    length = until - diary.stay.start
    rates, rng, is_rest = diary.plan.rates, diary.rng, length >= LONG_S
    weight = share_of_day(length)
    # Every stay draws the same numbers, so that one rate changed moves no other incident's chance.
    chances = rng.random(len(_ACTS))
    for (name, act), chance in zip(_ACTS, chances, strict=True):
        if chance < getattr(rates, name) * weight:
            act(diary, span)
    _begin(diary, ongoing, rng.random(2), weight)
    if is_rest and ongoing.siphoning_nights:
        _siphon(diary, span, ongoing)


def _begin(diary: Diary, ongoing: Ongoing, chances: F64, weight: float) -> None:
    rates, rng = diary.plan.rates, diary.rng
    if not ongoing.siphoning_nights and chances[0] < rates.siphoning * weight:
        ongoing.siphoning_nights, ongoing.series = int(rng.integers(*SIPHONING_NIGHTS)), ongoing.series + 1
    if not ongoing.leak_lph and chances[1] < rates.leak * weight:
        ongoing.leak_lph = float(rng.uniform(*LEAK_LPH))
        ongoing.leaked_to = diary.stay.start
        ongoing.leak_end = min(diary.stay.start + float(rng.uniform(*LEAK_S)), diary.plan.end_s)


def leak(diary: Diary, ongoing: Ongoing, until: float) -> None:
    """What leaks up to an instant, driving or not; a leak that is over becomes a happening."""
    if not ongoing.leak_lph:
        return
    ends = min(until, ongoing.leak_end)
    litres = min(ongoing.leak_lph * (ends - ongoing.leaked_to) / 3600, _within_reach(diary, 1))
    if litres > 0:
        ongoing.leaked.append(Flow(ongoing.leaked_to, ends, -litres))
        diary.flow(ongoing.leaked[-1])
        ongoing.leaked_to = ends
    if until >= ongoing.leak_end and ongoing.leaked:
        total = -sum(flow.litres for flow in ongoing.leaked)
        start, end, place = ongoing.leaked[0].start, ongoing.leaked[-1].end, diary.stay.place
        diary.happenings.append(Happening("leak", start, end, total, 1, diary.engine.is_running, place))
        ongoing.leak_lph, ongoing.leaked = 0.0, []


def _within_reach(diary: Diary, tank: int) -> float:
    return max(diary.stock(tank) - KEPT * diary.size(tank), 0.0)


def _fuller(diary: Diary) -> int:
    return 2 if diary.stock(2) > diary.stock(1) else 1


def _take(diary: Diary, kind: str, span: tuple[float, float], litres: float, tank: int, series: str = "") -> None:
    start, end = span
    diary.flow(Flow(start, end, -litres, tank))
    is_on = diary.engine.is_running
    diary.happenings.append(Happening(kind, start, end, litres, tank, is_on, diary.stay.place, series))


def _theft(diary: Diary, span: Span) -> None:
    """10 to 150 l at once or within 40 minutes, now and then with the engine running."""
    rng, tank = diary.rng, _fuller(diary)
    wanted, lasts = theft_size(rng)
    runs = rng.random() < THEFT_ENGINE_ON
    litres = min(wanted, 0.9 * _within_reach(diary, tank))
    begins = span.place(lasts, rng) if litres >= THEFT_L[0] else None
    if begins is None:
        return
    starts_engine = runs and not diary.engine.is_running and span.end - begins - lasts > 2 * MARGIN_S
    if starts_engine:
        diary.engine.start(begins - MARGIN_S / 2)
    _take(diary, "theft", (begins, begins + lasts), litres, tank)
    if starts_engine:
        diary.engine.stop(begins + lasts + MARGIN_S / 2)


def _cans(diary: Diary, span: Span) -> None:
    """A driver fills cans for a machine, with the fleet's consent: the tank cannot tell it from a theft."""
    litres, lasts = float(diary.rng.uniform(*CAN_L)), float(diary.rng.uniform(*CAN_S))
    begins = span.place(lasts, diary.rng) if litres < _within_reach(diary, 1) else None
    if begins is not None:
        _take(diary, "cans", (begins, begins + lasts), litres, 1)


def _generator(diary: Diary, span: Span) -> None:
    """A cooling unit or heater that burns from the tank; no counter of the engine knows."""
    lasts, lph = float(diary.rng.uniform(*GENERATOR_S)), float(diary.rng.uniform(*GENERATOR_LPH))
    lasts = min(lasts, 0.8 * (span.end - span.start))
    litres = lph * lasts / 3600
    begins = span.place(lasts, diary.rng) if 0 < litres < _within_reach(diary, 1) else None
    if begins is not None:
        _take(diary, "generator", (begins, begins + lasts), litres, 1)


def _pto(diary: Diary, span: Span) -> None:
    """The parked engine drives a crane or a pump; rate and counter of the engine know."""
    lasts, lph = float(diary.rng.uniform(*PTO_S)), float(diary.rng.uniform(*PTO_LPH))
    lasts = min(lasts, 0.8 * (span.end - span.start))
    litres = lph * lasts / 3600
    begins = span.place(lasts, diary.rng) if lasts > MARGIN_S and litres < _within_reach(diary, 1) else None
    if begins is None:
        return
    was_on = diary.engine.is_running
    diary.engine.start(begins)
    diary.engine.work(begins + 1, begins + lasts - 1, lph)
    if not was_on:
        diary.engine.stop(begins + lasts)
    diary.happenings.append(Happening("pto", begins, begins + lasts, litres, 1, True, diary.stay.place))


def _transfer(diary: Diary, span: Span) -> None:
    """From the second tank to the first, where only a pump joins them."""
    if diary.vehicle.is_joined or not diary.vehicle.tank_2_l:
        return
    room = 0.95 * diary.size(1) - diary.stock(1)
    litres = min(float(diary.rng.uniform(0.3, 0.9)) * _within_reach(diary, 2), room)
    lasts = litres / TRANSFER_LPM * 60
    begins = span.place(lasts, diary.rng) if litres > 5 else None
    if begins is not None:
        diary.flow(Flow(begins, begins + lasts, litres, 1))
        _take(diary, "transfer", (begins, begins + lasts), litres, 2)


def _siphon(diary: Diary, span: Span, ongoing: Ongoing) -> None:
    """A few litres, this night as on others."""
    tank, (litres, lasts) = _fuller(diary), siphoning_size(diary.rng)
    begins = span.place(lasts, diary.rng) if litres < _within_reach(diary, tank) else None
    if begins is not None:
        ongoing.siphoning_nights -= 1
        series = f"{diary.vehicle.vehicle_id}/{ongoing.series}"
        _take(diary, "siphoning", (begins, begins + lasts), litres, tank, series)


_ACTS: tuple[tuple[str, Callable[[Diary, Span], None]], ...] = (
    ("transfer", _transfer), ("pto", _pto), ("theft", _theft), ("cans", _cans), ("generator", _generator),
)  # fmt: skip
"""What one stay can hold, with the name of its rate."""
