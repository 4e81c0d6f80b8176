"""The truth about tanks: what happened to the fuel, which faults the senders had, and what each vehicle burned.

Belongs here: rows of truth, with how well each event could be seen at all. Does not belong here: finding it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from fleet_assets.contracts import TIMESTAMP
from fleet_assets.simulator.fuel.diary import Diary, Happening
from fleet_assets.simulator.fuel.faults import Fault, with_sizes
from fleet_assets.simulator.fuel.rows import Drawn, litres_in
from fleet_assets.simulator.fuel.senders import SETTLES_S, WANDER_SHARE, situation
from fleet_assets.simulator.fuel.vehicles import Sender
from fleet_assets.simulator.terrain import F64

NEAR_S = 3_600.0
"""s before and after an event from which its levels are taken."""
SETTLED_S = 3 * SETTLES_S
BURN_SPREAD, COUNTED_SPREAD = 0.10, 0.02
"""Spread of what was burned in between, without a counter and with one."""
WARMTH_K = 4.0
"""Kelvin by which two readings differ that lie more than an hour apart."""
LEGITIMATE = ("refuel", "transfer", "pto", "generator", "cans")
"""Kinds of events that nobody minds, as the label `is_legitimate` of an event says: the answer that a review of it
would give. `cans` looks like a theft and is told from one by that label only."""

_EVENTS = pl.Schema({
    "vehicle_id": pl.String(), "kind": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP,
    "litres": pl.Float64(), "tank": pl.Int64(), "level_before_l": pl.Float64(), "level_after_l": pl.Float64(),
    "zone_id": pl.String(), "is_engine_on": pl.Boolean(), "is_legitimate": pl.Boolean(), "series": pl.String(),
    "sender": pl.String(), "has_counter": pl.Boolean(), "reports_while_off": pl.Boolean(),
    "readings_before": pl.Int64(), "readings_after": pl.Int64(), "gap_s": pl.Float64(), "is_masked": pl.Boolean(),
    "noise_l": pl.Float64(), "snr": pl.Float64(),
})  # fmt: skip
_FAULTS = pl.Schema({
    "vehicle_id": pl.String(), "kind": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP,
    "size_pct": pl.Float64(),
})  # fmt: skip
_TRIPS = pl.Schema({
    "vehicle_id": pl.String(), "started_at": TIMESTAMP, "ended_at": TIMESTAMP, "distance_km": pl.Float64(),
    "fuel_burned_l": pl.Float64(),
})  # fmt: skip
_LOSSES = ("theft", "siphoning", "leak", "spill", "cans", "generator")
_VEHICLES = pl.Schema({
    "vehicle_id": pl.String(), "source": pl.String(), "sender": pl.String(), "segment": pl.String(),
    "tank_l": pl.Float64(), "tank_2_l": pl.Float64(), "has_counter": pl.Boolean(), "silence": pl.String(),
    "step_pct": pl.Float64(), "noise_pct": pl.Float64(), "slope_pct": pl.Float64(), "heat_pct_k": pl.Float64(),
    "first_l": pl.Float64(), "last_l": pl.Float64(), "fuel_burned_l": pl.Float64(), "refuelled_l": pl.Float64(),
    **{f"{kind}_l": pl.Float64() for kind in _LOSSES}, "distance_km": pl.Float64(), "row_count": pl.Int64(),
})  # fmt: skip

SCHEMAS = {"events": _EVENTS, "faults": _FAULTS, "trips": _TRIPS, "vehicles": _VEHICLES}
"""Tables of truth and their columns."""


def truth_of(diary: Diary, faults: Sequence[Fault], drawn: Drawn) -> dict[str, pl.DataFrame]:
    """The truth of one vehicle, a frame per table."""
    named = {"vehicle_id": diary.vehicle.vehicle_id}
    rows = {
        "events": [named | row for row in _events(diary, drawn)],
        "faults": [named | row for row in _faults(diary, faults)],
        "trips": [
            named | _times(leg.start, leg.end) | {"distance_km": leg.distance_km, "fuel_burned_l": leg.litres}
            for leg in diary.legs
        ],
        "vehicles": [named | _totals(diary, drawn)],
    }
    return {name: pl.DataFrame(found, schema=SCHEMAS[name]) for name, found in rows.items()}


def _times(start: float, end: float) -> dict[str, object]:
    return {"started_at": round(start * 1e6), "ended_at": round(end * 1e6)}


def _events(diary: Diary, drawn: Drawn) -> list[dict[str, object]]:
    happened = sorted(diary.happenings, key=lambda row: row.start)
    sight = _Sight(diary, drawn, happened)
    sender = diary.vehicle.sender
    return [
        {
            "kind": row.kind, **_times(row.start, row.end), "litres": row.litres, "tank": row.tank,
            "level_before_l": float(before), "level_after_l": float(after), "zone_id": row.place.zone_id,
            "is_engine_on": row.is_engine_on, "is_legitimate": row.kind in LEGITIMATE, "series": row.series or None,
            "sender": sender.kind, "has_counter": sender.has_counter, "reports_while_off": sender.reports_while_off,
            **sight.of(row),
        }
        for row, before, after in zip(happened, *_levels(diary, happened), strict=True)
    ]  # fmt: skip


def _levels(diary: Diary, happened: Sequence[Happening]) -> tuple[F64, F64]:
    """Litres in the tank of each happening (in both, if it concerns both) when it began and when it was over."""
    tank = np.array([row.tank for row in happened], dtype=np.int64)
    ends = []
    for name in ("start", "end"):
        time = np.array([getattr(row, name) for row in happened])
        first, second = (litres_in(diary, number, time) for number in (1, 2))
        ends.append(np.where(tank == 1, first, np.where(tank == 2, second, first + second)))
    return ends[0], ends[1]


class _Sight:
    """How well events can be seen: readings around them, and the spread of the difference of their levels."""

    def __init__(self, diary: Diary, drawn: Drawn, happened: Sequence[Happening]) -> None:
        self.diary, self.happened = diary, happened
        self.seen = drawn.time[drawn.is_level_true]
        now = situation(diary, self.seen)
        self.settled = self.seen[~now.is_moving & (now.since_s > SETTLED_S)]
        self.stays = np.array([stay.start for stay in diary.stays])
        self.departures = np.array([*(leg.start for leg in diary.legs), diary.plan.end_s])
        _, self.rate = diary.engine.curves()

    def of(self, row: Happening) -> dict[str, object]:
        before, after = self._readings(row)
        last, first = self._neighbours(row)
        noise = self._noise_l(row, before, after, last, first)
        return {
            "readings_before": before, "readings_after": after, "gap_s": first - last,
            "is_masked": any(
                other is not row and other.kind == "refuel" and other.start < first and other.end > last
                for other in self.happened
            ),
            "noise_l": noise, "snr": row.litres / noise,
        }  # fmt: skip

    def _readings(self, row: Happening) -> tuple[int, int]:
        """Settled readings of the same stay within an hour before and after."""
        number = max(int(np.searchsorted(self.stays, row.start, side="right")) - 1, 0)
        begins, ends = self.stays[number], self.departures[number]
        return (
            _count(self.settled, max(begins, row.start - NEAR_S), row.start),
            _count(self.settled, row.end, min(ends, row.end + NEAR_S)),
        )

    def _neighbours(self, row: Happening) -> tuple[float, float]:
        """The last level known before it and the first after it; the ends of the plan where there is none."""
        last = int(np.searchsorted(self.seen, row.start, side="right")) - 1
        first = int(np.searchsorted(self.seen, row.end))
        plan = self.diary.plan
        return (
            float(self.seen[last]) if last >= 0 else plan.start_s,
            float(self.seen[first]) if first < len(self.seen) else plan.end_s,
        )

    def _noise_l(self, row: Happening, before: int, after: int, last: float, first: float) -> float:
        """Standard deviation (l) of the difference of the two levels, as good as this sender can be."""
        sender, diary = self.diary.vehicle.sender, self.diary
        points = _variance(sender, before) + _variance(sender, after)
        if first - last > NEAR_S:
            points += (sender.heat_pct_k * WARMTH_K) ** 2
        size = diary.size(row.tank) if row.tank else diary.vehicle.capacity_l
        burned = float(np.diff(self.rate.integral(np.array([last, first])))[0])
        spread = (COUNTED_SPREAD if sender.has_counter else BURN_SPREAD) * burned
        return float(np.sqrt(points * (size / 100) ** 2 + spread**2))


def _count(time: F64, start: float, end: float) -> int:
    return max(int(np.searchsorted(time, end) - np.searchsorted(time, start)), 0)


def _variance(sender: Sender, readings: int) -> float:
    """Of one level (points squared) from so many settled readings of its stay; without any, from the road."""
    steps = sender.step_pct**2 / 12 + (WANDER_SHARE * sender.noise_pct) ** 2
    if readings:
        return steps + sender.noise_pct**2 / readings
    return steps + sender.slope_pct**2 + sender.slosh_pct**2 / 10


def _faults(diary: Diary, faults: Sequence[Fault]) -> list[dict[str, object]]:
    steps = sorted({fault.start for fault in faults})
    litres = litres_in(diary, 1, np.array(steps))
    levels = dict(zip(steps, (100 * litres / diary.vehicle.tank_l).tolist(), strict=True))
    return [
        {"kind": fault.kind, **_times(fault.start, fault.end), "size_pct": fault.size_pct}
        for fault in with_sizes(faults, levels)
    ]


def _totals(diary: Diary, drawn: Drawn) -> dict[str, object]:
    vehicle, sender, plan = diary.vehicle, diary.vehicle.sender, diary.plan
    ends = np.array([plan.start_s, plan.end_s])
    first, last = (litres_in(diary, 1, ends) + litres_in(diary, 2, ends)).tolist()
    lost = {f"{kind}_l": _litres(diary, kind) for kind in _LOSSES}
    return {
        "source": vehicle.source, "sender": sender.kind, "segment": vehicle.segment, "tank_l": vehicle.tank_l,
        "tank_2_l": vehicle.tank_2_l or None, "has_counter": sender.has_counter, "silence": sender.silence,
        "step_pct": sender.step_pct, "noise_pct": sender.noise_pct, "slope_pct": sender.slope_pct,
        "heat_pct_k": sender.heat_pct_k, "first_l": first, "last_l": last, "fuel_burned_l": diary.engine.burned_l,
        "refuelled_l": _litres(diary, "refuel"), **lost, "distance_km": sum(leg.distance_km for leg in diary.legs),
        "row_count": drawn.rows.height,
    }  # fmt: skip


def _litres(diary: Diary, kind: str) -> float:
    return sum((row.litres for row in diary.happenings if row.kind == kind), 0.0)


def joined(frames: Sequence[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """The truth of a fleet: every table over all vehicles."""
    return {
        name: pl.concat([schema.to_frame(), *(frame[name] for frame in frames)]) for name, schema in SCHEMAS.items()
    }
