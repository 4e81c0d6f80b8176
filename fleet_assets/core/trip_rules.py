"""Rules of trips and standing: every threshold with its unit and source, and the version that names them.

Belongs here: `TripRules`, its form for the kernels, the hash. Does not belong here: code that applies a rule.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

CODE_VERSION = 4
"""Raised whenever the code, not a rule, changes what a trip or a standing period is."""

MICROS = 1_000_000


class Limits(NamedTuple):
    """The rules as plain numbers for compiled kernels; times in microseconds."""

    moving_above_kmh: float
    gps_moving_above_kmh: float
    leaves_place_km: float
    strays_km: float
    stuck_km: float
    arrives_km: float
    town_kmh: float
    stop: int
    silence: int
    bridge: int
    bridge_above_kmh: float
    odometer_wait: int
    ignition_off: int
    ignition_memory: int
    hold: int
    dense: int
    patience: int
    silence_most: int
    silence_factor: float
    cadence_steps: int
    cadence_known: int
    cadence_memory: int
    motion_hold: int
    max_speed_kmh: float
    holes_only: bool


@dataclass(frozen=True)
class TripRules:
    """When a vehicle moves, when a trip ends, and how its quantities are measured."""

    moving_above_kmh: float = 1.6
    """km/h of the vehicle's own speed: 1 mph, as NREL's fleet data are read."""
    gps_moving_above_kmh: float = 3.0
    """km/h of a receiver's speed: a standing receiver reports up to about 2 km/h."""
    leaves_place_m: float = 100.0
    """m from where it was up to a minute ago that count as movement, with positions only (trackintel 100); more after a
    longer time, by its root, as a parked receiver strays."""
    strays_m: float = 300.0
    """m from where it was that count as movement however long ago that was (Traccar 200-500): a receiver in a garage,
    with errors of 45 m to every side, strays that far once in hundreds of days."""
    stuck_m: float = 500.0
    """m by the speed without a change of odometer and position from which the speed is stuck."""
    arrives_m: float = 300.0
    """m between two rows that stand from which the vehicle drove in between: further than a parked receiver strays."""
    town_kmh: float = 20.0
    """km/h at which a vehicle gets on through a town with its lights: what is slower has stood."""
    stop_s: float = 300.0
    """s without movement that end a trip (Samsara, Traccar classic)."""
    silence_s: float = 300.0
    """s without data that end a trip at least (NREL: smallest hole between trips 317 s, largest inside one 296 s)."""
    silence_factor: float = 2.2
    """Multiple of a vehicle's usual step from which it is silent: one lost row is no silence."""
    silence_most_s: float = 1800.0
    """s of silence that end a trip whatever the cadence: what comes half an hour apart is not observed driving."""
    patience_s: float = 1320.0
    """s of silence that end a trip while the cadence is not known yet: a tracker may speak every ten minutes."""
    cadence_steps: int = 8
    """Newest steps in a state that its cadence is the median of: three lost rows in a row change nothing."""
    cadence_known: int = 4
    """Steps from which the cadence is known: the burst of rows when the ignition is switched on is shorter."""
    cadence_memory_s: float = 14_400.0
    """s that a cadence is remembered: a night of hourly words is forgotten before the next one."""
    dense_s: float = 10.0
    """s between rows up to which a row itself bounds a trip; where they are further apart, a bound is estimated
    between them."""
    bridge_s: float = 3600.0
    """s of silence at most that odometer and clock may bridge (Traccar no-data limit), driven or stood."""
    bridge_above_kmh: float = 10.0
    """km/h of mean speed over the silence from which the odometer shows that the vehicle drove on."""
    odometer_wait_s: float = 60.0
    """s after a silence in which the odometer may come back before the silence counts as an end."""
    ignition_off_s: float = 60.0
    """s of ignition off that end a trip; s of movement with the ignition off after which it is not trusted."""
    ignition_memory_s: float = 3600.0
    """s for which an "off", and the distrust in it, count: the end of a trip depends on the last hours only."""
    min_distance_km: float = 0.1
    """km below which it is no trip (VoltTracker 0.1 mi, TeslaMate 10 m)."""
    min_points: int = 2
    """Observed instants below which it is no trip (TeslaMate)."""
    hold_s: float = 60.0
    """s for which an observed value stands for what follows at least; `silence_factor` usual steps where it comes more
    seldom."""
    motion_hold_s: float = 30.0
    """s for which a better source of speed or position silences a worse one."""
    source_hold_s: float = 300.0
    """s for which a better source of any other quantity silences a worse one."""
    source_priority: tuple[str, ...] = ("can",)
    """Sources from best to worst; sources not named follow in alphabetical order."""
    max_speed_kmh: float = 250.0
    """km/h above which no road vehicle moves."""
    unseen_place_km: float = 0.5
    """km between two positions from which a vehicle drove unseen: more than a parked receiver drifts."""
    unseen_error_share: float = 0.3
    """Expected error of a straight line as the way of a drive that nobody saw: roads are 1.2 to 1.4 times as long."""
    odometer_error_km: float = 0.005
    """km of resolution at least: J1939 high resolution vehicle distance, 5 m per bit."""
    speed_error_share: float = 0.02
    """Expected error of an integrated speed: tyre wear and calibration, 1-3 %."""
    gps_error_share: float = 0.05
    """Expected error of a chain of positions: noise lengthens it, corners shorten it."""
    gps_speed_error_share: float = 0.08
    """Expected error of an integrated receiver's speed: rounded, and held at zero at a walking pace. It is more than a
    track's, so that a track of equal cover is preferred."""
    sampling_error_share: float = 0.35
    """Expected error of one moment's speed as the mean of the time around it, where rows come seldom."""
    speed_memory_s: float = 60.0
    """s after which a speed says nothing of what it was before: the way from one traffic light to the next."""
    chord_error_share: float = 0.06
    """Share of the way that straight lines of `speed_memory_s` cut off, and each doubling of that time again: they are
    always short, while errors of sampled speeds cancel out over trips."""
    sane_share: float = 0.2
    """Share by which an odometer may differ from a well covered speed integral; more is a fault."""
    sane_gps_share: float = 0.4
    """Share by which an odometer may differ from a well covered track, where no speed judges it; more is a fault."""
    sane_sampling_share: float = 0.1
    """Expected error of sampled speeds above which they do not judge an odometer: fewer than a dozen rows."""
    sane_coverage: float = 0.9
    """Share of the trip that speed or track must cover to judge the odometer."""
    time_error_share: float = 0.5
    """Expected error of the time moved as a measure of distance, where no speed is known: a town is not a motorway."""
    engine_on_rpm: float = 500.0
    """rpm above which the engine drives or has started (plug-in hybrids)."""
    level_window_s: float = 300.0
    """s at either end of a trip over which the tank level's median is taken."""
    level_noise_pct: float = 2.0
    """Points of tank level below which a fall says nothing about consumption."""
    rate_error_share: float = 0.05
    """Expected error of an integrated fuel rate."""
    max_fuel_lph: float = 500.0
    """l/h above which a step of the fuel counter is a jump (range of the contract)."""
    min_energy_coverage: float = 0.5
    """Share of the trip the battery power must cover; below it the state of charge is used."""
    soc_step_pct: float = 0.1
    """Points of charge that are its step at least: finer digits are computed, not measured."""
    soc_known_steps: float = 2.0
    """Steps of charge from which a change is known to be one: either end may be off by one."""
    soc_rated_steps: float = 5.0
    """Steps of charge from which a consumption is worked out: 5 steps are known to a fifth."""
    climb_smoothing_s: float = 15.0
    """s of the exponential mean over altitudes."""
    climb_hysteresis_m: float = 5.0
    """m of climb or descent that are more than the noise of a receiver's height."""
    min_electric_km: float = 0.8
    """km below which kWh per 100 km is null."""
    min_engine_km: float = 1.6
    """km below which l per 100 km is null."""
    default_timezone: str = "UTC"
    """IANA zone of a vehicle that states none; it decides local dates only."""
    is_cut_at_holes_only: bool = False
    """Only holes in the recording end a trip, and standing at its end is kept."""

    @classmethod
    def reference_holes(cls) -> TripRules:
        """The rules of NREL's reference trips: any movement counts, only holes of 300 s in the recording cut."""
        return cls(moving_above_kmh=0.0, gps_moving_above_kmh=0.0, min_distance_km=0.0, is_cut_at_holes_only=True)

    @cached_property
    def version(self) -> str:
        """Short hash of every rule and of the code's version."""
        text = json.dumps([CODE_VERSION, asdict(self)], sort_keys=True)
        return blake2b(text.encode(), digest_size=6).hexdigest()

    @property
    def limits(self) -> Limits:
        return Limits(
            moving_above_kmh=self.moving_above_kmh,
            gps_moving_above_kmh=self.gps_moving_above_kmh,
            leaves_place_km=self.leaves_place_m / 1000,
            strays_km=self.strays_m / 1000,
            stuck_km=self.stuck_m / 1000,
            arrives_km=self.arrives_m / 1000,
            town_kmh=self.town_kmh,
            stop=micros(self.stop_s),
            silence=micros(self.silence_s),
            bridge=micros(self.bridge_s),
            bridge_above_kmh=self.bridge_above_kmh,
            odometer_wait=micros(self.odometer_wait_s),
            ignition_off=micros(self.ignition_off_s),
            ignition_memory=micros(self.ignition_memory_s),
            hold=micros(self.hold_s),
            dense=micros(self.dense_s),
            patience=micros(self.patience_s),
            silence_most=micros(self.silence_most_s),
            silence_factor=self.silence_factor,
            cadence_steps=self.cadence_steps,
            cadence_known=self.cadence_known,
            cadence_memory=micros(self.cadence_memory_s),
            motion_hold=micros(self.motion_hold_s),
            max_speed_kmh=self.max_speed_kmh,
            holes_only=self.is_cut_at_holes_only,
        )


def micros(seconds: float) -> int:
    """Whole microseconds of a number of seconds."""
    return round(seconds * MICROS)
