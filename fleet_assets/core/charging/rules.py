"""Rules of charging: when a vehicle charges, what joins, and when a session is final."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from fleet_assets.contracts.charging import PATIENCE
from fleet_assets.core.cadence import CadenceRules
from fleet_assets.core.engine import ENGINE_ON_RPM
from fleet_assets.core.motion import MotionRules
from fleet_assets.core.rules_version import rules_version
from fleet_assets.core.thresholds import Thresholds, thresholds_of
from fleet_assets.core.track import TrackRules

CODE_VERSION = 2
"""Raised whenever the code, not a rule, changes what a session is."""


@dataclass(frozen=True)
class PeriodRules:
    """How rows of telemetry become stretches of one state."""

    charging_min_kw: float = 0.5
    """kW from which a vehicle charges; less keeps its electronics awake."""
    engine_on_rpm: float = ENGINE_ON_RPM
    """rpm above which an engine runs: what flows into the battery then does not come from a cable."""
    fresh_s: float = CadenceRules.hold_s
    """s for which a reading of motion, engine or power stands for what follows."""
    rest_s: float = 120.0
    """s of rest after which a vehicle is no longer in use: it stands at traffic lights for less."""
    rolling_out_s: float = 60.0
    """s after movement within which power into the battery is not taken for charging without a word of the charger."""
    quiet_s: float = 300.0
    """s without a row after which a stretch ends."""
    hole_s: float = CadenceRules.silence_most_s
    """s between two readings up to which both tell what was in between."""
    soc_cut_pct: float = 1.0
    """Points of charge by which a stretch without power ends: charging seen by the charge alone is known to a point."""


@dataclass(frozen=True)
class SessionRules:
    """How stretches become sessions."""

    pause_s: float = 900.0
    """s without power up to which it is one power session."""
    rise_min_pct: float = 2.0
    """Points of charge that a charge without power readings raises at least: a rebound at rest is 0.1 to 0.3 points."""
    rise_pause_s: float = 3600.0
    """s without a rise after which it is over: 1.4 kW raise 75 kWh by a point in 54 min."""
    rise_moved_min_pct: float = 15.0
    """Points it must have risen over a gap in which the vehicle drove as well: a descent of 2000 m gives a car 11."""
    rise_by_engine_pct_per_km: float = 1.0
    """Points per km more for a plug-in hybrid, whose engine charges too: 1 kWh in 10 km for a battery of 10 kWh."""
    moved_km: float = MotionRules.arrives_m / 1000
    """km by odometer or position from which a vehicle was moved in a gap."""
    edge_steps: float = 2.2
    """Usual steps of a session up to which the reading before it, or after it, bounds it (one row may be lost)."""
    patience_s: float = PATIENCE.total_seconds()
    """s of silence after which a session is final although nobody saw its end."""
    start_edge_s: float = 3600.0
    """s after the look-back's edge within which a first observation plugged in means that it was before as well."""


@dataclass(frozen=True)
class TypeRules:
    """Type of a charge: voltage first, power only without it."""

    l1_below_v: float = 150.0
    """V of alternating current below which it is L1 (SAE J1772: 120 V)."""
    dc_above_v: float = 480.0
    """V at the port above which it is direct current whatever the power: alternating current ends at 480 V."""
    dc_like_battery_share: float = 0.05
    """A port within this share of the battery's own voltage is joined to it: direct current."""
    dc_from_v: float = 280.0
    """V at the port below which it is not the traction battery of a car that charges by direct current."""
    l1_to_kw: float = 1.9
    dc_above_kw: float = 22.0


@dataclass(frozen=True)
class _OfCadence:
    """Of `CadenceRules`, which have a patience of their own."""

    dense_s: float


@dataclass(frozen=True)
class ChargingRules(TrackRules):
    """All rules of charging."""

    periods: PeriodRules = field(default_factory=PeriodRules)
    sessions: SessionRules = field(default_factory=SessionRules)
    types: TypeRules = field(default_factory=TypeRules)
    min_coverage: float = 0.5
    """Share of the charging time that battery power must cover; below it the charger's is used."""
    least_kwh: float = 0.1
    """kWh that battery power alone must tell where neither a cable nor a charger says a word."""
    curve_points: int = 60
    default_timezone: str = "UTC"
    """IANA zone of a vehicle that states none."""

    @cached_property
    def own_thresholds(self) -> Thresholds:
        """The numbers of these rules for kernels, and what of the cadence bounds a charge."""
        return thresholds_of(self.periods, self.sessions, _OfCadence(self.cadence.dense_s))

    @cached_property
    def version(self) -> str:
        """Names every rule and the code's version."""
        return rules_version(self, CODE_VERSION)
