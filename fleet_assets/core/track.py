"""Tracks: the points of a batch of vehicles with what every detector asks of them, each computed once.

A detector (of trips, of standing periods) is a function of a track. `each_track` reads, orders and merges the telemetry
of one batch of vehicles after the other; what the first detector asks of a track, the next one finds computed. Memory
is bounded by the batch.

Belongs here: what several detectors share. Does not belong here: events and their rules (`trips`, `standing`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
import polars as pl

from fleet_assets.core.cadence import CadenceRules
from fleet_assets.core.compiled import F64, I8, I64, read_only
from fleet_assets.core.engine import engine_states
from fleet_assets.core.integrals import Stretches
from fleet_assets.core.merge import SourceRules
from fleet_assets.core.motion import STANDING, UNKNOWN, MotionRules, motion_states
from fleet_assets.core.pace import PaceRules, Witnesses, witnesses
from fleet_assets.core.points import Points, each_batch
from fleet_assets.core.position_outliers import DriftRules, Placed
from fleet_assets.core.state_of_charge import believed
from fleet_assets.core.thresholds import Thresholds, thresholds_of

_DAY = 86_400_000_000

Result = TypeVar("Result")


@dataclass(frozen=True)
class TrackRules:
    """How telemetry becomes a track: which source is believed, what moves, and how long a value stands."""

    sources: SourceRules = field(default_factory=SourceRules)
    cadence: CadenceRules = field(default_factory=CadenceRules)
    drift: DriftRules = field(default_factory=DriftRules)
    motion: MotionRules = field(default_factory=MotionRules)
    pace: PaceRules = field(default_factory=PaceRules)

    @cached_property
    def thresholds(self) -> Thresholds:
        """The numbers of these rules for kernels."""
        return thresholds_of(self.cadence, self.drift, self.motion, self.pace)


@dataclass(frozen=True)
class Track:
    """Points of some vehicles, the vehicles (VEHICLES), and what follows from both by the rules."""

    points: Points
    fleet: pl.DataFrame
    rules: TrackRules

    def __len__(self) -> int:
        return len(self.points)

    @property
    def at(self) -> I64:
        """Instants (us)."""
        return self.points.at

    def column(self, name: str) -> F64:
        """Values of a quantity; an empty array if it was never observed."""
        return self.points.column(name)

    @property
    def thresholds(self) -> Thresholds:
        return self.rules.thresholds

    @cached_property
    def by_vehicle(self) -> Stretches:
        """All rows of each vehicle, in order of their numbers."""
        vehicle = self.points.vehicle
        first = np.flatnonzero(np.concatenate((np.ones(1, dtype=np.bool_), vehicle[1:] != vehicle[:-1])))
        return Stretches(read_only(first), read_only(np.append(first[1:], len(vehicle)) - 1))

    @cached_property
    def states(self) -> I8:
        """Per point MOVING, STANDING or UNKNOWN."""
        return motion_states(self.points, self.thresholds)

    @cached_property
    def witnesses(self) -> Witnesses:
        """What every point says of way and speed."""
        return witnesses(self.points, self.states, self.thresholds)

    @cached_property
    def placed(self) -> Placed:
        """Every point with its position."""
        seen = self.witnesses
        return Placed(seen.vehicle, seen.at, seen.lat, seen.lon)

    @cached_property
    def engine(self) -> I8:
        """Per point 1 engine on, 0 off, UNKNOWN; an empty array where no engine signal was ever observed."""
        return engine_states(self.points, self.fleet, self.thresholds.hold_us)

    @cached_property
    def idling(self) -> I8:
        """Per point 1 standing with the engine on, 0 not, UNKNOWN; an empty array where no engine was ever observed."""
        states, engine = self.states, self.engine
        if not len(engine):
            return engine
        is_idling = ((states == STANDING) & (engine == 1)).astype(np.int8)
        return read_only(np.where((states == UNKNOWN) | (engine == UNKNOWN), np.int8(UNKNOWN), is_idling))

    @cached_property
    def charger(self) -> I8:
        """Per point 1 charger connected, 0 not, UNKNOWN."""
        connected = self.column("is_charger_connected")
        if not len(connected):
            return read_only(np.full(len(self), UNKNOWN, dtype=np.int8))
        return read_only(np.where(np.isnan(connected), UNKNOWN, connected > 0).astype(np.int8))

    @cached_property
    def soc(self) -> F64:
        """State of charge (%) without nonsense; an empty array if it was never observed."""
        return believed(self.points.vehicle, self.at, self.column("soc_pct"))

    @cached_property
    def battery_kw(self) -> F64:
        """Battery power, else voltage times current of the same instant; positive out of the battery."""
        power, volts, amps = (self.column(n) for n in ("hv_power_kw", "hv_voltage_v", "hv_current_a"))
        if not len(volts) or not len(amps):
            return power
        product: F64 = volts * amps / 1000
        return read_only(product if not len(power) else np.where(np.isnan(power), product, power))

    def by_day(self) -> Track:
        """The same points with every vehicle's UTC day as a vehicle of its own, so that no state passes midnight."""
        points = self.points
        day = points.at // _DAY
        days = int(day.max() - day.min()) + 1
        ids = points.vehicle_ids.repeat_by(days).explode() if days > 1 else points.vehicle_ids
        vehicle_day = points.vehicle * days + (day - day.min())
        return replace(self, points=replace(points, vehicle_ids=ids, vehicle=vehicle_day))


def each_track(
    telemetry: pl.LazyFrame, columns: Sequence[str], ranges: Sequence[tuple[str, str]], fleet: pl.DataFrame,
    rules: TrackRules, work: Callable[[Track], Result],
) -> list[Result]:  # fmt: skip
    """What `work` makes of the track of each range of vehicles (`points.vehicle_ranges`) that has any points, in the
    order of the ranges; see `points.each_batch`. Work for several detectors returns all they found."""
    return each_batch(telemetry, columns, ranges, rules.sources, partial(_work_on, work, fleet, rules))


def _work_on(work: Callable[[Track], Result], fleet: pl.DataFrame, rules: TrackRules, points: Points) -> Result:
    return work(Track(points, fleet, rules))
