"""Standing periods: stretches of one UTC day in which a vehicle was observed standing.

Belongs here: the stretches and what happened in them (engine, fuel, charger, place). Does not belong here: stays
between trips (`stops`), which are put together from these small rows instead of weeks of telemetry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import polars as pl

from fleet_assets.contracts.events import STANDING_PERIODS
from fleet_assets.contracts.reference import VEHICLES
from fleet_assets.core.cadence import silence_after, usual_step
from fleet_assets.core.compiled import F64, I8, I64, Mask, helper, kernel, read_only
from fleet_assets.core.fuel_use import FuelRules, litres_burned
from fleet_assets.core.integrals import Stretches, median_within, shared, time_in_state
from fleet_assets.core.motion import MOVING, STANDING, UNKNOWN
from fleet_assets.core.pace import Witnesses, km_between, moved_within, pace_at, witnesses
from fleet_assets.core.points import vehicle_ranges
from fleet_assets.core.thresholds import micros
from fleet_assets.core.track import Track, TrackRules, each_track

TELEMETRY_USED = (
    "speed_kmh", "gps_speed_kmh", "latitude_deg", "longitude_deg", "odometer_km", "is_ignition_on", "engine_speed_rpm",
    "fuel_rate_lph", "fuel_used_total_l", "is_charger_connected", "soc_pct",
)  # fmt: skip
"""Telemetry columns that a standing period is made of."""

TOLD = 2
"""State of a row that says nothing of motion, of a vehicle of which nothing else says that it moves."""


@dataclass(frozen=True)
class StandingRules(TrackRules):
    """When two observations of standing are one stretch; what moves, and which source says so, as for trips."""

    fuel: FuelRules = field(default_factory=FuelRules)
    gap_s: float = 3600.0
    """s between two standing observations up to which the vehicle counts as standing in between (hourly heartbeat)."""


def standing_periods(
    telemetry: pl.LazyFrame, rules: StandingRules, vehicles: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """Standing periods (contract STANDING_PERIODS, its order) of all days that `telemetry` holds.

    A period ends with a movement, where the vehicle was carried off unseen, with a silence longer than `gap_s`, and at
    midnight UTC; each day is a pure function of its own rows. Where nothing tells of motion, a running engine or a
    charger makes a period too; whether it really stood is for those to say who know what was driven. `vehicles`
    (VEHICLES) say which have an engine.
    Telemetry may come in any order; the work is done on collection, in batches of vehicles.
    """
    fleet = VEHICLES.empty().lazy() if vehicles is None else vehicles
    return pl.defer(partial(_collect_periods, telemetry, fleet, rules), schema=STANDING_PERIODS.schema)


def _collect_periods(telemetry: pl.LazyFrame, vehicles: pl.LazyFrame, rules: StandingRules) -> pl.DataFrame:
    ranges = vehicle_ranges(telemetry, TELEMETRY_USED)
    work = partial(periods_of, rules=rules)
    found = each_track(telemetry, TELEMETRY_USED, ranges, vehicles.collect(), rules, work)
    periods = pl.concat([STANDING_PERIODS.empty(), *found])
    return periods.sort(STANDING_PERIODS.order)


def periods_of(track: Track, rules: StandingRules) -> pl.DataFrame:
    """Standing periods (contract STANDING_PERIODS) of all days of one track, in order of vehicle and start.

    What moves is decided by the rules of the track, all else by `rules`.
    """
    join, daily = micros(rules.gap_s), track.by_day()
    points, thresholds, engine, charger = daily.points, daily.thresholds, daily.engine, daily.charger
    # A plugged-in vehicle stands, also one that says nothing but that it charges.
    is_plugged = (daily.states == UNKNOWN) & (charger == 1)
    states = read_only(np.where(is_plugged, STANDING, daily.states).astype(np.int8))
    seen = witnesses(points, states, thresholds)
    told = _told_states(points.vehicle, points.at, states, engine, thresholds.hold_us)
    table = _stretches(seen, told, join)
    stretches = Stretches(table[:, 0].copy(), table[:, 1].copy())
    columns = {
        "vehicle_id": points.vehicle_ids.gather(points.vehicle[stretches.first]),
        "started_at": daily.at[stretches.first],
        "ended_at": daily.at[stretches.last],
        "is_standing": _has_state(told, STANDING, stretches),
        "engine_on_s": _engine_on_s(seen, engine, stretches),
        "idle_fuel_l": litres_burned(daily, stretches, rules.fuel),
        "charger_s": time_in_state(daily.at, charger, 1, stretches, join, thresholds),
        "latitude_deg": median_within(daily.at, daily.column("latitude_deg"), stretches.first, stretches.last),
        "longitude_deg": median_within(daily.at, daily.column("longitude_deg"), stretches.first, stretches.last),
    }
    return pl.DataFrame(columns, nan_to_null=True).cast(STANDING_PERIODS.schema)


def _engine_on_s(seen: Witnesses, engine: I8, stretches: Stretches) -> F64:
    """Seconds with the engine running; NaN where no row of the stretch tells of an engine.

    Between the stretch and movement around it the time counts in which it stood already. Where rows are few, one stands
    for half of the usual step before it and after it; dense ones for `hold` after it.
    """
    if not len(engine):
        return np.full(len(stretches), np.nan)
    return _running_s(seen, engine, stretches.first, stretches.last)


@kernel
def _running_s(w: Witnesses, engine: I8, first: I64, last: I64) -> F64:
    seconds = np.full(len(first), np.nan)
    thresholds = w.thresholds
    for k in range(len(first)):
        usual = min(
            max(usual_step(w.vehicle, w.at, w.states, first[k], thresholds), 0), thresholds.silence_most_us // 2
        )
        reach, alone = max(thresholds.hold_us, int(thresholds.silence_factor * usual)), max(thresholds.hold_us, usual)
        running, before = 0.0, -1
        for i in range(first[k], last[k] + 1):
            if engine[i] < 0:
                continue
            if before >= 0:
                step = w.at[i] - w.at[before]
                was, is_now = engine[before] == 1, engine[i] == 1
                if step <= reach or (was and is_now):
                    part = shared(step, was, is_now, alone, max(thresholds.silence_us, reach), thresholds.dense_us)
                else:
                    part = shared(alone, was, is_now, alone, 0, thresholds.dense_us)
                running += part
            before = i
        if before >= 0:
            running += _around(w, engine, first[k], last[k], usual)
            seconds[k] = running / 1e6
    return seconds


@helper
def _around(w: Witnesses, engine: I8, first: int, last: int, usual: int) -> float:
    """Microseconds at the edges of a stretch in which it stood with its engine running."""
    half = usual / 2 if usual > w.thresholds.dense_us else 0.0
    before, after = first - 1, last + 1
    time = 0.0
    if engine[first] == 1 and before >= 0 and _touches(w, before, first, before):
        time += w.at[first] - w.at[before] - moved_within(w, before, first, pace_at(w, before, False))
    elif engine[first] == 1:
        time += half
    if engine[last] == 1 and after < len(w.at) and _touches(w, last, after, after):
        time += w.at[after] - w.at[last] - moved_within(w, last, after, pace_at(w, after, True))
    elif engine[last] == 1:
        time += half
    return time


@helper
def _touches(w: Witnesses, a: int, b: int, moving: int) -> bool:
    """Whether two neighbouring rows that come seldom, of which one moves, follow each other at the vehicle's pace."""
    if w.vehicle[a] != w.vehicle[b] or w.states[moving] != MOVING or w.at[b] - w.at[a] <= w.thresholds.dense_us:
        return False
    return bool(w.at[b] - w.at[a] < silence_after(w.vehicle, w.at, w.states, a, w.thresholds))


@kernel
def _told_states(vehicle: I64, at: I64, states: I8, engine: I8, hold: int) -> I8:
    """The states of motion, and TOLD where for a while nothing tells of motion while something tells of the engine."""
    told = states.copy()
    if len(engine) == 0:
        return told
    known = -1
    for i in range(len(at)):
        if states[i] != UNKNOWN:
            known = i
        elif engine[i] >= 0:
            is_open = known < 0 or vehicle[known] != vehicle[i] or states[known] != MOVING
            if is_open or at[i] - at[known] > hold:
                told[i] = TOLD
    return told


@kernel
def _stretches(w: Witnesses, states: I8, gap: int) -> I64:
    vehicle, at, dense = w.vehicle, w.at, w.thresholds.dense_us
    rows = np.empty((len(at), 2), dtype=np.int64)
    count = 0
    first = last = int(np.int64(-1))
    for i in range(len(at)):
        if first >= 0:
            ends = vehicle[i] != vehicle[last] or states[i] == MOVING or at[i] - at[last] > gap
            if ends or (at[i] - at[last] > dense and _is_elsewhere(w, last, i)):
                rows[count, 0], rows[count, 1] = first, last
                count += 1
                first = -1
        if states[i] == STANDING or states[i] == TOLD:
            first = i if first < 0 else first
            last = i
    if first >= 0:
        rows[count, 0], rows[count, 1] = first, last
        count += 1
    return rows[:count].copy()


@helper
def _is_elsewhere(w: Witnesses, a: int, b: int) -> bool:
    """Whether the vehicle drove between two rows: odometer or position say so, if nobody saw it move."""
    return bool(km_between(w, a, b) > w.thresholds.arrives_km)


def _has_state(states: I8, wanted: int, stretches: Stretches) -> Mask:
    """Per stretch whether any row is in the state."""
    counted = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(states == wanted)))
    found: Mask = counted[stretches.last + 1] > counted[stretches.first]
    return found
